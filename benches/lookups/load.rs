//! Load generator: keep-alive connections with one request in flight each, all on one thread.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a response must look like.
#[derive(Clone)]
pub struct Expected {
    /// Status code.
    pub status: u16,
    /// Text that the head or the body contains; empty if nothing is checked.
    pub text: String,
    /// How many times the body contains the text, at least.
    pub count: usize,
}

impl Expected {
    /// Expects status 200 and a text in the head or the body.
    pub fn ok(text: impl ToString) -> Self {
        Self {
            status: 200,
            text: text.to_string(),
            count: 1,
        }
    }

    /// Panics with the response if it differs from what is expected.
    pub fn check(&self, response: &Response<'_>) {
        let body = || String::from_utf8_lossy(response.body);
        assert_eq!(response.status, self.status, "{}{}", response.head, body());
        if self.text.is_empty() || response.head.contains(&self.text) {
            return;
        }
        let found = body().matches(&self.text).take(self.count).count();
        assert!(
            found == self.count,
            "{} is not {} times in the response: {}{}",
            self.text,
            self.count,
            response.head,
            body()
        );
    }
}

/// A request and its expected response.
pub struct Request {
    /// The complete HTTP request.
    pub message: Vec<u8>,
    /// The expected response.
    pub expected: Expected,
}

impl Request {
    /// Sends the request; panics if the response differs from what is expected.
    pub async fn send(&self, connection: &mut Connection) {
        let response = connection.send(&self.message).await;
        self.expected.check(&response);
    }
}

/// Requests that are sent round-robin.
pub type Requests = Rc<Vec<Request>>;

/// Result of a run.
#[derive(Default)]
pub struct Outcome {
    /// Latency of each request, or of each whole flow, in microseconds.
    pub latencies: Vec<u32>,
    /// Duration of the run.
    pub seconds: f64,
}

impl Outcome {
    /// Returns requests (or flows) per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// Returns a percentile of the latencies in milliseconds; `share` is 0.99 for p99.
    pub fn percentile(&self, share: f64) -> f64 {
        percentile(&self.latencies, share)
    }
}

/// Returns a percentile of latencies in milliseconds; 0 if there are none.
pub fn percentile(micros: &[u32], share: f64) -> f64 {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let index = (sorted.len() as f64 * share) as usize;
    let latency = sorted.get(index.min(sorted.len().saturating_sub(1)));
    latency.map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

/// A keep-alive HTTP/1.1 connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response, borrowed from the connection's buffer.
pub struct Response<'buffer> {
    /// Status code.
    pub status: u16,
    /// Status line and headers.
    pub head: &'buffer str,
    /// Body.
    pub body: &'buffer [u8],
}

impl Response<'_> {
    /// Returns the values of a header, in order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Connection {
    /// Connects to a server.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            buffer: Vec::with_capacity(16 << 10),
        }
    }

    /// Sends a request and reads the whole response.
    pub async fn send(&mut self, message: &[u8]) -> Response<'_> {
        let sent = self.stream.write_all(message).await;
        sent.expect("an open connection");
        self.buffer.clear();
        let (head, length) = loop {
            self.read().await;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break (end + 4, content_length(&self.buffer[..end]));
            }
        };
        while self.buffer.len() < head + length {
            self.read().await;
        }
        let text = std::str::from_utf8(&self.buffer[..head]).expect("ASCII headers");
        Response {
            status: text[9..12].parse().expect("a status"),
            head: text,
            body: &self.buffer[head..],
        }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await;
        let bytes = read.expect("an open connection");
        assert!(bytes > 0, "the server closed the connection");
    }
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len())
        .position(|window| window == pattern)
}

/// Returns the `Content-Length`: the measured servers write it in lower case, and omit it if the body is empty.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let Some(start) = find(head, NAME) else {
        return 0;
    };
    head[start + NAME.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// Generates the load of one workload.
pub trait Driver {
    /// Does what the next run of this length needs, without being measured.
    fn prepare(&mut self, _length: Duration) {}

    /// Generates load for `length`. Panics at the first response that differs from what is expected.
    fn run(&mut self, length: Duration) -> Outcome;
}

/// Sends requests round-robin over several connections.
pub struct RequestDriver {
    /// Addresses over which the connections are distributed.
    pub addresses: Vec<SocketAddr>,
    /// The requests.
    pub requests: Requests,
    /// Number of connections.
    pub connections: usize,
}

impl Driver for RequestDriver {
    fn run(&mut self, length: Duration) -> Outcome {
        let client = |index: usize, address, end| {
            let requests: Requests = self.requests.clone();
            async move {
                let mut connection = Connection::open(address).await;
                let mut latencies = Vec::new();
                // Each connection starts with a different request.
                let mut next = index * 31;
                loop {
                    let request = &requests[next % requests.len()];
                    next += 1;
                    let start = Instant::now();
                    if start >= end {
                        return latencies;
                    }
                    request.send(&mut connection).await;
                    latencies.push(micros_since(start));
                }
            }
        };
        run_clients(&self.addresses, self.connections, length, client)
    }
}

/// Runs `client` once for each connection, concurrently on one thread. A client gets its index, an address and the end of the run,
/// and returns its latencies in microseconds.
pub fn run_clients<Client>(
    addresses: &[SocketAddr],
    connections: usize,
    length: Duration,
    client: impl Fn(usize, SocketAddr, Instant) -> Client,
) -> Outcome
where
    Client: Future<Output = Vec<u32>> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let start = Instant::now();
        let end = start + length;
        let tasks: Vec<_> = (0..connections)
            .map(|index| {
                let address = addresses[index % addresses.len()];
                tokio::task::spawn_local(client(index, address, end))
            })
            .collect();
        let mut outcome = Outcome::default();
        for task in tasks {
            let latencies = task.await.expect("a client without failures");
            outcome.latencies.extend(latencies);
        }
        outcome.seconds = start.elapsed().as_secs_f64();
        outcome
    })
}

/// Returns the microseconds since an instant.
pub fn micros_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX)
}
