//! Resolves subjects: an active user by ID or username, or an enabled client. Every other subject is an external subject.

use serde_json::{Map, Value};

use super::AuthZen;
use super::prefetch::CachedUser;
use super::request::{NamedEntity, USER};
use crate::account_state::{AccountState, Unavailable, UserStatus};
use crate::base::ids::{SessionId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::policies::Subject;
use crate::sessions::SessionAuthentication;
use crate::users::LookupError;

const CLIENT: &str = "client";

impl AuthZen {
    /// Resolves the subject that a caller names, using `copies` if they were prefetched. The user's sign-in is included if the
    /// request's context names a valid session of the user (`session`, a `sid`).
    pub(super) async fn find_subject(
        &self,
        named: &NamedEntity,
        context: &Map<String, Value>,
        copies: Option<&CachedUser>,
    ) -> Result<Subject, Unavailable> {
        let found = match named.kind.as_str() {
            USER => match self.find_person(&named.id, copies).await? {
                Some(account_state) => {
                    let auth = self.find_auth(&account_state, context).await?;
                    let account_state = Box::new(account_state);
                    Some(Subject::Person {
                        account_state,
                        auth,
                    })
                }
                None => None,
            },
            CLIENT => self.find_client(&named.id).await?,
            _ => None,
        };
        Ok(found.unwrap_or_else(|| Subject::ExternalSubject {
            kind: named.kind.clone(),
            id: named.id.clone(),
        }))
    }

    async fn find_person(
        &self,
        id_or_name: &str,
        copies: Option<&CachedUser>,
    ) -> Result<Option<AccountState>, Unavailable> {
        let account_states = &self.account_states;
        let by_id = match (UserId::parse(id_or_name), copies) {
            (Some(id), Some(copies)) => {
                account_states.find_with_cached(id, copies.record()).await?
            }
            (Some(id), None) => account_states.find(id).await?,
            (None, _) => None,
        };
        let found = match by_id {
            Some(account_state) => Some(account_state),
            None => self.find_by_name(id_or_name).await?,
        };
        Ok(found.filter(|account_state| account_state.status == UserStatus::Active))
    }

    async fn find_by_name(&self, name: &str) -> Result<Option<AccountState>, Unavailable> {
        match self.users.resolve(name).await {
            Ok(id) => self.account_states.find(id).await,
            Err(LookupError::Unknown) => Ok(None),
            Err(LookupError::Database(error)) => Err(error.into()),
        }
    }

    async fn find_client(&self, id: &str) -> Result<Option<Subject>, Unavailable> {
        let Some(id) = PublicClientId::parse(id) else {
            return Ok(None);
        };
        let record = self.clients.find(id.id()).await?;
        let client = record.map(|record| record.client);
        let client = client.filter(|client| client.enabled);
        Ok(client.map(Subject::Client))
    }

    async fn find_auth(
        &self,
        account_state: &AccountState,
        context: &Map<String, Value>,
    ) -> Result<Option<SessionAuthentication>, Unavailable> {
        let named = context.get("session").and_then(Value::as_str);
        let Some(session) = named.and_then(SessionId::parse) else {
            return Ok(None);
        };
        self.sessions.find_valid(account_state, session).await
    }
}
