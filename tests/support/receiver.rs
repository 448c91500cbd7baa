//! An HTTP server in this process that receives Doorward's requests, responds as the test configures, and records requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::WebSocket;
use tungstenite::protocol::Role;

use super::process::run;

/// How the server responds to every request.
#[derive(Clone)]
pub enum Behaviour {
    /// Sends these bytes.
    Answer(String),
    /// Sends 200 and an endless body.
    Endless,
    /// Sends these bytes; a WebSocket is opened instead, and its first message is echoed.
    Sockets(String),
    /// Sends no response.
    Silent,
}

/// A running server on 127.0.0.1, stopped when it is dropped.
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<String>>,
    sent: AtomicUsize,
    is_over: AtomicBool,
}

impl Receiver {
    /// Starts a plain HTTP server.
    pub fn http(behaviour: Behaviour) -> Self {
        Self::start(behaviour, None)
    }

    /// Starts an HTTPS server with this certificate.
    pub fn https(behaviour: Behaviour, certificate: &Certificate) -> Self {
        Self::start(behaviour, Some(Arc::new(certificate.server_config())))
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the requests so far, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().expect("a lock").clone()
    }

    /// Returns how many bytes of endless bodies were sent so far.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    fn start(behaviour: Behaviour, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a local address").port();
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, behaviour, tls) = (for_thread.clone(), behaviour.clone(), tls.clone());
                std::thread::spawn(move || shared.serve(stream, &behaviour, tls));
            }
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        if let Some(accepting) = self.accepting.take() {
            accepting.join().ok();
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, behaviour: &Behaviour, tls: Option<Arc<ServerConfig>>) {
        match tls {
            None => self.converse(stream, behaviour),
            Some(config) => {
                let connection = ServerConnection::new(config).expect("a connection");
                self.converse(StreamOwned::new(connection, stream), behaviour);
            }
        }
    }

    /// Errors are ignored: they mean that the client closed the connection.
    fn converse(&self, mut stream: impl Read + Write, behaviour: &Behaviour) {
        let Some(request) = read_request(&mut stream) else {
            return;
        };
        self.requests.lock().expect("a lock").push(request.clone());
        match behaviour {
            Behaviour::Sockets(_) if header(&request, "sec-websocket-key").is_some() => {
                let key = header(&request, "sec-websocket-key").unwrap_or_default();
                echo(stream, &key);
            }
            Behaviour::Answer(answer) | Behaviour::Sockets(answer) => {
                stream.write_all(answer.as_bytes()).ok();
                stream.flush().ok();
            }
            Behaviour::Endless => self.send_for_ever(&mut stream),
            // Waits until the client gives up.
            Behaviour::Silent => drop(stream.read(&mut [0])),
        }
    }

    fn send_for_ever(&self, stream: &mut impl Write) {
        let mut part = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        while stream.write_all(&part).is_ok() {
            self.sent.fetch_add(part.len(), Ordering::SeqCst);
            part = format!("400\r\n{}\r\n", "x".repeat(0x400)).into_bytes();
        }
    }
}

/// Returns the value of a header of a request.
pub fn header(request: &str, name: &str) -> Option<String> {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}

/// Opens a WebSocket (RFC 6455 §4.2.2), and echoes its first message.
fn echo(mut stream: impl Read + Write, key: &str) {
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let opened = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if stream.write_all(opened.as_bytes()).is_err() {
        return;
    }
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    if let Ok(message) = socket.read() {
        socket.send(message).ok();
        // Waits until the client closes the connection.
        while socket.read().is_ok() {}
    }
}

fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap_or("0");
        let length = length.lines().next().and_then(|line| line.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}

/// A certificate for `localhost`, issued by an authority of its own.
pub struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    /// Creates the authority and the certificate.
    pub fn make() -> Self {
        let folder = tempfile::TempDir::new().expect("a folder");
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command.current_dir(folder.path());
            run(command.args(arguments.split(' ')), "");
        };
        const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!(
            "req -x509 {KEY} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"
        ));
        openssl(&format!(
            "req -new {KEY} -subj /CN=localhost -keyout server.key -out server.csr"
        ));
        let extensions = "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\n";
        std::fs::write(folder.path().join("extensions"), extensions).expect("a file");
        openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
             -extfile extensions -out server.crt",
        );
        Self { folder }
    }

    /// Returns the file of the authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.file("ca.crt")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn server_config(&self) -> ServerConfig {
        let certificate = CertificateDer::from_pem_file(self.file("server.crt"));
        let key = PrivateKeyDer::from_pem_file(self.file("server.key"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.expect("a certificate")],
                key.expect("a key"),
            )
            .expect("a certificate with its key")
    }
}
