//! Signing in with whichever passkey the person chooses.

use serde_json::Value;

use super::assertion::{Assertion, AssertionFault, Verified};
use super::ceremony::{Purpose, TakeError};
use super::passkey::Passkey;
use super::register::Started;
use super::{Passkeys, queries};
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{self, Acr, Begun, VerifiedCeremony};
use crate::standing::{self, Standing, UserStatus};
use crate::timed;

/// Somebody who signed in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) standing: Standing,
    pub(super) begun: Begun,
    /// The id of the target to go to, unread.
    pub(super) continuation: Option<String>,
}

/// Why nobody signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Used, expired, another browser's, or never begun.
    #[error("no such ceremony: {0}")]
    CeremonyGone(&'static str),
    /// No live passkey has this credential id. The page tells the browser's password manager.
    #[error("the passkey is not registered here")]
    PasskeyUnknown,
    /// The assertion does not hold; with a reason code for the log.
    #[error("the assertion is refused: {0}")]
    Refused(String),
    /// The assertion verified, but the person may not sign in.
    #[error("the person is suspended")]
    Suspended,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is away.
    #[error(transparent)]
    Ephemeral(#[from] Away),
}

impl From<TakeError> for LoginError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Gone(reason) => Self::CeremonyGone(reason),
            TakeError::Away(error) => Self::Ephemeral(error),
        }
    }
}

impl From<AssertionFault> for LoginError {
    fn from(fault: AssertionFault) -> Self {
        Self::Refused(fault.to_string())
    }
}

impl Passkeys {
    /// Begins a sign-in for this browser.
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

    /// Finishes a sign-in: takes the ceremony, verifies the assertion, and opens a session.
    pub(super) async fn finish_login(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        author: Author,
    ) -> Result<LoggedIn, LoginError> {
        // 1. The ceremony, once.
        let Purpose::Login {
            continuation,
            state,
        } = self.take(ceremony, browser).await?
        else {
            return Err(LoginError::CeremonyGone("other-purpose"));
        };
        // 2. The assertion, against the passkey that it names; judged once more when another sign-in was faster.
        let assertion = self.party.read_assertion(credential)?;
        for _ in 0..2 {
            let passkey = self.find_live(&assertion).await?;
            let verified = timed!(
                debug,
                "verified an assertion",
                self.party
                    .verify_assertion(&assertion, &state, passkey.clone())
            );
            let verified = match verified {
                Ok(verified) => verified,
                Err(fault) => {
                    if fault == AssertionFault::CounterWentBack {
                        self.record_counter_went_back(&passkey, &author).await?;
                    }
                    return Err(fault.into());
                }
            };
            // 3. The use and the session, in one transaction under the person's lock.
            let passkeys = self.clone();
            let author = author.clone();
            let admitted = self
                .database
                .write(move |conn| passkeys.admit(conn, verified, &author))
                .await?;
            // 4. Open.
            if let Some((standing, begun)) = admitted {
                self.sessions.open(&begun).await?;
                return Ok(LoggedIn {
                    standing,
                    begun,
                    continuation,
                });
            }
        }
        Err(LoginError::Refused("counter-raced".into()))
    }

    pub(super) async fn find_live(&self, assertion: &Assertion) -> Result<Passkey, LoginError> {
        let credential_id = assertion.credential_id();
        let passkey = self
            .database
            .read(move |conn| queries::find_by_credential_id(conn, &credential_id))
            .await?;
        passkey
            .filter(Passkey::is_live)
            .ok_or(LoginError::PasskeyUnknown)
    }

    /// `None` when the passkey was used or revoked meanwhile: look at it again.
    fn admit(
        &self,
        conn: &mut Connection,
        mut verified: Verified,
        author: &Author,
    ) -> Result<Option<(Standing, Begun)>, LoginError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        standing::lock(conn, user)?;
        let now = self.database.now(conn)?;
        let standing = standing::find_record(conn, user)?.ok_or(LoginError::PasskeyUnknown)?;
        if standing.status != UserStatus::Active {
            return Err(LoginError::Suspended);
        }
        if !verified.record_use(conn, now)? {
            return Ok(None);
        }
        let acr = Acr::of(verified.passkey.backup_eligible);
        let ceremony = VerifiedCeremony::attest(user, passkey, acr, self.clock.now());
        let author = author.acting_as(Actor::Person(user));
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
        Ok(Some((standing, begun)))
    }

    /// Writes down that a counter went back, after the assertion was refused.
    pub(super) async fn record_counter_went_back(
        &self,
        passkey: &Passkey,
        author: &Author,
    ) -> db::Result<()> {
        let (user, id) = (passkey.user, passkey.id);
        let author = author.acting_as(Actor::Person(user));
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let now = database.now(conn)?;
                let event = Event::refused("session.signed_in", "counter-went-back")
                    .subject(user)
                    .passkey(id);
                history::record(conn, now, &author, event)
            })
            .await
    }
}
