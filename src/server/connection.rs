//! A TCP connection with bounded reads, and with timeouts for clients that send or read too slowly.
//!
//! The framework limits the time for the head of a connection's first request only, and reads up to 128 KiB ahead of the request
//! that is handled. This wrapper limits the time for the head of every request and the memory of all unfinished heads together,
//! leaves input in the socket that the current request is not waiting for, and closes the connection of a client that does not
//! read its response.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::open_connections::ConnectionSlot;
use super::refused_head::explained;
use crate::web::{MemoryReservation, RequestActivity};

/// How long the head of a request may take from its first byte.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may leave its response unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes are read before the framework gets a turn to parse them.
const BURST: usize = 8 << 10;
/// How many bytes of a head don't count towards the memory budget of all heads.
const SMALL_HEAD: usize = 8 << 10;

/// A connection as the framework reads and writes it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    activity: RequestActivity,
    /// How many requests had begun when the current head started.
    begun: u64,
    head_bytes: usize,
    head: MemoryReservation,
    head_timer: Timer,
    write_timer: Timer,
    write_timeout: Duration,
    burst: usize,
    /// Whether anything was read that the current request was not waiting for.
    has_read_ahead: bool,
    /// The rest of the response sent in place of the framework's refusal of a request head.
    explanation: Option<Vec<u8>>,
    _slot: ConnectionSlot,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, head: MemoryReservation, slot: ConnectionSlot) -> Self {
        Self {
            stream,
            activity: RequestActivity::default(),
            begun: 0,
            head_bytes: 0,
            head,
            head_timer: Timer::default(),
            write_timer: Timer::default(),
            write_timeout: WRITE_TIMEOUT,
            burst: 0,
            has_read_ahead: false,
            explanation: None,
            _slot: slot,
        }
    }

    pub(super) fn activity(&self) -> RequestActivity {
        self.activity.clone()
    }

    /// Resets the accounting of the current head once its request has begun.
    fn follow_requests(&mut self) {
        let begun = self.activity.begun();
        if begun != self.begun {
            self.begun = begun;
            self.head_bytes = 0;
            self.head.release();
            self.head_timer.stop();
        }
    }

    /// Writes to the client, and times out if the client doesn't read.
    fn write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.write_timer.stop();
            return written;
        }
        let timeout = self.write_timeout;
        self.write_timer.start(timeout);
        if self.write_timer.is_over(context) {
            tracing::info!(reason = "answer-not-read", "a connection is closed");
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Returns the response to send in place of the framework's refusal of the request head being read.
    fn explain(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let is_reading_head = self.head_bytes > 0
            && !self.activity.is_handled()
            && self.activity.begun() == self.begun;
        is_reading_head
            .then(|| explained(answer, self.head_bytes))
            .flatten()
    }

    /// Returns whether to leave further input in the socket, because the request that is handled is not waiting for it. Reading
    /// ahead once lets the framework notice that the client has closed the connection.
    fn is_paused(&mut self, context: &Context<'_>) -> bool {
        self.has_read_ahead &= self.activity.ignores_input();
        if self.has_read_ahead {
            self.activity.wake_on_resume(context.waker());
        }
        self.has_read_ahead
    }

    /// Counts the bytes read of a request head. Returns false if the memory budget of all heads is exhausted.
    fn note_head(&mut self, bytes: usize) -> bool {
        self.head_timer.start(HEAD_TIMEOUT);
        self.head_bytes = self.head_bytes.saturating_add(bytes);
        self.head_bytes <= SMALL_HEAD || self.head.grow(bytes)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.follow_requests();
        if self.is_paused(context) {
            return Poll::Pending;
        }
        if self.burst >= BURST {
            // The framework first handles what was read so far.
            self.burst = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            self.burst = 0;
            if !self.activity.is_handled() && self.head_timer.is_over(context) {
                tracing::info!(reason = "slow-head", "connection closed");
                // End of file, as if the client had closed the connection.
                return Poll::Ready(Ok(()));
            }
            return Poll::Pending;
        }
        ready!(read)?;
        let bytes = buffer.filled().len().saturating_sub(before);
        self.burst = self.burst.saturating_add(bytes);
        self.has_read_ahead = bytes > 0 && self.activity.ignores_input();
        if bytes > 0 && !self.activity.is_handled() && !self.note_head(bytes) {
            tracing::warn!(reason = "heads-hold-too-much", "connection closed");
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.explanation.is_none() {
            self.explanation = self.explain(bytes);
        }
        let Some(mut rest) = self.explanation.take() else {
            return self.write(context, bytes);
        };
        while !rest.is_empty() {
            match self.write(context, &rest) {
                Poll::Ready(Ok(written)) if written > 0 => {
                    rest.drain(..written.min(rest.len()));
                }
                Poll::Ready(Ok(_)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.explanation = Some(rest);
                    return Poll::Pending;
                }
            }
        }
        // The response is sent, so the framework closes the connection.
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A deadline that is set for every request and rarely reached. Setting it is cheap: the sleep is moved only when it elapses.
#[derive(Debug, Default)]
struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Starts the timer, unless it is running.
    fn start(&mut self, timeout: Duration) {
        self.deadline
            .get_or_insert_with(|| Instant::now() + timeout);
    }

    fn stop(&mut self) {
        self.deadline = None;
    }

    /// Whether the deadline has passed; otherwise the task is woken when it does.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline else {
            return false;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while sleep.as_mut().poll(context).is_ready() {
            if sleep.deadline() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::open_connections::Connections;
    use super::*;
    use crate::web::MemoryBudget;
    use futures_util::FutureExt;
    use prometheus::IntGauge;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A connection with this timeout for unread responses, and its client.
    async fn connect(write_timeout: Duration) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("a connection");
        let gauge = IntGauge::new("open", "open").expect("a gauge");
        let open = Connections::new(10, gauge).open();
        let head = MemoryBudget::new(1 << 20).reservation();
        let mut connection = Connection::new(stream, head, open);
        connection.write_timeout = write_timeout;
        (connection, client)
    }

    async fn write(connection: &mut Connection) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *connection).poll_write(context, &[0; 8 << 10])).await
    }

    #[tokio::test]
    async fn a_client_that_leaves_its_answer_unread_loses_the_connection() {
        let (mut connection, _client) = connect(Duration::ZERO).await;
        let mut written = 0;
        let error = loop {
            match write(&mut connection).await {
                Ok(bytes) => written += bytes,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(written > 0, "what fits between the two was written");
    }

    #[tokio::test]
    async fn a_client_that_reads_its_answer_slowly_keeps_the_connection() {
        let (mut connection, mut client) = connect(Duration::from_secs(3_600)).await;
        let waker = std::task::Waker::noop();
        let is_full = |connection: &mut Connection| {
            let mut context = Context::from_waker(waker);
            let written = Pin::new(connection).poll_write(&mut context, &[0; 8 << 10]);
            written.is_pending()
        };
        while !is_full(&mut connection) {
            tokio::task::yield_now().await;
        }
        assert!(connection.write_timer.deadline.is_some(), "the time runs");
        let reader = tokio::spawn(async move {
            let mut part = vec![0; 64 << 10];
            while client.read(&mut part).await.is_ok_and(|bytes| bytes > 0) {}
        });
        write(&mut connection).await.expect("room again");
        assert!(connection.write_timer.deadline.is_none(), "and begins anew");
        reader.abort();
    }

    async fn read(connection: &mut Connection) -> usize {
        connection.read(&mut [0; 1 << 10]).await.expect("bytes")
    }

    #[tokio::test]
    async fn input_that_the_request_does_not_wait_for_stays_in_the_socket() {
        let (mut connection, mut client) = connect(Duration::ZERO).await;
        let activity = connection.activity();
        client.write_all(&[0; 6 << 10]).await.expect("sent");
        assert_eq!(read(&mut connection).await, 1 << 10, "the head");
        activity.begin();
        assert_eq!(read(&mut connection).await, 1 << 10, "read ahead once");
        assert_eq!(read(&mut connection).now_or_never(), None);
        let (bytes, ()) = tokio::join!(read(&mut connection), async {
            tokio::task::yield_now().await;
            activity.set_awaits_body(true);
        });
        assert_eq!(bytes, 1 << 10, "the body");
        activity.set_awaits_body(false);
        assert_eq!(read(&mut connection).await, 1 << 10, "read ahead once");
        let (bytes, ()) = tokio::join!(read(&mut connection), async {
            tokio::task::yield_now().await;
            activity.end();
        });
        assert_eq!(bytes, 1 << 10, "the next head");
    }

    #[tokio::test]
    async fn a_timer_that_is_started_again_has_a_new_deadline() {
        let mut timer = Timer::default();
        let is_over =
            |timer: &mut Timer| timer.is_over(&mut Context::from_waker(std::task::Waker::noop()));
        assert!(!is_over(&mut timer), "it does not run");
        timer.start(Duration::ZERO);
        poll_fn(|context| {
            if timer.is_over(context) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        timer.start(Duration::from_secs(3_600));
        assert!(is_over(&mut timer), "it ran already");
        timer.stop();
        timer.start(Duration::from_secs(3_600));
        assert!(!is_over(&mut timer), "the first deadline is forgotten");
    }
}
