//! Request counts and durations for Prometheus, by route pattern instead of path, which may contain a token.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use prometheus::core::Collector;
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

#[expect(
    clippy::expect_used,
    reason = "constant names and labels, built by a test too"
)]
fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: prometheus::Result<C>,
) -> C {
    let collector = collector.expect("valid names and labels");
    let registered = registry.register(Box::new(collector.clone()));
    registered.expect("names are distinct");
    collector
}

impl Default for Metrics {
    /// Creates the metrics, all at zero.
    fn default() -> Self {
        let registry = Registry::new();
        let requests = Opts::new("doorward_requests_total", "Requests handled");
        let durations = HistogramOpts::new("doorward_request_seconds", "Request duration")
            .buckets(SECONDS.to_vec());
        let refusals = Opts::new(
            "doorward_refusals_total",
            "Requests refused, by problem type",
        );
        let unsealed = Gauge::new(
            "doorward_audit_unsealed_seconds",
            "Age of the oldest unsealed audit event",
        );
        let policies = IntGauge::new("doorward_policies_loaded", "Policies in force");
        let connections = Opts::new("doorward_connections", "Open connections");
        let dropped_log_lines = Opts::new(
            "doorward_log_lines_dropped_total",
            "Log lines that could not be written",
        );
        Self {
            requests: register(
                &registry,
                IntCounterVec::new(requests, &["method", "route", "status"]),
            ),
            durations: register(
                &registry,
                HistogramVec::new(durations, &["method", "route"]),
            ),
            refusals: register(&registry, IntCounterVec::new(refusals, &["kind"])),
            unsealed: register(&registry, unsealed),
            policies: register(&registry, policies),
            connections: register(&registry, IntGaugeVec::new(connections, &["listener"])),
            dropped_log_lines: register(
                &registry,
                IntCounterVec::new(dropped_log_lines, &["sink"]),
            ),
            registry,
        }
    }
}

impl Metrics {
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
