//! Step-up: authenticates the user again before sensitive actions, which a stolen session alone must not allow.

use serde_json::Value;

use super::assertion::VerifiedAssertion;
use super::ceremony::{CeremonyError, CeremonyPurpose};
use super::login::LoginError;
use super::register::CeremonyStart;
use super::{Passkeys, queries};
use crate::account_state;
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};
use crate::ephemeral::StoreUnavailable;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{
    self, Acr, LiveSession, NewSession, SessionStepUpError, SingleUse, UseError, VerifiedCeremony,
};

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

impl From<StoreUnavailable> for StepUpError {
    fn from(error: StoreUnavailable) -> Self {
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

impl From<SessionStepUpError> for StepUpError {
    fn from(error: SessionStepUpError) -> Self {
        match error {
            SessionStepUpError::Over => Self::SessionOver,
            SessionStepUpError::Database(error) => error.into(),
        }
    }
}

impl Passkeys {
    /// Starts a step-up of this session. The options list the user's own passkeys, so that the browser offers no other.
    pub(super) async fn start_step_up(
        &self,
        session: &LiveSession,
        browser: TokenHash,
    ) -> Result<CeremonyStart, StepUpError> {
        let user = session.user;
        let known = self
            .database
            .read(move |conn| queries::list_live_descriptors(conn, user))
            .await?;
        let (mut public_key, state) = self.party.request_options().map_err(LoginError::from)?;
        if let Some(options) = public_key.as_object_mut() {
            options.insert("allowCredentials".into(), known.into());
        }
        let purpose = CeremonyPurpose::StepUp {
            user,
            session: session.id,
            state,
        };
        let ceremony = self.store_ceremony(purpose, browser).await?;
        Ok(CeremonyStart {
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
    ) -> Result<NewSession, StepUpError> {
        let (purpose, single_use) = self.find_ceremony(ceremony, browser).await?;
        let finished = self
            .complete_step_up((purpose, single_use), credential, session, author)
            .await;
        let is_final = match &finished {
            Err(StepUpError::Login(error)) => error.is_final(),
            Ok(_) | Err(StepUpError::SessionOver) => true,
        };
        if is_final {
            self.discard_ceremony(single_use).await;
        }
        finished
    }

    async fn complete_step_up(
        &self,
        (purpose, single_use): (CeremonyPurpose, SingleUse),
        credential: Value,
        session: LiveSession,
        author: Author,
    ) -> Result<NewSession, StepUpError> {
        let CeremonyPurpose::StepUp {
            user,
            session: started_by,
            state,
        } = purpose
        else {
            return Err(LoginError::CeremonyGone("wrong-purpose").into());
        };
        if session.user != user || session.id != started_by {
            return Err(StepUpError::SessionOver);
        }
        let assertion = self
            .party
            .read_assertion_of_known_user(credential)
            .map_err(LoginError::from)?;
        for _ in 0..2 {
            let passkey = self.find_live(&assertion, single_use, &author).await?;
            if passkey.user != user {
                return Err(LoginError::Refused("passkey-of-other-user".into()).into());
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
                .write(move |conn| {
                    passkeys.step_up_session(conn, verified, single_use, &session, &author)
                })
                .await;
            let new_session = match raised {
                Err(StepUpError::Login(LoginError::ChangedConcurrently)) => continue,
                raised => raised?,
            };
            let opened = self.sessions.activate(&new_session).await;
            opened.map_err(|away| LoginError::Interrupted(away.to_string()))?;
            return Ok(new_session);
        }
        Err(LoginError::Refused("used-concurrently".into()).into())
    }

    fn step_up_session(
        &self,
        conn: &mut Connection,
        mut verified: VerifiedAssertion,
        single_use: SingleUse,
        session: &LiveSession,
        author: &Author,
    ) -> Result<NewSession, StepUpError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        account_state::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        if !sessions::is_good(conn, session)? {
            return Err(StepUpError::SessionOver);
        }
        if !verified.record_use(conn, now)? {
            return Err(LoginError::ChangedConcurrently.into());
        }
        let acr = Acr::of(verified.passkey.backup_eligible);
        let ceremony = VerifiedCeremony::attest(user, passkey, acr, self.clock.now());
        let new_session = sessions::step_up(conn, &self.sessions, session, &ceremony)?;
        let author = author.acting_as(Actor::User(user));
        let event = Event::done("session.stepped_up")
            .subject(user)
            .passkey(passkey)
            .details(serde_json::json!({ "session": new_session.live.id }));
        history::record(conn, now, &author, event)?;
        Ok(new_session)
    }
}
