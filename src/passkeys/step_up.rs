//! Step-up: authenticates the user again before sensitive actions, which a stolen session alone must not allow.

use serde_json::Value;

use super::assertion::VerifiedAssertion;
use super::ceremony::{CeremonyPurpose, CeremonyStart};
use super::error::CeremonyError;
use super::{Passkeys, queries};
use crate::account_state;
use crate::base::secrets::TokenHash;
use crate::db::Connection;
use crate::history::{self, Actor, Author, Event};
use crate::sessions::{self, Acr, LiveSession, NewSession, SingleUse, VerifiedCeremony};

impl Passkeys {
    /// Starts a step-up of this session. The options list the user's own passkeys, so that the browser offers no other.
    pub(super) async fn start_step_up(
        &self,
        session: &LiveSession,
        browser: TokenHash,
    ) -> Result<CeremonyStart, CeremonyError> {
        let user = session.user;
        let known = self
            .database
            .read(move |conn| queries::list_live_descriptors(conn, user))
            .await?;
        let (mut public_key, state) = self.party.request_options()?;
        if let Some(options) = public_key.as_object_mut() {
            options.insert("allowCredentials".into(), known.into());
        }
        let purpose = CeremonyPurpose::StepUp {
            user,
            session: session.id,
            state,
        };
        Ok(self.store_ceremony(public_key, purpose, browser).await?)
    }

    /// Finishes a step-up: the session gets a later `auth_time` and a new key.
    pub(super) async fn finish_step_up(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        session: LiveSession,
        author: Author,
    ) -> Result<NewSession, CeremonyError> {
        let (purpose, single_use) = self.find_ceremony(ceremony, browser).await?;
        let finished = self
            .complete_step_up((purpose, single_use), credential, session, author)
            .await;
        self.settle(single_use, finished).await
    }

    async fn complete_step_up(
        &self,
        (purpose, single_use): (CeremonyPurpose, SingleUse),
        credential: Value,
        session: LiveSession,
        author: Author,
    ) -> Result<NewSession, CeremonyError> {
        let CeremonyPurpose::StepUp {
            user,
            session: started_by,
            state,
        } = purpose
        else {
            return Err(CeremonyError::Gone("wrong-purpose"));
        };
        if session.user != user || session.id != started_by {
            return Err(CeremonyError::SessionOver);
        }
        let assertion = self.party.read_assertion_of_known_user(credential)?;
        let (passkeys, raised_by) = (self.clone(), author.clone());
        let step_up = move |conn: &mut Connection, verified| {
            passkeys.step_up_session(conn, verified, single_use, &session, &raised_by)
        };
        let new_session = self
            .verify_and_commit(
                &assertion,
                (single_use, &state),
                Some(user),
                &author,
                step_up,
            )
            .await?;
        let opened = self.sessions.activate(&new_session).await;
        opened.map_err(|away| CeremonyError::Interrupted(away.to_string()))?;
        Ok(new_session)
    }

    fn step_up_session(
        &self,
        conn: &mut Connection,
        mut verified: VerifiedAssertion,
        single_use: SingleUse,
        session: &LiveSession,
        author: &Author,
    ) -> Result<NewSession, CeremonyError> {
        let (user, passkey) = (verified.passkey.user, verified.passkey.id);
        account_state::lock(conn, user)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        if !sessions::is_valid(conn, session)? {
            return Err(CeremonyError::SessionOver);
        }
        if !verified.record_use(conn, now)? {
            return Err(CeremonyError::ChangedConcurrently);
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
