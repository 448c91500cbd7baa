//! The author of a change or an audit event.

use crate::base::ids::{ClientId, UserId};
use crate::base::os_account::process_account;

/// The user, client or process that acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, in a session.
    User(UserId),
    /// A user, through a client that holds one of the user's tokens.
    UserThroughClient(UserId, ClientId),
    /// A client, with its own credentials.
    Client(ClientId),
    /// An operator at the command line.
    Command,
    /// Doorward itself.
    Doorward,
}

/// The actor, and where the request came from.
#[derive(Clone, Debug)]
pub struct Author {
    /// User, client or process that acts.
    pub actor: Actor,
    /// IP address of the browser or service, if there is one.
    pub address: Option<String>,
    /// User agent of the browser, shortened.
    pub user_agent: Option<String>,
    /// Account and machine of the process (`user@host`), if the command line or Doorward itself acts.
    pub operator: Option<String>,
}

impl Author {
    /// Returns the command line as the author.
    pub fn command() -> Self {
        Self {
            actor: Actor::Command,
            address: None,
            user_agent: None,
            operator: Some(process_account().to_owned()),
        }
    }

    /// Returns Doorward itself as the author.
    pub fn doorward() -> Self {
        Self::command().acting_as(Actor::Doorward)
    }

    /// Returns the same origin with another actor: for ceremonies that learn the actor when they finish.
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Returns the acting user, for the column `by_user`.
    pub fn user(&self) -> Option<UserId> {
        match self.actor {
            Actor::User(user) | Actor::UserThroughClient(user, _) => Some(user),
            Actor::Client(_) | Actor::Command | Actor::Doorward => None,
        }
    }

    /// Returns the acting client, for the column `by_client`.
    pub fn client(&self) -> Option<ClientId> {
        match self.actor {
            Actor::Client(client) | Actor::UserThroughClient(_, client) => Some(client),
            Actor::User(_) | Actor::Command | Actor::Doorward => None,
        }
    }

    /// Returns the actor as written in events: `user:…`, `client:…`, `command` or `doorward`.
    pub fn actor_text(&self) -> String {
        match self.actor {
            Actor::User(user) | Actor::UserThroughClient(user, _) => format!("user:{user}"),
            Actor::Client(client) => format!("client:{client}"),
            Actor::Command => "command".into(),
            Actor::Doorward => "doorward".into(),
        }
    }
}
