//! Suspends and reactivates users.

use serde_json::json;

use super::last_administrator::require_another_administrator;
use super::permissions::Permit;
use super::queries::LinksToVoid;
use super::update::{UpdateError, begin_change};
use super::{Users, queries};
use crate::account_state::UserStatus;
use crate::base::ids::UserId;
use crate::history::{self, Event};
use crate::sessions::{self, Ended};

impl Users {
    /// Suspends a user: all their sessions end, the unused links for them are voided, and their passkeys can't be used.
    /// Idempotent. The last administrator can't be suspended.
    pub async fn suspend(
        &self,
        id: UserId,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<Ended, UpdateError> {
        let database = self.database.clone();
        let ended = self
            .database
            .write(move |conn| {
                let (author, now, mut user) = begin_change(conn, &database, id, &permit)?;
                if user.status == UserStatus::Suspended {
                    return Ok(Ended::default());
                }
                if user.is_administrator() && user.status == UserStatus::Active {
                    require_another_administrator(conn, id)??;
                }
                user.status = UserStatus::Suspended;
                user.save(conn, now, &author)?;
                queries::void_links(conn, LinksToVoid::For(id), now)?;
                let ended = sessions::end_all_unrecorded(conn, id, now, "suspended")?;
                let event = Event::done("user.suspended")
                    .subject(id)
                    .with_reason(reason.as_deref())
                    .details(json!({ "sessions": ended.sessions }));
                history::record(conn, now, &author, event)?;
                Ok::<_, UpdateError>(ended)
            })
            .await?;
        self.account_states.publish(id).await?;
        Ok(ended)
    }

    /// Reactivates a suspended user, who can sign in again with their remaining passkeys. Idempotent.
    pub async fn reactivate(
        &self,
        id: UserId,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<(), UpdateError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let (author, now, mut user) = begin_change(conn, &database, id, &permit)?;
                if user.status != UserStatus::Suspended {
                    return Ok(());
                }
                // A user who never signed in becomes invited again.
                user.status = if sessions::has_ever_signed_in(conn, id)? {
                    UserStatus::Active
                } else {
                    UserStatus::Invited
                };
                user.save(conn, now, &author)?;
                let event = Event::done("user.reactivated")
                    .subject(id)
                    .with_reason(reason.as_deref());
                Ok::<_, UpdateError>(history::record(conn, now, &author, event)?)
            })
            .await?;
        self.account_states.publish(id).await?;
        Ok(())
    }
}
