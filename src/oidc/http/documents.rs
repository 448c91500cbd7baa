//! What everybody may read from everywhere: discovery and the public keys.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::problems::OAuthProblem;
use crate::oidc::Oidc;

/// The metadata change only with a new version.
const METADATA_AGE: &str = "public, max-age=300";

/// `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub async fn read_metadata(oidc: web::Data<Oidc>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, METADATA_AGE))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .content_type(header::ContentType::json())
        .body(oidc.metadata().to_owned())
}

/// `GET /oauth2/jwks`: a key is published longer before it signs than this answer may be kept.
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

/// What a browser asks before it reads one of them with headers of its own.
pub async fn allow_all(_: HttpRequest) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}
