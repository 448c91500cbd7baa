//! Assigns and deletes roles on resources at the first instance.

use doorward::assignments::{
    AssignedRoles, ResourceName, RoleAssignmentError, RoleAssignmentTerms,
};
use doorward::base::ids::{RoleAssignmentId, UserId};
use doorward::clients::ActingAs;

use super::test_server::TestServer;

impl TestServer {
    /// Sets a user's roles on a resource; without roles, the assignment is deleted.
    pub fn set_role_assignment(&self, user: &str, resource: (&str, &str), roles: &[&str]) {
        let known = self.assign(
            user,
            resource,
            if roles.is_empty() { &["NEVER"] } else { roles },
        );
        if let (Err(held), _) | (Ok(held), true) = (known, roles.is_empty()) {
            let deleted = self
                .app
                .assignments
                .delete(held, None, None, ActingAs::command());
            self.run(deleted).expect("deleted");
        }
        if known.is_err() && !roles.is_empty() {
            self.assign(user, resource, roles).expect("given");
        }
    }

    /// Assigns roles. Returns the ID of the new assignment, or as an error the ID of the existing one.
    fn assign(
        &self,
        user: &str,
        (kind, id): (&str, &str),
        roles: &[&str],
    ) -> Result<RoleAssignmentId, RoleAssignmentId> {
        let terms = RoleAssignmentTerms {
            roles: AssignedRoles::parse(roles).expect("roles"),
            title: None,
            description: None,
            valid_until: None,
        };
        let user = UserId::parse(user).expect("an id");
        let resource = ResourceName::parse(kind, id).expect("a resource");
        match self.run(
            self.app
                .assignments
                .assign(user, resource, terms, ActingAs::command()),
        ) {
            Ok(assignment) => Ok(assignment.id),
            Err(RoleAssignmentError::Exists(held)) => Err(held),
            Err(error) => panic!("{error}"),
        }
    }
}
