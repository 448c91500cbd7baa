//! The refresh token grant (RFC 6749 §6). Reuse of a rotated token revokes the authorization (RFC 9700 §4.14.2).

use std::time::Duration;

use super::Oidc;
use super::audience::AudienceRequest;
use super::client_authentication::{ClientError, find_still_authenticated};
use super::error::{ErrorCode, Refusal};
use super::grant_code::{end, judge_standing, scopes_now};
use super::parameters::Parameters;
use super::token::{Granted, TokenRefused, check_grant_type};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::clients::{ClientRecord, GrantType, Metadata, Scope, Scopes};
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::standing;
use crate::tokens::refresh::{self, Family, RefreshToken, Rotation};
use crate::tokens::{self, Authorization};
use crate::users;

/// Result of a refresh; each is committed.
enum Refreshed {
    Granted(Box<Granted>),
    Refused(Refusal),
    /// The token was reused or presented by another client, so the authorization was revoked. Contains the user.
    Ended(UserId),
}

const OVER: &str = "the refresh token is unknown, used or expired";

impl Oidc {
    pub(super) async fn refresh(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
        author: Author,
    ) -> Result<Granted, TokenRefused> {
        let presented = parameters
            .get("refresh_token")
            .ok_or_else(|| Refusal::invalid_request("refresh_token is missing"))?;
        // A forged token is refused without reading the database.
        let presented = self
            .tokens
            .refresh_tokens
            .read(presented)
            .ok_or_else(|| Refusal::invalid_grant(OVER))?;
        let narrowed = match parameters.get("scope") {
            None => None,
            Some(text) => {
                let scopes = Scopes::parse(text);
                let fault = |fault: crate::clients::NoScope| fault.to_string();
                Some(scopes.map_err(|error| Refusal::new(ErrorCode::InvalidScope, fault(error)))?)
            }
        };
        let refreshing = Box::new(Refreshing {
            oidc: self.clone(),
            record: record.clone(),
            presented,
            narrowed,
            resources: parameters
                .resources()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            author: author.acting_as(Actor::Client(record.client.id)),
        });
        let has_grace = refreshing.rotation(record).has_grace();
        let refreshed = self.database.write(move |conn| refreshing.run(conn)).await;
        let refreshed = refreshed.map_err(|error| match error {
            // Within the grace period, a retry returns the same successor; without a grace period it would count as a replay.
            TokenRefused::Database(db::Error::InDoubt(cause)) if !has_grace => {
                TokenRefused::InDoubt(cause)
            }
            error => error,
        })?;
        match refreshed {
            Refreshed::Granted(granted) => Ok(*granted),
            Refreshed::Refused(refusal) => Err(refusal.into()),
            Refreshed::Ended(user) => {
                self.standings.publish_or_warn(user).await;
                Err(Refusal::invalid_grant(OVER).into())
            }
        }
    }
}

impl Oidc {
    /// Checks that a family is within its own and its client's current lifetime, and not idle. Returns a
    /// reason code for the log if not.
    pub(super) fn judge_life(
        &self,
        family: &Family,
        authorization: &Authorization,
        client: &Metadata,
    ) -> Result<(), &'static str> {
        let now = self.clock.now();
        if now >= expires_at(family, authorization, client) {
            return Err("family-expired");
        }
        let idle_timeout = if authorization.offline {
            let own = client.offline_idle_timeout;
            self.tokens.lifetimes.offline_idle_timeout_of(own)
        } else {
            self.session_idle_timeout
        };
        // RFC 9700 §4.14.2: an unused refresh token expires.
        if now.since(family.advanced_at) >= idle_timeout {
            return Err("family-idle");
        }
        Ok(())
    }
}

/// Returns when a family expires: after its own lifetime or its client's current one, whichever is earlier.
pub(super) fn expires_at(
    family: &Family,
    authorization: &Authorization,
    client: &Metadata,
) -> Timestamp {
    let own = if authorization.offline {
        client.offline_lifetime
    } else {
        client.refresh_token_lifetime
    };
    let end = own.map(|own| family.created_at.after(Duration::from_secs(own.into())));
    end.map_or(family.expires_at, |end| end.min(family.expires_at))
}

struct Refreshing {
    oidc: Oidc,
    record: ClientRecord,
    presented: RefreshToken,
    narrowed: Option<Scopes>,
    resources: Vec<String>,
    author: Author,
}

impl Refreshing {
    fn run(&self, conn: &mut Connection) -> Result<Refreshed, TokenRefused> {
        let over = || Ok(Refreshed::Refused(Refusal::invalid_grant(OVER)));
        // 1. Find the authorization and lock the user's account, then the family; read both again under the locks.
        let Some(family) = refresh::find(conn, self.presented.family)? else {
            return over();
        };
        let Some(authorization) = tokens::find(conn, family.authorization)? else {
            return over();
        };
        standing::lock(conn, authorization.user)?;
        let Some(family) = refresh::lock(conn, family.id)? else {
            return over();
        };
        let Some(authorization) = tokens::find(conn, authorization.id)? else {
            return over();
        };
        // 2. The client's current registration.
        let record = find_still_authenticated(conn, &self.record)?;
        let record = record.map_err(ClientError::Failed)?;
        check_grant_type(&record.client, GrantType::RefreshToken)?;
        // 3. The token was issued to this client: a valid token that another client presents was stolen.
        if authorization.client != record.client.id {
            return Ok(self.end(conn, &authorization, "token-of-other-client")?);
        }
        // 4. The account state, the roles and the family's lifetime.
        let standing = standing::find_record(conn, authorization.user)?;
        let user = users::find(conn, authorization.user)?;
        let (Some(standing), Some(user)) = (standing, user) else {
            return over();
        };
        let is_good = judge_standing(&authorization, &standing, &record);
        if let Err(reason) = is_good.and_then(|()| {
            let client = &record.client.metadata;
            self.oidc.judge_life(&family, &authorization, client)
        }) {
            tracing::info!(reason, "refresh token rejected");
            return over();
        }
        // 5. The scopes and the audience do not exceed what was authorized.
        let allowed = scopes_now(&authorization, &record.client);
        if authorization.offline && !allowed.contains(Scope::OfflineAccess) {
            return over();
        }
        let scopes = match &self.narrowed {
            None => allowed.clone(),
            Some(asked) if asked.is_subset(&allowed) => asked.clone(),
            Some(_) => {
                let description = "scope exceeds what was authorized";
                let refusal = Refusal::new(ErrorCode::InvalidScope, description);
                return Ok(Refreshed::Refused(refusal));
            }
        };
        let target = match self.oidc.audience(&AudienceRequest {
            client: &record.client,
            requested: &self.resources,
            authorized: &authorization.resources.0,
            allowed: &allowed,
            scopes: &scopes,
        }) {
            Ok(audience) => self.oidc.find_target(conn, &record.client, audience)?,
            Err(refusal) => return Ok(Refreshed::Refused(refusal)),
        };
        // 6. Rotate the token; `None` means that a rotated token was reused.
        let now = self.oidc.clock.now();
        let family = (&family, authorization.clone());
        match refresh::rotate(conn, family, self.presented, self.rotation(&record), now)? {
            None => Ok(self.end(conn, &authorization, "refresh-token-replayed")?),
            Some(rotated) => Ok(Refreshed::Granted(Box::new(Granted {
                client: record.client,
                grant: rotated.grant,
                standing,
                user,
                scopes,
                target,
                refresh_token: Some(rotated.next),
            }))),
        }
    }

    fn rotation(&self, record: &ClientRecord) -> Rotation {
        let metadata = &record.client.metadata;
        if metadata.rotate_refresh_tokens || metadata.is_public() {
            Rotation::EachUse {
                grace: self.oidc.tokens.lifetimes.refresh_grace,
            }
        } else {
            Rotation::Never
        }
    }

    fn end(
        &self,
        conn: &mut Connection,
        authorization: &Authorization,
        reason: &'static str,
    ) -> db::Result<Refreshed> {
        let what = (reason, "token.refreshed");
        end(&self.oidc, conn, authorization, what, &self.author)?;
        Ok(Refreshed::Ended(authorization.user))
    }
}
