//! Which versions and which names an actor may see in a history.

use super::{CommandError, Commands};
use crate::admin::versions::{Names, Sight, View};
use crate::base::ids::UserId;
use crate::clients::Scope;

impl Commands {
    /// What an actor who may read a user now may see of that user's history. Users see their whole own history. Users who
    /// manage others by a role see the versions from when they could have managed the user, with the permissions that they have
    /// now. All others see everything.
    pub async fn view_of(&self, user: UserId) -> Result<View, CommandError> {
        if self.actor.user() == Some(user) {
            return Ok(View::all(Names::All));
        }
        let sight = match self.actor.manager() {
            Some(manager) => Sight::Within(self.users.rights(manager).await?, user),
            None => Sight::Everything,
        };
        Ok(View {
            sight,
            names: self.visible_names(),
        })
    }

    /// Which names the actor sees in histories of records that are not their own.
    pub fn visible_names(&self) -> Names {
        match self.actor.manager() {
            Some(manager) => Names::ManagedBy(manager),
            None if self.actor.require(Scope::UsersRead).is_ok() => Names::All,
            None => Names::Clients,
        }
    }
}
