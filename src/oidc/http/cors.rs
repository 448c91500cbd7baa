//! Cross-origin requests (CORS) without credentials, for pages of registered apps only. Never used on a route that reads cookies.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::problems::OAuthProblem;
use crate::clients::Clients;

/// Responds to the preflight of a request to the token, UserInfo or revocation endpoint.
pub async fn allow_known(request: HttpRequest, clients: web::Data<Clients>) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::NO_CONTENT);
    answer
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            // Fetch §3.3.5: `*` means every header except Authorization, as these requests carry no credentials.
            "Authorization, Content-Type, *",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
    share(&request, &clients, Ok(answer.finish())).await
}

/// Returns the response, and allows the page that sent the request to read it, if its origin is that of a registered app.
pub async fn share(
    request: &HttpRequest,
    clients: &Clients,
    answer: Result<HttpResponse, OAuthProblem>,
) -> HttpResponse {
    let mut answer = answer.unwrap_or_else(|problem| problem.response());
    let headers = answer.headers_mut();
    headers.append(header::VARY, header::HeaderValue::from_static("Origin"));
    let origin = request.headers().get(header::ORIGIN).cloned();
    let text = origin.as_ref().and_then(|origin| origin.to_str().ok());
    let (Some(origin), Some(text)) = (origin.clone(), text) else {
        return answer;
    };
    match clients.is_known_origin(text).await {
        Ok(true) => {
            let headers = answer.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                header::HeaderValue::from_static("WWW-Authenticate"),
            );
        }
        Ok(false) => {}
        // The response is still valid; only a page of another origin can't read it this time.
        Err(error) => tracing::warn!(%error, "can't look up the origin"),
    }
    answer
}
