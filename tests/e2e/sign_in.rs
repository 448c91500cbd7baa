//! Set-up, sign-in by button and by autofill, and the message of each failure.

use serde_json::json;

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;

on_both! {
    fn a_set_up_link_signs_in_an_administrator(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        let session = visitor.fetch("/v1/session");
        assert_eq!(session["status"], 200);
        assert_eq!(session["body"]["user"]["roles"], json!(["admin"]));
        assert_eq!(session["body"]["session"]["acr"], "phr");
        visitor.page.wait_for_text("You're in");
        visitor.page.goto(&format!("{}/account", server.origin()));
        visitor.page.wait_for_text("This session");
        visitor.assert_clean();
    }

    fn autofill_offers_the_passkey_and_the_button_replaces_it(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.set_presence_simulation(&visitor.authenticator, false);
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        assert_eq!(visitor.fetch("/v1/session")["status"], 401);
        // The conditional request is pending; the button aborts it and starts a new one, each time it is pressed.
        visitor.page.click("#sign-in-button");
        visitor.page.wait_for_text("Waiting for your device…");
        visitor.sign_in_by_button();
        visitor.wait_for_path("/account");
        // If the authenticator responds, the field alone signs in.
        visitor.page.evaluate("window.before = true");
        visitor.page.click_text("Sign out");
        visitor.page.wait_for(
            "!window.before && location.pathname === '/account' && document.readyState === 'complete'",
        );
        assert_eq!(visitor.fetch("/v1/session")["status"], 200);
        visitor.assert_clean();
    }

    fn sign_in_returns_to_the_page_that_required_it(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.call("Network.clearBrowserCookies", json!({}));
        visitor.page.goto(&format!("{}/admin/audit?action=passkey.", server.origin()));
        visitor.page.wait_for("location.pathname === '/admin/audit'");
        assert!(visitor.page.url().ends_with("?action=passkey."), "{}", visitor.page.url());
    }

    fn an_unknown_passkey_is_removed_from_the_password_manager(server) {
        let visitor = Visitor::new(&Chromium::launch());
        let root = server.administrator();
        let link = crate::e2e::invitation(&root, &json!({ "username": "ada" }));
        visitor.join(&link);
        assert_eq!(visitor.passkeys(), 1);
        let passkeys = root.browser.get("/v1/users/ada/passkeys").json();
        let id = passkeys["items"][0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/passkeys/{id}")).status, 200);
        visitor.page.goto(&format!("{}/login", server.origin()));
        visitor.page.wait_for_text("This passkey isn't registered with");
        crate::e2e::eventually("the browser forgets it", || visitor.passkeys() == 0);
        visitor.assert_clean();
    }

    fn a_locked_account_is_reported_and_unchanged(server) {
        let visitor = Visitor::new(&Chromium::launch());
        let root = server.administrator();
        visitor.join(&crate::e2e::invitation(&root, &json!({ "username": "ada" })));
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        visitor.page.goto(&format!("{}/login", server.origin()));
        visitor.page.wait_for_text("Your account is suspended. Contact your administrator.");
        assert_eq!(visitor.passkeys(), 1);
    }

    fn a_cancelled_ceremony_shows_no_error(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.set_user_verified(&visitor.authenticator, false);
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        visitor.page.click("#sign-in-button");
        visitor.page.wait_for_text("You didn't finish signing in. Try again when you're ready.");
        visitor.page.set_user_verified(&visitor.authenticator, true);
        visitor.sign_in_by_button();
        visitor.wait_for_path("/account");
    }

    fn a_network_error_is_not_blamed_on_the_passkey(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.set_presence_simulation(&visitor.authenticator, false);
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        visitor.page.network_offline(true);
        visitor.page.click("#sign-in-button");
        visitor.page.wait_for_text("We can't reach Doorward right now. Your passkey is safe.");
        visitor.page.network_offline(false);
    }

    fn an_expired_ceremony_restarts_without_a_message(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.set_presence_simulation(&visitor.authenticator, false);
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        // A slow user: the response is delayed until the ceremony has expired.
        visitor.page.evaluate(
            "const send = window.fetch;
             window.fetch = async (address, options) => {
                 if (String(address).includes('login/finish') && !window.release) {
                     await new Promise((resolve) => { window.release = resolve; });
                 }
                 return send(address, options);
             };
             true",
        );
        visitor.page.set_presence_simulation(&visitor.authenticator, true);
        visitor.page.click("#sign-in-button");
        visitor.page.wait_for("window.release");
        server.advance_clock(301);
        visitor.page.evaluate("window.release(); true");
        visitor.wait_for_path("/account");
        let session = visitor.fetch("/v1/session");
        assert_eq!(session["status"], 200);
    }

    fn every_page_works_with_the_keyboard_alone(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.set_presence_simulation(&visitor.authenticator, false);
        visitor.page.click_text("Sign out");
        visitor.wait_for_path("/login");
        for _ in 0..12 {
            if visitor.page.evaluate("document.activeElement.id") == json!("sign-in-button") {
                break;
            }
            visitor.page.press("Tab");
        }
        visitor.page.press("Enter");
        visitor.page.wait_for_text("Waiting for your device…");
        visitor.page.set_presence_simulation(&visitor.authenticator, true);
        visitor.page.press("Enter");
        visitor.wait_for_path("/account");
    }

    fn a_cloned_authenticator_is_refused(server) {
        let browser = Chromium::launch();
        let visitor = Visitor::device_bound(&browser);
        visitor.set_up(server);
        let mut copy = visitor.page.credentials(&visitor.authenticator).remove(0);
        copy["signCount"] = json!(0);
        for _ in 0..2 {
            visitor.page.goto(&format!("{}/login", server.origin()));
            visitor.page.call("Network.clearBrowserCookies", json!({}));
            visitor.page.goto(&format!("{}/login", server.origin()));
            visitor.wait_for_path("/account");
        }
        let id = copy["credentialId"].as_str().expect("an id").to_owned();
        visitor.page.remove_credential(&visitor.authenticator, &id);
        visitor.page.add_credential(&visitor.authenticator, &copy);
        visitor.page.call("Network.clearBrowserCookies", json!({}));
        visitor.page.goto(&format!("{}/login", server.origin()));
        visitor.page.wait_for_text("can't be accepted");
        assert_eq!(visitor.fetch("/v1/session")["status"], 401);
    }
}

/// The steps of an operator who starts Doorward for the first time.
#[test]
fn the_set_up_link_printed_by_the_service_signs_in_an_administrator() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let server = crate::support::test_server::TestServer::embedded();
    let mut config = server.config.clone();
    let port = crate::support::process::free_port();
    config.server.data_dir = folder.path().join("data");
    config.server.listen.set_port(port);
    config.server.public_url =
        doorward::base::config::Origin::parse(&format!("http://localhost:{port}"))
            .expect("an origin");
    let printed = folder.path().join("printed");
    let watch = doorward::base::clock::Stopwatch::start();
    let process = crate::support::binary::serve_on_a_terminal(&config, &printed);
    let health = crate::support::http::TestBrowser::new(port, config.server.public_url.as_str());
    assert_eq!(health.get("/healthz").status, 200);
    assert!(
        watch.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        watch.elapsed()
    );
    let link = || {
        let output = process.output();
        let link = output
            .split_whitespace()
            .find(|word| word.contains("/setup/"));
        link.map(str::to_owned)
    };
    crate::e2e::eventually("the link is printed", || link().is_some());
    let link = link().expect("a link");
    let visitor = Visitor::new(&Chromium::launch());
    visitor.page.goto(&link);
    visitor.page.fill("#username", "root");
    visitor.page.fill("#display_name", "Root");
    visitor.page.click("#register-button");
    visitor.wait_for_path("/welcome");
    assert_eq!(
        visitor.fetch("/v1/session")["body"]["user"]["roles"],
        json!(["admin"])
    );
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(config.server.data_dir.join(path)).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    let modes = [
        "",
        "master.key",
        "doorward.db",
        "doorward.db-wal",
        "ephemeral.db",
    ]
    .map(mode);
    assert_eq!(modes, [0o700, 0o600, 0o600, 0o600, 0o600]);
}
