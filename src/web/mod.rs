//! Shared parts of all HTTP responses: problem documents, page frame, forms, guards, request bodies, client address, rate limits.
//!
//! Every error is a problem document (RFC 9457) with a stable type, rendered as a page for browsers. Cross-site writes are
//! refused before any handler runs. Every response has the security headers. The module owns no data and knows nothing of
//! sessions, users or passkeys.

mod activity;
mod assets;
mod browser_name;
mod client_address;
mod conditional_request;
mod forms;
mod frame;
mod guards;
mod headers;
mod inputs;
mod json_body;
mod memory;
mod metrics;
mod paging;
mod parse;
mod paths;
mod problem;
mod problem_pages;
mod qr;
mod rate_limits;
mod refusal_audit;
mod refusal_response;
mod rendered_for;
mod request_body;
mod routes;
mod span;
#[cfg(test)]
mod tests;
mod text;

pub use activity::RequestActivity;
pub use assets::{asset_url, read_style, routes as asset_routes};
pub use browser_name::browser_name;
pub use client_address::{author, client_address, is_from_trusted_proxy};
pub use conditional_request::{
    created, explicit_null, if_match_version, matches_etag, require_if_match, respond_with_version,
    version_conflict,
};
pub use forms::{
    ConfirmPage, FieldProblem, HiddenField, StepUpPage, rendered_version, require_rendered_version,
};
pub use frame::{
    ContainsSecret, Frame, RestoredForm, SkipRedirect, Visitor, page, page_with_secret,
    page_with_status, redirect,
};
pub use guards::{guard, treat_head_as_get};
pub use headers::{FormActionPolicy, OriginalPath, add_security_headers};
pub use inputs::{form_errors, query_errors};
pub use json_body::{JsonBody, JsonBodyOrEmpty, parse_object, read_object};
pub use memory::{MemoryBudget, MemoryReservation};
pub use metrics::{Metrics, count_requests};
pub use paging::{Items, MAX_PAGE_SIZE, Page, SessionsEnded, page_size, rows_to_fetch};
pub use parse::{cursor, field, no_cursor, parameter};
pub use problem::{Answer, Problem, method_not_allowed, only};
pub use problem_pages::as_pages;
pub use qr::qr_svg;
pub use rate_limits::RateLimits;
pub use refusal_audit::{IdentifiedCaller, RefusalRecorder, record_refusals};
pub use rendered_for::{
    RenderedFor, RenderedForCheck, SECRET_LEFT_OUT, SubmittedForm, rendered_for_check,
};
pub use request_body::{BodyBudgets, LargeBodies};
pub(crate) use routes::routes;
pub use span::RequestSpan;
pub use text::names_with_text;

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::base::config::{Config, Network, Origin};

/// Returns the application data of a type, which `server` registers.
pub fn app_data<T: 'static>(request: &HttpRequest) -> Result<&Data<T>, Problem> {
    request.app_data().ok_or_else(Problem::internal)
}

/// Configuration of the web layer.
#[derive(Clone, Debug)]
pub struct Web {
    /// Origin of the public URL, then the related origins.
    pub origins: Arc<[Origin]>,
    /// Name of this installation on pages.
    pub installation_name: Arc<str>,
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: Arc<[Network]>,
    /// Maximum size of a request body in bytes, where [`LargeBodies`] doesn't allow more.
    pub body_bytes: usize,
    /// Memory budgets of unfinished request bodies.
    pub bodies: BodyBudgets,
}

impl Web {
    /// Takes the settings from the configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            origins: config.origins().into(),
            installation_name: config.passkeys.rp_name.as_str().into(),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            body_bytes: config.limits.body_bytes,
            bodies: BodyBudgets::new(config),
        }
    }

    /// Returns the origin of the public URL.
    #[expect(
        clippy::indexing_slicing,
        reason = "Config::origins gives at least the public URL"
    )]
    pub fn public_url(&self) -> &Origin {
        &self.origins[0]
    }
}
