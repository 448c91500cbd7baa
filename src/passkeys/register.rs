//! Registering a passkey: by the set-up link, by an invitation, or for whoever is signed in.

use serde_json::Value;

use super::ceremony::{NewPerson, Purpose, TakeError};
use super::passkey::Passkey;
use super::registration::{CredentialRefused, NewCredential};
use super::{Passkeys, authenticators, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{self, Actor, Author, Event, Revision};
use crate::sessions::{self, Acr, Begun, LiveSession, VerifiedCeremony};
use crate::standing::{self, ChangePending, UserStatus};
use crate::timed;
use crate::users::{self, DisplayName, JoinError, Joiner, SetUpError, User, Username};

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
    #[error("no such ceremony: {0}")]
    CeremonyGone(&'static str),
    /// What the authenticator answered does not hold; with a reason code for the log.
    #[error("the credential is refused: {0}")]
    CredentialRefused(String),
    /// The credential id is somebody's, or was.
    #[error("the credential is registered already")]
    CredentialTaken,
    /// The set-up link.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// The invitation.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The session that began it is over, or somebody else is signed in now.
    #[error("the session is over")]
    SessionOver,
    /// Enough.
    #[error("there are {MOST} passkeys already")]
    TooMany,
    /// Committed, not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
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

impl From<TakeError> for RegisterError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Gone(reason) => Self::CeremonyGone(reason),
            TakeError::Away(error) => Self::Ephemeral(error),
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
            } => self.prepare_set_up(&link, &username, &display_name).await?,
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

    async fn prepare_set_up(
        &self,
        link: &Token,
        username: &Username,
        display_name: &DisplayName,
    ) -> Result<(Value, Purpose), RegisterError> {
        let (link, now) = (link.hash(), self.clock.now());
        self.database
            .read(move |conn| users::open_set_up(conn, &link, now))
            .await?;
        let id = UserId::random();
        let (options, state) = self.party.creation_options(
            id,
            username.as_str(),
            display_name.as_str(),
            Vec::new(),
        )?;
        let person = NewPerson {
            id,
            username: Some(username.as_str().to_owned()),
            display_name: Some(display_name.as_str().to_owned()),
        };
        let link = link.to_text();
        Ok((
            options,
            Purpose::SetUp {
                link,
                person,
                state,
            },
        ))
    }

    async fn prepare_join(
        &self,
        link: &Token,
        username: Option<Username>,
        display_name: Option<DisplayName>,
    ) -> Result<(Value, Purpose), RegisterError> {
        let (link, now) = (link.hash(), self.clock.now());
        let chosen = username.as_ref().map(|name| name.as_str().to_owned());
        let (invitation, user, known) = self
            .database
            .read(move |conn| {
                let (invitation, user) = users::open_invitation(conn, &link, now)?;
                let known = match &user {
                    Some(user) => queries::list_live_credential_ids(conn, user.id)?,
                    None => {
                        let chosen = chosen.as_deref().ok_or(JoinError::UsernameMissing)?;
                        users::require_free(conn, chosen)?;
                        Vec::new()
                    }
                };
                Ok::<_, RegisterError>((invitation, user, known))
            })
            .await?;
        let display_name = display_name.map(|name| name.as_str().to_owned());
        let person = match &user {
            // The name of a known person is theirs: nothing in the request changes it.
            Some(user) => NewPerson {
                id: user.id,
                username: Some(user.username.clone()),
                display_name: display_name.filter(|_| user.status == UserStatus::Invited),
            },
            None => NewPerson {
                id: UserId::random(),
                username: username.map(|name| name.as_str().to_owned()),
                display_name: display_name.or(invitation.display_name),
            },
        };
        let name = person.username.clone().unwrap_or_default();
        let shown = person
            .display_name
            .clone()
            .or_else(|| user.map(|user| user.display_name))
            .unwrap_or_else(|| name.clone());
        let (options, state) = self
            .party
            .creation_options(person.id, &name, &shown, known)?;
        let link = link.to_text();
        Ok((
            options,
            Purpose::Join {
                link,
                person,
                state,
            },
        ))
    }

    async fn prepare_add(&self, session: LiveSession) -> Result<(Value, Purpose), RegisterError> {
        let user = session.user;
        let (record, known) = self
            .database
            .read(move |conn| {
                let record = standing::find_record(conn, user)?;
                let known = queries::list_live_credential_ids(conn, user)?;
                Ok::<_, RegisterError>((record.ok_or(RegisterError::SessionOver)?, known))
            })
            .await?;
        if known.len() >= MOST {
            return Err(RegisterError::TooMany);
        }
        let (options, state) =
            self.party
                .creation_options(user, &record.username, &record.display_name, known)?;
        let purpose = Purpose::Add {
            user,
            session: session.id,
            state,
        };
        Ok((options, purpose))
    }

    /// Finishes a registration: takes the ceremony, verifies the credential, and stores all that follows in one transaction.
    pub(super) async fn finish_registration(
        &self,
        ceremony: &str,
        browser: TokenHash,
        credential: Value,
        name: Option<String>,
        signed_in: Option<LiveSession>,
        author: Author,
    ) -> Result<Registered, RegisterError> {
        // 1. The ceremony, once.
        let purpose = self.take(ceremony, browser).await?;
        // 2. The credential, by the ceremony's own state.
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
        // 3. The person, the passkey and their session, together or not at all.
        let passkeys = self.clone();
        let registered = timed!(
            info,
            "stored a registration",
            self.database
                .write(move |conn| passkeys.store(conn, entry, new, name, &author))
                .await
        )?;
        // 4. In force everywhere, then open.
        self.standings.publish(registered.user.id).await?;
        if let Some(begun) = &registered.begun {
            self.sessions.open(begun).await?;
        }
        Ok(registered)
    }

    fn store(
        &self,
        conn: &mut Connection,
        entry: Entry,
        new: NewCredential,
        name: Option<String>,
        author: &Author,
    ) -> Result<Registered, RegisterError> {
        let now = self.database.now(conn)?;
        let judged_at = self.clock.now();
        let (user, session) = entry.admit(conn, now, judged_at, author)?;
        let author = author.acting_as(Actor::Person(user.id));
        let passkey = insert(conn, &user, new, name, session.as_ref(), now, &author)?;
        let begun = match session {
            Some(_) => None,
            None => {
                let acr = Acr::of(passkey.backup_eligible);
                let verified = VerifiedCeremony::attest(user.id, passkey.id, acr, judged_at);
                Some(sessions::begin(conn, &self.sessions, &verified, &author)?)
            }
        };
        Ok(Registered {
            user,
            passkey,
            begun,
        })
    }
}

/// By what right somebody comes in: known only from the ceremony.
enum Entry {
    SetUp(String, NewPerson),
    Join(String, NewPerson),
    Add(LiveSession),
}

impl Entry {
    /// Uses the right up, and returns the person and, where it was a session, that session. Raises their standing.
    fn admit(
        self,
        conn: &mut Connection,
        now: Timestamp,
        judged_at: Timestamp,
        author: &Author,
    ) -> Result<(User, Option<LiveSession>), RegisterError> {
        match self {
            Self::SetUp(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(SetUpError::Gone)?;
                let user =
                    users::complete_set_up(conn, &link, &person.joiner(judged_at), now, author)?;
                Ok((user, None))
            }
            Self::Join(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(JoinError::Unknown)?;
                let user = users::accept(conn, &link, &person.joiner(judged_at), now, author)?;
                Ok((user, None))
            }
            Self::Add(session) => {
                standing::raise(conn, session.user, now)?;
                // Under the lock: a session that was ended a moment ago adds nothing.
                if !sessions::is_good(conn, &session)? {
                    return Err(RegisterError::SessionOver);
                }
                let user = users::find(conn, session.user)?.ok_or(RegisterError::SessionOver)?;
                Ok((user, Some(session)))
            }
        }
    }
}

impl NewPerson {
    fn joiner(self, judged_at: Timestamp) -> Joiner {
        Joiner {
            id: self.id,
            username: self.username,
            display_name: self.display_name,
            judged_at,
        }
    }
}

fn insert(
    conn: &mut Connection,
    user: &User,
    new: NewCredential,
    name: Option<String>,
    session: Option<&LiveSession>,
    now: Timestamp,
    author: &Author,
) -> Result<Passkey, RegisterError> {
    let NewCredential {
        passkey,
        aaguid,
        transports,
    } = new;
    let credential = webauthn_rs::prelude::Credential::from(passkey);
    let name = name.unwrap_or_else(|| {
        authenticators::provider(aaguid)
            .unwrap_or("Passkey")
            .to_owned()
    });
    let passkey = Passkey {
        id: PasskeyId::random(),
        user: user.id,
        credential_id: credential.cred_id.clone(),
        name,
        aaguid,
        transports,
        sign_count: i64::from(credential.counter),
        backup_eligible: credential.backup_eligible,
        backup_state: credential.backup_state,
        credential,
        enrolled_session: session.map(|session| session.id),
        enrolled_passkey: session.and_then(|session| session.passkeys.first().copied()),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
        revoked_reason: None,
        version: 1,
        as_of: now,
    };
    queries::insert(conn, &passkey, author).map_err(|error| match error {
        db::Error::Taken(_) => RegisterError::CredentialTaken,
        other => RegisterError::Database(other),
    })?;
    let revision = Revision {
        entity: "passkey",
        entity_id: passkey.id.uuid(),
        version: passkey.version,
        as_of: passkey.as_of,
        data: passkey.revision_data(),
    };
    history::revise(conn, author, revision)?;
    let event = Event::done("passkey.registered")
        .subject(user.id)
        .passkey(passkey.id)
        .details(serde_json::json!({ "name": passkey.name, "aaguid": passkey.aaguid }));
    history::record(conn, now, author, event)?;
    Ok(passkey)
}
