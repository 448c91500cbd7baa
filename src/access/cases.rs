//! Cases for a set of policies: a question, what is stored, and the decision that its writer expects. Nothing is read from a
//! store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authzen::{Asks, AuthZenError};
use super::policies::{Challenge, Facts};
use super::{Auth, Decision, Policies, ResourceName, Subject, is_action};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{Client, Metadata, Scopes};
use crate::standing::{Standing, UserStatus};

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    cases: Vec<Case>,
}

/// One question and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// As the evaluation endpoint takes it.
    request: Map<String, Value>,
    decision: bool,
    /// The person, where the subject is one; `known = false` makes them an outsider.
    #[serde(default)]
    user: Profile,
    /// The global roles of the person.
    #[serde(default)]
    roles: Vec<String>,
    /// The client, where the subject is one; `known = false` makes it an outsider.
    client: Option<Registered>,
    /// The roles that the person holds on the thing.
    #[serde(default)]
    grants: Vec<String>,
    /// What the registry says of the thing.
    #[serde(default)]
    attributes: Map<String, Value>,
    /// How the person is signed in.
    auth: Option<SignIn>,
    /// The time of day, if it matters.
    now: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Profile {
    known: bool,
    id: Option<UserId>,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    display_name: Option<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            known: true,
            id: None,
            username: None,
            email: None,
            email_verified: false,
            display_name: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Registered {
    known: bool,
    name: Option<String>,
    scopes: Vec<String>,
}

impl Default for Registered {
    fn default() -> Self {
        Self {
            known: true,
            name: None,
            scopes: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    acr: String,
    #[serde(default)]
    amr: Vec<String>,
    /// Seconds since.
    #[serde(default)]
    age: u64,
}

/// How a case came out.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The case.
    pub name: String,
    /// Whether the decision is the expected one.
    pub passed: bool,
    /// Expected decision.
    pub expected: bool,
    /// Actual decision.
    pub decision: bool,
    /// By which policies.
    pub policies: Vec<String>,
    /// Which of them failed, and why.
    pub errors: Vec<String>,
}

/// Why there are no outcomes.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// The file can't be read as cases.
    #[error("{0}")]
    Unreadable(String),
    /// A case's request is none.
    #[error("{0}: {1}")]
    Request(String, AuthZenError),
    /// A case's client can't be one.
    #[error("{0}: {1}")]
    Client(String, &'static str),
}

impl Cases {
    /// Reads a file: JSON by its name, else TOML.
    ///
    /// # Errors
    /// What it should have been.
    pub fn read(path: &Path) -> Result<Self, CasesError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| CasesError::Unreadable(format!("{}: {error}", path.display())))?;
        let is_json = path.extension().is_some_and(|kind| kind == "json");
        let read = if is_json {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Figment::from(Toml::string(&text))
                .extract()
                .map_err(|error| error.to_string())
        };
        read.map_err(|error| CasesError::Unreadable(format!("{}: {error}", path.display())))
    }

    /// Asks the policies in force about each.
    ///
    /// # Errors
    /// The first request that is none.
    pub fn run(self, policies: &Policies, now: Timestamp) -> Result<Vec<Outcome>, CasesError> {
        let run = |case: Case| case.run(policies, now);
        self.cases.into_iter().map(run).collect()
    }
}

impl Case {
    fn run(self, policies: &Policies, now: Timestamp) -> Result<Outcome, CasesError> {
        let asks = Asks::read(&self.request)
            .map_err(|error| CasesError::Request(self.name.clone(), error))?;
        let now = self.now.unwrap_or(now);
        let resource = ResourceName::parse(&asks.resource.0, &asks.resource.1);
        let subject = self.subject(&asks, now)?;
        let decision = match resource {
            Ok(resource) if is_action(&asks.action) => {
                // Nobody but a person holds roles on things.
                let grants = match &subject {
                    Subject::Person { .. } => self.grants,
                    Subject::Client(_) | Subject::Outsider { .. } => Vec::new(),
                };
                let facts = Facts {
                    subject,
                    action: asks.action,
                    resource,
                    grants,
                    attributes: self.attributes,
                    claimed: asks.claimed,
                    now,
                };
                policies.decide(&facts, Challenge::Skip)
            }
            _ => Decision::default(),
        };
        Ok(Outcome {
            name: self.name,
            passed: decision.is_allowed == self.decision,
            expected: self.decision,
            decision: decision.is_allowed,
            policies: decision.policies,
            errors: decision.errors,
        })
    }

    fn subject(&self, asks: &Asks, now: Timestamp) -> Result<Subject, CasesError> {
        let (kind, id) = &asks.subject;
        Ok(match kind.as_str() {
            "user" if self.user.known => self.person(id, now),
            "client" => match self.registered(id)? {
                Some(client) => Subject::Client(Arc::new(client)),
                None => outsider(kind, id),
            },
            _ => outsider(kind, id),
        })
    }

    /// The client of the case; `None`: it is one that Doorward does not know. Without a word of it a policy about clients would
    /// never be asked, and a denial be the expected one for no good reason.
    fn registered(&self, id: &str) -> Result<Option<Client>, CasesError> {
        let fault = |fault| CasesError::Client(self.name.clone(), fault);
        let told = self.client.as_ref().ok_or_else(|| {
            fault("the subject is a client: describe it as client = { name = \"…\", scopes = [] }, or client = { known = false }")
        })?;
        if !told.known {
            return Ok(None);
        }
        let public_id = PublicClientId::parse(id)
            .ok_or_else(|| fault("the ID of a client is its client_id"))?;
        let scopes = Scopes::parse(&told.scopes.join(" "))
            .map_err(|_| fault("client.scopes: each entry must be one scope (RFC 6749)"))?;
        let long_ago = Timestamp::from_micros(0);
        Ok(Some(Client {
            id: public_id.id(),
            name: told.name.clone().unwrap_or_else(|| id.to_owned()),
            public_id,
            scopes,
            metadata: Metadata::default(),
            enabled: true,
            registered_by_client: None,
            consent_epoch: 0,
            created_at: long_ago,
            version: 1,
            as_of: long_ago,
        }))
    }

    fn person(&self, id: &str, now: Timestamp) -> Subject {
        let user = &self.user;
        let named = user.username.clone().unwrap_or_else(|| id.to_owned());
        let auth = self.auth.as_ref().map(|auth| Auth {
            acr: auth.acr.clone(),
            amr: auth.amr.clone(),
            auth_time: now.before(Duration::from_secs(auth.age)),
        });
        let standing = Standing {
            user_id: user
                .id
                .or_else(|| UserId::parse(id))
                .unwrap_or_else(UserId::random),
            version: 1,
            display_name: user.display_name.clone().unwrap_or_else(|| named.clone()),
            username: named,
            email: user.email.clone(),
            email_verified: user.email_verified,
            status: UserStatus::Active,
            session_epoch: 0,
            roles: self.roles.clone(),
            passkeys: Vec::new(),
            ended: Vec::new(),
            stepped_up: Vec::new(),
            revoked: Vec::new(),
        };
        Subject::Person {
            standing: Box::new(standing),
            auth,
        }
    }
}

fn outsider(kind: &str, id: &str) -> Subject {
    Subject::Outsider {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}
