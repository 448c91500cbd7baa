//! `/admin/grants/{grant}/withdraw`: withdraws a role assignment.

use super::one::find;
use crate::access::Grant;
use crate::admin::pages::confirm::{Act, Confirmed, DonePage, Sent, Target};
use crate::admin::pages::holder::Holder;
use crate::admin::pages::visitor::{GrantManager, ResourceManagement};
use crate::web::{Answer, ConfirmPage, Problem, page};

/// Withdraws all roles of a user on a resource.
pub(in crate::admin::pages) struct Withdraw {
    grant: Grant,
    holder: Holder,
}

impl Act for Withdraw {
    type Needs = ResourceManagement;

    async fn find(visitor: &GrantManager, sent: &Sent) -> Result<Self, Problem> {
        let (grant, holder) = find(visitor, &sent.path.grant).await?;
        Ok(Self { grant, holder })
    }

    fn target(&self) -> Target {
        Target {
            key: "withdraw_grant",
            values: vec![
                ("name", self.holder.name.clone()),
                ("resource", self.grant.resource().to_string()),
                ("roles", self.grant.roles.join(", ")),
            ],
            version: Some(self.grant.version),
            url: self.holder.url(),
        }
    }

    async fn ask(&self, visitor: &GrantManager) -> Result<ConfirmPage, Problem> {
        let frame = visitor.frame();
        let effect = self.target().text(&frame, "confirm.withdraw_grant.effect");
        Ok(ConfirmPage {
            effects: vec![effect],
            ..self.question(frame)
        })
    }

    async fn run(self, visitor: &GrantManager, confirmed: Confirmed) -> Answer {
        let (id, expected) = (self.grant.id, Some(self.grant.version));
        let (reason, acting) = (confirmed.reason, confirmed.permit.acting);
        let before = visitor.access.withdraw(id, expected, reason, acting);
        let before = before.await?;
        let thing = before.resource().to_string();
        let frame = visitor.frame();
        let cut = |role: &String| {
            let values = [("role", role.as_str()), ("resource", thing.as_str())];
            frame.text_with("console_done.role", &values)
        };
        let title = "console_done.withdraw_grant.title";
        page(&DonePage {
            title: self.target().text(&frame, title),
            cut: before.roles.iter().map(cut).collect(),
            person_url: self.holder.url(),
            person_name: self.holder.name,
            frame,
        })
    }
}
