//! Registering a passkey: by the set-up link, by an invitation, or for whoever is signed in.

mod enrol;
mod entry;
mod prepare;

use serde_json::Value;

use super::Passkeys;
use super::ceremony::{CeremonyError, Purpose};
use super::passkey::Passkey;
use super::registration::{CredentialRefused, NewCredential};
use crate::base::secrets::{Token, TokenHash};
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{Actor, Author};
use crate::sessions::{self, Acr, Begun, LiveSession, SingleUse, UseError, VerifiedCeremony};
use crate::standing;
use crate::timed;
use crate::users::{self, DisplayName, Email, JoinError, SetUpError, User, Username};
use entry::{Admitted, Entry};

/// More passkeys than anybody needs.
const MOST: usize = 30;

/// What the person starts from.
#[derive(Debug)]
pub(super) enum Ground {
    /// The set-up link.
    SetUp {
        link: Token,
        username: Username,
        display_name: DisplayName,
        email: Option<Email>,
    },
    /// An invitation or enrolment link.
    Join {
        link: Token,
        username: Option<Username>,
        display_name: Option<DisplayName>,
    },
    /// A fresh session of their own.
    Add { session: LiveSession },
}

/// A ceremony that was begun.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) ceremony: Token,
    pub(super) public_key: Value,
}

/// A passkey that was registered.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) user: User,
    pub(super) passkey: Passkey,
    /// The session of a person who came in; `None` where one was there already.
    pub(super) begun: Option<Begun>,
}

/// Why no passkey was registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Used, expired, another browser's, or never begun.
    #[error("unknown ceremony: {0}")]
    CeremonyGone(&'static str),
    /// What the authenticator answered does not hold; with a reason code for the log.
    #[error("credential rejected: {0}")]
    CredentialRefused(String),
    /// The credential id is somebody's, or was.
    #[error("the credential is already registered")]
    CredentialTaken,
    /// The set-up link.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// The invitation.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The session that began it is over, or somebody else is signed in now.
    #[error("the session has ended")]
    SessionOver,
    /// Enough.
    #[error("the account already has {MOST} passkeys")]
    TooMany,
    /// The passkey is saved, and a store was lost before that was in force everywhere and its session handed out.
    #[error("committed, but no session was handed out: {0}")]
    Interrupted(String),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is away.
    #[error(transparent)]
    Ephemeral(#[from] Away),
}

impl From<CredentialRefused> for RegisterError {
    fn from(CredentialRefused(reason): CredentialRefused) -> Self {
        Self::CredentialRefused(reason)
    }
}

impl From<CeremonyError> for RegisterError {
    fn from(error: CeremonyError) -> Self {
        match error {
            CeremonyError::Gone(reason) => Self::CeremonyGone(reason),
            CeremonyError::Away(error) => Self::Ephemeral(error),
        }
    }
}

impl From<UseError> for RegisterError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::Used => Self::CeremonyGone("used"),
            UseError::Database(error) => Self::Database(error),
        }
    }
}

impl Passkeys {
    /// Begins a registration for this browser. Consumes nothing.
    pub(super) async fn start_registration(
        &self,
        ground: Ground,
        browser: TokenHash,
    ) -> Result<Started, RegisterError> {
        let (public_key, purpose) = match ground {
            Ground::SetUp {
                link,
                username,
                display_name,
                email,
            } => {
                self.prepare_set_up(&link, &username, &display_name, email)
                    .await?
            }
            Ground::Join {
                link,
                username,
                display_name,
            } => self.prepare_join(&link, username, display_name).await?,
            Ground::Add { session } => self.prepare_add(session).await?,
        };
        let ceremony = self.keep(purpose, browser).await?;
        Ok(Started {
            ceremony,
            public_key,
        })
    }

    /// Finishes a registration: verifies the credential, and stores all that follows in one transaction, the ceremony's use too.
    pub(super) async fn finish_registration(
        &self,
        (ceremony, browser): (&str, TokenHash),
        credential: Value,
        name: Option<String>,
        signed_in: Option<LiveSession>,
        author: Author,
    ) -> Result<Registered, RegisterError> {
        let (purpose, single_use) = self.find(ceremony, browser).await?;
        let registered = match self.verify(purpose, credential, signed_in) {
            Ok((entry, new)) => {
                let named = (new, name);
                self.register(entry, named, single_use, author).await
            }
            Err(error) => Err(error),
        };
        // If a store is unavailable, the ceremony can be repeated.
        let is_undecided = matches!(
            &registered,
            Err(RegisterError::Database(_) | RegisterError::Ephemeral(_))
        );
        if !is_undecided {
            self.discard(single_use).await;
        }
        registered
    }

    /// The credential, by the ceremony's own state, and by what right it is registered.
    fn verify(
        &self,
        purpose: Purpose,
        credential: Value,
        signed_in: Option<LiveSession>,
    ) -> Result<(Entry, NewCredential), RegisterError> {
        let (state, entry) = match purpose {
            Purpose::SetUp {
                link,
                person,
                state,
            } => (state, Entry::SetUp(link, person)),
            Purpose::Join {
                link,
                person,
                state,
            } => (state, Entry::Join(link, person)),
            Purpose::Add {
                user,
                session,
                state,
            } => {
                let session = signed_in
                    .filter(|live| live.user == user && live.id == session)
                    .ok_or(RegisterError::SessionOver)?;
                (state, Entry::Add(session))
            }
            Purpose::Login { .. } | Purpose::StepUp { .. } => {
                return Err(RegisterError::CeremonyGone("other-purpose"));
            }
        };
        let new = timed!(
            debug,
            "verified an attestation",
            self.party.verify_creation(credential, &state)
        )?;
        Ok((entry, new))
    }

    async fn register(
        &self,
        entry: Entry,
        named: (NewCredential, Option<String>),
        single_use: SingleUse,
        author: Author,
    ) -> Result<Registered, RegisterError> {
        // The use of the ceremony, the user, the passkey and the session: all or nothing.
        let passkeys = self.clone();
        let registered = timed!(
            info,
            "stored a registration",
            self.database
                .write(move |conn| passkeys.store(conn, entry, named, single_use, &author))
                .await
        )?;
        // The session is handed out once the change is in force everywhere.
        let published = self.standings.publish(registered.user.id).await;
        published.map_err(|pending| RegisterError::Interrupted(pending.to_string()))?;
        if let Some(begun) = &registered.begun {
            let opened = self.sessions.open(begun).await;
            opened.map_err(|away| RegisterError::Interrupted(away.to_string()))?;
        }
        Ok(registered)
    }

    fn store(
        &self,
        conn: &mut Connection,
        entry: Entry,
        (new, name): (NewCredential, Option<String>),
        single_use: SingleUse,
        author: &Author,
    ) -> Result<Registered, RegisterError> {
        let judged_at = self.clock.now();
        entry.lock(conn)?;
        single_use.consume(conn)?;
        let now = self.database.now(conn)?;
        let admitted = entry.admit(conn, now, judged_at, author)?;
        let author = author.acting_as(Actor::Person(admitted.user.id));
        let passkey = enrol::insert(conn, &admitted, new, name, now, &author)?;
        let Admitted {
            user, is_signed_in, ..
        } = admitted;
        let begun = if is_signed_in {
            None
        } else {
            users::mark_username_used(conn, &user.username, now)?;
            let acr = Acr::of(passkey.backup_eligible);
            let verified = VerifiedCeremony::attest(user.id, passkey.id, acr, judged_at);
            let nobody = || db::Error::Refused("user without an account record".into());
            let epoch = standing::find_epoch(conn, user.id)?.ok_or_else(nobody)?;
            Some(sessions::begin(
                conn,
                &self.sessions,
                &verified,
                epoch,
                &author,
            )?)
        };
        Ok(Registered {
            user,
            passkey,
            begun,
        })
    }
}
