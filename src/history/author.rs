//! To whom a change is attributed.

use crate::base::account::process_account;
use crate::base::ids::{ClientId, UserId};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, by their session.
    Person(UserId),
    /// A person, through an app that holds a token of theirs.
    Through(UserId, ClientId),
    /// An app or service, by its own credentials.
    Client(ClientId),
    /// Somebody at the command line.
    Command,
    /// The service itself.
    Doorward,
}

/// Who acts, and from where.
#[derive(Clone, Debug)]
pub struct Author {
    /// User, client or process that acts.
    pub actor: Actor,
    /// The address of the browser or service, where there is one.
    pub address: Option<String>,
    /// What the browser calls itself, shortened.
    pub user_agent: Option<String>,
    /// The account and machine of the process (`user@host`), where the command line or the service itself acts.
    pub operator: Option<String>,
}

impl Author {
    /// The command line.
    pub fn command() -> Self {
        Self {
            actor: Actor::Command,
            address: None,
            user_agent: None,
            operator: Some(process_account().to_owned()),
        }
    }

    /// The service itself.
    pub fn doorward() -> Self {
        Self::command().acting_as(Actor::Doorward)
    }

    /// The same place, another actor: for ceremonies that learn who acts when they finish.
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// The person, for the column `by_user`.
    pub fn user(&self) -> Option<UserId> {
        match self.actor {
            Actor::Person(user) | Actor::Through(user, _) => Some(user),
            Actor::Client(_) | Actor::Command | Actor::Doorward => None,
        }
    }

    /// The client, for the column `by_client`.
    pub fn client(&self) -> Option<ClientId> {
        match self.actor {
            Actor::Client(client) | Actor::Through(_, client) => Some(client),
            Actor::Person(_) | Actor::Command | Actor::Doorward => None,
        }
    }

    /// The actor as it is written in events: `user:…`, `client:…`, `command` or `doorward`.
    pub fn actor_text(&self) -> String {
        match self.actor {
            Actor::Person(user) | Actor::Through(user, _) => format!("user:{user}"),
            Actor::Client(client) => format!("client:{client}"),
            Actor::Command => "command".into(),
            Actor::Doorward => "doorward".into(),
        }
    }
}
