//! Malformed and unusual requests, sent byte by byte, that no HTTP library would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A TCP connection.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects to this machine; `patience` is the timeout of each read.
    pub fn open(port: u16, patience: Duration) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        Self(stream)
    }

    /// Sends bytes; returns false if the peer has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Reads the head of a response. It is incomplete if the connection ends or a read times out.
    pub fn head(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") && matches!(self.0.read(&mut byte), Ok(1)) {
            bytes.push(byte[0]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads a response: its head, and the body according to its `Content-Length`.
    pub fn answer(&mut self) -> String {
        let head = self.head();
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).ok();
        format!("{head}{}", String::from_utf8_lossy(&body))
    }

    /// Reads until the peer closes the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("the rest");
        rest
    }

    /// Whether the peer closes the connection before a read times out; discards what it still sends.
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
