//! Shared parts of all HTTP responses: problem documents, page frame, forms, guards, request bodies, client address, rate limits.
//!
//! Every error is a problem document (RFC 9457) with a stable type, rendered as a page for browsers. Cross-site writes are
//! refused before any handler runs. Every response has the security headers. The module owns no data and knows nothing of
//! sessions, users or passkeys.

mod activity;
mod address;
mod assets;
mod bodies;
mod body;
mod browser_name;
#[cfg(test)]
mod catalogue;
mod conditions;
mod forms;
mod frame;
mod guards;
mod headers;
mod inputs;
mod limits;
mod memory;
mod metrics;
mod moment;
mod opened_by;
mod paging;
mod parse;
mod paths;
mod problem;
mod problem_pages;
mod qr;
mod refusal;
mod refusal_audit;
mod routes;
mod span;
mod text;

pub use activity::Activity;
pub use address::{author, client_address, is_from_trusted_proxy};
pub use assets::{asset_url, read_style, routes as asset_routes};
pub use bodies::{BodyBudgets, LargeBodies};
pub use body::{AnyCase, AnyCaseOrEmpty, parse_object, read_object};
pub use browser_name::browser_name;
pub use conditions::{
    expected_version, given, has_version, require_version, tagged, version_conflict,
};
pub use forms::{
    ConfirmPage, FieldProblem, HiddenField, StepUpPage, rendered_version, require_rendered_version,
};
pub use frame::{
    AnswersDirectly, Frame, OneTime, RestoredForm, Visitor, one_time_page, page, page_with_status,
    redirect,
};
pub use guards::{answer_head, guard};
pub use headers::{AnsweredFor, FormTargets, add_security_headers};
pub use inputs::{form_errors, query_errors};
pub use limits::Limits;
pub use memory::{MemoryBudget, MemoryShare};
pub use metrics::{Metrics, count_requests};
pub use moment::Moment;
pub use opened_by::{OpenedBy, PageOrigin, SECRET_LEFT_OUT, SentForm, origin_of};
pub use paging::{Items, Page, SessionsEnded};
pub use parse::{cursor, field, no_cursor, parameter};
pub use problem::{Answer, Problem, method_not_allowed, only};
pub use problem_pages::as_pages;
pub use qr::qr_svg;
pub use refusal_audit::{KnownCaller, Refusals, record_refusals};
pub(crate) use routes::routes;
pub use span::RequestSpan;

use std::sync::Arc;

use crate::base::config::{Config, Network, Origin};

/// Configuration of the web layer.
#[derive(Clone, Debug)]
pub struct Web {
    /// Origin of the public URL, then the related origins.
    pub origins: Arc<[Origin]>,
    /// Name of this installation on pages.
    pub place: Arc<str>,
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
            place: config.passkeys.rp_name.as_str().into(),
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
