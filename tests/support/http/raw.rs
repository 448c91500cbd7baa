//! Requests that no HTTP library would send, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One connection.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects to this machine; each read waits for an answer no longer than this.
    pub fn open(port: u16, patience: Duration) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        Self(stream)
    }

    /// Sends bytes; false when the other side has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// The head of an answer. Less, or nothing, when the connection ends or stays silent.
    pub fn head(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") && matches!(self.0.read(&mut byte), Ok(1)) {
            bytes.push(byte[0]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// One answer: its head, and as much of its body as its length says.
    pub fn answer(&mut self) -> String {
        let head = self.head();
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).ok();
        format!("{head}{}", String::from_utf8_lossy(&body))
    }

    /// Everything until the other side ends the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an end");
        rest
    }

    /// Whether the other side has ended the connection within the time that reads wait; what it still sent is thrown away.
    pub fn is_closed(&mut self) -> bool {
        let mut part = [0; 4096];
        loop {
            match self.0.read(&mut part) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    let waited = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
                    return !waited.contains(&error.kind());
                }
            }
        }
    }
}
