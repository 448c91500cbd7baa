//! What a link stores of its creator, so that it stops working when the creator loses what it was created with.

use crate::account_state;
use crate::base::ids::{AccessTokenId, AuthorizationId, SessionId, UserId};
use crate::clients::{self, Credential};
use crate::db::{self, Connection};
use crate::history::Author;
use crate::sessions;
use crate::tokens;

/// Epochs of a link's creator when the link was created. An epoch is incremented when the permission behind it is withdrawn, so a
/// link stays invalid even if the permission is given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreatorEpochs {
    /// The session epoch of the user: incremented when all their sessions end.
    pub user: Option<i64>,
    /// The permissions epoch of the client: incremented when it loses its secret, a scope or its access.
    pub client: Option<i64>,
}

impl CreatorEpochs {
    /// Reads the current epochs of an author.
    pub(super) fn of(conn: &mut Connection, author: &Author) -> db::Result<Self> {
        let user = match author.user() {
            Some(user) => account_state::find_epoch(conn, user)?,
            None => None,
        };
        let client = match author.client() {
            Some(client) => clients::find_permissions(conn, client)?.map(|found| found.epoch),
            None => None,
        };
        Ok(Self { user, client })
    }
}

/// What a link's creator was authenticated with when the link was created, as far as it can be revoked separately. Empty for links
/// of earlier versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreatorCredential {
    /// The user's session, or the one that their client's authorization depended on.
    pub session: Option<SessionId>,
    /// The authorization of the client that the user acted through.
    pub authorization: Option<AuthorizationId>,
    /// The client's own access token. Revoking it voids the link.
    pub token: Option<AccessTokenId>,
}

impl CreatorCredential {
    /// The part of a credential that is stored with the link that it created.
    pub(super) fn of(conn: &mut Connection, credential: &Credential) -> db::Result<Self> {
        Ok(match credential {
            Credential::CommandLine | Credential::ClientSecret { .. } => Self::default(),
            Credential::Session { session, .. } => Self {
                session: Some(*session),
                ..Self::default()
            },
            Credential::ClientToken { id, .. } => Self {
                token: Some(*id),
                ..Self::default()
            },
            Credential::UserToken(token) => {
                let authorization = tokens::find(conn, token.authorization)?;
                Self {
                    session: authorization.map(|authorization| authorization.session),
                    authorization: Some(token.authorization),
                    token: None,
                }
            }
        })
    }

    /// Whether the user's session, a passkey that it depends on, or the authorization of their client was revoked. Sign-out and
    /// expiry don't count as revocation.
    pub(super) fn was_revoked(self, conn: &mut Connection, user: UserId) -> db::Result<bool> {
        if let Some(session) = self.session
            && sessions::was_revoked(conn, user, session)?
        {
            return Ok(true);
        }
        match self.authorization {
            Some(authorization) => tokens::was_withdrawn(conn, authorization),
            None => Ok(false),
        }
    }
}
