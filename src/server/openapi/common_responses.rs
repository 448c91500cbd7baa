//! Adds what all operations of the API have in common: allowed callers, and errors returned before the handler runs. A status
//! that an annotation describes keeps that description.

use serde::Serialize;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Response};
use utoipa::{Modify, ToSchema};

/// A problem (RFC 9457). Some kinds have members of their own, such as `field`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Problem type: a stable URN, `urn:doorward:problem:…`.
    r#type: String,
    /// Short title of the problem type.
    title: String,
    /// HTTP status code.
    status: u16,
    /// What is wrong in this request, and what to do.
    detail: String,
}

/// Adds the common parts to the document.
pub struct CommonResponses;

impl Modify for CommonResponses {
    fn modify(&self, document: &mut OpenApi) {
        add_security_schemes(document.components.get_or_insert_default());
        for item in document.paths.paths.values_mut() {
            for (operation, is_read_only) in operations(item) {
                add_common_responses(operation, is_read_only);
            }
        }
    }
}

/// Returns the operations of a path, and whether each is read-only.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let reading = item.get.iter_mut().map(|operation| (operation, true));
    let writing = [
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    let writing = writing
        .into_iter()
        .flatten()
        .map(|operation| (operation, false));
    reading.chain(writing)
}

fn add_security_schemes(components: &mut Components) {
    let cookie = ApiKeyValue::with_description(
        "__Host-doorward-session",
        "A signed-in user. Writes need an `Origin` header with the public URL. On http://localhost the cookie has no prefix.",
    );
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("A client: `client_id` and `client_secret`."));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token issued for this API."));
    let schemes = &mut components.security_schemes;
    schemes.insert(
        "cookie".into(),
        SecurityScheme::ApiKey(ApiKey::Cookie(cookie)).into(),
    );
    schemes.insert("basic".into(), SecurityScheme::Http(basic.build()).into());
    schemes.insert("bearer".into(), SecurityScheme::Http(bearer.build()).into());
}

fn add_common_responses(operation: &mut Operation, is_read_only: bool) {
    // An operation without its own `security` inherits the document's: cookie, Basic, Bearer. `security(())` allows anonymous
    // callers.
    let allows_clients = operation.security.is_none();
    let anonymous = SecurityRequirement::default();
    let callers = operation.security.as_ref();
    let requires_authentication = callers.is_none_or(|callers| !callers.contains(&anonymous));
    let mut add = |status: u16, description: &str| {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_string())
            .or_insert_with(|| Response::new(description).into());
    };
    add(400, "The path, query or body is invalid");
    add(408, "The body did not arrive within ten seconds");
    add(413, "The body is too large");
    add(
        503,
        "A store is unavailable, or the change is not yet in force everywhere; repeat the request",
    );
    if operation
        .tags
        .iter()
        .flatten()
        .any(|tag| tag == "ceremonies")
    {
        add(
            429,
            "Too many ceremonies from this network; `Retry-After` says when to try again",
        );
    }
    if requires_authentication {
        add(
            401,
            "No user is signed in, or the client or its token is unknown",
        );
    }
    if allows_clients {
        add(
            403,
            "The caller lacks the permission, or needs a recent sign-in",
        );
    } else if !is_read_only {
        add(403, "The request comes from another site");
    }
    let is_in_path = |parameter: &RefOr<utoipa::openapi::path::Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path);
    if operation.parameters.iter().flatten().any(is_in_path) {
        add(404, "No record has this name or ID");
    }
    if operation.request_body.is_some() {
        add(415, "The body is not `application/json`");
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            complete_response(status, response);
        }
    }
}

/// Errors are problem documents; a 401 has a `WWW-Authenticate` header.
fn complete_response(status: &str, response: &mut Response) {
    if !status.starts_with(['4', '5']) {
        return;
    }
    if response.content.is_empty() {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        response
            .content
            .insert("application/problem+json".into(), problem.into());
    }
    if status == "401" {
        let challenge = Header::default();
        response
            .headers
            .entry("WWW-Authenticate".into())
            .or_insert_with(|| challenge.into());
    }
}
