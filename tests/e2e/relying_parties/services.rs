//! Server-side apps in three more languages, with the same journey.

use std::time::Duration;

use serde_json::json;

use super::app::{App, Library};
use super::{Visitor, ada, revoke_passkeys};
use crate::support::browser::Chromium;
use crate::support::process::wait_until;
use crate::support::test_server::{TestServer, sends_to_loopback};

fn signs_in_renews_and_signs_out(library: Library, server: &TestServer) {
    let visitor = Visitor::new(&Chromium::launch());
    let root = ada(server, &visitor);
    let app = App::start(server, library);
    visitor.sign_in_through(&app);
    visitor.assert_shows_ada(server);
    visitor.renew("Renew");
    visitor.assert_shows_ada(server);
    visitor.sign_out_of(&app);
    visitor.assert_signed_out_of_doorward(server);
    // Revoking a passkey ends the sessions and tokens based on it; the app finds out when it refreshes its tokens.
    visitor.sign_in_through(&app);
    visitor
        .page
        .set_presence_simulation(&visitor.authenticator, false);
    revoke_passkeys(&root);
    visitor.page.click_text("Renew");
    visitor
        .page
        .wait_for("!document.querySelector('#sub') && document.readyState === 'complete'");
    visitor.page.goto(&app.page);
    assert_eq!(visitor.shown("sub"), "");
}

#[test]
fn authlib_signs_a_user_in() {
    signs_in_renews_and_signs_out(Library::Authlib, &TestServer::embedded());
}

#[test]
fn mod_auth_openidc_signs_a_user_in() {
    // The module refreshes a token in the last minute of its lifetime, which is its whole lifetime here.
    let server = TestServer::embedded_with(|config| {
        config.tokens.access_lifetime = Duration::from_secs(50);
    });
    signs_in_renews_and_signs_out(Library::ModAuthOpenidc, &server);
}

#[test]
fn mod_auth_openidc_is_notified_of_a_revoked_passkey_within_two_seconds() {
    let server = TestServer::embedded_with(sends_to_loopback);
    let visitor = Visitor::new(&Chromium::launch());
    let root = ada(&server, &visitor);
    let app = App::start(&server, Library::ModAuthOpenidc);
    visitor.sign_in_through(&app);
    // A token that is valid for minutes is not refreshed, so the module can't learn from it that the session has ended.
    let has_session = || {
        let page = "fetch('/me', { redirect: 'manual' }).then((answer) => answer.status)";
        visitor.page.evaluate(page) == json!(200)
    };
    assert!(has_session());
    revoke_passkeys(&root);
    wait_until("the module's session ends", Duration::from_secs(2), || {
        !has_session()
    });
}

#[test]
fn openidconnect_signs_a_user_in() {
    signs_in_renews_and_signs_out(Library::Openidconnect, &TestServer::embedded());
}
