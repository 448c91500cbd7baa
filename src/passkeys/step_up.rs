//! Step-up: authenticates the user again before sensitive actions, which a stolen session alone must not allow.

use serde_json::Value;

use super::assertion::Verified;
use super::ceremony::{CeremonyError, Purpose};
use super::login::LoginError;
use super::register::Started;
use super::{Passkeys, queries};
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{
    self, Acr, Begun, LiveSession, RaiseError, SingleUse, UseError, VerifiedCeremony,
};
use crate::standing;

/// Why a step-up failed.
#[derive(Debug, thiserror::Error)]
pub enum StepUpError {
    /// The ceremony or the passkey was refused, for the same reasons as in a sign-in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The session has ended, or another session started the ceremony.
    #[error("the session has ended")]
    SessionOver,
}

impl From<db::Error> for StepUpError {
    fn from(error: db::Error) -> Self {
        Self::Login(error.into())
    }
}

impl From<Away> for StepUpError {
    fn from(error: Away) -> Self {
        Self::Login(error.into())
    }
}

impl From<CeremonyError> for StepUpError {
    fn from(error: CeremonyError) -> Self {
        Self::Login(error.into())
    }
}

impl From<UseError> for StepUpError {
    fn from(error: UseError) -> Self {
        Self::Login(error.into())
    }
}

impl From<RaiseError> for StepUpError {
    fn from(error: RaiseError) -> Self {
        match error {
            RaiseError::Over => Self::SessionOver,
            RaiseError::Database(error) => error.into(),
        }
    }
}

impl Passkeys {
    /// Starts a step-up of this session. The options list the user's own passkeys, so that the browser offers no other.
    pub(super) async fn start_step_up(
        &self,
        session: &LiveSession,
        browser: TokenHash,
    ) -> Result<Started, StepUpError> {
        let user = session.user;
        let known = self
            .database
            .read(move |conn| queries::list_live_descriptors(conn, user))
            .await?;
        let (mut public_key, state) = self.party.request_options().map_err(LoginError::from)?;
        if let Some(options) = public_key.as_object_mut() {
            options.insert("allowCredentials".into(), known.into());
        }
        let purpose = Purpose::StepUp {
            user,
            session: session.id,
            state,
        };
        let ceremony = self.keep(purpose, browser).await?;
        Ok(Started {
            ceremony,
            public_key,
        })
    }

    /// Finishes a step-up: the session gets a later `auth_time` and a new key.
    pub(super) async fn finish_step_up(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        session: LiveSession,
        author: Author,
    ) -> Result<Begun, StepUpError> {
        let (purpose, single_use) = self.find(ceremony, browser).await?;
        let finished = self
            .finish_found_step_up((purpose, single_use), credential, session, author)
            .await;
        let is_final = match &finished {
            Err(StepUpError::Login(error)) => error.is_final(),
            Ok(_) | Err(StepUpError::SessionOver) => true,
        };
        if is_final {
            self.discard(single_use).await;
        }
        finished
    }

    async fn finish_found_step_up(
        &self,
        (purpose, single_use): (Purpose, SingleUse),
        credential: Value,
        session: LiveSession,
        author: Author,
    ) -> Result<Begun, StepUpError> {
        let Purpose::StepUp {
            user,
            session: begun_for,
            state,
        } = purpose
        else {
            return Err(LoginError::CeremonyGone("other-purpose").into());
        };
        if session.user != user || session.id != begun_for {
            return Err(StepUpError::SessionOver);
        }
        let assertion = self
            .party
            .read_assertion_of_known_user(credential)
            .map_err(LoginError::from)?;
        for _ in 0..2 {
            let passkey = self.find_live(&assertion, single_use, &author).await?;
            if passkey.user != user {
                return Err(LoginError::Refused("passkey-of-another".into()).into());
            }
            let verified = match self
                .party
                .verify_assertion(&assertion, &state, passkey.clone())
            {
                Ok(verified) => verified,
                Err(fault) => {
                    self.record_refused_assertion(&passkey, &fault, &author)
                        .await;
                    return Err(LoginError::from(fault).into());
                }
            };
            let passkeys = self.clone();
            let (session, author) = (session.clone(), author.clone());
            let raised = self
                .database
                .write(move |conn| passkeys.raise(conn, verified, single_use, &session, &author))
                .await;
            let begun = match raised {
                Err(StepUpError::Login(LoginError::Overtaken)) => continue,
                raised => raised?,
            };
            let opened = self.sessions.open(&begun).await;
            opened.map_err(|away| LoginError::Interrupted(away.to_string()))?;
            return Ok(begun);
        }
        Err(LoginError::Refused("counter-raced".into()).into())
    }

    fn raise(
        &self,
        conn: &mut Connection,
        mut verified: Verified,
        single_use: SingleUse,
        session: &LiveSession,
        author: &Author,
    ) -> Result<Begun, StepUpError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        standing::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        if !sessions::is_good(conn, session)? {
            return Err(StepUpError::SessionOver);
        }
        if !verified.record_use(conn, now)? {
            return Err(LoginError::Overtaken.into());
        }
        let acr = Acr::of(verified.passkey.backup_eligible);
        let ceremony = VerifiedCeremony::attest(user, passkey, acr, self.clock.now());
        let begun = sessions::raise(conn, &self.sessions, session, &ceremony)?;
        let author = author.acting_as(Actor::Person(user));
        let event = Event::done("session.stepped_up")
            .subject(user)
            .passkey(passkey)
            .details(serde_json::json!({ "session": begun.live.id }));
        history::record(conn, now, &author, event)?;
        Ok(begun)
    }
}
