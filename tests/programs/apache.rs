//! Apache httpd with mod_auth_openidc.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::program::Client;
use super::user::User;
use crate::support::process::wait_until;
use crate::support::test_server::{TestServer, sends_to_loopback};
use crate::support::third_party::httpd;

/// Uses the settings that `doorward client create --for mod_auth_openidc` prints.
#[test]
fn mod_auth_openidc_signs_a_user_in() {
    let server = TestServer::embedded_with(sends_to_loopback);
    let mut user = User::new(&server);
    let preset = "mod_auth_openidc";
    let client = Client::register(&server, &["An app", "--for", preset, "--url", "ORIGIN"]);
    let app = client.start("/", |folder| {
        let command = httpd(folder);
        let page = "Alias \"/secure/me\" \"${PAGES}/secure.shtml\"";
        let both = format!("{}\n{page}\n", client.settings(preset));
        fs::write(folder.join("doorward.conf"), both).expect("a file");
        command
    });
    let page = app.url("/secure/me");
    let shown = json!({ "sub": user.id, "name": "Ada Lovelace", "email": "ada@example.com" });
    assert_eq!(user.open(&page).json(), shown);
    let back = app.url("/");
    let leave: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    let left = user.open(&app.url(&format!("/secure/redirect_uri?logout={leave}")));
    assert!(
        left.url.as_str() == back && !user.is_signed_in(),
        "{left:?}"
    );
    assert_eq!(user.open(&page).json(), shown);
    // The module is notified of sessions that end elsewhere.
    user.lose_sessions();
    user.is_willing = false;
    let bound = Duration::from_secs(5);
    wait_until("the module's session ends", bound, || {
        user.open(&page).url.path() == "/login"
    });
}
