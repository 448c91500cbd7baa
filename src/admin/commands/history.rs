//! Which versions and which names an actor may see in a history.

use super::{CommandError, Commands};
use crate::admin::versions::{NameVisibility, View, Visibility};
use crate::base::ids::UserId;
use crate::clients::Scope;

impl Commands {
    /// What an actor who may read a user now may see of that user's history. Users see their whole own history. Users who
    /// manage others by a role see the versions from when they could have managed the user, with the permissions that they have
    /// now. All others see everything.
    pub async fn view_of(&self, user: UserId) -> Result<View, CommandError> {
        if self.actor.user() == Some(user) {
            return Ok(View::all(NameVisibility::All));
        }
        let visibility = match self.actor.delegate() {
            Some(delegate) => Visibility::WhileManaged(self.users.rights(delegate).await?, user),
            None => Visibility::Everything,
        };
        Ok(View {
            visibility,
            names: self.visible_names(),
        })
    }

    /// Which names the actor sees in histories of records that are not their own.
    pub fn visible_names(&self) -> NameVisibility {
        match self.actor.delegate() {
            Some(delegate) => NameVisibility::ManagedBy(delegate),
            None if self.actor.require(Scope::UsersRead).is_ok() => NameVisibility::All,
            None => NameVisibility::Clients,
        }
    }
}
