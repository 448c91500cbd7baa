//! Test cases for policies: each has a request, the facts that would be stored, and the expected decision. Nothing is
//! read from a store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AuthZenError;
use super::request::{EvaluationRequest, NamedEntity};
use crate::account_state::{AccountState, UserStatus};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{Client, Metadata, Scopes};
use crate::policies::{Decision, DecisionInput, Policies, StepUpSearch, Subject, is_action};
use crate::sessions::SessionAuthentication;

/// A file of test cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Request body, as for the evaluation endpoint.
    request: Map<String, Value>,
    decision: bool,
    /// The user, if the subject is one; `known = false` makes the subject an external subject.
    #[serde(default)]
    user: Profile,
    #[serde(default)]
    roles: Vec<String>,
    /// The client, if the subject is one; `known = false` makes the subject an external subject.
    client: Option<Registered>,
    /// Roles of the user on the resource.
    #[serde(default)]
    resource_roles: Vec<String>,
    #[serde(default)]
    attributes: Map<String, Value>,
    auth: Option<SignIn>,
    /// Time of the decision; the current time by default.
    now: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Profile {
    known: Option<bool>,
    id: Option<UserId>,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    display_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Registered {
    known: Option<bool>,
    name: Option<String>,
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    acr: String,
    #[serde(default)]
    amr: Vec<String>,
    /// Seconds since the sign-in.
    #[serde(default)]
    age: u64,
}

/// Result of one case.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub name: String,
    pub passed: bool,
    pub expected: bool,
    pub decision: bool,
    pub policies: Vec<String>,
    pub errors: Vec<String>,
}

/// Why the cases could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    #[error("{0}")]
    Unreadable(String),
    /// The request of a case is invalid: name of the case, and the reason.
    #[error("{0}: {1}")]
    Request(String, AuthZenError),
    /// The client of a case is missing or invalid: name of the case, and the reason.
    #[error("{0}: {1}")]
    Client(String, &'static str),
}

impl Cases {
    /// Reads a file: JSON if its extension is `json`, else TOML.
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

    /// Evaluates every case against the policies in force.
    pub fn run(self, policies: &Policies, now: Timestamp) -> Result<Vec<Outcome>, CasesError> {
        let run = |case: Case| case.run(policies, now);
        self.cases.into_iter().map(run).collect()
    }
}

impl Case {
    fn run(self, policies: &Policies, now: Timestamp) -> Result<Outcome, CasesError> {
        let evaluation = EvaluationRequest::read(&self.request)
            .map_err(|error| CasesError::Request(self.name.clone(), error))?;
        let now = self.now.unwrap_or(now);
        let resource = evaluation.resource_name();
        let subject = self.subject(&evaluation.subject, now)?;
        let decision = match resource {
            Ok(resource) if is_action(&evaluation.action.name) => {
                // Only users hold roles on resources.
                let resource_roles = match &subject {
                    Subject::Person { .. } => self.resource_roles,
                    Subject::Client(_) | Subject::ExternalSubject { .. } => Vec::new(),
                };
                let input = DecisionInput {
                    subject,
                    claimed: evaluation.claimed(),
                    action: evaluation.action.name,
                    resource,
                    resource_roles,
                    attributes: self.attributes,
                    now,
                };
                policies.decide(&input, StepUpSearch::Skip)
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

    fn subject(&self, named: &NamedEntity, now: Timestamp) -> Result<Subject, CasesError> {
        let (kind, id) = (&named.kind, &named.id);
        Ok(match kind.as_str() {
            "user" if self.user.known != Some(false) => self.person(id, now),
            "client" => match self.registered(id)? {
                Some(client) => Subject::Client(Arc::new(client)),
                None => external_subject(kind, id),
            },
            _ => external_subject(kind, id),
        })
    }

    /// Returns the client of the case, or `None` if it isn't registered. A case whose subject is a client must describe it:
    /// otherwise no policy about clients would apply, and a case that expects a denial would pass for the wrong reason.
    fn registered(&self, id: &str) -> Result<Option<Client>, CasesError> {
        let fault = |fault| CasesError::Client(self.name.clone(), fault);
        let told = self.client.as_ref().ok_or_else(|| {
            fault("the subject is a client: describe it as client = { name = \"…\", scopes = [] }, or client = { known = false }")
        })?;
        if told.known == Some(false) {
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
        let auth = self.auth.as_ref().map(|auth| SessionAuthentication {
            acr: auth.acr.clone(),
            amr: auth.amr.clone(),
            auth_time: now.before(Duration::from_secs(auth.age)),
        });
        let account_state = AccountState {
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
            account_state: Box::new(account_state),
            auth,
        }
    }
}

fn external_subject(kind: &str, id: &str) -> Subject {
    Subject::ExternalSubject {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}
