//! What a link stores of its creator, so that it stops working when the creator loses what it was created with.

use crate::account_state;
use crate::base::ids::{AccessTokenId, AuthorizationId, SessionId, UserId};
use crate::clients::{self, Credential};
use crate::db::{self, Connection};
use crate::history::Author;
use crate::sessions;
use crate::tokens;

/// The epochs of a link's creator when the link was created, and the parts of their credential that can be revoked separately (none
/// for links of earlier versions). An epoch is incremented when the permission behind it is withdrawn, so a link stays invalid even
/// if the permission is given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCreator {
    /// The session epoch of the user: incremented when all their sessions end.
    pub user_epoch: Option<i64>,
    /// The permissions epoch of the client: incremented when it loses its secret, a scope or its access.
    pub client_epoch: Option<i64>,
    /// The user's session, or the one that their client's authorization depended on.
    pub session: Option<SessionId>,
    /// The authorization of the client that the user acted through.
    pub authorization: Option<AuthorizationId>,
    /// The client's own access token. Revoking it voids the link.
    pub token: Option<AccessTokenId>,
}

impl LinkCreator {
    /// Reads the current epochs of an author, without a credential.
    pub(super) fn with_epochs(conn: &mut Connection, author: &Author) -> db::Result<Self> {
        let user_epoch = match author.user() {
            Some(user) => account_state::find_epoch(conn, user)?,
            None => None,
        };
        let client_epoch = match author.client() {
            Some(client) => clients::find_permissions(conn, client)?.map(|found| found.epoch),
            None => None,
        };
        Ok(Self {
            user_epoch,
            client_epoch,
            ..Self::default()
        })
    }

    /// Reads the current epochs of an author, who was authenticated with `credential`.
    pub(super) fn of(
        conn: &mut Connection,
        author: &Author,
        credential: &Credential,
    ) -> db::Result<Self> {
        let epochs = Self::with_epochs(conn, author)?;
        Ok(match credential {
            Credential::CommandLine | Credential::ClientSecret { .. } => epochs,
            Credential::Session { session, .. } => Self {
                session: Some(*session),
                ..epochs
            },
            Credential::ClientToken { id, .. } => Self {
                token: Some(*id),
                ..epochs
            },
            Credential::UserToken(token) => {
                let authorization = tokens::find(conn, token.authorization)?;
                Self {
                    session: authorization.map(|authorization| authorization.session),
                    authorization: Some(token.authorization),
                    ..epochs
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
