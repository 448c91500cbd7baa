//! Sign-in with any passkey that the user chooses.

use serde_json::Value;

use super::assertion::{Assertion, AssertionError, VerifiedAssertion};
use super::ceremony::{CeremonyError, CeremonyPurpose};
use super::passkey::Passkey;
use super::register::CeremonyStart;
use super::{Passkeys, queries};
use crate::account_state::{self, AccountState, UserStatus};
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};
use crate::ephemeral::StoreUnavailable;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{self, Acr, Continuation, NewSession, SingleUse, UseError, VerifiedCeremony};
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

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The ceremony was used, has expired, was started in another browser, or is unknown.
    #[error("unknown ceremony: {0}")]
    CeremonyGone(&'static str),
    /// No valid passkey has this credential ID. The page reports that to the browser's password manager.
    #[error("the passkey is not registered")]
    PasskeyUnknown,
    /// The assertion is invalid; with a reason code for the log.
    #[error("assertion rejected: {0}")]
    Refused(String),
    /// The assertion is valid, but the user may not sign in.
    #[error("the user is suspended")]
    Suspended,
    /// Another request used or revoked the passkey concurrently: it must be read again.
    #[error("the passkey was used or revoked by another request")]
    ChangedConcurrently,
    /// The ceremony is used, but a store failed before its session could be handed out.
    #[error("committed, but no session was handed out: {0}")]
    Interrupted(String),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    Ephemeral(#[from] StoreUnavailable),
}

impl LoginError {
    /// Whether the ceremony can't be repeated. It can if a store was unavailable.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Database(_) | Self::Ephemeral(_))
    }
}

impl From<CeremonyError> for LoginError {
    fn from(error: CeremonyError) -> Self {
        match error {
            CeremonyError::Gone(reason) => Self::CeremonyGone(reason),
            CeremonyError::StoreUnavailable(error) => Self::Ephemeral(error),
        }
    }
}

impl From<UseError> for LoginError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::Used => Self::CeremonyGone("used"),
            UseError::Database(error) => Self::Database(error),
        }
    }
}

impl From<AssertionError> for LoginError {
    fn from(fault: AssertionError) -> Self {
        Self::Refused(fault.to_string())
    }
}

impl Passkeys {
    /// Starts a sign-in for this browser.
    pub(super) async fn start_login(
        &self,
        continuation: Option<String>,
        browser: TokenHash,
    ) -> Result<CeremonyStart, LoginError> {
        let (public_key, state) = self.party.request_options()?;
        let purpose = CeremonyPurpose::Login {
            continuation,
            state,
        };
        let ceremony = self.store_ceremony(purpose, browser).await?;
        Ok(CeremonyStart {
            ceremony,
            public_key,
        })
    }

    /// Finishes a sign-in: verifies the assertion, consumes the ceremony, and opens a session.
    pub(super) async fn finish_login(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        author: Author,
    ) -> Result<CompletedLogin, LoginError> {
        let (purpose, single_use) = self.find_ceremony(ceremony, browser).await?;
        let finished = self.log_in(purpose, single_use, credential, author).await;
        if finished.as_ref().err().is_none_or(LoginError::is_final) {
            self.discard_ceremony(single_use).await;
        }
        finished
    }

    async fn log_in(
        &self,
        purpose: CeremonyPurpose,
        single_use: SingleUse,
        credential: Value,
        author: Author,
    ) -> Result<CompletedLogin, LoginError> {
        // 1. Read the ceremony's state and the continuation.
        let CeremonyPurpose::Login {
            continuation,
            state,
        } = purpose
        else {
            return Err(LoginError::CeremonyGone("wrong-purpose"));
        };
        let continuation = match continuation {
            Some(id) => self.sessions.continuation(&id).await?,
            None => None,
        };
        // 2. Verify the assertion against the passkey that it names; once more if a concurrent request changed the passkey.
        let assertion = self.party.read_assertion(credential)?;
        for _ in 0..2 {
            let passkey = self.find_live(&assertion, single_use, &author).await?;
            let verified = timed!(
                debug,
                "verified an assertion",
                self.party
                    .verify_assertion(&assertion, &state, passkey.clone())
            );
            let verified = match verified {
                Ok(verified) => verified,
                Err(fault) => {
                    self.record_refused_assertion(&passkey, &fault, &author)
                        .await;
                    return Err(fault.into());
                }
            };
            // 3. Consume the ceremony, update the passkey and create the session, in one transaction under the lock on
            // the account state.
            let (passkeys, author) = (self.clone(), author.clone());
            let refused_author = author.acting_as(Actor::User(passkey.user));
            let enrolled = self
                .database
                .write(move |conn| passkeys.open_session(conn, verified, single_use, &author))
                .await;
            if let Err(LoginError::Suspended) = &enrolled {
                let event = Event::refused("session.signed_in", "suspended");
                self.record_refused(&passkey, event, refused_author).await;
            }
            let (account_state, new_session) = match enrolled {
                Err(LoginError::ChangedConcurrently) => continue,
                enrolled => enrolled?,
            };
            // 4. Activate the session.
            let opened = self.sessions.activate(&new_session).await;
            opened.map_err(|away| LoginError::Interrupted(away.to_string()))?;
            return Ok(CompletedLogin {
                account_state,
                new_session,
                continuation,
            });
        }
        Err(LoginError::Refused("used-concurrently".into()))
    }

    /// Finds the passkey that an assertion names, if it is valid. The refusal of a revoked passkey is recorded as an event.
    pub(super) async fn find_live(
        &self,
        assertion: &Assertion,
        single_use: SingleUse,
        author: &Author,
    ) -> Result<Passkey, LoginError> {
        let credential_id = assertion.credential_id();
        let passkey = self
            .database
            .read(move |conn| {
                // Checked first: a counter that was raised by this same ceremony does not indicate a clone.
                single_use.require_unused(conn)?;
                Ok::<_, LoginError>(queries::find_by_credential_id(conn, &credential_id)?)
            })
            .await?;
        let passkey = passkey.ok_or(LoginError::PasskeyUnknown)?;
        if passkey.is_live() {
            return Ok(passkey);
        }
        let event = Event::refused("session.signed_in", "passkey-revoked");
        let author = author.acting_as(Actor::Doorward);
        self.record_refused(&passkey, event, author).await;
        Err(LoginError::PasskeyUnknown)
    }

    /// Consumes the ceremony, records the use of the passkey and creates the session. `ChangedConcurrently` if the passkey was used
    /// or revoked concurrently.
    fn open_session(
        &self,
        conn: &mut Connection,
        mut verified: VerifiedAssertion,
        single_use: SingleUse,
        author: &Author,
    ) -> Result<(AccountState, NewSession), LoginError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        account_state::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        let account_state =
            account_state::find_record(conn, user)?.ok_or(LoginError::PasskeyUnknown)?;
        if account_state.status != UserStatus::Active {
            return Err(LoginError::Suspended);
        }
        if !verified.record_use(conn, now)? {
            return Err(LoginError::ChangedConcurrently);
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
    pub(super) async fn record_refused_assertion(
        &self,
        passkey: &Passkey,
        fault: &AssertionError,
        author: &Author,
    ) {
        let (reason, actor) = match fault {
            AssertionError::CounterWentBack => ("counter-went-back", Actor::User(passkey.user)),
            AssertionError::Refused(_) => ("assertion-refused", Actor::Doorward),
        };
        let event = Event::refused("session.signed_in", reason);
        let author = author.acting_as(actor);
        self.record_refused(passkey, event, author).await;
    }

    async fn record_refused(&self, passkey: &Passkey, event: Event, author: Author) {
        let event = event.subject(passkey.user).passkey(passkey.id);
        let caller = format!("passkey:{}", passkey.id);
        self.refusals.record(&caller, author, event).await;
    }
}
