//! What a token is worth at this moment (RFC 7662), for those whom it concerns.

use serde_json::{Value, json};

use super::Oidc;
use super::error::Refusal;
use super::grant_code::judge_standing;
use super::parameters::Parameters;
use super::token::TokenRefused;
use crate::base::ids::RefreshFamilyId;
use crate::clients::{Client, GrantType, Scope, Scopes};
use crate::db;
use crate::standing;
use crate::tokens::refresh::{self, Family, RefreshToken};
use crate::tokens::{self, Authorization, GoodToken, TokenCopies, TokenError, seconds};

/// A genuine refresh token's family, its authorization, and its person's name, where all of them are good.
type GoodFamily = (Family, Authorization, String);

impl Oidc {
    /// Answers an introspection request of a client that has shown who it is, by the copies that were read with it.
    ///
    /// # Errors
    /// A request without a token, or a store is away.
    pub async fn introspect(
        &self,
        caller: &Client,
        parameters: &Parameters,
        copies: Option<&TokenCopies>,
    ) -> Result<Value, TokenRefused> {
        let token = parameters
            .get("token")
            .ok_or_else(|| Refusal::invalid_request("token is missing"))?;
        // The hint is for servers that must search (RFC 7662 §2.1); ours tells by looking.
        if let Some(refresh) = self.tokens.refresh_tokens.read(token) {
            return self.introspect_refresh_token(caller, refresh).await;
        }
        let Some(copies) = copies else {
            return Ok(inactive());
        };
        match self.tokens.check_copies(token, copies).await {
            Ok(good) if concerns(caller, &good) => Ok(describe(&good)),
            // RFC 7662 §2.2: whoever may not know learns no more than that.
            Ok(_) => Ok(inactive()),
            Err(TokenError::Bad(reason)) => {
                tracing::debug!(reason, "an inactive token");
                Ok(inactive())
            }
            Err(TokenError::Unavailable(error)) => Err(error.into()),
        }
    }

    async fn introspect_refresh_token(
        &self,
        caller: &Client,
        token: RefreshToken,
    ) -> Result<Value, TokenRefused> {
        let Some((family, authorization, username)) = self.find_good_family(token.family).await?
        else {
            return Ok(inactive());
        };
        let is_its =
            authorization.client == caller.id || caller.scopes.contains(Scope::TokensIntrospect);
        if !is_its || family.n != token.n {
            return Ok(inactive());
        }
        Ok(json!({
            "active": true,
            "scope": authorization.scopes(),
            "client_id": authorization.client,
            "username": username,
            "sub": authorization.user,
            "iss": self.issuer(),
            "exp": seconds(family.expires_at),
            "iat": seconds(family.advanced_at),
            "auth_time": seconds(authorization.auth_time),
            "acr": authorization.acr,
        }))
    }

    async fn find_good_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<GoodFamily>, TokenRefused> {
        let found = self
            .database
            .read(move |conn| {
                let Some(family) = refresh::find(conn, id)? else {
                    return Ok(None);
                };
                let Some(authorization) = tokens::find(conn, family.authorization)? else {
                    return Ok(None);
                };
                let standing = standing::find_record(conn, authorization.user)?;
                Ok::<_, db::Error>(standing.map(|standing| (family, authorization, standing)))
            })
            .await?;
        let Some((family, authorization, standing)) = found else {
            return Ok(None);
        };
        let record = self.clients.find(authorization.client).await?;
        let is_good = record.is_some_and(|record| {
            record.client.enabled
                && record.client.metadata.allows(GrantType::RefreshToken)
                && judge_standing(&authorization, &standing, &record).is_ok()
                && self.judge_life(&family, &authorization).is_ok()
        });
        Ok(is_good.then_some((family, authorization, standing.username)))
    }
}

/// Whether a client may know: the token was issued to it, is meant for it, or it may look at every token.
fn concerns(caller: &Client, good: &GoodToken) -> bool {
    let is_meant = |audience: &String| {
        *audience == caller.id.to_string() || caller.metadata.audiences.contains(audience)
    };
    good.client.id == caller.id
        || caller.scopes.contains(Scope::TokensIntrospect)
        || good.claims.aud.iter().any(is_meant)
}

fn describe(good: &GoodToken) -> Value {
    let claims = &good.claims;
    // What was taken from the client since is gone at once.
    let scopes: Scopes = claims.scope.intersection(&good.client.scopes);
    let mut answer = json!({
        "active": true,
        "scope": scopes,
        "client_id": claims.client_id,
        "token_type": "Bearer",
        "exp": claims.exp,
        "iat": claims.iat,
        "sub": claims.sub,
        "aud": claims.aud,
        "iss": claims.iss,
        "jti": claims.jti,
    });
    if let (Some(members), Some(standing)) = (answer.as_object_mut(), &good.standing) {
        members.insert("username".into(), json!(standing.username));
        // RFC 9470 §6.2: what a service needs to ask for more.
        members.insert("acr".into(), json!(claims.acr));
        members.insert("auth_time".into(), json!(claims.auth_time));
        members.insert("amr".into(), json!(claims.amr));
        if scopes.contains(Scope::Roles) {
            members.insert("roles".into(), json!(standing.roles));
        }
    }
    answer
}

/// RFC 7662 §2.2: exactly this.
fn inactive() -> Value {
    json!({ "active": false })
}
