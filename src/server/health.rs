//! `/healthz` reports that the process is alive, `/readyz` that it can handle requests.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;
use tokio::sync::Mutex;

use crate::app::App;
use crate::base::clock::Stopwatch;
use crate::web::{Answer, Problem};

crate::web::routes! {
    "/healthz" => get healthz;
    "/readyz" => get readyz;
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// Returns only ready or not; the reasons are on the operator's port.
async fn readyz(readiness: web::Data<Readiness>) -> Answer {
    if readiness
        .checks()
        .await
        .iter()
        .all(|part| part.fault.is_none())
    {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        Err(Problem::unavailable())
    }
}

/// The state of one dependency.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct HealthCheck {
    pub(super) name: &'static str,
    pub(super) fault: Option<String>,
    /// A problem that the operator should know about although requests are handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<String>,
}

impl HealthCheck {
    fn new(name: &'static str, fault: Option<String>) -> Self {
        Self {
            name,
            fault,
            warning: None,
        }
    }
}

/// The result of the last check. `/readyz` is public, so a result is reused for a second, and one check runs at a time.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    app: App,
    last: Arc<Mutex<Option<CachedChecks>>>,
}

/// Logs which parts began to fail or recovered. Probes are frequent, so each change is logged once.
fn log_changes(earlier: &[HealthCheck], now: &[HealthCheck]) {
    for part in now {
        let before = earlier.iter().find(|before| before.name == part.name);
        match (before.and_then(|before| before.fault.as_ref()), &part.fault) {
            (None, Some(fault)) => tracing::error!(part = part.name, fault, "not ready"),
            (Some(_), None) => tracing::info!(part = part.name, "ready again"),
            _ => {}
        }
    }
}

/// When the check was made, and its result.
type CachedChecks = (Stopwatch, Vec<HealthCheck>);

const CACHE_TTL: Duration = Duration::from_secs(1);

impl Readiness {
    pub(super) fn new(app: App) -> Self {
        Self {
            app,
            last: Arc::default(),
        }
    }

    pub(super) async fn checks(&self) -> Vec<HealthCheck> {
        let mut last = self.last.lock().await;
        if let Some((when, parts)) = last.as_ref()
            && when.elapsed() < CACHE_TTL
        {
            return parts.clone();
        }
        let clock = self.app.database.clone();
        let (database, ephemeral) = tokio::join!(
            self.app
                .database
                .read(move |conn| clock.now(conn).map(drop)),
            self.app.ephemeral.check(),
        );
        let parts = vec![
            HealthCheck::new("database", database.err().map(|error| error.to_string())),
            HealthCheck::new("ephemeral", ephemeral.err().map(|error| error.to_string())),
            self.policies(),
        ];
        let earlier = last.as_ref().map(|(_, parts)| parts.as_slice());
        log_changes(earlier.unwrap_or_default(), &parts);
        *last = Some((Stopwatch::start(), parts.clone()));
        parts
    }

    /// Fails if no policies are in force, because then no decision can be made. If new policies were rejected and earlier ones
    /// are still in force, it is a warning.
    fn policies(&self) -> HealthCheck {
        let policies = &self.app.policies;
        let refused = policies.fault().map(|fault| fault.to_string());
        if policies.are_in_force() {
            return HealthCheck {
                warning: refused
                    .map(|fault| format!("rejected, the previous policies stay in force: {fault}")),
                ..HealthCheck::new("policies", None)
            };
        }
        let fault = refused.unwrap_or_else(|| "no policies are loaded".to_owned());
        HealthCheck::new("policies", Some(fault))
    }

    /// Returns how many policies are in force.
    pub(super) fn policies_loaded(&self) -> usize {
        self.app.policies.count()
    }
}
