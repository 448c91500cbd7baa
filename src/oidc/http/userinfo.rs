//! `GET` and `POST /oauth2/userinfo`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bearer::read_token;
use super::cors;
use super::problems::{OAuthProblem, no_store};
use crate::clients::Clients;
use crate::oidc::Oidc;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::userinfo::UserInfoError;

/// Returns the claims about the user that the access token allows.
pub async fn read_user_info(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
    clients: web::Data<Clients>,
    body: web::Bytes,
) -> HttpResponse {
    let answer = async {
        let token = read_token(&request, &body)?;
        let claims = oidc.user_info(&token).await;
        if let Err(UserInfoError::OtherAudience(client, refusal)) = &claims {
            oidc.record_refusal(Some(*client), refusal).await;
        }
        let claims = claims?;
        Ok::<_, OAuthProblem>(no_store(StatusCode::OK).json(claims))
    };
    cors::share(&request, &clients, answer.await).await
}

impl From<UserInfoError> for OAuthProblem {
    fn from(error: UserInfoError) -> Self {
        match error {
            UserInfoError::InvalidToken(reason) => {
                tracing::info!(reason, "token rejected");
                let description = "the access token is invalid, expired or revoked";
                let refusal = OAuthError::new(ErrorCode::InvalidToken, description);
                Self::bearer(StatusCode::UNAUTHORIZED, refusal, "")
            }
            UserInfoError::OtherAudience(_, refusal) => {
                Self::bearer(StatusCode::UNAUTHORIZED, refusal, "")
            }
            UserInfoError::ScopeMissing => {
                let description = "the access token needs the scope openid";
                let refusal = OAuthError::new(ErrorCode::InsufficientScope, description);
                Self::bearer(StatusCode::FORBIDDEN, refusal, ", scope=\"openid\"")
            }
            UserInfoError::Unavailable(error) => error.into(),
        }
    }
}
