//! `/admin/resources/forget?type=&id=`: deletes the record of a resource.

use super::named;
use crate::access::ThingView;
use crate::admin::pages::confirm::{Act, Confirmed, Sent, Target};
use crate::admin::pages::grants::thing_url;
use crate::admin::pages::visitor::{GrantManager, ResourceManagement};
use crate::web::{Answer, ConfirmPage, HiddenField, Problem, redirect};

/// Deletes the record of a resource. Role assignments on it are kept.
pub(in crate::admin::pages) struct Forget(ThingView);

impl Act for Forget {
    type Needs = ResourceManagement;

    async fn find(visitor: &GrantManager, sent: &Sent) -> Result<Self, Problem> {
        let name = named(visitor, sent.get("type"), sent.get("id"))?;
        Ok(Self(visitor.access.read_thing_view(name).await?))
    }

    fn target(&self) -> Target {
        let name = self.0.name();
        Target {
            key: "forget_resource",
            values: vec![("resource", name.to_string())],
            version: Some(self.0.version),
            url: thing_url(&name),
        }
    }

    async fn ask(&self, visitor: &GrantManager) -> Result<ConfirmPage, Problem> {
        let frame = visitor.frame();
        let effect = self.target().text(&frame, "confirm.forget_resource.effect");
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

    async fn run(self, visitor: &GrantManager, confirmed: Confirmed) -> Answer {
        let (name, expected) = (self.0.name(), Some(self.0.version));
        let (reason, acting) = (confirmed.reason, confirmed.permit.acting);
        visitor
            .access
            .delete_thing(name, expected, reason, acting)
            .await?;
        Ok(redirect("/admin/resources?notice=forgotten"))
    }
}
