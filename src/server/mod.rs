//! The HTTP server: middleware, the routes of every module, listeners, background tasks and graceful shutdown.

mod audit_sealing;
mod background;
mod connection;
mod health;
mod listener;
mod open_connections;
mod open_files;
mod openapi;
mod operator;
mod record;
mod refused_head;
mod security_txt;

use std::net::SocketAddr;

use actix_web::dev::{ServerHandle, Service};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App as ActixApp, web};
use tracing_actix_web::TracingLogger;

use crate::app::App;
use crate::{account, admin, authzen, forward_auth, oidc, passkeys, sessions, web as pages};
use health::Readiness;
use listener::{ListenerConfig, listen};
use open_connections::Connections;
use pages::{Metrics, RequestSpan};
pub use record::record_start;
use security_txt::SecurityTxt;

/// A running server.
#[derive(Debug)]
pub struct Running {
    /// Address of the public listener.
    pub address: SocketAddr,
    /// Address of the operator's endpoints.
    pub operator_address: SocketAddr,
    public: ServerHandle,
    operator: ServerHandle,
    serving: Vec<tokio::task::JoinHandle<std::io::Result<()>>>,
    background: background::Background,
}

impl Running {
    /// Stops accepting connections, waits up to `server.shutdown_timeout` for requests in flight, and stops.
    pub async fn stop(self) {
        self.public.stop(true).await;
        self.operator.stop(false).await;
        // Stopped last: the minimum versions must be kept current while requests are handled.
        self.background.stop();
        for serving in self.serving {
            // The server has already reported its own errors.
            serving.await.ok();
        }
    }
}

/// Maximum number of connections to the operator's port, which has few callers.
const OPERATOR_CONNECTIONS: usize = 64;

/// Binds both listeners and starts to handle requests.
pub fn start(app: App) -> std::io::Result<Running> {
    let metrics = Metrics::default();
    let (public_listening, operator_listening) = listener_configs(&app, &metrics);
    app.policies.load();
    let background = background::start(&app, &metrics);

    let readiness = Readiness::new(app.clone());
    let operator_readiness = readiness.clone();
    let operator_metrics = metrics.clone();
    let (operator_address, operator) = listen(operator_listening, move || {
        ActixApp::new()
            .app_data(web::Data::new(operator_readiness.clone()))
            .app_data(web::Data::new(operator_metrics.clone()))
            .wrap_fn(|mut request, service| {
                pages::treat_head_as_get(&mut request);
                service.call(request)
            })
            .configure(operator::routes)
    })?;

    let (address, public) = listen(public_listening, move || {
        let session_middleware = app.cookies.middleware(&app.sessions, app.cookie_key());
        let (cookies, keys) = (app.cookies.clone(), app.cookie_keys_in_exchange());
        let with_session = web::scope("")
            .wrap(session_middleware)
            .wrap(from_fn(move |request, next| {
                sessions::accept_previous_key(cookies.clone(), keys.clone(), request, next)
            }))
            .configure(sessions::http::routes)
            .configure(sessions::stored_response_routes)
            .configure(passkeys::http::routes)
            .configure(passkeys::pages::routes)
            .configure(oidc::pages::routes)
            .configure(forward_auth::page_routes)
            .configure(account::http::routes)
            .configure(account::pages::routes)
            .configure(admin::http::routes)
            .configure(admin::pages::routes)
            .default_service(web::to(sessions::not_found));
        ActixApp::new()
            .configure(|config| share(config, &app, &metrics))
            .app_data(web::Data::new(readiness.clone()))
            .wrap(from_fn(pages::record_refusals))
            .wrap(from_fn(pages::guard))
            .wrap(from_fn(pages::as_pages))
            .wrap(from_fn(sessions::redirect_after_post))
            .wrap(from_fn(pages::add_security_headers))
            .wrap(Compress::default())
            .wrap(from_fn(pages::count_requests))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(health::routes)
            .configure(openapi::routes)
            .configure(security_txt::routes)
            // Routes with a path pattern come last, because every request that reaches them is matched against the pattern.
            .configure(passkeys::well_known_routes)
            .configure(oidc::http::routes)
            .configure(oidc::pages::posted_routes)
            .configure(authzen::http::routes)
            .configure(forward_auth::http::routes)
            .configure(pages::asset_routes)
            .service(with_session)
    })?;
    let handles = (public.handle(), operator.handle());
    Ok(Running {
        address,
        operator_address,
        public: handles.0,
        operator: handles.1,
        serving: vec![tokio::spawn(public), tokio::spawn(operator)],
        background,
    })
}

fn listener_configs(app: &App, metrics: &Metrics) -> (ListenerConfig, ListenerConfig) {
    let server = &app.config.server;
    let workers = match server.workers {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        workers => workers,
    };
    let pool_size = usize::try_from(app.config.database.pool_size).unwrap_or(usize::MAX);
    let files = open_files::raise();
    let per_worker = open_files::connections_per_worker(files, pool_size, workers);
    let connections = per_worker.saturating_mul(workers);
    tracing::info!(connections, "the limit of open files limits connections");
    let public = ListenerConfig {
        address: server.listen,
        workers,
        per_worker,
        shutdown_timeout: server.shutdown_timeout.as_secs(),
        connections: Connections::new(connections, metrics.connections("public")),
    };
    let operator = ListenerConfig {
        address: server.operator_listen,
        workers: 1,
        per_worker: OPERATOR_CONNECTIONS,
        shutdown_timeout: 1,
        connections: Connections::new(OPERATOR_CONNECTIONS, metrics.connections("operator")),
    };
    (public, operator)
}

/// Registers the state that handlers extract by type.
fn share(config: &mut web::ServiceConfig, app: &App, metrics: &Metrics) {
    config
        .app_data(web::Data::new(app.database.clone()))
        .app_data(web::Data::new(app.clients.clone()))
        .app_data(web::Data::new(app.sessions.clone()))
        .app_data(web::Data::new(app.stored_responses.clone()))
        .app_data(web::Data::new(app.users.clone()))
        .app_data(web::Data::new(app.assignments.clone()))
        .app_data(web::Data::new(app.authzen.clone()))
        .app_data(web::Data::new(app.passkeys.clone()))
        .app_data(web::Data::new(app.forward_auth.clone()))
        .app_data(web::Data::new(app.forward_auth_cookies))
        .app_data(web::Data::new(app.tokens.clone()))
        .app_data(web::Data::new(app.oidc.clone()))
        .app_data(web::Data::new(app.limits.clone()))
        .app_data(web::Data::new(app.refusals.clone()))
        .app_data(web::Data::new(app.web.clone()))
        .app_data(web::Data::new(app.cookies.clone()))
        .app_data(web::Data::new(metrics.clone()))
        .app_data(web::Data::new(SecurityTxt::new(app)))
        .app_data(web::Data::new(oidc::http::WebFinger::new(
            &app.config.server,
        )))
        .app_data(web::PayloadConfig::new(app.web.body_bytes))
        .app_data(pages::query_errors())
        .app_data(pages::form_errors(app.web.body_bytes));
}
