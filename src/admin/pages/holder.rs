//! Users who hold roles on resources, with what the visitor may see of them.

use super::visitor::RoleAssignmentManager;
use crate::base::ids::UserId;
use crate::users::User;
use crate::web::Problem;

/// A user who holds roles on resources.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) id: UserId,
    /// Display name, or the ID if the visitor may not know the name.
    pub(super) name: String,
    /// The user's page; `None` if the visitor may not see it.
    pub(super) page: Option<String>,
}

impl Holder {
    /// The user's page, or the list of the user's roles on resources.
    pub(super) fn url(&self) -> String {
        self.page
            .clone()
            .unwrap_or_else(|| assignments_url(self.id))
    }
}

/// The list of a user's roles on resources.
pub(super) fn assignments_url(user: UserId) -> String {
    format!("/admin/users/{user}/role-assignments")
}

impl RoleAssignmentManager {
    /// The user in a path, by ID or username. Only administrators learn that an ID belongs to no user.
    pub(super) async fn find_holder(&self, name: &str) -> Result<Holder, Problem> {
        if self.rights.is_administrator {
            let user = self.users.find(name).await?;
            return Ok(self.holder(user.id, &[user]));
        }
        let id = self.users.resolve(name).await?;
        Ok(self.holder(id, &self.list_known(vec![id]).await?))
    }

    /// Those of these users whose names the visitor may see: the visitor, and the users whom the visitor manages.
    pub(super) async fn list_known(&self, ids: Vec<UserId>) -> Result<Vec<User>, Problem> {
        let is_self_known = !self.rights.is_administrator && ids.contains(&self.user);
        let names = ids.iter().map(ToString::to_string).collect();
        let mut known = self.find_users(names).await?;
        if is_self_known {
            known.push(self.users.find(&self.user.to_string()).await?);
        }
        Ok(known)
    }

    /// A user, whose name is shown if it is in `known`.
    pub(super) fn holder(&self, id: UserId, known: &[User]) -> Holder {
        let user = known.iter().find(|user| user.id == id);
        // Users who manage others by a role never manage themselves.
        let is_managed = user.is_some() && id != self.user;
        let has_page = self.rights.is_administrator || is_managed;
        Holder {
            id,
            name: user.map_or_else(|| id.to_string(), |user| user.display_name.clone()),
            page: has_page.then(|| format!("/admin/users/{id}")),
        }
    }
}
