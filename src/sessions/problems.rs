//! What callers see when a store that judges is away. Here, because `standing` and `web` know nothing of each other.

use crate::standing::{ChangePending, Unavailable};
use crate::web::Problem;
use actix_web::http::StatusCode;

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        match error {
            Unavailable::Database(error) => error.into(),
            Unavailable::Ephemeral(error) => error.into(),
        }
    }
}

impl From<ChangePending> for Problem {
    fn from(error: ChangePending) -> Self {
        tracing::error!(%error, "a change is committed but not yet in force");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "change-pending",
            "Saved, but not yet in force everywhere",
            "The change is saved, but not every part of Doorward could be told yet. Repeat the request: that is safe.",
        )
        .retry_after(1)
    }
}
