//! Pages for set-up, invitations, sign-in and lost passkeys.

mod continue_parameter;
mod enter_invitation;
mod join;
mod link_gone;
mod login;
mod lost;
mod setup;

// A literal path comes before a path with a variable that would also match it.
crate::web::routes! {
    "/" => get login::show_home;
    "/login" => get login::show_login;
    "/lost" => get lost::show_lost;
    "/setup/{token}" => get setup::show_setup;
    "/join" => get enter_invitation::ask_for_invitation, post enter_invitation::submit_invitation;
    "/join/{token}" => get join::show_join;
    "/join/{token}/sign-out" => post join::sign_out_first;
}
