//! The pages of a user's own account: `/welcome`, `/account/…`, `/sign-out`.

mod apps;
mod device_link;
mod lock;
mod overview;
mod passkeys;
mod profile;
mod sessions;
mod sign_out;
mod visitor;
mod welcome;

// A literal path comes before a path with a variable that would also match it.
crate::web::routes! {
    "/welcome" => get welcome::show_welcome;
    "/account" => get overview::show_account;
    "/account/profile" => post profile::save_profile;
    "/account/passkeys/{passkey}/rename" => post passkeys::rename_passkey;
    "/account/passkeys/{passkey}/remove" => get passkeys::ask_to_remove;
    "/account/sessions/end-others" => post sessions::end_other_sessions;
    "/account/sessions/{session}/end" => post sessions::end_session;
    "/account/apps/{client}/withdraw" => post apps::withdraw_app;
    "/account/device-link" => post device_link::create_device_link;
    "/account/lock" => get lock::ask_to_lock, post lock::lock_account;
    "/sign-out" => post sign_out::end_this_session;
}
