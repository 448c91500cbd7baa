//! The client credentials grant (RFC 6749 §4.4): issues access tokens for a client on its own behalf.

use std::sync::Arc;

use super::Oidc;
use super::audience::refuse_issuer_with_others;
use super::error::{ErrorCode, OAuthError, shell_word};
use super::parameters::Parameters;
use super::request::parse_scopes;
use super::resources::{only_resource, requested_resources};
use super::token::{TokenEndpointError, TokenResponse};
use crate::clients::{Client, ClientRecord, Scope, Scopes};
use crate::tokens::TokenTarget;

/// Returns the error for scopes that a client is not registered for on its own behalf.
fn scope_not_registered(client: &Client, asked: &Scopes, own: &Scopes) -> OAuthError {
    let about_users: Scopes = Scope::OPENID.into_iter().collect();
    let (asked_text, own_text) = (asked.to_text(), own.to_text());
    let refuse = |description: &str| {
        OAuthError::new(ErrorCode::InvalidScope, description).with_rule(
            "scope-not-registered",
            &asked_text,
            &own_text,
        )
    };
    let personal = asked.intersection(&about_users);
    if !personal.is_empty() {
        return refuse(&format!(
            "{personal}: scopes about a user need a user's sign-in (the grant authorization_code); request this token without them"
        ));
    }
    let flags: Vec<String> = asked
        .difference(own)
        .names()
        .filter_map(shell_word)
        .map(|scope| format!("--add-scope {scope}"))
        .collect();
    refuse("the client is not registered for this scope").with_remedy(format!(
        "doorward client update {} {}",
        client.public_id,
        flags.join(" ")
    ))
}

impl Oidc {
    pub(super) async fn grant_client_credentials(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
    ) -> Result<TokenResponse, TokenEndpointError> {
        let client = &record.client;
        // RFC 6749 §4.4: only confidential clients may use this grant.
        if client.metadata.is_public() {
            let description = "public clients cannot use client_credentials";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description).into());
        }
        let personal: Scopes = Scope::OPENID.into_iter().collect();
        let own = client.scopes.difference(&personal);
        let scopes = match parameters.get("scope") {
            None => own,
            Some(text) => {
                let asked = parse_scopes(text)?;
                if !asked.is_subset(&own) {
                    return Err(scope_not_registered(client, &asked, &own).into());
                }
                asked
            }
        };
        let mut resources = requested_resources(parameters, client, self.issuer())?;
        refuse_issuer_with_others(&resources, client, (self.issuer(), false))?;
        if resources.is_empty() {
            resources.push(only_resource(client).unwrap_or(self.issuer()).to_owned());
        }
        let target = self.find_own_target(&record.client, resources).await?;
        let issued = self
            .tokens
            .issue_for_client(record, &scopes, target)
            .await?;
        Ok(TokenResponse {
            access_token: issued.text,
            token_type: "Bearer",
            expires_in: issued.lifetime.as_secs(),
            scope: scopes,
            // RFC 6749 §4.4.3: no refresh token.
            refresh_token: None,
            id_token: None,
            session_state: None,
        })
    }

    async fn find_own_target(
        &self,
        client: &Arc<Client>,
        audience: Vec<String>,
    ) -> Result<TokenTarget, TokenEndpointError> {
        if audience == [self.issuer()] {
            return Ok(TokenTarget {
                audience,
                header_type: client.metadata.access_token_header_type,
            });
        }
        let (oidc, client) = (Box::new(self.clone()), client.clone());
        let found = self
            .database
            .read(move |conn| oidc.find_target(conn, &client, audience));
        Ok(found.await?)
    }
}
