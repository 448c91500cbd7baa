//! The well-known resources that browsers and password managers read.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::web::{Answer, Web};

crate::web::routes! {
    "/.well-known/webauthn" => get related_origins;
    "/.well-known/passkey-endpoints" => get passkey_endpoints;
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
