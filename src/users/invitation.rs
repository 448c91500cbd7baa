//! Invitations, and the reasons why one can't be created.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::fields::{DisplayName, Email, Username};
use super::link_creator::LinkCreator;
use super::lookup::LookupError;
use super::purpose::LinkPurpose;
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, InvitationId, SessionId, UserId};
use crate::clients::{ActingError, Scope};
use crate::db;

/// An invitation, without its token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// ID of the invitation.
    #[schema(value_type = uuid::Uuid)]
    pub id: InvitationId,
    /// What the link is for: a new user joins, an existing user gets a new passkey, or a user adds another device.
    pub purpose: LinkPurpose,
    /// ID of the user that the link is for, if they already exist.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub user_id: Option<UserId>,
    /// The email address that a new user will have.
    pub email: Option<String>,
    /// Whether the email address will count as verified: a signed-in administrator or the command line entered it.
    pub email_verified: bool,
    /// The name suggested to a new user.
    pub display_name: Option<String>,
    /// The roles that a new user will hold.
    pub roles: Vec<String>,
    /// The session that created it, if it is a link for the user's own other device.
    #[serde(skip)]
    pub by_session: Option<SessionId>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the link expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Time of revocation, also by a newer link or the suspension of its user; `null`: not revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// When it was used; `null`: not used yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    /// The user who used it.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub used_by: Option<UserId>,
    /// The user who created it; `null` if no user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// The client that created it, or through which `by_user` did; `null` if no client did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
    /// What it depends on to stay valid.
    #[serde(skip)]
    pub creator: LinkCreator,
}

/// A new invitation link or recovery link. No later response contains it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvitationLink {
    /// URL of the link.
    pub url: String,
    /// The token in the link.
    pub token: String,
    /// Expiry of the link.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// ID of the user that the link is for, if they already exist.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub user_id: Option<UserId>,
}

/// An invitation to create.
#[derive(Clone, Debug, Default)]
pub struct NewInvitation {
    /// The username that the new user will have; `None`: they choose one.
    pub username: Option<Username>,
    /// Email address of the new user.
    pub email: Option<Email>,
    /// Whether the email address counts as verified, which only signed-in administrators and the command line may set. `None`: yes
    /// if one of them entered it.
    pub email_verified: Option<bool>,
    /// Display name of the new user.
    pub display_name: Option<DisplayName>,
    /// The roles that the new user will hold.
    pub roles: Vec<String>,
    /// ID or username of an existing user, if the link is for one.
    pub user: Option<String>,
    /// How long the link is valid; `None`: `DEFAULT_INVITATION_TTL`.
    pub lifetime: Option<Duration>,
}

/// Why an invitation was not created.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The username is, or was, another user's.
    #[error("the username is taken")]
    UsernameTaken,
    /// No role has this name.
    #[error("no role is named {0}")]
    UnknownRole(String),
    /// No user has this ID or username.
    #[error("no user has this ID or username")]
    UserUnknown,
    /// The user is suspended and must be reactivated first.
    #[error("the user is suspended")]
    UserSuspended,
    /// A link for an existing user sets more than the lifetime.
    #[error("only the lifetime may be set for an existing user")]
    ExtraFields,
    /// A caller who manages users by their roles must assign a role: they could not manage a user without one.
    #[error("choose at least one role that you manage")]
    RoleNeeded,
    /// The caller may not manage this user or assign these roles.
    #[error("the caller may not manage this user or these roles")]
    NotPermitted,
    /// A link for an existing user lets a client become that user, so it needs a scope of its own.
    #[error("a link for an existing user needs the scope {}", Scope::PasskeysEnrol.as_str())]
    RecoveryScopeMissing,
    /// Only signed-in administrators and the command line may set whether an email address is verified.
    #[error(
        "only administrators, in their own session, may set whether an email address is verified"
    )]
    EmailVerificationNotPermitted,
    /// There is no email address to confirm.
    #[error("the user has no email address")]
    EmailMissing,
    /// The lifetime is too short or too long.
    #[error("a link must be valid for one minute to 30 days")]
    InvalidLifetime,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// A database error.
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

pub(super) fn blank(purpose: LinkPurpose) -> Invitation {
    Invitation {
        id: InvitationId::random(),
        purpose,
        user_id: None,
        email: None,
        email_verified: false,
        display_name: None,
        roles: Vec::new(),
        created_at: Timestamp::from_micros(0),
        expires_at: Timestamp::from_micros(0),
        by_session: None,
        revoked_at: None,
        used_at: None,
        used_by: None,
        by_user: None,
        by_client: None,
        creator: LinkCreator::default(),
    }
}
