//! Who asks for an administrative operation.

use crate::base::ids::UserId;
use crate::clients::{ActingAs, Scope};
use crate::history::Author;
use crate::sessions::{Caller, CallerError, StepUpRequired};
use crate::standing::Standing;
use crate::users::Authority;

/// A user in person, a client, or a client with a user's token.
#[derive(Debug)]
pub struct Actor {
    caller: Caller,
    author: Author,
}

/// What a change needs of its actor, who has signed in recently.
#[derive(Debug)]
pub struct Permit {
    /// What the operation checks again in its transaction.
    pub acting: ActingAs,
    /// Which users the actor may change.
    pub authority: Authority,
}

impl Actor {
    /// An authenticated caller.
    pub fn new(caller: Caller, author: Author) -> Self {
        Self { caller, author }
    }

    /// Requires the permission to do what `scope` names for all users: administrators have it, and clients with the scope.
    pub fn require(&self, scope: Scope) -> Result<(), CallerError> {
        self.caller.require(scope)
    }

    /// The user in person who may do no more than their roles let them; `None` for administrators and clients. An app with a user's
    /// token does not get what the user's roles let them manage.
    pub fn manager(&self) -> Option<UserId> {
        match &self.caller {
            Caller::Person(person) if !person.standing.is_administrator() => {
                Some(person.session.user)
            }
            Caller::Person(_) | Caller::Client(_) | Caller::Bearer(_) => None,
        }
    }

    /// Whether the actor is a user, not an app.
    pub fn is_in_person(&self) -> bool {
        matches!(self.caller, Caller::Person(_))
    }

    /// Whether the actor is an administrator, not an app of one.
    pub fn is_administrator_in_person(&self) -> bool {
        self.is_in_person() && self.manager().is_none()
    }

    /// The user who asks, in person or through an app.
    pub fn user(&self) -> Option<UserId> {
        self.caller.person().map(|person| person.user_id)
    }

    /// The user who asks, if `scope` is enough to ask about oneself.
    pub fn own(&self, scope: Scope) -> Option<&Standing> {
        self.caller.own(scope)
    }

    /// The ID of the user who asks, if `name` is their ID or username. The name may belong to another user a moment later.
    pub fn own_id(&self, name: &str, scope: Scope) -> Option<UserId> {
        let person = self.own(scope)?;
        let id = person.user_id;
        let is_own = UserId::parse(name) == Some(id) || person.username.eq_ignore_ascii_case(name);
        is_own.then_some(id)
    }

    /// Requires a recent sign-in for a change that needs `scope`.
    pub fn permit(&self, scope: Scope) -> Result<Permit, StepUpRequired> {
        self.caller.require_fresh()?;
        let authority = match &self.caller {
            Caller::Person(person) => Authority::Delegate(person.session.user),
            // What an app could make of a user's rights would outlive the token.
            Caller::Client(_) | Caller::Bearer(_) => Authority::Service,
        };
        Ok(Permit {
            acting: self.caller.acting(self.author.clone(), scope),
            authority,
        })
    }

    /// What users need to change their own account, without a recent sign-in.
    pub(super) fn permit_on_self(&self, scope: Scope) -> Permit {
        Permit {
            acting: self.caller.acting(self.author.clone(), scope),
            authority: Authority::Administrator,
        }
    }
}
