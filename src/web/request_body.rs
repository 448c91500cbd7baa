//! Request bodies: which are read, how large each may be, and how much memory all unfinished bodies together may use.
//!
//! The whole body is read before a handler checks the caller's permissions. Otherwise a caller could send all but the last byte,
//! lose a permission, and send the rest hours later with the permission that they had at the start.

use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode, Version, header};
use actix_web::web::BytesMut;
use actix_web::{HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

use super::memory::{MemoryBudget, MemoryReservation};
use super::parse::media_type;
use super::paths::OAUTH_ENDPOINTS;
use super::rendered_for::SubmittedForm;
use super::{Problem, RateLimits, RequestActivity, Web, app_data};
use crate::base::config::Config;

/// Timeout for reading a whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Size of the chunks in which a body is read. The first chunk of each body doesn't count towards the memory budgets, so that
/// ordinary forms are accepted even if the budgets are exhausted.
const CHUNK_BYTES: usize = 4 << 10;
/// Memory limit of all unfinished bodies except large ones of authenticated callers, in bytes.
const SMALL_BYTES: usize = 4 << 20;
/// Memory limit of all unfinished large bodies of authenticated callers, in bytes.
const LARGE_BYTES: usize = 16 << 20;

/// Memory budgets of unfinished bodies.
#[derive(Clone, Debug)]
pub struct BodyBudgets {
    small: MemoryBudget,
    large: MemoryBudget,
}

impl BodyBudgets {
    /// Creates the budgets. The one for small bodies has room for at least four of the configured maximum size.
    pub(super) fn new(config: &Config) -> Self {
        let small = SMALL_BYTES.max(config.limits.body_bytes.saturating_mul(4));
        Self {
            small: MemoryBudget::new(small),
            large: MemoryBudget::new(LARGE_BYTES),
        }
    }
}

/// Endpoint at which authenticated callers may send more than `limits.body_bytes`. Registered as application data.
#[derive(Clone, Copy, Debug)]
pub struct LargeBodies {
    /// Path of the endpoint.
    pub path: &'static str,
    /// Maximum size of its bodies, in bytes.
    pub bytes: usize,
    /// Authenticates the caller by the head of the request. The handler authenticates the caller again when the body is complete.
    pub authenticate: fn(HttpRequest) -> LocalBoxFuture<'static, Result<(), Problem>>,
}

/// Forward-auth checks use only the head of a request; a body is ignored.
const WITHOUT_BODY: [&str; 2] = ["/forward-auth", "/forward-auth/envoy/"];
/// Endpoints that are rate-limited by address before the body is read.
const RATE_LIMITED_PREFIX: &str = "/webauthn/";
const RATE_LIMITED: [&str; 2] = ["/oauth2/authorize", "/oauth2/logout"];

/// Length of a body according to the head of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    None,
    Known(u64),
    Unknown,
}

/// RFC 9112 §6.3. The framework treats everything up to the end of the connection as the body of `CONNECT` and of any request
/// with `Upgrade: websocket`, and ignores their `Content-Length`. But a server that does not switch protocols ignores `Upgrade`
/// (RFC 9110 §7.8).
fn length(request: &HttpRequest) -> Length {
    if request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Length::Unknown;
    }
    // The framework has refused requests whose `Content-Length` is not exactly one number.
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match declared {
        Some(0) => Length::None,
        Some(bytes) => Length::Known(bytes),
        None if request.version() == Version::HTTP_2 => Length::Unknown,
        None => Length::None,
    }
}

/// Returns whether the framework reads everything up to the end of the connection as the body.
fn is_endless(request: &HttpRequest) -> bool {
    *request.method() == Method::CONNECT || request.headers().contains_key(header::UPGRADE)
}

/// Reads the request's body from `payload` into memory, within its limits, and puts it back as the request's payload. Dropping
/// the returned share returns the memory to the budget.
///
/// # Errors
/// The body is compressed, too large, too slow, incomplete or malformed, the rate limit is exceeded, or the budget is exhausted.
pub(super) async fn read_body(
    request: &mut ServiceRequest,
    payload: &mut Payload,
) -> Result<Option<MemoryReservation>, Problem> {
    if matches!(payload, Payload::None) {
        return Ok(None);
    }
    let length = length(request.request());
    if length == Length::None || is_ignored(request.path()) {
        return Ok(None);
    }
    check_encoding(request.request())?;
    apply_rate_limit(request.request()).await?;
    let read = read(request.request(), payload, length);
    let read = tokio::time::timeout(BODY_TIMEOUT, read).await;
    let (body, reservation) = read.unwrap_or_else(|_| Err(too_slow()))?;
    if is_own_form(request.request())
        && (body.contains(&0) || body.windows(3).any(|part| part == b"%00"))
    {
        return Err(Problem::invalid_body(
            "A field contains a null byte. Remove it.",
        ));
    }
    let body = body.freeze();
    if is_own_form(request.request()) {
        let form = SubmittedForm(body.clone());
        request.extensions_mut().insert(form);
    }
    request.set_payload(Payload::from(body));
    Ok(Some(reservation))
}

fn is_ignored(path: &str) -> bool {
    let [ask, below] = WITHOUT_BODY;
    path == ask || path.starts_with(below)
}

/// Refuses compressed bodies (RFC 9110 §15.5.16), because a few bytes could expand to any number.
fn check_encoding(request: &HttpRequest) -> Result<(), Problem> {
    let codings = request.headers().get_all(header::CONTENT_ENCODING);
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-encoding",
        "Compressed request bodies are not supported",
        "Send the body without Content-Encoding.",
    )
    .header(header::ACCEPT_ENCODING, "identity"))
}

/// Applies the rate limit by address, if the endpoint has one, before any of the body is read.
async fn apply_rate_limit(request: &HttpRequest) -> Result<(), Problem> {
    let path = request.path();
    if !path.starts_with(RATE_LIMITED_PREFIX) && !RATE_LIMITED.contains(&path) {
        return Ok(());
    }
    match request.app_data::<web::Data<RateLimits>>() {
        Some(limits) => limits.check(request).await,
        None => Ok(()),
    }
}

async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    length: Length,
) -> Result<(BytesMut, MemoryReservation), Problem> {
    let mut limits = BodyLimits::new(request)?;
    let wanted = match length {
        Length::Known(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        Length::Unknown | Length::None => 0,
    };
    limits.require(wanted).await?;
    let is_endless = is_endless(request) && length != Length::Unknown;
    let mut body = Chunks::default();
    while let Some(chunk) = next(request, payload).await {
        let chunk = chunk.map_err(|_| Problem::invalid_body("The body is incomplete."))?;
        let chunk = if is_endless {
            // Bytes after the body are not part of it.
            let rest = wanted.saturating_sub(body.bytes).min(chunk.len());
            chunk.slice(..rest)
        } else {
            chunk
        };
        let bytes = body.bytes.saturating_add(chunk.len());
        limits.require(bytes).await?;
        limits.take(bytes)?;
        body.push(&chunk);
        if is_endless && body.bytes >= wanted {
            break;
        }
    }
    Ok((body.join(), limits.reservation))
}

/// Returns the next part of the body. The connection reads from the socket only meanwhile, not during checks between two parts.
async fn next(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Option<Result<web::Bytes, PayloadError>> {
    let activity = request.conn_data::<RequestActivity>();
    let set_awaits_body = |awaits| {
        if let Some(activity) = activity {
            activity.set_awaits_body(awaits);
        }
    };
    set_awaits_body(true);
    let part = payload.next().await;
    set_awaits_body(false);
    part
}

/// An unfinished body, in chunks of [`CHUNK_BYTES`].
///
/// One buffer of the declared length would use more memory than the budget counts: the allocator reuses the buffers of refused
/// bodies, whose pages stay resident although only the first bytes of the next body are written to them. A growing buffer
/// fragments the heap. Chunks of one size are reused as a whole.
#[derive(Debug, Default)]
struct Chunks {
    chunks: Vec<BytesMut>,
    bytes: usize,
}

impl Chunks {
    fn push(&mut self, mut bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        while !bytes.is_empty() {
            match self.chunks.last_mut() {
                Some(chunk) if chunk.len() < CHUNK_BYTES => {
                    let room = CHUNK_BYTES.saturating_sub(chunk.len());
                    let (part, rest) = bytes.split_at(room.min(bytes.len()));
                    chunk.extend_from_slice(part);
                    bytes = rest;
                }
                _ => self.chunks.push(BytesMut::with_capacity(CHUNK_BYTES)),
            }
        }
    }

    /// Returns the whole body in one buffer. Each chunk is freed as soon as it is copied.
    fn join(mut self) -> BytesMut {
        if self.chunks.len() <= 1 {
            return self.chunks.pop().unwrap_or_default();
        }
        let mut body = BytesMut::with_capacity(self.bytes);
        for chunk in self.chunks {
            body.extend_from_slice(&chunk);
        }
        body
    }
}

/// Size limit of a body, which depends on whether the caller is authenticated, and its share of the memory budget.
struct BodyLimits<'r> {
    request: &'r HttpRequest,
    web: &'r Web,
    limit: usize,
    larger: Option<LargeBodies>,
    reservation: MemoryReservation,
}

impl<'r> BodyLimits<'r> {
    fn new(request: &'r HttpRequest) -> Result<Self, Problem> {
        let web = app_data::<Web>(request)?;
        let larger = request.app_data::<LargeBodies>().copied();
        Ok(Self {
            request,
            web,
            limit: web.body_bytes,
            larger: larger
                .filter(|large| large.path == request.path() && large.bytes > web.body_bytes),
            reservation: web.bodies.small.reservation(),
        })
    }

    /// Checks that a body of `bytes` may be read. Authenticates the caller if the body is allowed for authenticated callers only.
    async fn require(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes <= self.limit {
            return Ok(());
        }
        if let Some(large) = self.larger.take_if(|large| bytes <= large.bytes) {
            (large.authenticate)(self.request.clone()).await?;
            self.limit = large.bytes;
            let taken = self.reservation.bytes();
            self.reservation = self.web.bodies.large.reservation();
            self.reserve(taken)?;
        }
        if bytes <= self.limit {
            return Ok(());
        }
        let limit = self.larger.map_or(self.limit, |large| large.bytes);
        Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The request is too large",
            format!("The body must have at most {limit} bytes."),
        ))
    }

    /// Counts the chunks that a body of `bytes` needs, without the first.
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        let counted = bytes.saturating_sub(CHUNK_BYTES);
        let counted = counted.next_multiple_of(CHUNK_BYTES);
        self.reserve(counted.saturating_sub(self.reservation.bytes()))
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), Problem> {
        if self.reservation.grow(bytes) {
            return Ok(());
        }
        tracing::warn!("unfinished request bodies have reached their memory limit");
        Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "Too many requests at once",
            "The server is receiving too many large requests. Try again in a moment.",
        )
        .retry_after(2))
    }
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "The request did not arrive in time",
        "Send the whole request within ten seconds.",
    )
}

fn is_own_form(request: &HttpRequest) -> bool {
    // OAuth endpoints parse their forms themselves, and respond with OAuth errors.
    if OAUTH_ENDPOINTS.contains(&request.path()) {
        return false;
    }
    media_type(request).as_deref() == Some("application/x-www-form-urlencoded")
}
