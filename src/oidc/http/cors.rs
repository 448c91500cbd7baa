//! Calls from other origins, without credentials: from the pages of registered apps alone. Never on a route with a cookie.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::clients::Clients;

/// What a browser asks before a call to token, UserInfo or revocation.
pub async fn allow_known(request: HttpRequest, clients: web::Data<Clients>) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::NO_CONTENT);
    answer
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            // Fetch §3.3.5: `*` stands for every header but Authorization, as these calls carry no credentials.
            "Authorization, Content-Type, *",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
    share(&request, &clients, answer.finish()).await
}

/// Lets the page that asked read the answer, if it is a registered app's.
pub async fn share(
    request: &HttpRequest,
    clients: &Clients,
    mut answer: HttpResponse,
) -> HttpResponse {
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
        // The answer itself stands; only a page of another origin can't read it this time.
        Err(error) => tracing::warn!(%error, "can't look up the origin"),
    }
    answer
}
