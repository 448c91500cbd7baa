//! What an invitation is, and why one can't be created.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::fields::{DisplayName, Email, Username};
use super::link_creator::{MakerCredential, MakerEpochs};
use super::lookup::LookupError;
use super::purpose::Purpose;
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, InvitationId, SessionId, UserId};
use crate::clients::{ActingError, Scope};
use crate::db;

/// An invitation, without its token.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// ID of the invitation.
    pub id: InvitationId,
    /// What for.
    pub purpose: Purpose,
    /// For whom, when they are known.
    pub user: Option<UserId>,
    /// The address that a new person will have.
    pub email: Option<String>,
    /// Whether the email address counts as verified: an administrator in person or the command line entered it.
    pub email_vouched: bool,
    /// The name suggested to a new person.
    pub display_name: Option<String>,
    /// The roles that a new person will hold.
    pub roles: Vec<String>,
    /// The session that made it, of a link to one's own other device.
    pub by_session: Option<SessionId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Expiry of the link.
    pub expires_at: Timestamp,
    /// When it was revoked or replaced by a newer one, or its user was suspended.
    pub voided_at: Option<Timestamp>,
    /// Time of use; `None`: not used yet.
    pub used_at: Option<Timestamp>,
    /// The user who used it.
    pub used_by: Option<UserId>,
    /// Who invites, where it was a person.
    pub by_user: Option<UserId>,
    /// Who invites, where it was a client.
    pub by_client: Option<ClientId>,
    /// The epochs of its creator when it was created.
    pub maker: MakerEpochs,
    /// What its creator was authenticated by.
    pub credential: MakerCredential,
}

/// A link as it is handed out, this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvitationLink {
    /// URL of the link.
    pub url: String,
    /// The token in it.
    pub token: String,
    /// Expiry of the link.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// For whom, when they are known.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub user_id: Option<UserId>,
}

/// Whom to invite.
#[derive(Clone, Debug, Default)]
pub struct NewInvitation {
    /// The name that the new person will have; `None`: they choose.
    pub username: Option<Username>,
    /// Email address.
    pub email: Option<Email>,
    /// Whether the email address is verified, on the word of an administrator in person. `None`: yes if one entered it.
    pub email_verified: Option<bool>,
    /// Display name.
    pub display_name: Option<DisplayName>,
    /// The roles that they will hold.
    pub roles: Vec<String>,
    /// An existing person instead, by id or username.
    pub user: Option<String>,
    /// How long the link lives.
    pub life: Option<Duration>,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The name is somebody's, or was.
    #[error("the username is taken")]
    UsernameTaken,
    /// The registry has no such role.
    #[error("no role is named {0}")]
    UnknownRole(String),
    /// There is nobody of this id or name.
    #[error("no user has this ID or username")]
    UserUnknown,
    /// The person is suspended: reactivate them first.
    #[error("the user is suspended")]
    UserSuspended,
    /// A link for an existing person names nothing else.
    #[error("only the lifetime may be set for an existing user")]
    NothingElse,
    /// Who manages people by their roles invites nobody without a role: they would not manage them.
    #[error("choose at least one role that you manage")]
    RoleNeeded,
    /// The right by which it was asked does not reach this person or these roles.
    #[error("the caller may not manage this user or these roles")]
    NotYours,
    /// A link for an existing user lets a service become that user: it needs a scope of its own.
    #[error("a link for an existing user needs the scope {}", Scope::PasskeysEnrol.as_str())]
    EnrolScopeMissing,
    /// Only an administrator in person may vouch for an address.
    #[error(
        "only administrators, signed in themselves, may set whether an email address is verified"
    )]
    NotVouched,
    /// There is no address to vouch for.
    #[error("the user has no email address")]
    NoAddress,
    /// The life is too short or too long.
    #[error("a link must be valid for one minute to 30 days")]
    Life,
    /// The caller may not make the change any more.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<LookupError> for InviteError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown => Self::UserUnknown,
            LookupError::Database(error) => Self::Database(error),
        }
    }
}

pub(super) fn blank(purpose: Purpose) -> Invitation {
    Invitation {
        id: InvitationId::random(),
        purpose,
        user: None,
        email: None,
        email_vouched: false,
        display_name: None,
        roles: Vec::new(),
        created_at: Timestamp::from_micros(0),
        expires_at: Timestamp::from_micros(0),
        by_session: None,
        voided_at: None,
        used_at: None,
        used_by: None,
        by_user: None,
        by_client: None,
        maker: MakerEpochs::default(),
        credential: MakerCredential::default(),
    }
}
