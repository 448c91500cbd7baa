//! Rate limits by client address, shared by all instances. Applied only where a request starts or finishes a flow, or causes data
//! to be stored.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest};

use super::{Problem, client_address};
use crate::base::clock::Clock;
use crate::base::config::Network;
use crate::ephemeral::Ephemeral;

const WINDOW: Duration = Duration::from_secs(60);

/// Request extension of a request that was counted.
struct AlreadyCounted;

/// Counts requests by client address.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// Where requests are counted.
    pub ephemeral: Ephemeral,
    /// The clock of the counters.
    pub clock: Clock,
    /// Maximum number of requests per address (IPv6: per /64) in a minute; 0 for no limit.
    pub per_minute: u32,
}

impl RateLimits {
    /// Counts this request once, and refuses it if its address has exceeded the limit in this minute.
    ///
    /// # Errors
    /// `rate-limited` with `Retry-After`, or `unavailable` if the counter can't be updated.
    pub async fn check(&self, request: &HttpRequest) -> Result<(), Problem> {
        if self.per_minute == 0 || request.extensions().contains::<AlreadyCounted>() {
            return Ok(());
        }
        let subscriber = Network::of_subscriber(client_address(request));
        let (key, left) = self.window(subscriber);
        let count = self.ephemeral.count(&key, WINDOW).await?;
        if count <= u64::from(self.per_minute) {
            request.extensions_mut().insert(AlreadyCounted);
            return Ok(());
        }
        tracing::info!(reason = "rate-limited", "refused");
        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate-limited",
            "Too many attempts",
            "Too many attempts from your network. Wait a minute, then try again.",
        )
        .retry_after(left))
    }

    /// Returns the key of this minute's counter, and the seconds until the next minute.
    fn window(&self, subscriber: IpAddr) -> (String, u64) {
        let seconds = self.clock.now().as_micros().div_euclid(1_000_000);
        let window = i64::try_from(WINDOW.as_secs()).unwrap_or(60);
        let left = window.saturating_sub(seconds.rem_euclid(window));
        (
            format!("limit:{subscriber}:{}", seconds.div_euclid(window)),
            u64::try_from(left).unwrap_or(1),
        )
    }
}
