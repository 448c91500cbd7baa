//! Sign-in with any passkey that the user chooses.

use serde_json::Value;
use webauthn_rs::prelude::DiscoverableAuthentication;

use super::assertion::{Assertion, AssertionError, VerifiedAssertion};
use super::ceremony::{CeremonyPurpose, CeremonyStart};
use super::error::CeremonyError;
use super::queries::Passkey;
use super::{Passkeys, queries};
use crate::account_state::{self, AccountState, UserStatus};
use crate::base::ids::UserId;
use crate::base::secrets::TokenHash;
use crate::db::Connection;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{self, Acr, Continuation, NewSession, SingleUse, VerifiedCeremony};
use crate::timed;
use crate::users;

/// A completed sign-in.
#[derive(Debug)]
pub(super) struct CompletedLogin {
    pub(super) account_state: AccountState,
    pub(super) new_session: NewSession,
    /// Where to redirect the browser.
    pub(super) continuation: Option<Continuation>,
}

impl Passkeys {
    /// Starts a sign-in for this browser.
    pub(super) async fn start_login(
        &self,
        continuation: Option<String>,
        browser: TokenHash,
    ) -> Result<CeremonyStart, CeremonyError> {
        let (public_key, state) = self.party.request_options()?;
        let purpose = CeremonyPurpose::Login {
            continuation,
            state,
        };
        Ok(self.store_ceremony(public_key, purpose, browser).await?)
    }

    /// Finishes a sign-in: verifies the assertion, consumes the ceremony, and opens a session.
    pub(super) async fn finish_login(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        author: Author,
    ) -> Result<CompletedLogin, CeremonyError> {
        let (purpose, single_use) = self.find_ceremony(ceremony, browser).await?;
        let finished = self.log_in(purpose, single_use, credential, author).await;
        self.settle(single_use, finished).await
    }

    async fn log_in(
        &self,
        purpose: CeremonyPurpose,
        single_use: SingleUse,
        credential: Value,
        author: Author,
    ) -> Result<CompletedLogin, CeremonyError> {
        // 1. Read the ceremony's state and the continuation.
        let CeremonyPurpose::Login {
            continuation,
            state,
        } = purpose
        else {
            return Err(CeremonyError::Gone("wrong-purpose"));
        };
        let continuation = match continuation {
            Some(id) => self.sessions.continuation(&id).await?,
            None => None,
        };
        // 2. Verify the assertion. 3. Consume the ceremony, update the passkey and create the session, in one transaction
        // under the lock on the account state.
        let assertion = self.party.read_assertion(credential)?;
        let (passkeys, opened_by) = (self.clone(), author.clone());
        let open = move |conn: &mut Connection, verified| {
            passkeys.open_session(conn, verified, single_use, &opened_by)
        };
        let ceremony = (single_use, &state);
        let (account_state, new_session) = self
            .verify_and_commit(&assertion, ceremony, None, &author, open)
            .await?;
        // 4. Activate the session.
        let opened = self.sessions.activate(&new_session).await;
        opened.map_err(|away| CeremonyError::Interrupted(away.to_string()))?;
        Ok(CompletedLogin {
            account_state,
            new_session,
            continuation,
        })
    }

    /// Verifies an assertion against the passkey that it names, which must be that of `user` if given, and runs `commit` in a
    /// transaction; once more if a concurrent request changed the passkey.
    pub(super) async fn verify_and_commit<T: Send + 'static>(
        &self,
        assertion: &Assertion,
        (single_use, state): (SingleUse, &DiscoverableAuthentication),
        user: Option<UserId>,
        author: &Author,
        commit: impl Fn(&mut Connection, VerifiedAssertion) -> Result<T, CeremonyError>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, CeremonyError> {
        let refused = |reason: &str| AssertionError::Refused(reason.to_owned()).into();
        // A user is known beforehand for a step-up only.
        let action = user.map_or("session.signed_in", |_| "session.stepped_up");
        for _ in 0..2 {
            let passkey = self
                .find_live(assertion, (user, action), single_use, author)
                .await?;
            let verified = timed!(
                debug,
                "verified an assertion",
                self.party
                    .verify_assertion(assertion, state, passkey.clone())
            );
            let verified = match verified {
                Ok(verified) => verified,
                Err(fault) => {
                    self.record_refused_assertion(&passkey, action, &fault, author)
                        .await;
                    return Err(fault.into());
                }
            };
            let commit = commit.clone();
            let committed = self
                .database
                .write(move |conn| commit(conn, verified))
                .await;
            if let Err(CeremonyError::Suspended) = &committed {
                let event = Event::refused(action, "suspended");
                let author = author.acting_as(Actor::User(passkey.user));
                self.record_refused(&passkey, event, author).await;
            }
            if !matches!(committed, Err(CeremonyError::ChangedConcurrently)) {
                return committed;
            }
        }
        Err(refused("used-concurrently"))
    }

    /// Finds the passkey that an assertion names, if it is valid. The refusal of a revoked passkey is recorded as an event.
    async fn find_live(
        &self,
        assertion: &Assertion,
        (user, action): (Option<UserId>, &'static str),
        single_use: SingleUse,
        author: &Author,
    ) -> Result<Passkey, CeremonyError> {
        let credential_id = assertion.credential_id();
        let passkey = self
            .database
            .read(move |conn| {
                // Checked first: a counter that was raised by this same ceremony does not indicate a clone.
                single_use.require_unused(conn)?;
                Ok::<_, CeremonyError>(queries::find_by_credential_id(conn, &credential_id)?)
            })
            .await?;
        let passkey = passkey.ok_or(CeremonyError::PasskeyUnknown)?;
        // Checked before anything is recorded: the owner of another user's passkey did nothing.
        if user.is_some_and(|user| user != passkey.user) {
            return Err(AssertionError::Refused("passkey-of-other-user".into()).into());
        }
        if passkey.is_live() {
            return Ok(passkey);
        }
        let event = Event::refused(action, "passkey-revoked");
        let author = author.acting_as(Actor::Doorward);
        self.record_refused(&passkey, event, author).await;
        Err(CeremonyError::PasskeyUnknown)
    }

    /// Consumes the ceremony, records the use of the passkey and creates the session. `ChangedConcurrently` if the passkey was used
    /// or revoked concurrently.
    fn open_session(
        &self,
        conn: &mut Connection,
        mut verified: VerifiedAssertion,
        single_use: SingleUse,
        author: &Author,
    ) -> Result<(AccountState, NewSession), CeremonyError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        account_state::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        let account_state =
            account_state::find_record(conn, user)?.ok_or(CeremonyError::PasskeyUnknown)?;
        if account_state.status != UserStatus::Active {
            return Err(CeremonyError::Suspended);
        }
        if !verified.record_use(conn, now)? {
            return Err(CeremonyError::ChangedConcurrently);
        }
        let acr = Acr::of(verified.passkey.backup_eligible);
        let ceremony = VerifiedCeremony::attest(user, passkey, acr, self.clock.now());
        let author = author.acting_as(Actor::User(user));
        users::mark_username_used(conn, &account_state.username, now)?;
        let new_session = sessions::create(
            conn,
            &self.sessions,
            &ceremony,
            account_state.session_epoch,
            &author,
        )?;
        let event = Event::done("session.signed_in")
            .subject(user)
            .passkey(passkey)
            .details(serde_json::json!({
                "session": new_session.live.id,
                "sign_count": verified.passkey.sign_count,
                "backup_state": verified.passkey.backup_state,
            }));
        history::record(conn, now, &author, event)?;
        Ok((account_state, new_session))
    }

    /// Records that an assertion of a known passkey was refused. The user is the actor only if the counter went back, because the
    /// signature is valid then. In any other case it is unknown who sent the assertion.
    async fn record_refused_assertion(
        &self,
        passkey: &Passkey,
        action: &'static str,
        fault: &AssertionError,
        author: &Author,
    ) {
        let (reason, actor) = match fault {
            AssertionError::CounterWentBack => ("counter-went-back", Actor::User(passkey.user)),
            AssertionError::Refused(_) => ("assertion-refused", Actor::Doorward),
        };
        let event = Event::refused(action, reason);
        let author = author.acting_as(actor);
        self.record_refused(passkey, event, author).await;
    }

    async fn record_refused(&self, passkey: &Passkey, event: Event, author: Author) {
        let event = event.subject(passkey.user).passkey(passkey.id);
        // Each action has a limit of its own: refused sign-ins, which anyone can cause, must not hide a refused step-up.
        let caller = format!("passkey:{}:{}", passkey.id, event.action);
        self.refusals.record(&caller, author, event).await;
    }
}
