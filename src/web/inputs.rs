//! Problem documents for query strings and forms that can't be parsed.

use actix_web::error::{QueryPayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::web::{FormConfig, QueryConfig};

use super::Problem;

/// Configures the errors of every `web::Query`.
pub fn query_errors() -> QueryConfig {
    QueryConfig::default().error_handler(|error, _| {
        let detail = match error {
            QueryPayloadError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "Invalid parameter",
            detail,
        )
        .into()
    })
}

/// Configures the errors of every `web::Form`, and its size limit in bytes.
pub fn form_errors(limit: usize) -> FormConfig {
    FormConfig::default()
        .limit(limit)
        .error_handler(move |error, _| {
            match error {
                UrlencodedError::Overflow { .. } => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "The request is too large",
                    format!("The form must have at most {limit} bytes."),
                ),
                UrlencodedError::ContentType => Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported-media-type",
                    "Unsupported content type",
                    "Send a form with `Content-Type: application/x-www-form-urlencoded`.",
                ),
                other => Problem::invalid_body(format!("The form is invalid: {other}")),
            }
            .into()
        })
}
