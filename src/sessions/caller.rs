//! Whoever asks the API: a person by their cookie, a client by its secret, either through an access token.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::bearer::{Bearer, scope_missing};
use super::freshness::StepUpRequired;
use super::problems::client_unknown;
use super::signed_in::SignedIn;
use crate::clients::{
    AcceptedMethods, ActingAs, AuthenticateError, ClientRecord, Clients, Credential,
    FailedAuthentication, Permission, Scope, WRONG_SECRET, parse_basic,
};
use crate::history::{Actor, Author};
use crate::standing::Standing;
use crate::web::{KnownCaller, Problem};

/// Who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A person with a good session.
    Person(Box<SignedIn>),
    /// A client with a good secret.
    Client(Box<ClientRecord>),
    /// Whoever holds a good access token.
    Bearer(Box<Bearer>),
}

/// Why a caller may not.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// A person who is no administrator.
    #[error("only administrators may do this")]
    NotAdministrator,
    /// A client without the scope.
    #[error("the client needs the scope {}", .0.as_str())]
    ScopeMissing(Scope),
    /// A token without the scope.
    #[error("the token needs the scope {}", .0.as_str())]
    TokenScopeMissing(Scope),
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::NotAdministrator => Self::forbidden("Only administrators may do this."),
            CallerError::TokenScopeMissing(scope) => scope_missing(scope),
            CallerError::ScopeMissing(scope) => Self::forbidden(format!(
                "This client needs the scope {}. Ask an administrator to add it.",
                scope.as_str()
            ))
            .with("scope", scope.as_str()),
        }
    }
}

impl Caller {
    /// Whether the caller may do what `scope` names for everybody: administrators and scoped clients.
    ///
    /// # Errors
    /// Who may not, and why.
    pub fn require(&self, scope: Scope) -> Result<(), CallerError> {
        match self {
            Self::Person(person) if person.standing.is_administrator() => Ok(()),
            Self::Person(_) => Err(CallerError::NotAdministrator),
            Self::Client(record) if record.client.scopes.contains(scope) => Ok(()),
            Self::Client(_) => Err(CallerError::ScopeMissing(scope)),
            Self::Bearer(bearer) if !bearer.has_scope(scope) => {
                Err(CallerError::TokenScopeMissing(scope))
            }
            // A person's token lends its app no more than the person has.
            Self::Bearer(bearer) => match bearer.person() {
                Some(person) if !person.is_administrator() => Err(CallerError::NotAdministrator),
                _ => Ok(()),
            },
        }
    }

    /// Requires a recent sign-in of the user who asks; a client has just authenticated itself.
    pub fn require_fresh(&self) -> Result<(), StepUpRequired> {
        match self {
            Self::Person(person) => person.require_fresh(),
            Self::Bearer(bearer) if !bearer.is_fresh => Err(StepUpRequired::Token),
            Self::Client(_) | Self::Bearer(_) => Ok(()),
        }
    }

    /// The person who asks, themself or through an app.
    pub fn person(&self) -> Option<&Standing> {
        match self {
            Self::Person(person) => Some(&person.standing),
            Self::Client(_) => None,
            Self::Bearer(bearer) => bearer.person(),
        }
    }

    /// The person who asks, where `scope` is enough to ask about oneself.
    pub fn own(&self, scope: Scope) -> Option<&Standing> {
        match self {
            Self::Bearer(bearer) if !bearer.has_scope(scope) => None,
            _ => self.person(),
        }
    }

    /// Who changes something, for audit events and revisions.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::Person(person.session.user),
            Self::Client(record) => Actor::Client(record.client.id),
            Self::Bearer(bearer) => bearer.actor(),
        }
    }

    /// The caller of an operation that needs `scope`: administrators and clients with the scope may change everything, other users
    /// what their roles let them manage.
    pub fn acting(&self, author: Author, scope: Scope) -> ActingAs {
        let credential = match self {
            Self::Person(person) => {
                let permission = if person.standing.is_administrator() {
                    Permission::Administrator
                } else {
                    Permission::Roles
                };
                return person.acting_by(author, permission);
            }
            Self::Client(record) => Credential::ClientSecret {
                hash: record.secret_hash.clone(),
            },
            Self::Bearer(bearer) => bearer.token.credential(),
        };
        ActingAs::new(author, credential, Permission::Scope(scope))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get(header::AUTHORIZATION) else {
            let person = SignedIn::from_request(request, payload);
            return Box::pin(async move { Ok(Self::Person(Box::new(person.await?))) });
        };
        let header = header.to_str().unwrap_or_default().to_owned();
        if let Some(token) = bearer_token(&header) {
            let (request, token) = (request.clone(), token.to_owned());
            return Box::pin(async move {
                let bearer = Bearer::of(&request, &token).await?;
                let client = &bearer.token.client.public_id;
                tracing::Span::current().record("client_id", tracing::field::display(client));
                KnownCaller::Proven(bearer.actor()).note(&request);
                Ok(Self::Bearer(Box::new(bearer)))
            });
        }
        let clients = request.app_data::<web::Data<Clients>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let clients = clients.ok_or_else(Problem::internal)?;
            let Some(credentials) = parse_basic(&header) else {
                FailedAuthentication::malformed_header(&header).log();
                return Err(client_unknown());
            };
            let authenticated = clients.authenticate(&credentials, AcceptedMethods::AnySecret);
            match authenticated.await {
                Ok(record) => {
                    let id = record.client.id;
                    tracing::Span::current().record(
                        "client_id",
                        tracing::field::display(&record.client.public_id),
                    );
                    KnownCaller::Proven(Actor::Client(id)).note(&request);
                    Ok(Self::Client(Box::new(record)))
                }
                Err(AuthenticateError::Unknown(failed)) => {
                    failed.log();
                    if failed.reason == WRONG_SECRET {
                        KnownCaller::WrongSecret(credentials.client.id()).note(&request);
                    }
                    Err(client_unknown())
                }
                Err(AuthenticateError::Unavailable(error)) => Err(error.into()),
            }
        })
    }
}

fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
