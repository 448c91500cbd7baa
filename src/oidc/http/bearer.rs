//! Reads the access token of a request (RFC 6750 §2): from the header or a form, never from the URL.

use actix_web::HttpRequest;
use actix_web::http::{Method, header};

use super::problems::OAuthProblem;
use super::read_form;
use crate::oidc::error::OAuthError;

/// Returns the access token of a request.
pub fn read_token(request: &HttpRequest, body: &[u8]) -> Result<String, OAuthProblem> {
    let in_header = read_header(request)?;
    let in_body = if *request.method() == Method::POST && !body.is_empty() {
        let parameters = read_form(request, body).map_err(OAuthProblem::for_bearer)?;
        parameters.get("access_token").map(str::to_owned)
    } else {
        None
    };
    match (in_header, in_body) {
        (Some(_), Some(_)) => {
            let description = "send the access token once, in the header or in the body";
            Err(OAuthProblem::refused(OAuthError::invalid_request(description)).for_bearer())
        }
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(OAuthProblem::no_token()),
    }
}

fn read_header(request: &HttpRequest) -> Result<Option<String>, OAuthProblem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        let description = "send only one Authorization header";
        return Err(OAuthProblem::refused(OAuthError::invalid_request(description)).for_bearer());
    }
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(OAuthProblem::no_token()),
    }
}
