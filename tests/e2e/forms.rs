//! Forms in a real browser: two tabs with different users, reload and back, and a session that ends while the user types.

use serde_json::json;

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

fn clients(server: &TestServer) -> usize {
    server
        .run(server.app.clients.list(None, 100))
        .expect("clients")
        .len()
}

fn register_service(visitor: &Visitor, server: &TestServer, name: &str) {
    visitor.go(server, "/admin/clients/new");
    visitor.expand_details();
    visitor.page.fill("#client_name", name);
    visitor
        .page
        .fill("#redirect_uris", "https://app.example/callback");
    visitor.submit();
    visitor.page.wait_for_text("Copy the secret now");
}

impl Visitor {
    /// Moves back or forward in the history, and waits until the page's path begins with `path`.
    fn travel(&self, steps: i32, path: &str) {
        self.page
            .evaluate(&format!("void setTimeout(() => history.go({steps}))"));
        self.page.wait_for(&format!(
            "location.pathname.startsWith({}) && document.readyState === 'complete' && document.querySelector('h1')",
            json!(path)
        ));
    }

    fn reload(&self) {
        self.page.evaluate("window.before = true");
        self.page.call("Page.reload", json!({}));
        self.page.wait_for(
            "!window.before && document.readyState === 'complete' && document.querySelector('h1')",
        );
    }

    fn value(&self, selector: &str) -> String {
        let value = self.page.evaluate(&format!(
            "document.querySelector({}).value",
            json!(selector)
        ));
        value.as_str().expect("a value").to_owned()
    }
}

on_both! {
    fn a_reload_does_not_resubmit_and_back_shows_every_page(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        register_service(&visitor, server, "Shop");
        let secret = visitor.value("#one-time-link");
        visitor.assert_fits_every_screen("client-secret");
        for _ in 0..2 {
            visitor.reload();
            assert_eq!(visitor.value("#one-time-link"), secret, "the same secret");
        }
        assert_eq!(clients(server), 1, "registered once");
        visitor.travel(-1, "/admin/clients/new");
        visitor.travel(1, "/results/");
        assert_eq!(visitor.value("#one-time-link"), secret);
        // A page that refuses a form can also be returned to.
        visitor.go(server, "/admin/clients/new");
        visitor.expand_details();
        visitor.page.fill("#client_name", "Refused");
        visitor.page.fill("#redirect_uris", "https:/cb");
        visitor.submit();
        visitor.page.wait_for_text("Redirect URIs, line 1: Enter a full URL");
        visitor.reload();
        assert_eq!(visitor.value("#client_name"), "Refused", "the input is kept");
        visitor.page.click("header a.brand");
        visitor.wait_for_path("/account");
        visitor.travel(-1, "/results/");
        assert_eq!(visitor.value("#client_name"), "Refused");
        assert_eq!(clients(server), 1);
        // After five minutes, the secret is no longer shown.
        let page = "location.pathname";
        visitor.travel(-2, "/results/");
        server.advance_clock(301);
        assert!(visitor.page.evaluate(page).as_str().is_some_and(|path| path.starts_with("/results/")));
        visitor.reload();
        visitor.page.wait_for_text("This page has expired");
        visitor.assert_fits_every_screen("page-gone");
        visitor.assert_clean();
    }

    fn a_confirmation_of_a_stale_version_is_refused_with_a_message(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        let (client, _) = server.client(&[]);
        let path = format!("/admin/clients/{client}/disable");
        visitor.go(server, &path);
        let renamed = server.app.clients.update(client.parse().expect("an id"), doorward::clients::ClientChange {
            client_name: Some("Elsewhere".into()), ..Default::default()
        }, None, doorward::clients::ActingAs::command());
        server.run(renamed).expect("a change");
        visitor.submit();
        visitor.page.wait_for_text("This has changed since you opened it");
        visitor.assert_fits_every_screen("changed-since");
        visitor.page.click_text("Go back");
        visitor.wait_for_path(&path);
        visitor.submit();
        visitor.page.wait_for_text("App disabled");
        visitor.assert_clean();
    }

    fn users_are_paged_in_both_directions(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        for number in 0..101 {
            let wanted = doorward::users::NewInvitation {
                username: Some(doorward::users::Username::parse(&format!("user{number:03}")).expect("a name")),
                display_name: Some(doorward::users::DisplayName::parse(&format!("Élodie {number:03}")).expect("a name")),
                ..Default::default()
            };
            server.run(server.app.users.invite(wanted, doorward::users::Permit::command())).expect("a link");
        }
        visitor.go(server, "/admin");
        visitor.page.click_text("Next →");
        visitor.page.wait_for("document.querySelector('tbody th a')?.innerText === 'Élodie 050'");
        visitor.assert_fits_every_screen("people-middle");
        visitor.page.click_text("Next →");
        visitor.page.wait_for("document.querySelector('tbody th a')?.innerText === 'Élodie 100'");
        visitor.page.click_text("← Previous");
        visitor.page.wait_for("document.querySelector('tbody th a')?.innerText === 'Élodie 050'");
        visitor.page.click_text("← Previous");
        visitor.page.wait_for("document.querySelector('tbody th a')?.innerText === 'Élodie 000'");
        visitor.page.wait_for("!document.querySelector('a[rel=prev]')");
        visitor.page.fill("#search", "ELODIE 07");
        visitor.page.press("Enter");
        visitor.page.wait_for("document.querySelectorAll('tbody tr').length === 10");
        visitor.assert_clean();
    }

    fn a_form_rendered_for_one_user_is_refused_for_another(server) {
        let browser = Chromium::launch();
        let zoe = Visitor::new(&browser);
        let mut root = server.administrator();
        zoe.join(&crate::e2e::invitation(&root, &json!({ "username": "zoe", "display_name": "Zoe Miller" })));
        zoe.go(server, "/account");
        zoe.page.fill("#display_name", "Typed by Zoe");
        // The administrator signs in in another tab, so the browser sends the administrator's cookie.
        let other = server.browser();
        assert_eq!(root.sign_in_at(&other).status, 200);
        let session = other.cookie("doorward-session").expect("a session");
        zoe.page.call("Network.setCookie", json!({ "name": "doorward-session", "value": session, "url": server.origin(), "httpOnly": true }));
        zoe.page.click_text("Save");
        zoe.page.wait_for_text("You're now signed in as Root Admin. This page was opened by Zoe Miller. Nothing was changed.");
        zoe.page.wait_for_text("Go to my account");
        zoe.assert_fits_every_screen("other-user");
        assert_eq!(server.run(server.app.users.find("root")).expect("root").display_name, "Root Admin");
        // A script of the old page makes no change either.
        zoe.travel(-1, "/account");
        zoe.page.evaluate("document.body.dataset.user = '0193a1b2-0000-7000-8000-000000000001'");
        zoe.page.click("#add-passkey");
        zoe.page.wait_for_text("You're now signed in as Root Admin.");
        let id = doorward::base::ids::UserId::parse(&root.id).expect("an id");
        assert_eq!(server.run(server.app.passkeys.list(id, doorward::testing::PasskeyFilter::Valid)).expect("passkeys").len(), 1);
        // Zoe signs in again, and the form contains what Zoe typed.
        zoe.travel(1, "/results/");
        zoe.page.click_text("Sign in as Zoe Miller");
        zoe.page.wait_for("document.querySelector('#display_name')?.value === 'Typed by Zoe'");
        zoe.page.wait_for_text("You were signed out before this was saved.");
        zoe.page.click_text("Save");
        zoe.page.wait_for_text("Profile saved.");
        assert_eq!(server.run(server.app.users.find("zoe")).expect("zoe").display_name, "Typed by Zoe");
    }

    fn form_input_survives_a_session_that_ends_while_typing(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.go(server, "/admin");
        visitor.expand_details();
        visitor.page.fill("#display_name", "Somebody Typed");
        visitor.page.evaluate("document.querySelector('input[name=\"role:admin\"]').click()");
        server.advance_clock(40 * 24 * 3600);
        visitor.page.evaluate("document.querySelector('form[action=\"/admin/invitations\"]').requestSubmit()");
        // The authenticator answers the sign-in page automatically.
        visitor.page.wait_for("location.pathname === '/admin' && document.querySelector('#display_name')?.value === 'Somebody Typed'");
        visitor.page.wait_for_text("You were signed out before this was saved.");
        visitor.assert_fits_every_screen("restored-form");
        let is_checked = "document.querySelector('input[name=\"role:admin\"]').checked";
        assert_eq!(visitor.page.evaluate(is_checked), json!(true));
        let invited = || server.run(server.app.database.read(|conn| {
            let filter = doorward::history::EventFilter { action: Some("user.invited".into()), ..Default::default() };
            doorward::history::list(conn, &filter, 10)
        })).expect("events").len();
        assert_eq!(invited(), 0, "the form is not submitted automatically");
        visitor.page.evaluate("document.querySelector('form[action=\"/admin/invitations\"]').requestSubmit()");
        visitor.one_time_link();
        assert_eq!(invited(), 1);
        visitor.assert_clean();
    }

    /// The session ends while the page requests a step-up.
    fn form_input_survives_a_session_that_ends_before_a_step_up(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.go(server, "/admin");
        visitor.expand_details();
        visitor.page.fill("#display_name", "Somebody Typed");
        server.advance_clock(400);
        visitor.page.evaluate("document.querySelector('form[action=\"/admin/invitations\"]').requestSubmit()");
        visitor.page.wait_for("document.querySelector('#step-up-button') && document.readyState === 'complete'");
        server.advance_clock(40 * 24 * 3600);
        visitor.page.click("#step-up-button");
        visitor.page.wait_for("location.pathname === '/admin' && document.querySelector('#display_name')?.value === 'Somebody Typed'");
        visitor.assert_clean();
    }
}
