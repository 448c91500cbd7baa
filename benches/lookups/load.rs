//! The load: connections that are kept alive, each with one request under way, on one thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Requests to send in turn, and what each answer shall be.
#[derive(Clone)]
pub struct Requests {
    /// The bytes of each.
    pub all: Arc<Vec<Vec<u8>>>,
    /// What the service answers to them.
    pub status: u16,
    /// What stands in each answer's body.
    pub body_contains: &'static str,
}

/// What came back in a time.
#[derive(Default)]
pub struct Outcome {
    /// How long each took, in microseconds.
    pub latencies: Vec<u32>,
    /// How long all of it took.
    pub seconds: f64,
}

impl Outcome {
    /// Requests in a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// The latency that a share of the requests stayed within, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * share) as usize;
        let found = sorted.get(at.min(sorted.len().saturating_sub(1)));
        found.map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
    }
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The status and the body of an answer.
pub struct Answer<'buffer> {
    /// The status.
    pub status: u16,
    /// The header lines.
    pub head: &'buffer str,
    /// The body.
    pub body: &'buffer [u8],
}

impl Connection {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            buffer: Vec::with_capacity(16 << 10),
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        self.stream.write_all(request).await.expect("a request");
        self.buffer.clear();
        let (head, length) = loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("an answer") > 0, "the connection was closed");
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break (at + 4, content_length(&self.buffer[..at]));
            }
        };
        while self.buffer.len() < head + length {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("an answer") > 0, "the connection was closed");
        }
        let text = std::str::from_utf8(&self.buffer[..head]).expect("a head");
        Answer {
            status: text[9..12].parse().expect("a status"),
            head: text,
            body: &self.buffer[head..],
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// Of an answer's head; the servers here write it in lower case, or leave it out with an empty body.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let Some(at) = find(head, NAME) else {
        return 0;
    };
    head[at + NAME.len()..]
        .iter()
        .take_while(|letter| letter.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// Sends requests for a while over so many connections to each address; every answer must be as it shall be.
pub fn drive(
    addresses: &[SocketAddr],
    requests: &Requests,
    connections: usize,
    length: Duration,
) -> Outcome {
    let requests = requests.clone();
    each_connection(
        addresses,
        connections,
        length,
        move |index, address, end| {
            let requests = requests.clone();
            async move {
                let mut connection = Connection::open(address).await;
                let mut latencies = Vec::new();
                // Connections begin at different places and walk over all requests.
                let mut next = index * 31;
                loop {
                    let request = &requests.all[next % requests.all.len()];
                    next += 1;
                    let begun = Instant::now();
                    if begun >= end {
                        return latencies;
                    }
                    let answer = connection.ask(request).await;
                    assert_eq!(
                        answer.status,
                        requests.status,
                        "{}{}",
                        answer.head,
                        String::from_utf8_lossy(answer.body)
                    );
                    let said = requests.body_contains.as_bytes();
                    assert!(
                        said.is_empty() || find(answer.body, said).is_some(),
                        "{} is not in {}",
                        requests.body_contains,
                        String::from_utf8_lossy(answer.body)
                    );
                    latencies.push(micros(begun));
                }
            }
        },
    )
}

/// Runs a journey on each of so many connections until a time is over. It returns how long each of its turns took.
pub fn each_connection<Journey>(
    addresses: &[SocketAddr],
    connections: usize,
    length: Duration,
    journey: impl Fn(usize, SocketAddr, Instant) -> Journey,
) -> Outcome
where
    Journey: Future<Output = Vec<u32>> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let begun = Instant::now();
        let end = begun + length;
        let tasks: Vec<_> = (0..connections)
            .map(|index| {
                let address = addresses[index % addresses.len()];
                tokio::task::spawn_local(journey(index, address, end))
            })
            .collect();
        let mut outcome = Outcome::default();
        for task in tasks {
            let latencies = task.await.expect("a connection that lasts");
            outcome.add(Outcome {
                latencies,
                seconds: 0.0,
            });
        }
        outcome.seconds = begun.elapsed().as_secs_f64();
        outcome
    })
}

/// Since an instant.
pub fn micros(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)
}
