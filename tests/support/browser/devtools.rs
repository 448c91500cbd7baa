//! The DevTools protocol over one WebSocket: calls, their responses, and events.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket, client::client_with_config};

use crate::support::process::Deadline;

/// A connection to the browser, shared by its pages: while one waits for a response, the others wait for the lock.
pub struct DevTools {
    connection: Mutex<Connection>,
}

/// An event of a page.
#[derive(Clone)]
pub struct Event {
    /// Name of the event: `Domain.name`.
    pub method: String,
    /// Parameters of the event.
    pub params: Value,
    session: String,
}

struct Connection {
    socket: WebSocket<TcpStream>,
    calls: u64,
    events: Vec<Event>,
}

impl DevTools {
    /// Opens the WebSocket `url` on a connected stream.
    pub fn connect(stream: TcpStream, url: &str) -> Self {
        // Removes the size limits, because a screenshot is a single frame.
        let unlimited = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) =
            client_with_config(url, stream, Some(unlimited)).expect("a WebSocket to the browser");
        Self {
            connection: Mutex::new(Connection {
                socket,
                calls: 0,
                events: Vec::new(),
            }),
        }
    }

    /// Calls a method of the browser, or of the page of a session. Fails with the protocol's error, or when `bound` has passed.
    pub fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
        bound: Duration,
    ) -> Result<Value, String> {
        let deadline = Deadline::after(bound);
        let mut connection = self.lock();
        connection.calls += 1;
        let id = connection.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let sent = connection.socket.send(Message::text(message.to_string()));
        sent.map_err(|error| format!("{method}: {error}"))?;
        loop {
            let Some(mut answer) = connection
                .receive(&deadline)
                .map_err(|error| format!("{method}: {error}"))?
            else {
                return Err(format!("{method}: no answer within {bound:?}"));
            };
            // Skips the response to an earlier call, whose deadline has passed.
            if answer["id"] != id {
                continue;
            }
            return match answer.get("error") {
                Some(error) => Err(format!(
                    "{method}: {}",
                    error["message"].as_str().unwrap_or("refused")
                )),
                None => Ok(answer["result"].take()),
            };
        }
    }

    /// Returns all events of a session that have arrived so far.
    pub fn events(&self, session: &str) -> Vec<Event> {
        self.lock()
            .events
            .iter()
            .filter(|event| event.session == session)
            .cloned()
            .collect()
    }

    /// Waits for an event of a session, or finds one that has already arrived; returns false once `bound` has passed.
    pub fn wait_for_event(
        &self,
        session: &str,
        bound: Duration,
        wanted: impl Fn(&Event) -> bool,
    ) -> bool {
        let deadline = Deadline::after(bound);
        let mut connection = self.lock();
        loop {
            if connection
                .events
                .iter()
                .any(|event| event.session == session && wanted(event))
            {
                return true;
            }
            if !matches!(connection.receive(&deadline), Ok(Some(_))) {
                return false;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Returns the next message, or `None` once the deadline has passed. Events are stored.
    fn receive(&mut self, deadline: &Deadline) -> Result<Option<Value>, String> {
        loop {
            let Some(left) = deadline.remaining() else {
                return Ok(None);
            };
            self.socket
                .get_ref()
                .set_read_timeout(Some(left))
                .map_err(|error| error.to_string())?;
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value =
                        serde_json::from_str(&text).map_err(|error| error.to_string())?;
                    self.keep_event(&message);
                    return Ok(Some(message));
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn keep_event(&mut self, message: &Value) {
        let (Some(method), Some(session)) =
            (message["method"].as_str(), message["sessionId"].as_str())
        else {
            return;
        };
        // These are many, and no test uses them.
        if method.starts_with("Network.") {
            return;
        }
        let params = message["params"].clone();
        self.events.push(Event {
            method: method.to_owned(),
            params,
            session: session.to_owned(),
        });
    }
}
