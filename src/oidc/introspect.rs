//! Token introspection (RFC 7662): whether a token is active, and its claims, for clients that are allowed to introspect it.

use serde::Serialize;

use super::Oidc;
use super::error::OAuthError;
use super::grant_code::{check_account_state, current_scopes};
use super::grant_refresh::expires_at;
use super::parameters::Parameters;
use super::resources::check_resource;
use super::token::TokenEndpointError;
use crate::account_state::{self, AccountState};
use crate::base::ids::{AccessTokenId, RefreshFamilyId};
use crate::base::public_client_id::PublicClientId;
use crate::clients::{Client, ClientRecord, GrantType, Scope, Scopes};
use crate::db;
use crate::tokens::refresh::{Family, RefreshToken};
use crate::tokens::{
    self, Authorization, CachedTokenState, TokenError, ValidToken, families, seconds,
};

/// An introspection response (RFC 7662 §2.2). For a token that is not active it contains nothing but `active`.
#[derive(Debug, Default, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scopes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<PublicClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<AccessTokenId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
}

impl Oidc {
    /// Introspects a token for an authenticated client. `cached` contains the cached records that were read with the client's; it is
    /// `None` if the token can't be one of Doorward's.
    pub async fn introspect(
        &self,
        caller: &Client,
        parameters: &Parameters,
        cached: Option<&CachedTokenState>,
    ) -> Result<Introspection, TokenEndpointError> {
        let token = parameters
            .get("token")
            .ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
        // `token_type_hint` is for servers that must search for a token (RFC 7662 §2.1); here its format tells the type.
        if let Some(refresh) = self.tokens.refresh_tokens.read(token) {
            return self.introspect_refresh_token(caller, refresh).await;
        }
        let Some(cached) = cached else {
            return Ok(Introspection::default());
        };
        match self.tokens.check_with_cached(token, cached).await {
            Ok(valid_token)
                if may_introspect(caller, &valid_token)
                    && self.is_audience_still_registered(&valid_token) =>
            {
                Ok(describe(valid_token))
            }
            // RFC 7662 §2.2: a client that is not allowed to introspect the token gets the response for an inactive one.
            Ok(_) => Ok(Introspection::default()),
            Err(TokenError::Bad(reason)) => {
                tracing::debug!(reason, "inactive token");
                Ok(Introspection::default())
            }
            Err(TokenError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Whether the token's client may still get tokens for at least one service in the token's audience.
    fn is_audience_still_registered(&self, valid_token: &ValidToken) -> bool {
        let mut audience = valid_token.claims.aud.iter();
        audience.any(|service| check_resource(service, &valid_token.client, self.issuer()).is_ok())
    }

    async fn introspect_refresh_token(
        &self,
        caller: &Client,
        token: RefreshToken,
    ) -> Result<Introspection, TokenEndpointError> {
        let found = self.find_valid_family(token.family).await?;
        let Some((family, authorization, account_state, record)) = found else {
            return Ok(Introspection::default());
        };
        let may_introspect =
            authorization.client == caller.id || caller.scopes.contains(Scope::TokensIntrospect);
        if !may_introspect || family.generation != token.generation {
            return Ok(Introspection::default());
        }
        let client = &record.client;
        let scopes = current_scopes(&authorization, client);
        let expires_at = expires_at(&family, &authorization, &client.metadata);
        Ok(Introspection {
            active: true,
            username: scopes
                .contains(Scope::Profile)
                .then_some(account_state.username),
            scope: Some(scopes),
            client_id: Some(client.public_id.clone()),
            sub: Some(authorization.user.to_string()),
            iss: Some(self.issuer().to_owned()),
            exp: Some(seconds(expires_at)),
            iat: Some(seconds(family.rotated_at)),
            auth_time: Some(seconds(authorization.auth_time)),
            acr: Some(authorization.acr.clone()),
            ..Introspection::default()
        })
    }

    /// Returns a refresh token family whose tokens can be used now.
    async fn find_valid_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<(Family, Authorization, AccountState, ClientRecord)>, TokenEndpointError>
    {
        let found = self
            .database
            .read(move |conn| {
                let Some(family) = families::find(conn, id)? else {
                    return Ok(None);
                };
                let Some(authorization) = tokens::find(conn, family.authorization)? else {
                    return Ok(None);
                };
                let account_state = account_state::find_record(conn, authorization.user)?;
                Ok::<_, db::Error>(
                    account_state.map(|account_state| (family, authorization, account_state)),
                )
            })
            .await?;
        let Some((family, authorization, account_state)) = found else {
            return Ok(None);
        };
        let record = self.clients.find(authorization.client).await?;
        let is_good = |record: &ClientRecord| {
            record.client.enabled
                && record.client.metadata.allows(GrantType::RefreshToken)
                && check_account_state(&authorization, &account_state, record).is_ok()
                && self
                    .check_lifetime(&family, &authorization, &record.client.metadata)
                    .is_ok()
        };
        let record = record.filter(is_good);
        Ok(record.map(|record| (family, authorization, account_state, record)))
    }
}

/// Whether the caller may introspect the token: it was issued to the caller or is meant for it, or the caller may introspect every
/// token.
fn may_introspect(caller: &Client, valid_token: &ValidToken) -> bool {
    let names_caller = |audience: &String| {
        audience == caller.public_id.as_str() || caller.metadata.audiences.contains(audience)
    };
    valid_token.client.id == caller.id
        || caller.scopes.contains(Scope::TokensIntrospect)
        || valid_token.claims.aud.iter().any(names_caller)
}

fn describe(valid_token: ValidToken) -> Introspection {
    let ValidToken {
        claims,
        client,
        account_state,
        ..
    } = valid_token;
    // A scope that was removed from the client no longer counts.
    let scopes: Scopes = claims.scope.intersection(&client.scopes);
    let (shows_name, shows_roles) = (
        scopes.contains(Scope::Profile),
        scopes.contains(Scope::Roles),
    );
    let person = account_state.map(|account_state| (account_state.username, account_state.roles));
    let (username, roles) = person.unzip();
    let roles = roles.filter(|_| shows_roles);
    Introspection {
        active: true,
        scope: Some(scopes),
        client_id: Some(claims.client_id),
        username: username.filter(|_| shows_name),
        token_type: Some("Bearer"),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub),
        aud: Some(claims.aud),
        iss: Some(claims.iss),
        jti: Some(claims.jti),
        // RFC 9470 §6.2: what a service needs to request step-up authentication.
        acr: claims.acr,
        auth_time: claims.auth_time,
        amr: claims.amr,
        // `groups` is an alias of `roles`.
        groups: roles.clone(),
        roles,
    }
}
