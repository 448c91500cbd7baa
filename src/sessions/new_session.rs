//! Creates a session after a verified ceremony, and stores its live copy.

use super::cap::MAX_OPEN;
use super::end::EndError;
use super::key::{LastSeen, SessionKey, last_seen_key};
use super::live::LiveSession;
use super::verified::VerifiedCeremony;
use super::{Sessions, queries};
use crate::base::ids::SessionId;
use crate::db::{self, Connection};
use crate::ephemeral::{StoreUnavailable, to_json};
use crate::history::Author;

/// Session that is in the database, but not yet in the ephemeral store.
#[derive(Debug)]
pub struct NewSession {
    pub key: SessionKey,
    pub live: LiveSession,
    /// What to do about the user's other sessions and keys once the live copy is stored.
    pub(super) follow_up: FollowUp,
}

/// What to do after a session was activated or stepped up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// Nothing to do.
    None,
    /// Enforce the cap: the user may have more open sessions than it allows.
    EnforceCap,
    /// Publish the account state: it changed, and now refuses the key that was replaced.
    PublishRecord,
}

/// Inserts a new session in the transaction of its ceremony. The caller holds the lock of the user's account, has checked that
/// the user is active, and passes their session epoch.
pub fn create(
    conn: &mut Connection,
    sessions: &Sessions,
    ceremony: &VerifiedCeremony,
    epoch: i64,
    author: &Author,
) -> db::Result<NewSession> {
    let user = ceremony.user();
    let now = ceremony.at();
    // When sessions were last used is in the ephemeral store, so the cap is enforced after the commit.
    let follow_up = if queries::count_open(conn, user, epoch, now)? >= MAX_OPEN {
        FollowUp::EnforceCap
    } else {
        FollowUp::None
    };
    let live = LiveSession {
        id: SessionId::random(),
        user,
        passkeys: vec![ceremony.passkey()],
        epoch,
        auth_time: now,
        acr: ceremony.acr().as_str().to_owned(),
        amr: ceremony.acr().amr().map(str::to_owned).to_vec(),
        created_at: now,
        absolute_end: now.after(sessions.absolute_lifetime),
        last_seen_at: now,
        idle_end: now.after(sessions.idle_timeout),
    };
    queries::insert(
        conn,
        &live,
        author.address.as_deref(),
        author.user_agent.as_deref(),
    )?;
    Ok(NewSession {
        key: SessionKey::generate(user),
        live,
        follow_up,
    })
}

impl Sessions {
    /// Stores the live copy of a new or stepped-up session after the commit. From then on its cookie is valid.
    pub async fn activate(&self, new_session: &NewSession) -> Result<(), StoreUnavailable> {
        self.store_live(&new_session.key, &new_session.live).await?;
        let followed = match new_session.follow_up {
            FollowUp::None => Ok(()),
            FollowUp::EnforceCap => self.enforce_cap(&new_session.live).await,
            FollowUp::PublishRecord => {
                let published = self.account_states.publish(new_session.live.user);
                published.await.map(drop).map_err(EndError::from)
            }
        };
        // The session is valid nevertheless. The next sign-in enforces the cap, and every instance learns within a second which
        // account states changed.
        if let Err(error) = followed {
            tracing::warn!(%error, "the steps after starting a session failed");
        }
        Ok(())
    }

    pub(super) async fn store_live(
        &self,
        key: &SessionKey,
        live: &LiveSession,
    ) -> Result<(), StoreUnavailable> {
        let ttl = live.time_to_live(self.clock.now());
        let (store_key, text) = (key.store_key(), to_json(live)?);
        let last_seen = LastSeen::text_of(live.last_seen_at, &store_key);
        // The last-seen time is stored with it, for lists of sessions and for derived sessions.
        let entries = [
            (store_key.as_str(), text.as_str()),
            (&last_seen_key(live.user, live.id), &last_seen),
        ];
        self.ephemeral.put_all(&entries, ttl).await
    }

    /// Updates the last-seen time that [`Sessions::store_live`] stored, unless it was removed or belongs to a later key.
    pub(super) async fn update_last_seen(
        &self,
        live: &LiveSession,
        live_copy: &str,
    ) -> Result<(), StoreUnavailable> {
        let key = last_seen_key(live.user, live.id);
        let ttl = live.time_to_live(self.clock.now());
        let Some(noted) = self.ephemeral.get_one(&key).await? else {
            return Ok(());
        };
        if LastSeen::parse(&noted).is_some_and(|last_seen| last_seen.live_copy == live_copy) {
            let last_seen = LastSeen::text_of(live.last_seen_at, live_copy);
            self.ephemeral
                .replace(&key, &noted, &last_seen, ttl)
                .await?;
        }
        Ok(())
    }
}
