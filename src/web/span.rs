//! Tracing span of a request: its ID, its route pattern and the authenticated user or client.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use super::RequestActivity;

/// The pattern of the route that a request matches, if any.
#[derive(Debug)]
pub(super) struct RoutePattern(pub(super) Option<String>);

/// Creates the span that all log records of a request belong to. It contains no path, query or header, because
/// they may contain secrets.
#[derive(Debug)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let request_id = request.extensions().get::<RequestId>().copied();
        // Finding the pattern searches all routes, so the span and the metrics share one result.
        let route = request.match_pattern();
        let span = tracing::info_span!(
            "request",
            request_id = request_id.map(tracing::field::display),
            method = %request.method(),
            route,
            user_id = tracing::field::Empty,
            client_id = tracing::field::Empty,
            callers_id = tracing::field::Empty,
        );
        request.extensions_mut().insert(RoutePattern(route));
        if let Some(activity) = request.conn_data::<RequestActivity>() {
            activity.begin();
        }
        span
    }

    fn on_request_end<B: MessageBody>(_: Span, response: &Result<ServiceResponse<B>, Error>) {
        let response = response.as_ref().ok();
        let activity =
            response.and_then(|response| response.request().conn_data::<RequestActivity>());
        if let Some(activity) = activity {
            activity.end();
        }
    }
}
