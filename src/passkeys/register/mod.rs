//! Registration of a passkey: by the set-up link, by an invitation or recovery link, or for the signed-in user.

mod prepare;
mod registration_right;
mod store;

use serde_json::Value;

use super::Passkeys;
use super::attestation::NewCredential;
use super::ceremony::{CeremonyPurpose, CeremonyStart, Registration};
use super::error::CeremonyError;
use super::queries::Passkey;
use crate::account_state;
use crate::base::secrets::{Token, TokenHash};
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::sessions::{self, Acr, LiveSession, NewSession, SingleUse, VerifiedCeremony};
use crate::timed;
use crate::users::{self, DisplayName, Email, User, Username};
use registration_right::RegisteredUser;

/// What a registration is started from.
#[derive(Debug)]
pub(super) enum RegistrationSource {
    /// The set-up link.
    SetUp {
        link: Token,
        username: Username,
        display_name: DisplayName,
        email: Option<Email>,
    },
    /// An invitation link, a recovery link, or a link for another device.
    Join {
        link: Token,
        username: Option<Username>,
        display_name: Option<DisplayName>,
    },
    /// A fresh session of the user.
    Add { session: LiveSession },
}

#[derive(Debug)]
pub(super) struct CompletedRegistration {
    pub(super) user: User,
    pub(super) passkey: Passkey,
    /// The new session of a user who registered by a link; `None` if the user was signed in already.
    pub(super) new_session: Option<NewSession>,
}

impl Passkeys {
    /// Starts a registration for this browser. Consumes nothing.
    pub(super) async fn start_registration(
        &self,
        source: RegistrationSource,
        browser: TokenHash,
    ) -> Result<CeremonyStart, CeremonyError> {
        let (public_key, purpose) = match source {
            RegistrationSource::SetUp {
                link,
                username,
                display_name,
                email,
            } => {
                self.prepare_set_up(&link, &username, &display_name, email)
                    .await?
            }
            RegistrationSource::Join {
                link,
                username,
                display_name,
            } => self.prepare_join(&link, username, display_name).await?,
            RegistrationSource::Add { session } => self.prepare_add(session).await?,
        };
        Ok(self.store_ceremony(public_key, purpose, browser).await?)
    }

    /// Finishes a registration: verifies the credential, and stores everything, including the use of the ceremony,
    /// in one transaction.
    pub(super) async fn finish_registration(
        &self,
        (ceremony, browser): (&str, TokenHash),
        credential: Value,
        name: Option<String>,
        signed_in: Option<LiveSession>,
        author: Author,
    ) -> Result<CompletedRegistration, CeremonyError> {
        let (purpose, single_use) = self.find_ceremony(ceremony, browser).await?;
        let registered = match self.verify(purpose, credential, signed_in.as_ref()) {
            Ok((registration, new)) => {
                let right = (registration, signed_in);
                self.register(right, (new, name), single_use, author).await
            }
            Err(error) => Err(error),
        };
        self.settle(single_use, registered).await
    }

    /// Verifies the credential with the ceremony's state, and returns it with the right by which it is registered.
    fn verify(
        &self,
        purpose: CeremonyPurpose,
        credential: Value,
        signed_in: Option<&LiveSession>,
    ) -> Result<(Registration, NewCredential), CeremonyError> {
        let CeremonyPurpose::Register(registration, state) = purpose else {
            return Err(CeremonyError::Gone("wrong-purpose"));
        };
        if let Registration::Add(user, session) = registration
            && signed_in.is_none_or(|live| live.user != user || live.id != session)
        {
            return Err(CeremonyError::SessionOver);
        }
        let new = timed!(
            debug,
            "verified an attestation",
            self.party.verify_creation(credential, &state)
        )?;
        Ok((registration, new))
    }

    async fn register(
        &self,
        right: (Registration, Option<LiveSession>),
        named: (NewCredential, Option<String>),
        single_use: SingleUse,
        author: Author,
    ) -> Result<CompletedRegistration, CeremonyError> {
        // The use of the ceremony, the user, the passkey and the session are stored in one transaction.
        let passkeys = self.clone();
        let registered = timed!(
            info,
            "stored a registration",
            self.database
                .write(move |conn| passkeys.store(conn, right, named, single_use, &author))
                .await
        )?;
        // The session is handed out once the change is in force everywhere.
        let published = self.account_states.publish(registered.user.id).await;
        published.map_err(|pending| CeremonyError::Interrupted(pending.to_string()))?;
        if let Some(new_session) = &registered.new_session {
            let opened = self.sessions.activate(new_session).await;
            opened.map_err(|away| CeremonyError::Interrupted(away.to_string()))?;
        }
        Ok(registered)
    }

    fn store(
        &self,
        conn: &mut Connection,
        (registration, signed_in): (Registration, Option<LiveSession>),
        (new, name): (NewCredential, Option<String>),
        single_use: SingleUse,
        author: &Author,
    ) -> Result<CompletedRegistration, CeremonyError> {
        let checked_at = self.clock.now();
        registration.lock(conn)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        let enrolled = registration.consume(conn, signed_in, (now, checked_at), author)?;
        let author = author.acting_as(Actor::User(enrolled.user.id));
        let passkey = store::insert(conn, &enrolled, new, name, now, &author)?;
        let RegisteredUser {
            user, is_signed_in, ..
        } = enrolled;
        let new_session = if is_signed_in {
            None
        } else {
            users::mark_username_used(conn, &user.username, now)?;
            let acr = Acr::of(passkey.backup_eligible);
            let verified = VerifiedCeremony::attest(user.id, passkey.id, acr, checked_at);
            let nobody = || db::Error::Internal("user without an account record".into());
            let epoch = account_state::find_epoch(conn, user.id)?.ok_or_else(nobody)?;
            Some(sessions::create(
                conn,
                &self.sessions,
                &verified,
                epoch,
                &author,
            )?)
        };
        Ok(CompletedRegistration {
            user,
            passkey,
            new_session,
        })
    }
}
