//! The admin pages: `/admin`, `/admin/users/{user}/…`, `/admin/roles`, `/admin/clients`, `/admin/resources`, `/admin/audit`.
//! They work without JavaScript.

mod access;
mod audit;
mod clients;
mod confirm;
mod email;
mod events;
mod holder;
mod invitation_list;
mod invitations;
mod invite_form;
mod resources;
mod role_assignments;
mod role_boxes;
mod roles;
mod user;
mod user_acts;
mod user_roles;
mod users;
mod visitor;

use serde::Deserialize;
use url::form_urlencoded;

use confirm::{ask, run};
use user_acts::{
    EndAllSessions, EndSession, Reactivate, RecoveryLink, ReleaseUsername, RevokePasskey, Suspend,
    VerifyEmail,
};

// A literal path comes before a path with a variable that would also match it.
crate::web::routes! {
    "/admin" => get users::show_users;
    "/admin/invitations" => get invitation_list::show_invitations, post invitations::invite;
    "/admin/invitations/{invitation}/revoke" => get ask::<invitation_list::Revoke>, post run::<invitation_list::Revoke>;
    "/admin/clients" => get clients::show_clients;
    "/admin/clients/new" => get clients::register::show_form, post clients::register::register;
    "/admin/clients/{client}" => get clients::one::show_client, post clients::one::save_client;
    "/admin/clients/{client}/{act}" => get ask::<clients::act::ClientAct>, post run::<clients::act::ClientAct>;
    "/admin/audit" => get audit::show_audit;
    "/admin/users/{user}" => get user::show_user;
    "/admin/users/{user}/access" => get access::show_access;
    "/admin/users/{user}/roles" => get user_roles::show_roles, post user_roles::save_roles;
    "/admin/users/{user}/email" => get email::show_email, post email::save_email;
    "/admin/users/{user}/suspend" => get ask::<Suspend>, post run::<Suspend>;
    "/admin/users/{user}/reactivate" => get ask::<Reactivate>, post run::<Reactivate>;
    "/admin/users/{user}/verify-email" => get ask::<VerifyEmail>, post run::<VerifyEmail>;
    "/admin/users/{user}/usernames/{username}/release" => get ask::<ReleaseUsername>, post run::<ReleaseUsername>;
    "/admin/users/{user}/recovery-link" => get ask::<RecoveryLink>, post run::<RecoveryLink>;
    "/admin/users/{user}/passkeys/{passkey}/revoke" => get ask::<RevokePasskey>, post run::<RevokePasskey>;
    "/admin/users/{user}/sessions/end-all" => get ask::<EndAllSessions>, post run::<EndAllSessions>;
    "/admin/users/{user}/sessions/{session}/end" => get ask::<EndSession>, post run::<EndSession>;
    "/admin/users/{user}/role-assignments" => get role_assignments::of_user::show, post role_assignments::of_user::assign;
    "/admin/role-assignments" => get resources::one::choose_holder;
    "/admin/role-assignments/{role_assignment}" => get role_assignments::one::show, post role_assignments::one::save;
    "/admin/role-assignments/{role_assignment}/delete" => get ask::<role_assignments::delete::Delete>, post run::<role_assignments::delete::Delete>;
    "/admin/resources" => get resources::show_resources;
    "/admin/resources/detail" => get resources::one::show, post resources::one::save;
    "/admin/resources/delete" => get ask::<resources::delete::DeleteResource>, post run::<resources::delete::DeleteResource>;
    "/admin/roles" => get roles::show_roles, post roles::make_role;
    "/admin/roles/{role}" => get roles::one::show_role, post roles::one::save_role;
    "/admin/roles/{role}/delete" => get ask::<roles::one::Delete>, post run::<roles::one::Delete>;
}

/// The query of a list page: a cursor.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    after: String,
}

/// URLs of other pages of a list, for `parts/pages.html`.
struct Pager {
    /// The first page; `None` on the first page.
    first: Option<String>,
    /// The next page; `None` on the last page.
    next: Option<String>,
}

/// Builds a URL with a query of the values that are not empty.
fn address(path: &str, values: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(values.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

impl Pager {
    /// The page after the cursor `after`, with the cursor of the next page.
    fn new(path: &str, values: &[(&str, &str)], after: &str, next: Option<&str>) -> Self {
        let next = next.map(|next| address(path, &[values, &[("after", next)]].concat()));
        Self {
            first: (!after.is_empty()).then(|| address(path, values)),
            next,
        }
    }
}

/// A text of a form or query; `None` if it is empty.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
