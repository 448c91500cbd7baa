//! Endpoints of the operator's port: metrics, and readiness with reasons.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::health::Readiness;
use crate::web::Metrics;

crate::web::routes! {
    "/metrics" => get metrics;
    "/readyz" => get readiness_details;
}

async fn metrics(metrics: web::Data<Metrics>, readiness: web::Data<Readiness>) -> HttpResponse {
    metrics.set_policies(readiness.policies_loaded());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(metrics.render())
}

async fn readiness_details(readiness: web::Data<Readiness>) -> HttpResponse {
    let parts = readiness.checks().await;
    let is_ready = parts.iter().all(|part| part.fault.is_none());
    let mut answer = if is_ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    let status = if is_ready { "ready" } else { "not ready" };
    answer.json(json!({ "status": status, "parts": parts }))
}
