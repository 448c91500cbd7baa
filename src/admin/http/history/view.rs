//! What a caller sees of a history: which versions, and whose names.

use crate::admin::versions::{Names, Sight, View};
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::sessions::Caller;
use crate::users::Users;
use crate::users::http::delegate;
use crate::web::Problem;

/// What a caller who may read a user now sees of what is theirs: everything of what is the caller's own; who manages the user by a
/// role, what stood while they might have managed them.
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

/// Whose names a caller sees beside the versions of what is not their own.
pub(super) fn names_for(caller: &Caller) -> Names {
    match delegate(caller) {
        Some(manager) => Names::ManagedBy(manager),
        None if caller.require(Scope::UsersRead).is_ok() => Names::All,
        None => Names::Clients,
    }
}
