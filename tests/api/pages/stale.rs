//! A page rendered for one user never makes changes for another, and never overwrites a newer version.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::forms::fields_of;
use crate::support::http::{Answer, TestBrowser};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// Submits a form of a page as a browser would, with some fields changed.
fn send(browser: &TestBrowser, page: &str, action: &str, typed: &[(&str, &str)]) -> Answer {
    let fields = fill_fields(page, action, typed);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.request("POST", action).form(&fields).send()
}

fn fill_fields(page: &str, action: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = fields_of(page, action);
    fields.retain(|(name, _)| typed.iter().all(|(other, _)| other != name));
    let typed = typed
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    fields.extend(typed);
    fields
}

/// Returns a page as the signed-in user sees it.
fn page(browser: &TestBrowser, path: &str) -> String {
    let answer = browser.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

fn audit_count(root: &TestUser) -> usize {
    let events = root.browser.get("/v1/audit-events?limit=200").json();
    events["items"].as_array().map(Vec::len).expect("events")
}

/// Returns the POST routes of the pages, with the files that declare them.
fn posting_routes() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut routes = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let file = entry.expect("an entry").path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let name = file
                .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                .expect("below")
                .to_string_lossy()
                .into_owned();
            if !name.contains("/pages") {
                continue;
            }
            let code = fs::read_to_string(&file).expect("text");
            let path = code
                .split("const PATH: &str = \"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            // Tables of routes: `"/path" => get show, post save;`.
            for line in code.lines() {
                let Some((declared, methods)) = line.trim().split_once("\" => ") else {
                    continue;
                };
                if methods
                    .split(", ")
                    .any(|method| method.starts_with("post "))
                {
                    routes.push((declared.trim_start_matches('"').to_owned(), name.clone()));
                }
            }
            for resource in code.split("web::resource(").skip(1) {
                let Some((declared, rest)) = resource.split_once(')') else {
                    continue;
                };
                // Routes outside of sessions, for forms of other sites: they act for no user.
                if declared.trim().starts_with("path::") {
                    continue;
                }
                let declared = declared.trim().trim_matches('"');
                let is_posted = rest
                    .split("default_service")
                    .next()
                    .is_some_and(|rest| rest.contains("web::post()"));
                if is_posted {
                    let route = if declared == "PATH" {
                        path.unwrap_or(declared)
                    } else {
                        declared
                    };
                    routes.push((route.to_owned(), name.clone()));
                }
            }
        }
    }
    routes
}

/// Replaces the parameters of a route with existing values.
fn concrete(route: &str, server: &TestServer, root: &TestUser) -> String {
    let client = server.client(&[]).0;
    [
        (
            "/forward-auth/login",
            "/forward-auth/login?id=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        ("{user}", root.id.as_str()),
        ("{passkey}", &root.passkey),
        ("{client}", &client),
        ("{role}", "admin"),
        ("{act}", "disable"),
        ("{session}", "01890000-0000-7000-8000-000000000000"),
        ("{role_assignment}", "01890000-0000-7000-8000-000000000000"),
        ("{invitation}", "01890000-0000-7000-8000-000000000000"),
        ("{token}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("{id}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ]
    .iter()
    .fold(route.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    })
}

on_both! {
    /// Zoe's page is open, the administrator signs in in the same browser, and Zoe's form is submitted.
    fn a_form_rendered_for_one_user_is_refused_for_another(server) {
        let mut root = server.administrator();
        let zoe = server.create_user_with(&root, &json!({ "username": "zoe", "display_name": "Zoe Miller" }), SoftAuthenticator::synced(server.origin()));
        let (account, lock) = (page(&zoe.browser, "/account"), page(&zoe.browser, "/account/lock"));
        let browser = zoe.browser;
        assert_eq!(root.sign_in_at(&browser).status, 200);
        let before = audit_count(&root);
        for (html, action, typed) in [
            (&account, "/account/profile", &[("display_name", "Zoe M."), ("email", "")][..]),
            (&lock, "/account/lock", &[]),
            (&account, "/sign-out", &[]),
            (&account, "/account/device-link", &[]),
            (&account, &format!("/account/passkeys/{}/rename", zoe.passkey), &[("name", "Mine")]),
        ] {
            let answer = send(&browser, html, action, typed);
            assert_eq!((answer.status, answer.problem_type().as_str()), (409, "urn:doorward:problem:other-user"), "{action}: {answer:?}");
        }
        assert_eq!(audit_count(&root), before, "no change was made");
        assert_eq!(browser.get("/v1/session").json()["user"]["display_name"], "Root Admin", "still signed in under the same name");
        // The same forms, rendered for the signed-in user, are accepted.
        let own = page(&browser, "/account");
        assert_eq!(send(&browser, &own, "/account/profile", &[("display_name", "Root A.")]).status, 303);
    }

    fn the_page_says_who_is_signed_in_now_and_who_opened_it(server) {
        let mut root = server.administrator();
        let zoe = server.create_user_with(&root, &json!({ "username": "zoe", "display_name": "Zoe <Miller>" }), SoftAuthenticator::synced(server.origin()));
        let account = page(&zoe.browser, "/account");
        assert_eq!(root.sign_in_at(&zoe.browser).status, 200);
        let fields = fill_fields(&account, "/account/profile", &[]);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = zoe.browser.request("POST", "/account/profile").header("Accept", "text/html").form(&fields).send();
        let text = answer.text();
        assert_eq!(answer.status, 409, "{text}");
        for part in ["Root Admin", "Zoe &#60;Miller&#62;", "Sign in as Zoe", "href=\"/login?switch=1&#38;continue="] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    /// Routes that act for a user refuse a form that doesn't say for whom it was rendered.
    fn every_form_names_the_user_it_acts_for(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let before = audit_count(&root);
        let routes = posting_routes();
        assert!(routes.len() > 25, "the sources were not read: {routes:?}");
        let other = format!("{} Ada", ada.id);
        for (route, file) in &routes {
            // Acts for no user: it only redirects to a link.
            if route == "/join" {
                continue;
            }
            let path = concrete(route, server, &root);
            let (user, twice) = (format!("{} Root", root.id), format!("{} Root", root.id));
            for fields in [&[][..], &[("rendered_for", other.as_str())], &[("rendered_for", "")], &[("rendered_for", &user), ("rendered_for", &twice)]] {
                // A route for a request that no longer exists is refused for that reason alone; see the tests of those requests.
                let answer = root.browser.request("POST", &path).form(fields).send();
                let is_over = answer.status == 410 && (route.starts_with("/oauth2/logout") || route.starts_with("/forward-auth"));
                assert!(answer.status == 409 || is_over, "{route} ({file}) with {fields:?}: {answer:?}");
            }
            let json = root.browser.post_json(&path, &json!({}));
            assert!([409, 410, 415].contains(&json.status), "{route} ({file}) with JSON: {json:?}");
        }
        let registered = server.run(server.app.clients.list(None, 100)).expect("clients").len();
        assert_eq!(audit_count(&root) - before, registered, "no change was made except by this test");
        assert_eq!(root.session_status(), 200);
    }

    /// Requests of scripts name the user, too.
    fn a_script_of_a_page_rendered_for_one_user_changes_nothing_for_another(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let with = |method: &str, path: &str, user: &str| {
            root.browser.request(method, path).header("Doorward-User", user).json(&json!({})).send()
        };
        for (method, path) in [
            ("POST", "/webauthn/register/start"), ("POST", "/webauthn/step-up/start"), ("POST", "/v1/me/device-links"),
            ("PATCH", "/v1/me"), ("POST", "/v1/me/suspend"), ("DELETE", "/v1/me/sessions"), ("DELETE", "/v1/session"),
        ] {
            for user in [ada.id.as_str(), "", "x"] {
                let answer = with(method, path, user);
                assert_eq!((answer.status, answer.problem_type().as_str()), (409, "urn:doorward:problem:other-user"), "{method} {path}: {answer:?}");
            }
        }
        assert_eq!(with("POST", "/webauthn/register/start", &root.id).status, 200);
        assert_eq!(with("POST", "/v1/me/device-links", &root.id).status, 201);
        assert_eq!(server.browser().request("POST", "/webauthn/step-up/start").header("Doorward-User", &ada.id).json(&json!({})).send().status, 401);
    }

    /// A ceremony that one user started can't be finished for another.
    fn a_passkey_created_on_one_users_page_is_not_added_to_another_user(server) {
        let mut root = server.administrator();
        let zoe = server.create_user(&root, "zoe");
        let browser = zoe.browser;
        let started = browser.request("POST", "/webauthn/register/start").header("Doorward-User", &zoe.id).json(&json!({})).send().json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&started["publicKey"], &crate::support::authenticator::Overrides::default());
        assert_eq!(root.sign_in_at(&browser).status, 200);
        let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
        let answer = browser.request("POST", "/webauthn/register/finish").header("Doorward-User", &zoe.id).json(&finish).send();
        assert_eq!(answer.status, 409, "{answer:?}");
        let count = |id: &str| server.run(server.app.passkeys.list(doorward::base::ids::UserId::parse(id).expect("an id"), doorward::testing::PasskeyFilter::Valid)).expect("passkeys").len();
        assert_eq!((count(&root.id), count(&zoe.id)), (1, 1));
    }

    /// Every form contains the version of what it changes, so that later changes of another user are not overwritten.
    fn a_form_over_an_older_version_is_refused(server) {
        let root = server.administrator();
        // The last administrator can't lock their account.
        server.create_user_with(&root, &json!({ "username": "second", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        let ada = server.create_user(&root, "ada");
        let (client, _) = server.client(&[]);
        assert_eq!(root.browser.post_json("/v1/roles", &json!({ "name": "cook" })).status, 201);
        let role_assignment = root.browser.post_json("/v1/role-assignments", &json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["OPERATOR"] }));
        let role_assignment = role_assignment.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(root.browser.request("PUT", "/v1/resources/order/17").json(&json!({})).send().status, 201);
        let user = format!("/v1/users/{}", ada.id);
        let cases: Vec<(String, String, &str, Value)> = vec![
            ("/account".into(), "/account/profile".into(), "/v1/me", json!({ "display_name": "Root B." })),
            ("/account/lock".into(), "/account/lock".into(), "/v1/me", json!({ "display_name": "Root C." })),
            (format!("/admin/users/{}/suspend", ada.id), String::new(), &user, json!({ "display_name": "Ada B." })),
            (format!("/admin/users/{}/recovery-link", ada.id), String::new(), &user, json!({ "display_name": "Ada C." })),
            (format!("/admin/users/{}/sessions/end-all", ada.id), String::new(), &user, json!({ "display_name": "Ada D." })),
            (format!("/admin/users/{}/passkeys/{}/revoke", ada.id, ada.passkey), String::new(), &user, json!({ "display_name": "Ada E." })),
            (format!("/admin/users/{}/roles", ada.id), String::new(), &user, json!({ "display_name": "Ada F." })),
            (format!("/admin/clients/{client}"), String::new(), "client", json!({ "client_name": "B" })),
            (format!("/admin/clients/{client}/disable"), String::new(), "client", json!({ "client_name": "C" })),
            (format!("/admin/clients/{client}/new-secret"), String::new(), "client", json!({ "client_name": "D" })),
            (format!("/admin/clients/{client}/delete"), String::new(), "client", json!({ "client_name": "E" })),
            ("/admin/roles/cook".into(), String::new(), "/v1/roles/cook", json!({ "description": "B" })),
            ("/admin/roles/cook/delete".into(), String::new(), "/v1/roles/cook", json!({ "description": "C" })),
            (format!("/admin/role-assignments/{role_assignment}"), String::new(), "role_assignment", json!({ "title": "B" })),
            (format!("/admin/role-assignments/{role_assignment}/delete"), String::new(), "role_assignment", json!({ "title": "C" })),
            ("/admin/resources/delete?type=order&id=17".into(), "/admin/resources/delete".into(), "resource", json!({ "title": "B" })),
        ];
        for (at, action, changed, change) in cases {
            let action = if action.is_empty() { at.clone() } else { action };
            let changed = match changed {
                "client" => format!("/v1/clients/{client}"),
                "role_assignment" => format!("/v1/role-assignments/{role_assignment}"),
                "resource" => "/v1/resources/order/17".to_owned(),
                path => path.to_owned(),
            };
            let html = page(&root.browser, &at);
            let read = root.browser.get(&changed);
            let etag = read.header("etag").unwrap_or_default().to_owned();
            let method = if changed.contains("/resources/") { "PUT" } else { "PATCH" };
            let done = root.browser.request(method, &changed).header("If-Match", &etag).json(&change).send();
            assert_eq!(done.status, 200, "{changed}: {done:?}");
            let before = audit_count(&root);
            let answer = send(&root.browser, &html, &action, &[]);
            assert_eq!(answer.status, 409, "{action}: {answer:?}");
            assert_eq!(audit_count(&root), before, "{action}: no change was made");
            // Opened again, the form contains the current version.
            assert!(fields_of(&page(&root.browser, &at), &action).iter().any(|(name, _)| name == "version"), "{action}");
        }
        // A missing version is refused.
        let suspend = format!("/admin/users/{}/suspend", ada.id);
        assert_eq!(root.browser.request("POST", &suspend).page_form(&[("reason", "x")]).send().status, 409);
        assert_eq!(ada.session_status(), 200);
    }
}
