//! Sign-in with any passkey that the user chooses.

use serde_json::Value;

use super::assertion::{Assertion, AssertionFault, Verified};
use super::ceremony::{CeremonyError, Purpose};
use super::passkey::Passkey;
use super::register::Started;
use super::{Passkeys, queries};
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{self, Acr, Begun, Continuation, SingleUse, UseError, VerifiedCeremony};
use crate::standing::{self, Standing, UserStatus};
use crate::timed;
use crate::users;

/// A completed sign-in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) standing: Standing,
    pub(super) begun: Begun,
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
    Overtaken,
    /// The ceremony is used, but a store failed before its session could be handed out.
    #[error("committed, but no session was handed out: {0}")]
    Interrupted(String),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    Ephemeral(#[from] Away),
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
            CeremonyError::Away(error) => Self::Ephemeral(error),
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

impl From<AssertionFault> for LoginError {
    fn from(fault: AssertionFault) -> Self {
        Self::Refused(fault.to_string())
    }
}

impl Passkeys {
    /// Starts a sign-in for this browser.
    pub(super) async fn start_login(
        &self,
        continuation: Option<String>,
        browser: TokenHash,
    ) -> Result<Started, LoginError> {
        let (public_key, state) = self.party.request_options()?;
        let purpose = Purpose::Login {
            continuation,
            state,
        };
        let ceremony = self.keep(purpose, browser).await?;
        Ok(Started {
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
    ) -> Result<LoggedIn, LoginError> {
        let (purpose, single_use) = self.find(ceremony, browser).await?;
        let finished = self.log_in(purpose, single_use, credential, author).await;
        if finished.as_ref().err().is_none_or(LoginError::is_final) {
            self.discard(single_use).await;
        }
        finished
    }

    async fn log_in(
        &self,
        purpose: Purpose,
        single_use: SingleUse,
        credential: Value,
        author: Author,
    ) -> Result<LoggedIn, LoginError> {
        // 1. Read the ceremony's state and the continuation.
        let Purpose::Login {
            continuation,
            state,
        } = purpose
        else {
            return Err(LoginError::CeremonyGone("other-purpose"));
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
            let refused_author = author.acting_as(Actor::Person(passkey.user));
            let admitted = self
                .database
                .write(move |conn| passkeys.admit(conn, verified, single_use, &author))
                .await;
            if let Err(LoginError::Suspended) = &admitted {
                let event = Event::refused("session.signed_in", "suspended");
                self.record_refused(&passkey, event, refused_author).await;
            }
            let (standing, begun) = match admitted {
                Err(LoginError::Overtaken) => continue,
                admitted => admitted?,
            };
            // 4. Activate the session.
            let opened = self.sessions.open(&begun).await;
            opened.map_err(|away| LoginError::Interrupted(away.to_string()))?;
            return Ok(LoggedIn {
                standing,
                begun,
                continuation,
            });
        }
        Err(LoginError::Refused("counter-raced".into()))
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

    /// Consumes the ceremony, records the use of the passkey and creates the session. `Overtaken` if the passkey was used
    /// or revoked concurrently.
    fn admit(
        &self,
        conn: &mut Connection,
        mut verified: Verified,
        single_use: SingleUse,
        author: &Author,
    ) -> Result<(Standing, Begun), LoginError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        standing::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        let standing = standing::find_record(conn, user)?.ok_or(LoginError::PasskeyUnknown)?;
        if standing.status != UserStatus::Active {
            return Err(LoginError::Suspended);
        }
        if !verified.record_use(conn, now)? {
            return Err(LoginError::Overtaken);
        }
        let acr = Acr::of(verified.passkey.backup_eligible);
        let ceremony = VerifiedCeremony::attest(user, passkey, acr, self.clock.now());
        let author = author.acting_as(Actor::Person(user));
        users::mark_username_used(conn, &standing.username, now)?;
        let begun = sessions::begin(
            conn,
            &self.sessions,
            &ceremony,
            standing.session_epoch,
            &author,
        )?;
        let event = Event::done("session.signed_in")
            .subject(user)
            .passkey(passkey)
            .details(serde_json::json!({
                "session": begun.live.id,
                "sign_count": verified.passkey.sign_count,
                "backup_state": verified.passkey.backup_state,
            }));
        history::record(conn, now, &author, event)?;
        Ok((standing, begun))
    }

    /// Records that an assertion of a known passkey was refused. The user is the actor only if the counter went back, because the
    /// signature is valid then. In any other case it is unknown who sent the assertion.
    pub(super) async fn record_refused_assertion(
        &self,
        passkey: &Passkey,
        fault: &AssertionFault,
        author: &Author,
    ) {
        let (reason, actor) = match fault {
            AssertionFault::CounterWentBack => ("counter-went-back", Actor::Person(passkey.user)),
            AssertionFault::Refused(_) => ("assertion-refused", Actor::Doorward),
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
