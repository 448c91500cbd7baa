//! Extractor of API callers: a user with a session cookie, a client with its secret, or either with an access token.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::bearer::{Bearer, scope_missing};
use super::problems::client_unknown;
use super::signed_in::SignedIn;
use crate::account_state::AccountState;
use crate::clients::{
    AcceptedMethods, ActingAs, AuthenticateError, ClientRecord, Clients, Credential,
    FailedAuthentication, Permission, Scope, WRONG_SECRET, parse_basic,
};
use crate::history::{Actor, Author};
use crate::web::{IdentifiedCaller, Problem};

/// Authenticated caller of the API.
#[derive(Clone, Debug)]
pub enum Caller {
    /// User with a valid session.
    Person(Box<SignedIn>),
    /// Client with a valid secret.
    Client(Box<ClientRecord>),
    /// Holder of a valid access token.
    Bearer(Box<Bearer>),
}

/// Why a caller is not allowed to do something.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    #[error("only administrators may do this")]
    NotPermitted,
    #[error("the client needs the scope {}", .0.as_str())]
    ScopeMissing(Scope),
    #[error("the token needs the scope {}", .0.as_str())]
    TokenScopeMissing(Scope),
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::NotPermitted => Self::forbidden("Only administrators may do this."),
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
    /// Requires that the caller may do for all users what `scope` names: administrators and clients with the scope may.
    pub fn require(&self, scope: Scope) -> Result<(), CallerError> {
        match self {
            Self::Person(person) if person.account_state.is_administrator() => Ok(()),
            Self::Person(_) => Err(CallerError::NotPermitted),
            Self::Client(record) if record.client.scopes.contains(scope) => Ok(()),
            Self::Client(_) => Err(CallerError::ScopeMissing(scope)),
            Self::Bearer(bearer) if !bearer.has_scope(scope) => {
                Err(CallerError::TokenScopeMissing(scope))
            }
            // A user's token gives its app no more permissions than the user has.
            Self::Bearer(bearer) => match bearer.person() {
                Some(person) if !person.is_administrator() => Err(CallerError::NotPermitted),
                _ => Ok(()),
            },
        }
    }

    /// Returns the calling user, who uses a session or an app.
    pub fn person(&self) -> Option<&AccountState> {
        match self {
            Self::Person(person) => Some(&person.account_state),
            Self::Client(_) => None,
            Self::Bearer(bearer) => bearer.person(),
        }
    }

    /// Returns the calling user if they may read their own data. A token needs `scope` for that.
    pub fn own(&self, scope: Scope) -> Option<&AccountState> {
        match self {
            Self::Bearer(bearer) if !bearer.has_scope(scope) => None,
            _ => self.person(),
        }
    }

    /// Returns the actor for audit events and revisions.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::User(person.session.user),
            Self::Client(record) => Actor::Client(record.client.id),
            Self::Bearer(bearer) => bearer.actor(),
        }
    }

    /// Returns the caller of an operation that needs `scope`: administrators and clients with the scope may change everything,
    /// other users what their roles let them manage.
    pub fn acting(&self, author: Author, scope: Scope) -> ActingAs {
        let credential = match self {
            Self::Person(person) => {
                let permission = if person.account_state.is_administrator() {
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
                IdentifiedCaller::Authenticated(bearer.actor()).note(&request);
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
                    IdentifiedCaller::Authenticated(Actor::Client(id)).note(&request);
                    Ok(Self::Client(Box::new(record)))
                }
                Err(AuthenticateError::Unknown(failed)) => {
                    failed.log();
                    if failed.reason == WRONG_SECRET {
                        IdentifiedCaller::WrongSecret(credentials.client.id()).note(&request);
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
