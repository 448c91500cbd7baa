//! The audience of an access token (RFC 8707 §2.2, RFC 9068 §3). Decision record 33 has the reasons.
//!
//! A token is for the issuer (its API and UserInfo) or for other services, never for both: a service could use a token that it
//! received to call Doorward's API.

use super::Oidc;
use super::error::{ErrorCode, OAuthError};
use super::resources::{check_resource, is_registered, userinfo_audience};
use crate::clients::AccessTokenHeaderType;
use crate::clients::{self, Client, Scope, Scopes};
use crate::db::{self, Connection};
use crate::tokens::TokenTarget;

/// The parts of a token request that determine the audience.
pub(super) struct AudienceRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) requested_resources: &'a [String],
    /// The resources that were authorized, as they are stored.
    pub(super) authorized_resources: &'a [String],
    /// The scopes that were authorized and that the client is still registered for.
    pub(super) granted_scopes: &'a Scopes,
    pub(super) token_scopes: &'a Scopes,
}

impl Oidc {
    /// Returns the audience that `UserInfo` accepts in addition to the issuer. No other endpoint accepts it.
    pub(super) fn userinfo_audience(&self) -> String {
        userinfo_audience(self.issuer())
    }

    /// Returns the audience of an access token.
    pub(super) fn audience(
        &self,
        request: &AudienceRequest<'_>,
    ) -> Result<Vec<String>, OAuthError> {
        let (client, issuer) = (request.client, self.issuer());
        let authorized = self.allowed_resources(request);
        let mut chosen: Vec<String> = Vec::new();
        if request.requested_resources.is_empty() {
            chosen = self.default_audience(request)?;
        }
        for resource in request.requested_resources {
            if !authorized.contains(resource) {
                return Err(self.not_authorized(request, resource, &authorized));
            }
            if !chosen.contains(resource) {
                chosen.push(resource.clone());
            }
        }
        let userinfo = self.userinfo_audience();
        let allows_userinfo = request.allows_userinfo(&userinfo);
        if chosen.len() > 1 && allows_userinfo {
            chosen.retain(|resource| resource != issuer);
        }
        let is_advised =
            !client.metadata.userinfo_audience && request.granted_scopes.contains(Scope::OpenId);
        refuse_issuer_with_others(&chosen, client, (issuer, is_advised))?;
        if allows_userinfo
            && request.token_scopes.contains(Scope::OpenId)
            && !chosen
                .iter()
                .any(|known| known == issuer || *known == userinfo)
        {
            chosen.push(userinfo);
        }
        Ok(chosen)
    }

    /// Returns the resources that a token request may name: the authorized ones that the client is still registered for, and the
    /// issuer if it was named, if nothing was named, or if `openid` was granted.
    fn allowed_resources(&self, request: &AudienceRequest<'_>) -> Vec<String> {
        let mut authorized = request.registered_resources(self.issuer());
        if request.includes_issuer(self.issuer()) || request.granted_scopes.contains(Scope::OpenId)
        {
            authorized.push(self.issuer().to_owned());
        }
        authorized
    }

    /// Returns the audience of a token request that names no resource: the issuer if it was named at the authorization endpoint or
    /// nothing was, otherwise the named services. A client with the `UserInfo` audience gets its services in any case.
    fn default_audience(&self, request: &AudienceRequest<'_>) -> Result<Vec<String>, OAuthError> {
        let issuer = self.issuer();
        let services = request.registered_resources(issuer);
        let prefers_resources =
            !request.includes_issuer(issuer) || request.allows_userinfo(&self.userinfo_audience());
        if prefers_resources && !services.is_empty() {
            return Ok(services);
        }
        if request.includes_issuer(issuer) {
            return Ok(vec![issuer.to_owned()]);
        }
        Err(no_longer_registered(
            request.client,
            request.authorized_resources,
        ))
    }

    /// Returns the error for a resource that was not authorized: the client is not registered for it, is no longer registered for
    /// it, or did not request it at sign-in.
    fn not_authorized(
        &self,
        request: &AudienceRequest<'_>,
        resource: &String,
        authorized: &[String],
    ) -> OAuthError {
        if let Err(refusal) = check_resource(resource, request.client, self.issuer()) {
            return if request.authorized_resources.contains(resource) {
                no_longer_registered(request.client, std::slice::from_ref(resource))
            } else {
                refusal
            };
        }
        let description = "resource was not authorized: send it in the authorization request too";
        OAuthError::new(ErrorCode::InvalidTarget, description).with_rule(
            "resource-not-authorized",
            &request.requested_resources.join(" "),
            &authorized.join(" "),
        )
    }

    /// Completes the audience of a token with the plain names of its resource servers, and uses the header type `JWT` if one of
    /// them needs it. Each name is registered for one client only, so the token becomes valid at no other service.
    pub(super) fn find_target(
        &self,
        conn: &mut Connection,
        client: &Client,
        mut audience: Vec<String>,
    ) -> db::Result<TokenTarget> {
        let mut header_type = client.metadata.access_token_header_type;
        // No resource server is registered under the issuer's URL.
        let servers = if audience == [self.issuer()] {
            Vec::new()
        } else {
            clients::list_resource_servers(conn, &audience)?
        };
        for server in servers {
            if server.access_token_header_type == AccessTokenHeaderType::Jwt {
                header_type = AccessTokenHeaderType::Jwt;
            }
            for name in server.audiences {
                if !name.contains(':') && !audience.contains(&name) {
                    audience.push(name);
                }
            }
        }
        Ok(TokenTarget {
            audience,
            header_type,
        })
    }
}

impl AudienceRequest<'_> {
    /// Whether the issuer was named at the authorization endpoint. An authorization without resources is for the issuer.
    fn includes_issuer(&self, issuer: &str) -> bool {
        self.authorized_resources.is_empty()
            || self
                .authorized_resources
                .iter()
                .any(|resource| resource == issuer)
    }

    /// Returns the authorized resources other than the issuer that the client is still registered for.
    fn registered_resources(&self, issuer: &str) -> Vec<String> {
        let is_good =
            |resource: &&String| *resource != issuer && is_registered(resource, self.client);
        self.authorized_resources
            .iter()
            .filter(is_good)
            .cloned()
            .collect()
    }

    /// Whether `UserInfo` accepts the client's tokens for services: the client is registered for that,
    /// also when it was authorized.
    fn allows_userinfo(&self, audience: &str) -> bool {
        self.client.metadata.userinfo_audience
            && self.granted_scopes.contains(Scope::OpenId)
            && self
                .authorized_resources
                .iter()
                .any(|known| known == audience)
    }
}

fn no_longer_registered(client: &Client, authorized: &[String]) -> OAuthError {
    let description = "the client is no longer registered for the authorized resource";
    OAuthError::new(ErrorCode::InvalidTarget, description).with_rule(
        "resource-no-longer-registered",
        &authorized.join(" "),
        &client.metadata.resources.join(" "),
    )
}

/// Refuses a token for the issuer and other services. The error suggests the `UserInfo` audience where that would help.
pub(super) fn refuse_issuer_with_others(
    resources: &[String],
    client: &Client,
    (issuer, advises_userinfo): (&str, bool),
) -> Result<(), OAuthError> {
    if resources.len() < 2 || !resources.iter().any(|resource| resource == issuer) {
        return Ok(());
    }
    let other_way = if advises_userinfo {
        format!(
            ", or let UserInfo accept tokens for services (doorward client update {} --userinfo-audience)",
            client.public_id
        )
    } else {
        String::new()
    };
    let description = format!(
        "a token for the issuer can't be for other services: request two tokens, one with resource={issuer}{other_way}"
    );
    Err(
        OAuthError::new(ErrorCode::InvalidTarget, description).with_rule(
            "issuer-with-other-resources",
            &resources.join(" "),
            &client.metadata.resources.join(" "),
        ),
    )
}
