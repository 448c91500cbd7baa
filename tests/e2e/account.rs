//! The user's own account, in the browser.

use serde_json::json;

use super::Visitor;
use crate::on_both;
use crate::support::browser::{AuthenticatorOptions, Chromium};

on_both! {
    fn a_second_passkey_is_added_named_and_the_first_removed(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        // Another device: the first authenticator is removed from the browser.
        let first = visitor.page.credentials(&visitor.authenticator);
        visitor.page.remove_authenticator(&visitor.authenticator);
        let second = visitor.page.add_authenticator(&AuthenticatorOptions::default());
        visitor.page.goto(&format!("{}/account", server.origin()));
        visitor.page.wait_for_text("This is your only passkey");
        visitor.page.click("#add-passkey");
        visitor.page.wait_for_text("Passkey added.");
        let passkeys = visitor.fetch("/v1/me/passkeys")["body"]["items"].clone();
        assert_eq!(passkeys.as_array().map(Vec::len), Some(2));
        visitor.page.wait_for_text("One device only");
        // Removing a passkey requires a recent sign-in, made with the remaining passkey.
        server.advance_clock(400);
        let items = passkeys.as_array().expect("a list");
        let old = items.iter().find(|passkey| passkey["synced"] == true).expect("the first");
        let old = old["id"].as_str().expect("an id");
        visitor.page.goto(&format!("{}/account/passkeys/{old}/remove", server.origin()));
        visitor.page.click("#remove-button");
        // The session was based on the first passkey, so it has ended.
        visitor.page.wait_for("location.pathname === '/login' || location.pathname === '/account'");
        crate::e2e::eventually("one passkey is left", || {
            let root = server.run(server.app.users.find("root")).expect("root");
            server.run(server.app.passkeys.list(root.id, doorward::testing::PasskeyFilter::Valid)).expect("passkeys").len() == 1
        });
        assert_eq!(first.len(), 1);
        assert_eq!(visitor.page.credentials(&second).len(), 1);
    }

    fn a_link_to_another_device_works_once(server) {
        let browser = Chromium::launch();
        let visitor = Visitor::new(&browser);
        visitor.set_up(server);
        visitor.page.click_text("Add passkey on another device");
        let link = visitor.one_time_link();
        let phone = Visitor::new(&browser);
        phone.page.set_viewport(390, 844, true);
        phone.join(&link);
        assert_eq!(phone.fetch("/v1/session")["body"]["user"]["username"], "root");
        assert_eq!(visitor.fetch("/v1/session")["status"], 200);
        let late = Visitor::new(&browser);
        late.page.goto(&link);
        late.page.wait_for("!document.querySelector('#register-button')");
        phone.assert_clean();
    }

    fn forms_work_without_javascript(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        let mut root = server.run(server.app.users.find("root")).expect("root");
        visitor.page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        visitor.page.goto(&format!("{}/account", server.origin()));
        visitor.page.call("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
        visitor.page.evaluate("document.querySelector('#display_name').value = 'Rooty'; document.querySelector('form[action=\"/account/profile\"]').submit()");
        crate::e2e::eventually("the name is changed", || {
            root = server.run(server.app.users.find("root")).expect("root");
            root.display_name == "Rooty"
        });
    }

    fn locking_the_account_asks_for_confirmation_and_signs_out(server) {
        let browser = Chromium::launch();
        let visitor = Visitor::new(&browser);
        let root = server.administrator();
        visitor.join(&crate::e2e::invitation(&root, &json!({ "username": "ada" })));
        visitor.page.goto(&format!("{}/account/lock", server.origin()));
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "active");
        visitor.page.click("form[action='/account/lock'] button");
        visitor.wait_for_path("/login");
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "suspended");
        assert_eq!(visitor.fetch("/v1/session")["status"], 401);
    }
}
