//! POST, redirect, GET: a page shown in response to a form is stored for a while and shown under a URL of its own.

use serde_json::json;

use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::test_user::TestUser;

/// Submits a form, and returns the URL of the resulting page.
fn submit_form(browser: &TestBrowser, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.request("POST", path).page_form(fields).send();
    assert_eq!(answer.status, 303, "{path}: {answer:?}");
    let location = answer.header("location").unwrap_or_default().to_owned();
    assert!(location.starts_with("/results/"), "{location}");
    location
}

fn is_shown(answer: &Answer, part: &str) -> bool {
    answer.status == 200
        && answer.text().contains(part)
        && answer.header("cache-control") == Some("no-store")
}

fn version(root: &TestUser, path: &str) -> String {
    root.browser.get(path).json()["version"].to_string()
}

on_both! {
    fn a_page_that_does_not_exist_shows_who_is_signed_in(server) {
        let root = server.administrator();
        for path in ["/nothing", "/admin/nothing/here", "/admin/clients/nothing"] {
            let look = |browser: &TestBrowser| browser.request("GET", path).header("Accept", "text/html").send();
            let page = look(&root.browser);
            assert_eq!(page.status, 404, "{page:?}");
            let text = page.text();
            assert!(text.contains("action=\"/sign-out\"") && text.contains("href=\"/admin\"") && !text.contains("href=\"/login\""), "{path}: {text}");
        }
        let page = server.browser().request("GET", "/nothing").header("Accept", "text/html").send();
        assert!(page.status == 404 && page.text().contains("href=\"/login\""), "{page:?}");
    }

    fn pages_explain_what_happens_to_offline_access(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        ada.another_browser();
        let sessions = root.browser.get("/v1/users/ada/sessions").json();
        let session = sessions["items"][0]["id"].as_str().expect("a session");
        let one = root.browser.get(&format!("/admin/users/{}/sessions/{session}/end", ada.id)).text();
        assert!(one.contains("Apps lose the access they got in this session, including offline access."), "{one}");
        let all = root.browser.get(&format!("/admin/users/{}/sessions/end-all", ada.id)).text();
        assert!(all.contains("Apps lose all access to the account, including offline access."), "{all}");
        let account = ada.browser.get("/account").text();
        assert!(account.contains("When you sign out here, apps keep the offline access"), "{account}");
        let described = server.browser().get("/openapi.json").json();
        for (path, method) in [("/v1/users/{user}/sessions/{session}", "delete"), ("/v1/users/{user}/sessions", "delete"), ("/v1/me/sessions/{session}", "delete"), ("/v1/session", "delete")] {
            let operation = &described["paths"][path][method];
            let text = format!("{}{}", operation["summary"], operation["description"]);
            assert!(text.contains("offline"), "{path}: {operation}");
        }
    }

    fn a_one_time_secret_is_shown_again_for_five_minutes_in_the_same_session(server) {
        let mut root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let other = root.another_browser();
        let of_ada = format!("/admin/users/{}/recovery-link", ada.id);
        let user_version = version(&root, &format!("/v1/users/{}", ada.id));
        let (client, _) = server.client(&[]);
        let client_version = version(&root, &format!("/v1/clients/{client}"));
        let new_secret = format!("/admin/clients/{client}/new-secret");
        let form = [
            ("client_name", "A service"), ("grant_client_credentials", "yes"), ("token_endpoint_auth_method", "client_secret_basic"),
            ("application_type", "web"), ("require_pkce", "auto"), ("id_token_signed_response_alg", "ES256"), ("access_token_format", "jwt"), ("access_token_header_type", "at+jwt"),
            ("subject_type", "public"),
        ];
        let mut shown = Vec::new();
        for (path, fields) in [
            ("/admin/invitations", &[("display_name", "Somebody")][..]), (&of_ada, &[("version", &user_version)]), ("/account/device-link", &[]),
            (&new_secret, &[("version", &client_version)]), ("/admin/clients/new", &form),
        ] {
            let location = submit_form(&root.browser, path, fields);
            let first = root.browser.get(&location);
            assert!(is_shown(&first, "id=\"one-time-link\""), "{path}: {first:?}");
            assert_eq!(root.browser.get(&location).text(), first.text(), "a reload shows the same");
            assert_eq!(other.get(&location).status, 410, "another session of the same user: {path}");
            assert_eq!(ada.browser.get(&location).status, 410, "another user: {path}");
            assert_eq!(server.browser().get(&location).status, 303, "signed out: {path}");
            shown.push(location);
        }
        let clients = root.browser.get("/v1/clients").json()["items"].as_array().map(Vec::len);
        assert_eq!(clients, Some(2), "registered once");
        server.advance_clock(299);
        for location in &shown {
            assert_eq!(root.browser.get(location).status, 200);
        }
        server.advance_clock(2);
        for location in &shown {
            let gone = root.browser.request("GET", location).header("Accept", "text/html").send();
            assert_eq!(gone.status, 410);
            assert!(gone.text().contains("This page has expired"), "{}", gone.text());
        }
        assert_eq!(root.browser.get("/results/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").status, 410);
        assert_eq!(root.browser.get("/results/x").status, 410);
        assert_eq!(root.browser.request("POST", &shown[0]).form(&[]).send().status, 405);
    }

    fn a_one_time_secret_is_not_shown_to_a_later_session_in_the_same_browser(server) {
        let mut root = server.administrator();
        let location = submit_form(&root.browser, "/admin/invitations", &[("display_name", "Somebody")]);
        assert!(is_shown(&root.browser.get(&location), "id=\"one-time-link\""));
        let browser = root.browser.clone();
        assert_eq!(root.sign_in_at(&browser).status, 200);
        assert_eq!(browser.get("/v1/session").status, 200);
        assert_eq!(browser.get(&location).status, 410);
    }

    fn stored_pages_are_encrypted(server) {
        let root = server.administrator();
        let location = submit_form(&root.browser, "/admin/invitations", &[("display_name", "Somebody")]);
        let id = location.trim_start_matches("/results/");
        let key = format!("response:{}", doorward::base::secrets::Token::parse(id).expect("an id").hash().to_text());
        let stored = server.run(server.app.ephemeral.get(&[&key])).expect("a result")[0].clone().expect("a page");
        assert!(!stored.contains("/join/") && !stored.contains("html"), "{stored}");
        // Under another ID it can't be decrypted.
        let other = doorward::base::secrets::Token::generate();
        let there = format!("response:{}", other.hash().to_text());
        server.run(server.app.ephemeral.put(&there, &stored, std::time::Duration::from_secs(60))).expect("stored");
        assert_eq!(root.browser.get(&format!("/results/{}", other.expose())).status, 410);
    }

    /// If a browser submits a form that is refused, the refusal is shown after a redirect, too, and keeps its status.
    fn a_refused_form_is_shown_at_its_own_url(server) {
        let root = server.administrator();
        let post = |path: &str, fields: &[(&str, &str)]| {
            root.browser.request("POST", path).header("Accept", "text/html").header("Sec-Fetch-Mode", "navigate").page_form(fields).send()
        };
        for (path, fields, status, part) in [
            ("/admin/invitations", &[("email", "nonsense")][..], 400, "value=\"nonsense\""),
            ("/admin/users/nobody/suspend", &[], 404, "Page not found"),
            ("/account/profile", &[("display_name", ""), ("email", "kept@example.com"), ("version", "1")], 400, "kept@example.com"),
        ] {
            let answer = post(path, fields);
            assert_eq!(answer.status, 303, "{path}: {answer:?}");
            let location = answer.header("location").expect("a location").to_owned();
            assert!(location.starts_with("/results/"), "{location}");
            let page = root.browser.get(&location);
            assert_eq!(page.status, status, "{path}");
            assert!(page.text().contains(part), "{path}: {}", page.text());
        }
        // A program that posts gets the status directly.
        let direct = root.browser.request("POST", "/admin/invitations").page_form(&[("email", "nonsense")]).send();
        assert_eq!(direct.status, 400);
    }

    fn a_step_up_page_is_shown_at_its_own_url(server) {
        let root = server.administrator();
        server.advance_clock(400);
        let location = submit_form(&root.browser, "/admin/invitations", &[("display_name", "Somebody New")]);
        let page = root.browser.get(&location);
        assert!(is_shown(&page, "value=\"Somebody New\""), "{page:?}");
        assert_eq!(root.browser.get("/v1/audit-events?action=user.invited").json()["items"], json!([]));
    }
}
