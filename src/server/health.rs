//! `/healthz`: the process lives. `/readyz`: it can answer.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::web::{Answer, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/healthz")
                .route(web::get().to(healthz))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/readyz")
                .route(web::get().to(readyz))
                .default_service(only("GET")),
        );
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// Says no more than yes or no: the reasons are on the operator's port.
async fn readyz(app: web::Data<App>) -> Answer {
    if readiness(&app)
        .await
        .iter()
        .all(|part| part.fault.is_none())
    {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        Err(Problem::unavailable())
    }
}

/// One thing that must be there.
#[derive(Debug, serde::Serialize)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) fault: Option<String>,
}

pub(super) async fn readiness(app: &App) -> Vec<Part> {
    let clock = app.database.clone();
    let (database, ephemeral) = tokio::join!(
        app.database.read(move |conn| clock.now(conn).map(drop)),
        app.ephemeral.check(),
    );
    vec![
        Part {
            name: "database",
            fault: database.err().map(|error| error.to_string()),
        },
        Part {
            name: "ephemeral",
            fault: ephemeral.err().map(|error| error.to_string()),
        },
    ]
}
