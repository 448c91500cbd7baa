//! Clients in the admin pages, in the browser.

use std::path::Path;

use serde_json::{Value, json};

use super::Visitor;
use super::roles::create_role;
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

impl Visitor {
    /// Submits the form of the page.
    pub(super) fn submit(&self) {
        self.page
            .evaluate("document.querySelector('main form[method=post]').requestSubmit()");
    }

    /// Opens a page.
    pub(super) fn go(&self, server: &TestServer, path: &str) {
        self.page.goto(&format!("{}{path}", server.origin()));
    }

    fn field(&self, name: &str) -> Value {
        self.page
            .evaluate(&format!("document.getElementById('{name}').value"))
    }
}

fn client_id(visitor: &Visitor) -> String {
    let id = visitor
        .page
        .evaluate("document.getElementById('client-id').innerText");
    id.as_str().expect("an id").to_owned()
}

fn read(visitor: &Visitor, path: &str) -> Value {
    let id = path.rsplit('/').next().expect("an id");
    visitor.fetch(&format!("/v1/clients/{id}"))["body"].clone()
}

on_both! {
    fn an_app_is_registered_changed_and_disabled(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        root.go(server, "/admin/clients");
        root.page.wait_for_text("No apps yet.");
        root.page.click("a[href='/admin/clients/new']");
        root.wait_for_path("/admin/clients/new");
        root.page.fill("#client_name", "Shop");
        root.page.fill("#redirect_uris", "https://app.example/callback\nhttp://app.example/");
        root.submit();
        root.page.wait_for_text("Redirect URIs, line 2: Must start with https://");
        assert_eq!(root.field("client_name"), "Shop", "the input is kept");
        assert_eq!(root.page.evaluate("document.querySelector('[aria-invalid]').id"), "redirect_uris");
        root.page.fill("#redirect_uris", "https://app.example/callback\r\nhttps://app.example/two");
        root.submit();
        root.page.wait_for_text("Copy the secret now");
        let (id, secret) = (client_id(&root), root.field("one-time-link"));
        let (id, secret) = (id.as_str(), secret.as_str().expect("a secret"));
        let path = format!("/admin/clients/{id}");
        let ask = |secret: &str| server.browser().request("GET", "/v1/users").basic(id, secret).send().status;
        assert_eq!(ask(secret), 403, "known, without the scope");

        root.go(server, &path);
        assert!(!root.page.text().contains(secret));
        assert_eq!(read(&root, &path)["redirect_uris"], json!(["https://app.example/callback", "https://app.example/two"]));
        root.expand_details();
        root.page.fill("#client_name", "Store");
        root.page.fill("#scope", "openid users:read");
        root.page.fill("#default_max_age", "600");
        root.page.evaluate("document.querySelector('[name=require_consent]').click()");
        root.submit();
        root.page.wait_for_text("Settings saved.");
        let saved = read(&root, &path);
        assert_eq!((saved["client_name"].clone(), saved["scope"].clone()), (json!("Store"), json!("openid users:read")));
        assert_eq!((saved["default_max_age"].clone(), saved["require_consent"].clone()), (json!(600), json!(false)));
        assert_eq!((saved["require_pkce"].clone(), saved["version"].clone()), (json!("auto"), json!(2)));
        assert_eq!(ask(secret), 200);

        // Concurrent changes: the second save shows what the first changed.
        let renamed = server.app.clients.update(id.parse().expect("an id"), doorward::clients::ClientChange {
            client_name: Some("Elsewhere".into()), ..Default::default()
        }, None, doorward::clients::ActingAs::command());
        server.run(renamed).expect("a change");
        root.page.fill("#client_name", "Mine");
        root.submit();
        root.page.wait_for_text("Someone else changed this app while you were editing.");
        assert_eq!(root.field("client_name"), "Elsewhere");

        root.go(server, &format!("{path}/new-secret"));
        root.submit();
        root.page.wait_for_text("Copy the secret now");
        let renewed = root.field("one-time-link");
        assert_eq!((ask(secret), ask(renewed.as_str().expect("a secret"))), (401, 200));
        root.go(server, &format!("{path}/disable"));
        root.page.fill("#reason", "leaked");
        root.submit();
        root.page.wait_for_text("App disabled");
        assert_eq!(ask(renewed.as_str().expect("a secret")), 401);
        root.go(server, &format!("{path}/enable"));
        root.submit();
        root.page.wait_for_text("App enabled.");
        root.go(server, &format!("{path}/delete"));
        root.submit();
        root.page.wait_for_text("App deleted.");
        root.go(server, &path);
        root.page.wait_for_text("Page not found");
        root.assert_clean();
    }

    fn program_settings_and_the_audit_log_fit_the_screen(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        root.go(server, "/admin/clients/new?for=mod_auth_openidc&url=https%3A%2F%2Fa-long-name-of-a-host.example.com");
        root.submit();
        root.page.wait_for_text("Copy the secret now");
        let id = client_id(&root);
        root.assert_fits_every_screen("client-registered");
        let card = root.page.evaluate("document.querySelector('.card').clientWidth");
        assert!(card.as_u64() > Some(600), "wide enough at 1280: {card}");
        let over = "(settings => settings.scrollWidth - settings.clientWidth)(document.getElementById('settings'))";
        assert_eq!(root.page.evaluate(over), json!(0), "nothing is cut off");
        assert_eq!(root.page.evaluate("document.getElementById('copy-settings').hidden"), json!(false));
        root.page.evaluate("document.getElementById('copy-settings').click()");
        crate::support::process::wait_until("it is copied or selected", std::time::Duration::from_secs(5), || {
            root.page.evaluate("document.getElementById('settings-status').textContent") != json!("")
        });
        let change = doorward::clients::ClientChange {
            backchannel_logout_uri: Some(Some("https://a-long-name-of-a-host.example.com/some/deep/path".into())),
            backchannel_logout_session_required: Some(true),
            id_token_signed_response_alg: Some("ES256".into()),
            resources: Some(vec!["https://a-long-name-of-a-host.example.com/some/deep/path".into()]),
            ..Default::default()
        };
        let id = id.parse().expect("an ID");
        let changed = server.app.clients.update(id, change, None, doorward::clients::ActingAs::command());
        server.run(changed).expect("a change");
        root.go(server, "/admin/audit");
        root.expand_details();
        root.assert_fits_every_screen("audit");
        root.go(server, "/admin/nothing");
        root.assert_fits_every_screen("nothing");
        root.assert_clean();
    }

    fn a_stale_session_steps_up_and_every_field_is_resubmitted(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        server.advance_clock(400);
        root.go(server, "/admin/clients/new");
        root.expand_details();
        root.page.fill("#client_name", "Late <b>\"app\"");
        root.page.fill("#redirect_uris", "https://app.example/one\nhttps://app.example/two");
        root.page.evaluate("document.querySelector('[name=claims_in_id_token]').click()");
        root.submit();
        root.page.wait_for("document.querySelector('#step-up-button') && document.readyState === 'complete'");
        root.page.click("#step-up-button");
        root.page.wait_for_text("Copy the secret now");
        let made = read(&root, &client_id(&root));
        assert_eq!(made["client_name"], "Late <b>\"app\"");
        assert_eq!(made["redirect_uris"], json!(["https://app.example/one", "https://app.example/two"]));
        assert_eq!((made["claims_in_id_token"].clone(), made["require_pkce"].clone()), (json!(false), json!("auto")));
        root.assert_clean();
    }

    fn client_admin_pages_fit_phone_and_desktop_screens(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        let (app, _) = server.register_app(|_| {});
        let role = "x".repeat(64);
        create_role(server, &role, "", &[]);
        let long = doorward::clients::ClientChange {
            client_name: Some("Донаудампфшифффартсэлектрицитэтенхауптбетрибсверкбауунтербеамтенгезельшафт and its friends".into()),
            redirect_uris: Some((0..40).map(|number| format!("https://a-very-long-name-of-a-host-that-nobody-would-type.example.com/some/deep/path/of/an/app/callback/{number}")).collect()),
            audiences: Some(vec!["https://a-very-long-name-of-a-host-that-nobody-would-type.example.com/some/deep/path".into()]),
            allowed_roles: Some(vec![role]),
            ..Default::default()
        };
        let (long, _) = server.run(server.app.clients.register(long, doorward::clients::ActingAs::command())).expect("a client");
        for (width, height, dark) in [(320, 640, true), (390, 844, false), (390, 844, true), (1280, 900, false), (1280, 900, true)] {
            root.page.set_viewport(width, height, width < 500);
            root.page.set_dark(dark);
            for (name, path) in [
                ("list", "/admin/clients".to_owned()), ("new", "/admin/clients/new".into()),
                ("one", format!("/admin/clients/{app}")), ("long", format!("/admin/clients/{}", long.id)),
                ("new-secret", format!("/admin/clients/{}/new-secret", long.id)), ("delete", format!("/admin/clients/{app}/delete")),
                ("disable", format!("/admin/clients/{app}/disable")), ("gone", "/admin/clients/x".into()),
            ] {
                root.go(server, &path);
                root.assert_fits();
                if name == "long" {
                    root.expand_details();
                    root.assert_fits();
                }
                assert_eq!(root.page.evaluate("document.querySelectorAll('h1').length"), json!(1), "{path}");
                picture(&root, &format!("clients-{name}"), width, dark);
            }
            root.go(server, &format!("/admin/clients/{}/new-secret", long.id));
            root.submit();
            root.page.wait_for("document.querySelector('#one-time-link') && document.readyState === 'complete'");
            root.assert_fits();
            picture(&root, "clients-secret", width, dark);
            root.go(server, "/admin/clients/new");
            root.expand_details();
            root.page.fill("#client_name", "x");
            root.submit();
            root.page.wait_for_text("Add at least one redirect URI");
            root.assert_fits();
            picture(&root, "clients-refused", width, dark);
        }
        for _ in 0..60 {
            server.client(&[]);
        }
        root.go(server, "/admin/clients");
        root.assert_fits();
        picture(&root, "clients-many", 1280, true);
        root.page.click("a[rel=next]");
        root.page.wait_for("location.search.startsWith('?after=')");
        root.assert_clean();
    }
}

fn picture(visitor: &Visitor, name: &str, width: u32, dark: bool) {
    if let Some(folder) = std::env::var_os("DOORWARD_PICTURES") {
        let shade = if dark { "dark" } else { "light" };
        let file = format!("{name}-{width}-{shade}.png");
        visitor.page.screenshot(&Path::new(&folder).join(file));
    }
}
