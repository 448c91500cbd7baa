//! Resolves subjects: an active user by ID or username, or an enabled client. Every other subject is an external subject.

use serde_json::{Map, Value};

use super::AuthZen;
use super::glance::PersonCopies;
use super::request::{Named, USER};
use crate::access::{Auth, Subject};
use crate::base::ids::{SessionId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::standing::{Standing, Unavailable, UserStatus};
use crate::users::LookupError;

const CLIENT: &str = "client";

impl AuthZen {
    /// Resolves the subject that a caller names, using `copies` if they were prefetched. The user's sign-in is included if the
    /// request's context names a valid session of the user (`session`, a `sid`).
    pub(super) async fn find_subject(
        &self,
        named: &Named,
        context: &Map<String, Value>,
        copies: Option<&PersonCopies>,
    ) -> Result<Subject, Unavailable> {
        let found = match named.kind.as_str() {
            USER => match self.find_person(&named.id, copies).await? {
                Some(standing) => {
                    let auth = self.find_auth(&standing, context).await?;
                    let standing = Box::new(standing);
                    Some(Subject::Person { standing, auth })
                }
                None => None,
            },
            CLIENT => self.find_client(&named.id).await?,
            _ => None,
        };
        Ok(found.unwrap_or_else(|| Subject::Outsider {
            kind: named.kind.clone(),
            id: named.id.clone(),
        }))
    }

    async fn find_person(
        &self,
        id_or_name: &str,
        copies: Option<&PersonCopies>,
    ) -> Result<Option<Standing>, Unavailable> {
        let standings = &self.access.standings;
        let by_id = match (UserId::parse(id_or_name), copies) {
            (Some(id), Some(copies)) => standings.of_copy(id, copies.record()).await?,
            (Some(id), None) => standings.of(id).await?,
            (None, _) => None,
        };
        let found = match by_id {
            Some(standing) => Some(standing),
            None => self.find_by_name(id_or_name).await?,
        };
        Ok(found.filter(|standing| standing.status == UserStatus::Active))
    }

    async fn find_by_name(&self, name: &str) -> Result<Option<Standing>, Unavailable> {
        match self.users.resolve(name).await {
            Ok(id) => self.access.standings.of(id).await,
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
        standing: &Standing,
        context: &Map<String, Value>,
    ) -> Result<Option<Auth>, Unavailable> {
        let named = context.get("session").and_then(Value::as_str);
        let Some(session) = named.and_then(SessionId::parse) else {
            return Ok(None);
        };
        let session = self.sessions.find_good(standing, session).await?;
        Ok(session.map(|session| Auth {
            acr: session.acr,
            amr: session.amr,
            auth_time: session.auth_time,
        }))
    }
}
