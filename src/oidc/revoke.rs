//! Token revocation (RFC 7009). Revoking any token of a user revokes its whole authorization: all access and refresh tokens of the
//! same grant.

use serde_json::json;

use super::Oidc;
use super::error::OAuthError;
use super::parameters::Parameters;
use super::token::TokenEndpointError;
use crate::account_state::{self, Unavailable};
use crate::base::ids::{AuthorizationId, ClientId, UserId};
use crate::clients::{Client, ClientError, RevokedToken};
use crate::db;
use crate::history::{self, Author, Event};
use crate::tokens::refresh::RefreshToken;
use crate::tokens::{self, IdentifiedToken, TokenHolder, families, revoke};
use crate::users;

impl Oidc {
    /// Revokes a token of the client that sends the request, which is also the `author`. An unknown token counts as revoked, and so
    /// does a user's expired access token. A client's own access token is revoked even if it has expired, because links that it
    /// created may outlive it.
    pub async fn revoke_token(
        &self,
        caller: &Client,
        parameters: &Parameters,
        author: Author,
    ) -> Result<(), TokenEndpointError> {
        let token = parameters
            .get("token")
            .ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
        if let Some(token) = self.tokens.refresh_tokens.read(token) {
            return self.revoke_family(caller, token, author).await;
        }
        match self.tokens.identify(token).await? {
            // RFC 7009 §2.2: an invalid token is not an error.
            None => Ok(()),
            Some(known) if known.client != caller.id => Err(issued_to_another_client().into()),
            // A token that is currently not accepted is revoked too: the user may regain a role that the client requires.
            Some(IdentifiedToken { holder, .. }) => match holder {
                TokenHolder::User(user, id) => {
                    self.revoke_authorization(id, user, caller.id, author).await
                }
                TokenHolder::Client { token, epoch } => {
                    self.revoke_own_token(caller.id, (token, epoch), author)
                        .await
                }
            },
        }
    }

    async fn revoke_own_token(
        &self,
        caller: ClientId,
        token: (RevokedToken, i64),
        author: Author,
    ) -> Result<(), TokenEndpointError> {
        let revoked =
            self.clients
                .revoke_own_token(caller, token, author, users::void_links_by_token);
        match revoked.await {
            Ok(()) | Err(ClientError::Unknown) => Ok(()),
            Err(ClientError::Pending(error)) => Err(error.into()),
            Err(ClientError::Database(error)) => Err(error.into()),
            Err(other) => Err(Unavailable::from(db::Error::Internal(other.to_string())).into()),
        }
    }

    async fn revoke_family(
        &self,
        caller: &Client,
        token: RefreshToken,
        author: Author,
    ) -> Result<(), TokenEndpointError> {
        let found = self
            .database
            .read(move |conn| {
                let Some(family) = families::find(conn, token.family)? else {
                    return Ok(None);
                };
                tokens::find(conn, family.authorization)
            })
            .await?;
        match found {
            None => Ok(()),
            Some(authorization) if authorization.client != caller.id => {
                Err(issued_to_another_client().into())
            }
            Some(authorization) => {
                self.revoke_authorization(authorization.id, authorization.user, caller.id, author)
                    .await
            }
        }
    }

    async fn revoke_authorization(
        &self,
        id: AuthorizationId,
        user: UserId,
        client: ClientId,
        author: Author,
    ) -> Result<(), TokenEndpointError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                // Already revoked. The account state is still published below, in case an earlier attempt could not.
                if tokens::find(conn, id)?.is_none_or(|row| row.was_withdrawn()) {
                    return Ok(());
                }
                let Some(now) = account_state::begin_change(conn, &database, user)? else {
                    return Ok(());
                };
                if !revoke::end_one(conn, id, now, "revoked-by-client")? {
                    return Ok(());
                }
                let event = Event::done("token.revoked")
                    .subject(user)
                    .client(client)
                    .details(json!({ "authorization": id }));
                history::record(conn, now, &author, event)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(())
    }
}

/// The error for another client's token (RFC 7009 §2.1).
fn issued_to_another_client() -> OAuthError {
    OAuthError::invalid_grant("this token was issued to another client")
}
