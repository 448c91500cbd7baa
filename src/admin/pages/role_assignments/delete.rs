//! `/admin/role-assignments/{role_assignment}/delete`: deletes a role assignment.

use super::one::find;
use crate::admin::pages::confirm::{Confirmed, ConfirmedAction, DonePage, Sent, Target};
use crate::admin::pages::holder::Holder;
use crate::admin::pages::visitor::{ResourceManagement, RoleAssignmentManager};
use crate::assignments::RoleAssignment;
use crate::web::{Answer, Problem, page};

/// Deletes a role assignment: all roles of a user on a resource.
pub(in crate::admin::pages) struct Delete {
    assignment: RoleAssignment,
    holder: Holder,
}

impl ConfirmedAction for Delete {
    type Needs = ResourceManagement;

    async fn find(visitor: &RoleAssignmentManager, sent: &Sent) -> Result<Self, Problem> {
        let (assignment, holder) = find(visitor, &sent.path.role_assignment).await?;
        Ok(Self { assignment, holder })
    }

    fn target(&self) -> Target {
        Target {
            key: "delete_role_assignment",
            values: vec![
                ("name", self.holder.name.clone()),
                ("resource", self.assignment.resource().to_string()),
                ("roles", self.assignment.roles.join(", ")),
            ],
            version: Some(self.assignment.version),
            url: self.holder.url(),
        }
    }

    async fn effects(&self, visitor: &RoleAssignmentManager) -> Result<Vec<String>, Problem> {
        let effect = "confirm.delete_role_assignment.effect";
        Ok(vec![self.target().text(&visitor.frame(), effect)])
    }

    async fn run(self, visitor: &RoleAssignmentManager, confirmed: Confirmed) -> Answer {
        let (id, expected) = (self.assignment.id, Some(self.assignment.version));
        let (reason, acting) = (confirmed.reason, confirmed.permit.acting);
        let before = visitor.assignments.delete(id, expected, reason, acting);
        let before = before.await?;
        let resource = before.resource().to_string();
        let frame = visitor.frame();
        let cut = |role: &String| {
            let values = [("role", role.as_str()), ("resource", resource.as_str())];
            frame.text_with("admin_done.role", &values)
        };
        let title = "admin_done.delete_role_assignment.title";
        page(&DonePage {
            title: self.target().text(&frame, title),
            cut: before.roles.iter().map(cut).collect(),
            user_url: self.holder.url(),
            user_name: self.holder.name,
            frame,
        })
    }
}
