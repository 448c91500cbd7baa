//! `/admin/resources/delete?type=&id=`: deletes the record of a resource.

use super::named;
use crate::admin::pages::confirm::{Confirmed, ConfirmedAction, Sent, Target};
use crate::admin::pages::role_assignments::resource_url;
use crate::admin::pages::visitor::{ResourceManagement, RoleAssignmentManager};
use crate::assignments::ResourceView;
use crate::web::{Answer, ConfirmPage, HiddenField, Problem, redirect};

/// Deletes the record of a resource. Role assignments on it are kept.
pub(in crate::admin::pages) struct DeleteResource(ResourceView);

impl ConfirmedAction for DeleteResource {
    type Needs = ResourceManagement;

    async fn find(visitor: &RoleAssignmentManager, sent: &Sent) -> Result<Self, Problem> {
        let name = named(visitor, sent.get("type"), sent.get("id"))?;
        Ok(Self(visitor.assignments.read_resource(name).await?))
    }

    fn target(&self) -> Target {
        let name = self.0.name();
        Target {
            key: "delete_resource",
            values: vec![("resource", name.to_string())],
            version: Some(self.0.version),
            url: resource_url(&name),
        }
    }

    async fn ask(&self, visitor: &RoleAssignmentManager) -> Result<ConfirmPage, Problem> {
        let frame = visitor.frame();
        let effect = self.target().text(&frame, "confirm.delete_resource.effect");
        let name = self.0.name();
        Ok(ConfirmPage {
            effects: vec![effect],
            hidden: HiddenField::list([
                ("type", name.kind.to_string()),
                ("id", name.id.to_string()),
            ]),
            ..self.question(frame)
        })
    }

    async fn run(self, visitor: &RoleAssignmentManager, confirmed: Confirmed) -> Answer {
        let (name, expected) = (self.0.name(), Some(self.0.version));
        let (reason, acting) = (confirmed.reason, confirmed.permit.acting);
        visitor
            .assignments
            .delete_resource(name, expected, reason, acting)
            .await?;
        Ok(redirect("/admin/resources?notice=deleted"))
    }
}
