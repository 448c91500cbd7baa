//! The authorization code grant (RFC 6749 §4.1.3). A code is used once: a second use revokes the authorization,
//! whichever use commits first.

use serde_json::json;

use super::audience::AudienceRequest;
use super::client_authentication::{ClientAuthError, find_still_authenticated};
use super::error::OAuthError;
use super::parameters::Parameters;
use super::token::{TokenEndpointError, ValidatedGrant, check_grant_type};
use super::{Oidc, pkce};
use crate::account_state::{self, AccountState, CheckResult};
use crate::base::ids::UserId;
use crate::base::secrets::{Token, TokenHash};
use crate::clients::{self, Client, ClientRecord, GrantType, Scope, Scopes};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::tokens::refresh::RefreshToken;
use crate::tokens::{self, Authorization, TokenTarget, families, revoke};
use crate::users::{self, User};

/// Result of a redemption. `ValidatedGrant` and `Refused` are both committed: a refusal uses up the code.
enum RedemptionResult {
    Granted {
        granted: Box<ValidatedGrant>,
        /// Whether the transaction recorded that the client uses PKCE.
        recorded_pkce_use: bool,
    },
    Refused {
        user: UserId,
        refusal: OAuthError,
    },
    Unknown,
}

impl Oidc {
    pub(super) async fn redeem_code(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
        author: Author,
    ) -> Result<ValidatedGrant, TokenEndpointError> {
        let code = parameters
            .get("code")
            .ok_or_else(|| OAuthError::invalid_request("code is missing"))?;
        let unknown = || OAuthError::invalid_grant("the code is unknown, used or expired");
        let code = Token::parse(code).ok_or_else(unknown)?.hash();
        let redemption = Box::new(RedemptionTransaction {
            oidc: self.clone(),
            record: record.clone(),
            redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
            verifier: parameters.get("code_verifier").map(str::to_owned),
            resources: parameters.resources(),
            author,
        });
        // A guessed code costs one read, and never occupies the single writer of an embedded database.
        let found = self
            .database
            .read(move |conn| tokens::find_by_code(conn, &code));
        if found.await?.is_none() {
            return Err(unknown().into());
        }
        let redeemed = self
            .database
            .write(move |conn| redemption.run(conn, &code))
            .await;
        // A retry would count as a replay of the code.
        match redeemed.map_err(TokenEndpointError::without_retry)? {
            RedemptionResult::Granted {
                granted,
                recorded_pkce_use,
            } => {
                let client = granted.client.id;
                // The code is already used up, so the client gets its tokens even if this fails: an instance that was not
                // notified reads the change from the database within a second.
                if recorded_pkce_use && let Err(error) = self.clients.publish(client).await {
                    tracing::warn!(%error, client_id = %client, "PKCE use of a client is not yet known on all instances");
                }
                Ok(*granted)
            }
            RedemptionResult::Unknown => Err(unknown().into()),
            RedemptionResult::Refused { user, refusal } => {
                self.account_states.publish_or_warn(user).await;
                Err(refusal.into())
            }
        }
    }
}

struct RedemptionTransaction {
    oidc: Oidc,
    record: ClientRecord,
    redirect_uri: Option<String>,
    verifier: Option<String>,
    resources: Vec<String>,
    author: Author,
}

/// Why a redemption is refused: a reason code for the audit log, and the error for the client.
type RedemptionFailure = (&'static str, OAuthError);

impl RedemptionTransaction {
    fn run(
        &self,
        conn: &mut Connection,
        code: &TokenHash,
    ) -> Result<RedemptionResult, TokenEndpointError> {
        // 1. Find the authorization and lock the user's account: every decision about a user is made under this lock.
        let Some(found) = tokens::find_by_code(conn, code)? else {
            return Ok(RedemptionResult::Unknown);
        };
        // A client's first `code_verifier` changes the client. Every change of a client locks its row before the user's account.
        let may_record_pkce_use =
            self.verifier.is_some() && self.record.client.metadata.remembers_pkce_use();
        if may_record_pkce_use {
            clients::lock_for_change(conn, self.record.client.id)?;
        }
        account_state::lock(conn, found.user)?;
        // 2. The client's current registration; a refusal here leaves the code unused.
        let record = find_still_authenticated(conn, &self.record)?;
        let record = record.map_err(ClientAuthError::Failed)?;
        check_grant_type(&record.client, GrantType::AuthorizationCode)?;
        // 3. Use up the code; a second use is refused as a replay.
        let now = self.oidc.clock.now();
        let lifetimes = &self.oidc.tokens.lifetimes;
        let offline = lifetimes.offline_lifetime_of(record.client.metadata.offline_lifetime);
        let retain_until = tokens::retain_until(&found, now, (lifetimes, offline));
        let Some(grant) = tokens::redeem_code(conn, found.id, now, retain_until)? else {
            let refusal = OAuthError::invalid_grant("the code was already used");
            return Ok(self.refuse(conn, &found, ("code-replayed", refusal))?);
        };
        let authorization = grant.authorization();
        // 4. The code belongs to this client and has not expired, and the authorization is valid at this moment.
        let (account_state, user, target) = match self.check(conn, authorization, &record)? {
            Ok(valid) => valid,
            Err(fault) => return Ok(self.refuse(conn, authorization, fault)?),
        };
        // 5. A refresh token, if the client may use them.
        let scopes = current_scopes(authorization, &record.client);
        let refresh_token =
            self.begin_refresh_tokens(conn, &record.client, (authorization, &scopes))?;
        // 6. A client that has used PKCE must use it from now on.
        let recorded_pkce_use = may_record_pkce_use && record.client.metadata.remembers_pkce_use();
        if recorded_pkce_use {
            let now = self.oidc.database.now(conn)?;
            clients::record_pkce_use(conn, &record.client, now, &self.author)?;
        }
        let granted = Box::new(ValidatedGrant {
            client: record.client,
            grant,
            account_state,
            user,
            scopes,
            target,
            refresh_token,
        });
        Ok(RedemptionResult::Granted {
            granted,
            recorded_pkce_use,
        })
    }

    fn begin_refresh_tokens(
        &self,
        conn: &mut Connection,
        client: &Client,
        (authorization, scopes): (&Authorization, &Scopes),
    ) -> db::Result<Option<RefreshToken>> {
        if !client.metadata.allows(GrantType::RefreshToken) {
            return Ok(None);
        }
        let now = self.oidc.clock.now();
        let (lifetimes, own) = (&self.oidc.tokens.lifetimes, &client.metadata);
        let ends = if scopes.contains(Scope::OfflineAccess) {
            now.after(lifetimes.offline_lifetime_of(own.offline_lifetime))
        } else {
            authorization.session_end
        };
        families::begin(conn, authorization.id, ends, now).map(Some)
    }

    /// Checks the code and its authorization. Returns what is needed to issue tokens.
    fn check(
        &self,
        conn: &mut Connection,
        authorization: &Authorization,
        record: &ClientRecord,
    ) -> db::Result<Result<(AccountState, User, TokenTarget), RedemptionFailure>> {
        let refused = |reason, text: &str| Ok(Err((reason, OAuthError::invalid_grant(text))));
        if let Err(fault) = self.check_code(authorization, &record.client) {
            return Ok(Err(fault));
        }
        let scopes = current_scopes(authorization, &record.client);
        let target = match self.oidc.audience(&AudienceRequest {
            client: &record.client,
            requested_resources: &self.resources,
            authorized_resources: &authorization.resources.0,
            granted_scopes: &scopes,
            token_scopes: &scopes,
        }) {
            Ok(audience) => self.oidc.find_target(conn, &record.client, audience)?,
            Err(refusal) => return Ok(Err(("resource", refusal))),
        };
        let account_state = account_state::find_record(conn, authorization.user)?;
        let user = users::find(conn, authorization.user)?;
        let (Some(account_state), Some(user)) = (account_state, user) else {
            return refused("no-account-state", "the user no longer exists");
        };
        if let Err(reason) = check_account_state(authorization, &account_state, record) {
            return refused(reason, "the grant was withdrawn");
        }
        Ok(Ok((account_state, user, target)))
    }

    /// Checks that the code was issued to this client and has not expired, and that the redirect URI and the PKCE verifier match.
    fn check_code(
        &self,
        authorization: &Authorization,
        client: &Client,
    ) -> Result<(), RedemptionFailure> {
        let refused = |reason, text: &str| Err((reason, OAuthError::invalid_grant(text)));
        if authorization.client != client.id {
            return refused(
                "code-of-other-client",
                "the code was issued to another client",
            );
        }
        if self.oidc.clock.now() >= authorization.code_expires_at {
            return refused("code-expired", "the code has expired");
        }
        let sent_to = authorization.redirect_uri.as_str();
        let is_registered = client.metadata.allows_redirect_to(sent_to);
        if self.redirect_uri.as_deref() != Some(sent_to) || !is_registered {
            return refused(
                "other-redirect-uri",
                "redirect_uri must match the authorization request",
            );
        }
        let challenge = authorization.code_challenge.as_deref();
        // Since the code was issued, the client may have used PKCE for the first time, or its registration may have changed.
        let protection = (challenge, authorization.nonce.is_some());
        if !pkce::is_protected(client, protection, &current_scopes(authorization, client)) {
            return refused(
                "pkce",
                "the client must use PKCE, but the code was issued without code_challenge",
            );
        }
        pkce::verify(challenge, self.verifier.as_deref()).map_err(|refusal| ("pkce", refusal))
    }

    /// Revokes the code's authorization in the same transaction, and records an audit event.
    fn refuse(
        &self,
        conn: &mut Connection,
        authorization: &Authorization,
        (reason, refusal): RedemptionFailure,
    ) -> db::Result<RedemptionResult> {
        let what = (reason, "code.redeemed");
        revoke_after_misuse(&self.oidc, conn, authorization, what, &self.author)?;
        let user = authorization.user;
        Ok(RedemptionResult::Refused { user, refusal })
    }
}

/// Revokes an authorization because its code or refresh token was misused, and records an audit event.
pub(super) fn revoke_after_misuse(
    oidc: &Oidc,
    conn: &mut Connection,
    authorization: &Authorization,
    (reason, action): (&'static str, &'static str),
    author: &Author,
) -> db::Result<()> {
    // An authorization that has ended gets no further event: a client with a used code could write any number of them.
    let row = tokens::find(conn, authorization.id)?;
    if row.is_none_or(|row| row.was_withdrawn()) {
        return Ok(());
    }
    let now = oidc.database.now(conn)?;
    account_state::bump_version(conn, authorization.user, now)?;
    revoke::end_one(conn, authorization.id, now, reason)?;
    let event = Event::refused(action, reason)
        .subject(authorization.user)
        .client(authorization.client)
        .details(json!({ "authorization": authorization.id }));
    history::record(conn, now, author, event)
}

/// Checks that an authorization is valid at this moment: it is not revoked, its client was not disabled, and the user's account
/// state and roles allow it. Returns a reason code for the log if not.
pub(super) fn check_account_state(
    authorization: &Authorization,
    account_state: &AccountState,
    record: &ClientRecord,
) -> Result<(), &'static str> {
    if authorization.revoked_at.is_some() {
        return Err("authorization-revoked");
    }
    if authorization.client_epoch != record.user_authorizations_epoch {
        return Err("client-was-disabled");
    }
    match account_state.check_authorization(&authorization.authorization_ref()) {
        // The row was just read, and it is not revoked.
        CheckResult::Valid | CheckResult::ReadRow => {}
        CheckResult::Refused(reason) => return Err(reason),
        CheckResult::StateIsOutdated => return Err("unknown-epoch"),
    }
    if record.client.allows_user(account_state) {
        Ok(())
    } else {
        Err("role-missing")
    }
}

/// Returns the authorized scopes that the client is still registered for: removing a scope takes effect immediately.
pub(super) fn current_scopes(authorization: &Authorization, client: &Client) -> Scopes {
    authorization.scopes().intersection(&client.scopes)
}
