//! Public documents that pages of every origin may read: discovery and the public keys.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::problems::OAuthProblem;
use crate::oidc::Oidc;

/// Value of `Cache-Control` for the discovery document, which changes only with a new version or configuration.
const METADATA_AGE: &str = "public, max-age=300";

/// `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub async fn read_metadata(oidc: web::Data<Oidc>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, METADATA_AGE))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .content_type(header::ContentType::json())
        .body(oidc.metadata.to_string())
}

/// `GET /oauth2/jwks`. A successor signs only after this response's cache lifetime; an algorithm's first key, and a
/// key that replaces a compromised one when no other may sign, sign at once.
pub async fn read_jwks(oidc: web::Data<Oidc>) -> HttpResponse {
    match oidc.jwks().await {
        Ok((keys, max_age)) => HttpResponse::Ok()
            .insert_header((
                header::CACHE_CONTROL,
                format!("public, max-age={}", max_age.as_secs()),
            ))
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .json(keys),
        Err(error) => OAuthProblem::from(error).response(),
    }
}

/// Responds to the preflight of a request for one of these documents.
pub async fn allow_all(_: HttpRequest) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}
