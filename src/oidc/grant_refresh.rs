//! The refresh token grant (RFC 6749 §6). Reuse of a rotated token revokes the authorization (RFC 9700 §4.14.2).

use std::time::Duration;

use super::Oidc;
use super::audience::AudienceRequest;
use super::client_authentication::{ClientAuthError, find_still_authenticated};
use super::error::{ErrorCode, OAuthError};
use super::grant_code::{check_account_state, current_scopes, revoke_after_misuse};
use super::parameters::Parameters;
use super::request::parse_scopes;
use super::token::{TokenEndpointError, ValidatedGrant, check_grant_type};
use crate::account_state;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::clients::{ClientRecord, GrantType, Metadata, Scope, Scopes};
use crate::db::{self, Connection};
use crate::history::Author;
use crate::tokens::refresh::{Family, RefreshToken, Rotation};
use crate::tokens::{self, Authorization, families};
use crate::users;

/// Result of a refresh; each is committed.
enum RefreshOutcome {
    Granted(Box<ValidatedGrant>),
    Rejected(OAuthError),
    /// The token was reused or presented by another client, so the authorization was revoked. Contains the user.
    FamilyEnded(UserId),
}

const NOT_VALID: &str = "the refresh token is unknown, used or expired";

impl Oidc {
    pub(super) async fn refresh(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
        author: Author,
    ) -> Result<ValidatedGrant, TokenEndpointError> {
        let presented = parameters
            .get("refresh_token")
            .ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
        // A forged token is refused without reading the database.
        let presented = self
            .tokens
            .refresh_tokens
            .read(presented)
            .ok_or_else(|| OAuthError::invalid_grant(NOT_VALID))?;
        let narrowed = parameters.get("scope").map(parse_scopes).transpose()?;
        let transaction = Box::new(RefreshTransaction {
            oidc: self.clone(),
            record: record.clone(),
            presented,
            narrowed,
            resources: parameters.resources(),
            author,
        });
        let has_grace = transaction.rotation(record).has_grace();
        let refreshed = self.database.write(move |conn| transaction.run(conn)).await;
        // Within the grace period, a retry returns the same successor; without a grace period it would count as a replay.
        match refreshed.map_err(|error| {
            if has_grace {
                error
            } else {
                error.without_retry()
            }
        })? {
            RefreshOutcome::Granted(granted) => Ok(*granted),
            RefreshOutcome::Rejected(refusal) => Err(refusal.into()),
            RefreshOutcome::FamilyEnded(user) => {
                self.account_states.publish_or_warn(user).await;
                Err(OAuthError::invalid_grant(NOT_VALID).into())
            }
        }
    }

    /// Checks that a family is within its own and its client's current lifetime, and not idle. Returns a
    /// reason code for the log if not.
    pub(super) fn check_lifetime(
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
        if now.since(family.rotated_at) >= idle_timeout {
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

struct RefreshTransaction {
    oidc: Oidc,
    record: ClientRecord,
    presented: RefreshToken,
    narrowed: Option<Scopes>,
    resources: Vec<String>,
    author: Author,
}

impl RefreshTransaction {
    fn run(&self, conn: &mut Connection) -> Result<RefreshOutcome, TokenEndpointError> {
        let not_valid = || {
            Ok(RefreshOutcome::Rejected(OAuthError::invalid_grant(
                NOT_VALID,
            )))
        };
        // 1. Find the authorization and lock the user's account, then the family; read both again under the locks.
        let Some(family) = families::find(conn, self.presented.family)? else {
            return not_valid();
        };
        let Some(authorization) = tokens::find(conn, family.authorization)? else {
            return not_valid();
        };
        account_state::lock(conn, authorization.user)?;
        let Some(family) = families::lock(conn, family.id)? else {
            return not_valid();
        };
        let Some(authorization) = tokens::find(conn, authorization.id)? else {
            return not_valid();
        };
        // 2. The client's current registration.
        let record = find_still_authenticated(conn, &self.record)?;
        let record = record.map_err(ClientAuthError::Failed)?;
        check_grant_type(&record.client, GrantType::RefreshToken)?;
        // 3. The token was issued to this client: a valid token that another client presents was stolen.
        if authorization.client != record.client.id {
            return Ok(self.end_family(conn, &authorization, "token-of-other-client")?);
        }
        // 4. The account state, the roles and the family's lifetime.
        let account_state = account_state::find_record(conn, authorization.user)?;
        let user = users::find(conn, authorization.user)?;
        let (Some(account_state), Some(user)) = (account_state, user) else {
            return not_valid();
        };
        let is_good = check_account_state(&authorization, &account_state, &record);
        if let Err(reason) = is_good.and_then(|()| {
            let client = &record.client.metadata;
            self.oidc.check_lifetime(&family, &authorization, client)
        }) {
            tracing::info!(reason, "refresh token rejected");
            return not_valid();
        }
        // 5. The scopes and the audience do not exceed what was authorized.
        let allowed = current_scopes(&authorization, &record.client);
        if authorization.offline && !allowed.contains(Scope::OfflineAccess) {
            return not_valid();
        }
        let scopes = match &self.narrowed {
            None => allowed.clone(),
            Some(asked) if asked.is_subset(&allowed) => asked.clone(),
            Some(_) => {
                let description = "scope exceeds what was authorized";
                let refusal = OAuthError::new(ErrorCode::InvalidScope, description);
                return Ok(RefreshOutcome::Rejected(refusal));
            }
        };
        let target = match self.oidc.audience(&AudienceRequest {
            client: &record.client,
            requested_resources: &self.resources,
            authorized_resources: &authorization.resources.0,
            granted_scopes: &allowed,
            token_scopes: &scopes,
        }) {
            Ok(audience) => self.oidc.find_target(conn, &record.client, audience)?,
            Err(refusal) => return Ok(RefreshOutcome::Rejected(refusal)),
        };
        // 6. Rotate the token; `None` means that a rotated token was reused.
        let now = self.oidc.clock.now();
        let family = (&family, authorization.clone());
        match families::rotate(conn, family, self.presented, self.rotation(&record), now)? {
            None => Ok(self.end_family(conn, &authorization, "refresh-token-replayed")?),
            Some((grant, next)) => Ok(RefreshOutcome::Granted(Box::new(ValidatedGrant {
                client: record.client,
                grant,
                account_state,
                user,
                scopes,
                target,
                refresh_token: Some(next),
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

    fn end_family(
        &self,
        conn: &mut Connection,
        authorization: &Authorization,
        reason: &'static str,
    ) -> db::Result<RefreshOutcome> {
        let what = (reason, "token.refreshed");
        revoke_after_misuse(&self.oidc, conn, authorization, what, &self.author)?;
        Ok(RefreshOutcome::FamilyEnded(authorization.user))
    }
}
