//! A refresh token becomes a new access token (RFC 6749 §6). One that was used before ends the family (RFC 9700 §4.14.2).

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

/// How a refresh ended; all are committed.
enum Refreshed {
    Granted(Box<Granted>),
    Refused(Refusal),
    /// Two hold the family: it has ended.
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
        // A forged one proves nothing about anybody: no row is touched for it.
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
            // Repeated within the grace the same token gives the same successor; without one it would count as replayed.
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
    /// Whether a family may still be used: within its lifetime and the one that its client is registered with now, and not left
    /// unused for too long.
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
        // RFC 9700 §4.14.2: a token that nobody uses ends.
        if now.since(family.advanced_at) >= idle_timeout {
            return Err("family-idle");
        }
        Ok(())
    }
}

/// When a family expires: at the end of its lifetime, or of the one that its client is registered with now, if that is earlier.
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
        // 1. Whose family; everything about a person is decided under their lock.
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
        // 2. The client, as it is registered now.
        let record = find_still_authenticated(conn, &self.record)?;
        let record = record.map_err(ClientError::Failed)?;
        check_grant_type(&record.client, GrantType::RefreshToken)?;
        // 3. Its own client: somebody else's use of a genuine one is a theft.
        if authorization.client != record.client.id {
            return Ok(self.end(conn, &authorization, "token-of-other-client")?);
        }
        // 4. The gate, and the family's own life.
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
        // 5. No more than was authorized.
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
        // 6. Once.
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
