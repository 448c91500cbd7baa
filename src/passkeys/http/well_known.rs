//! The well-known resources that browsers and password managers read.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::web::{Answer, Web, only};

/// Registers the routes `/.well-known/webauthn` and `/.well-known/passkey-endpoints`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/.well-known/webauthn")
                .route(web::get().to(related_origins))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/.well-known/passkey-endpoints")
                .route(web::get().to(passkey_endpoints))
                .default_service(only("GET")),
        );
}

/// The origins under which the same passkeys work (WebAuthn Level 3 §5.11).
async fn related_origins(web: web::Data<Web>) -> Answer {
    let origins: Vec<&str> = web.origins.iter().map(|origin| origin.as_str()).collect();
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .json(json!({ "origins": origins })))
}

/// Where users add and manage passkeys (A Well-Known URL for Relying Party Passkey Endpoints §3).
async fn passkey_endpoints(web: web::Data<Web>) -> Answer {
    let account = web.public_url().with_path("/account");
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .json(json!({ "enroll": account, "manage": account })))
}
