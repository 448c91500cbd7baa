//! The actor of an administrative operation.

use crate::account_state::AccountState;
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::history::Author;
use crate::sessions::{Caller, CallerError, StepUpRequired};
use crate::users::{Permissions, Permit};

/// The caller of an operation: a signed-in user, a client, or a client with a user's token.
#[derive(Debug)]
pub struct Actor {
    caller: Caller,
    author: Author,
}

impl Actor {
    /// An authenticated caller, and the author to record in the history.
    pub fn new(caller: Caller, author: Author) -> Self {
        Self { caller, author }
    }

    /// Requires the permission that `scope` names, for all users. Administrators have it, and clients with the scope.
    pub fn require(&self, scope: Scope) -> Result<(), CallerError> {
        self.caller.require(scope)
    }

    /// The signed-in user if they are not an administrator, so that their roles limit what they may do (delegated administration);
    /// `None` for administrators and clients, which no role limits. An app with a user's token does not get the permissions of the
    /// user's roles.
    pub fn delegate(&self) -> Option<UserId> {
        match &self.caller {
            Caller::Person(person) if !person.account_state.is_administrator() => {
                Some(person.session.user)
            }
            Caller::Person(_) | Caller::Client(_) | Caller::Bearer(_) => None,
        }
    }

    /// Whether the actor is a user in their own session, not an app.
    pub fn is_user_session(&self) -> bool {
        matches!(self.caller, Caller::Person(_))
    }

    /// Whether the actor is an administrator in their own session, not an administrator's app.
    pub fn is_administrator_session(&self) -> bool {
        self.is_user_session() && self.delegate().is_none()
    }

    /// The acting user, signed in or through an app.
    pub fn user(&self) -> Option<UserId> {
        self.caller.person().map(|person| person.user_id)
    }

    /// The account state of the acting user, if `scope` is enough for their own data.
    pub fn own_account_state(&self, scope: Scope) -> Option<&AccountState> {
        self.caller.own(scope)
    }

    /// The ID of the acting user, if `name` is their ID or username. Use the ID from then on: the username may belong to
    /// another user a moment later.
    pub fn own_id(&self, name: &str, scope: Scope) -> Option<UserId> {
        let own = self.own_account_state(scope)?;
        let id = own.user_id;
        let is_own = UserId::parse(name) == Some(id) || own.username.eq_ignore_ascii_case(name);
        is_own.then_some(id)
    }

    /// Requires a recent sign-in. Returns the permission for a change that needs `scope`.
    pub fn permit(&self, scope: Scope) -> Result<Permit, StepUpRequired> {
        self.caller.require_fresh()?;
        let permissions = match &self.caller {
            Caller::Person(person) => Permissions::User(person.session.user),
            // Apps don't get their user's own permissions: what an app created with them would outlive its token.
            Caller::Client(_) | Caller::Bearer(_) => Permissions::Client,
        };
        Ok(Permit {
            acting: self.caller.acting(self.author.clone(), scope),
            permissions,
        })
    }

    /// Permission for users to change their own account, without a recent sign-in.
    pub(super) fn permit_on_self(&self, scope: Scope) -> Permit {
        Permit::own_account(self.caller.acting(self.author.clone(), scope))
    }
}
