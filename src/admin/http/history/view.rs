//! Which versions of a history a caller may see, and which users' names.

use crate::admin::versions::{Names, Sight, View};
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::sessions::Caller;
use crate::users::Users;
use crate::users::http::delegate;
use crate::web::Problem;

/// What a caller who may read a user now may see of that user's history. Users see their whole own history. A caller who manages the
/// user by a role sees the versions from when they could have managed the user. All others see everything.
pub(super) async fn view_of(caller: &Caller, users: &Users, user: UserId) -> Result<View, Problem> {
    if caller.person().is_some_and(|person| person.user_id == user) {
        return Ok(View::all(Names::All));
    }
    let sight = match delegate(caller) {
        Some(manager) => Sight::Within(users.rights(manager).await?, user),
        None => Sight::Everything,
    };
    Ok(View {
        sight,
        names: names_for(caller),
    })
}

/// Which names a caller sees in histories of records that are not their own.
pub(super) fn names_for(caller: &Caller) -> Names {
    match delegate(caller) {
        Some(manager) => Names::ManagedBy(manager),
        None if caller.require(Scope::UsersRead).is_ok() => Names::All,
        None => Names::Clients,
    }
}
