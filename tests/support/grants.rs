//! Assigns and withdraws roles on resources at the first instance.

use doorward::access::{GrantError, GrantRoles, ResourceName, Terms};
use doorward::base::ids::{GrantId, UserId};
use doorward::clients::ActingAs;

use super::house::House;

impl House {
    /// Sets a user's roles on a resource; without roles, the assignment is withdrawn.
    pub fn set_grant(&self, user: &str, thing: (&str, &str), roles: &[&str]) {
        let known = self.give(
            user,
            thing,
            if roles.is_empty() { &["NEVER"] } else { roles },
        );
        if let (Err(held), _) | (Ok(held), true) = (known, roles.is_empty()) {
            let withdrawn = self
                .app
                .access
                .withdraw(held, None, None, ActingAs::command());
            self.run(withdrawn).expect("withdrawn");
        }
        if known.is_err() && !roles.is_empty() {
            self.give(user, thing, roles).expect("given");
        }
    }

    /// Assigns roles. Returns the ID of the new assignment, or as an error the ID of the existing one.
    fn give(
        &self,
        user: &str,
        (kind, id): (&str, &str),
        roles: &[&str],
    ) -> Result<GrantId, GrantId> {
        let terms = Terms {
            roles: GrantRoles::parse(roles).expect("roles"),
            title: None,
            description: None,
            valid_until: None,
        };
        let user = UserId::parse(user).expect("an id");
        let thing = ResourceName::parse(kind, id).expect("a thing");
        match self.run(
            self.app
                .access
                .give(user, thing, terms, ActingAs::command()),
        ) {
            Ok(grant) => Ok(grant.id),
            Err(GrantError::Exists(held)) => Err(held),
            Err(error) => panic!("{error}"),
        }
    }
}
