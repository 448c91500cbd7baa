//! Request counts and durations for Prometheus, by route pattern instead of path, which may contain a token.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::Problem;
use super::span::RoutePattern;
use crate::base::clock::Stopwatch;
use crate::base::telemetry;

const SECONDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// Metrics of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    refusals: IntCounterVec,
    unsealed: Gauge,
    policies: IntGauge,
    connections: IntGaugeVec,
    dropped_log_lines: IntCounterVec,
}

impl Metrics {
    /// Creates the metrics, all at zero.
    #[expect(
        clippy::expect_used,
        reason = "constant names and labels, built by a test too"
    )]
    #[must_use]
    pub fn new() -> Self {
        let requests = IntCounterVec::new(
            Opts::new("doorward_requests_total", "Requests handled"),
            &["method", "route", "status"],
        )
        .expect("a valid counter");
        let durations = HistogramVec::new(
            HistogramOpts::new("doorward_request_seconds", "Request duration")
                .buckets(SECONDS.to_vec()),
            &["method", "route"],
        )
        .expect("a valid histogram");
        let refusals = IntCounterVec::new(
            Opts::new(
                "doorward_refusals_total",
                "Requests refused, by problem type",
            ),
            &["kind"],
        )
        .expect("a valid counter");
        let unsealed = Gauge::new(
            "doorward_audit_unsealed_seconds",
            "Age of the oldest unsealed audit event",
        )
        .expect("a valid gauge");
        let policies =
            IntGauge::new("doorward_policies_loaded", "Policies in force").expect("a valid gauge");
        let connections = IntGaugeVec::new(
            Opts::new("doorward_connections", "Open connections"),
            &["listener"],
        )
        .expect("a valid gauge");
        let dropped_log_lines = IntCounterVec::new(
            Opts::new(
                "doorward_log_lines_dropped_total",
                "Log lines that could not be written",
            ),
            &["sink"],
        )
        .expect("a valid counter");
        let registry = Registry::new();
        for collector in [
            Box::new(requests.clone()) as Box<dyn prometheus::core::Collector>,
            Box::new(durations.clone()),
            Box::new(refusals.clone()),
            Box::new(unsealed.clone()),
            Box::new(policies.clone()),
            Box::new(connections.clone()),
            Box::new(dropped_log_lines.clone()),
        ] {
            registry.register(collector).expect("names are distinct");
        }
        Self {
            registry,
            requests,
            durations,
            refusals,
            unsealed,
            policies,
            connections,
            dropped_log_lines,
        }
    }

    /// Returns the gauge of a listener's open connections.
    pub fn connections(&self, listener: &str) -> IntGauge {
        self.connections.with_label_values(&[listener])
    }

    /// Sets the age of the oldest audit event that is not sealed yet.
    pub fn set_unsealed(&self, age: Duration) {
        self.unsealed.set(age.as_secs_f64());
    }

    /// Sets the number of policies in force.
    pub fn set_policies(&self, count: usize) {
        self.policies.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Returns the metrics in Prometheus's exposition format.
    pub fn render(&self) -> String {
        for sink in telemetry::sinks() {
            let counter = self.dropped_log_lines.with_label_values(&[sink.name()]);
            counter.inc_by(sink.dropped().saturating_sub(counter.get()));
        }
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "can't render the metrics");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Middleware: counts a request and logs its response.
pub async fn count_requests<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let watch = Stopwatch::start();
    let method = known_method(request.method().as_str());
    let route = request.extensions_mut().remove::<RoutePattern>();
    let route = route.and_then(|RoutePattern(pattern)| pattern);
    let route = route.as_deref().unwrap_or("none");
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let response = next.call(request).await?;
    let status = response.status().as_u16();
    if let Some(metrics) = metrics {
        let seconds = watch.elapsed().as_secs_f64();
        metrics
            .requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        metrics
            .durations
            .with_label_values(&[method, route])
            .observe(seconds);
        if let Some(problem) = response.response().extensions().get::<Problem>() {
            metrics.refusals.with_label_values(&[problem.kind]).inc();
        }
    }
    tracing::info!(status, duration_us = watch.elapsed_micros(), "answered");
    Ok(response)
}

/// Maps unknown methods to one label, so that clients can't create labels.
fn known_method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
