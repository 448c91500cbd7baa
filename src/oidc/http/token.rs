//! `POST /oauth2/token`, `/oauth2/introspect` and `/oauth2/revoke`: the endpoints at which clients authenticate.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::problems::{OAuthProblem, no_store};
use super::{cors, read_form};
use crate::clients::{ClientRecord, Clients, GrantType, WRONG_SECRET};
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::client_authentication::ClientAuthError;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::parameters::Parameters;
use crate::oidc::token::{TokenEndpointError, check_grant_type, read_grant_type};
use crate::web::{IdentifiedCaller, author};

/// Stands for an `Authorization` header that is not ASCII text. It is no valid value, so that authentication fails.
const UNREADABLE_HEADER: &str = "?";

/// `POST /oauth2/token` (RFC 6749 §3.2).
pub async fn issue_token(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
    clients: web::Data<Clients>,
    body: web::Bytes,
) -> HttpResponse {
    let answer = async {
        // 1. The client.
        let (record, parameters) = read_client(&request, &oidc, &body).await?;
        let issued = async {
            // 2. The client may use the grant type.
            let grant = read_grant_type(&parameters)?;
            check_grant_type(&record.client, grant)?;
            if grant == GrantType::ClientCredentials {
                return oidc.grant_client_credentials(&record, &parameters).await;
            }
            // 3. The signing key, before a code or a refresh token is consumed.
            let algorithm = record.client.metadata.id_token_signed_response_alg;
            let signer = oidc.tokens.keyring.signer(algorithm).await?;
            // 4. The grant's own rules.
            let author = author(&request, Actor::Client(record.client.id));
            let granted = if grant == GrantType::AuthorizationCode {
                oidc.redeem_code(&record, &parameters, author).await?
            } else {
                oidc.refresh(&record, &parameters, author).await?
            };
            // 5. The response. This signs only; no store is accessed.
            oidc.issue_tokens(&signer, granted)
        };
        let answer = record_refusals(&oidc, &record, issued.await).await?;
        Ok(no_store(StatusCode::OK).json(answer))
    };
    cors::share(&request, &clients, answer.await).await
}

/// `POST /oauth2/introspect` (RFC 7662).
pub async fn introspect_token(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
    body: web::Bytes,
) -> HttpResponse {
    let answer = async {
        let (authorization, parameters) = read_request(&request, &body)?;
        let client = oidc.authenticate_client_with_token(authorization, &parameters);
        let (record, cached) = require_authenticated(&request, &oidc, client.await).await?;
        log_client(&record);
        if record.client.metadata.is_public() {
            // RFC 7662 §2.1: the caller must be authorized, and anyone can send the ID of a public client.
            let description = "only clients with a secret may introspect tokens";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description).into());
        }
        let answer = oidc.introspect(&record.client, &parameters, cached.as_ref());
        let answer = record_refusals(&oidc, &record, answer.await).await?;
        Ok(no_store(StatusCode::OK).json(answer))
    };
    answer
        .await
        .unwrap_or_else(|problem: OAuthProblem| problem.response())
}

/// `POST /oauth2/revoke` (RFC 7009).
pub async fn revoke_token(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
    clients: web::Data<Clients>,
    body: web::Bytes,
) -> HttpResponse {
    let answer = async {
        let (record, parameters) = read_client(&request, &oidc, &body).await?;
        let author = author(&request, Actor::Client(record.client.id));
        let revoked = oidc.revoke_token(&record.client, &parameters, author);
        record_refusals(&oidc, &record, revoked.await).await?;
        Ok(no_store(StatusCode::OK).finish())
    };
    cors::share(&request, &clients, answer.await).await
}

async fn read_client(
    request: &HttpRequest,
    oidc: &Oidc,
    body: &[u8],
) -> Result<(ClientRecord, Parameters), OAuthProblem> {
    let (authorization, parameters) = read_request(request, body)?;
    let record = oidc.authenticate_client(authorization, &parameters).await;
    let record = require_authenticated(request, oidc, record).await?;
    log_client(&record);
    Ok((record, parameters))
}

/// The `Authorization` header and the form.
fn read_request<'request>(
    request: &'request HttpRequest,
    body: &[u8],
) -> Result<(Option<&'request str>, Parameters), OAuthProblem> {
    let parameters = read_form(request, body)?;
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let authorization = headers
        .next()
        .map(|value| value.to_str().unwrap_or(UNREADABLE_HEADER));
    if headers.next().is_some() {
        return Err(OAuthProblem::refused(OAuthError::invalid_request(
            "send only one Authorization header",
        )));
    }
    Ok((authorization, parameters))
}

/// Adds the client to every log record of the request.
fn log_client(record: &ClientRecord) {
    tracing::Span::current().record(
        "client_id",
        tracing::field::display(&record.client.public_id),
    );
}

/// Records why client authentication failed. A wrong secret of an existing client is also recorded in the audit log.
async fn require_authenticated<T>(
    request: &HttpRequest,
    oidc: &Oidc,
    authenticated: Result<T, ClientAuthError>,
) -> Result<T, OAuthProblem> {
    if let Err(ClientAuthError::Failed(failed)) = &authenticated {
        oidc.record_failed_authentication(failed).await;
        if let (WRONG_SECRET, Some(client)) = (failed.reason, &failed.client) {
            IdentifiedCaller::WrongSecret(client.id()).note(request);
        }
    }
    Ok(authenticated?)
}

/// Records why the request of an authenticated client is refused.
async fn record_refusals<T>(
    oidc: &Oidc,
    record: &ClientRecord,
    answer: Result<T, TokenEndpointError>,
) -> Result<T, OAuthProblem> {
    match &answer {
        Err(TokenEndpointError::Refused(refusal)) => {
            oidc.record_refusal(Some(record.client.id), refusal).await;
        }
        // The client was changed while the request waited for a lock.
        Err(TokenEndpointError::Client(ClientAuthError::Failed(failed))) => {
            oidc.record_failed_authentication(failed).await;
        }
        _ => {}
    }
    Ok(answer?)
}
