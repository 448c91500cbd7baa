//! The admin pages of clients: completing an action after a failure, and secrets that administrators type.

use doorward::base::fault_injection::InjectedFault;
use doorward::base::ids::ClientId;
use serde_json::{Value, json};

use super::ask as ask_api;
use super::lifecycle::register;
use crate::on_both;
use crate::support::forms::fields_of;
use crate::support::http::{Answer, TestBrowser};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const SECRET: &str = "Zk3vQp8sXw7yBd2nRt5uHj9mLc4eGf1a";
const STEP_UP_AGE: u64 = 301;
/// Values of the selection lists in the form for a new app.
const LISTS: [(&str, &str); 5] = [
    ("application_type", "web"),
    ("require_pkce", "auto"),
    ("id_token_signed_response_alg", "RS256"),
    ("access_token_format", "jwt"),
    ("access_token_header_type", "at+jwt"),
];

/// Submits a form of a page, with these fields replaced.
fn send(browser: &TestBrowser, html: &str, action: &str, typed: &[(&str, &str)]) -> Answer {
    let mut fields = fields_of(html, action);
    fields.retain(|(name, _)| typed.iter().all(|(other, _)| other != name));
    let mut fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.extend(typed);
    browser.request("POST", action).form(&fields).send()
}

/// Returns the page that a form redirects to.
fn shown(browser: &TestBrowser, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with("/results/"), "{location}");
    browser.get(location).text()
}

fn is_enabled(root: &TestUser, client: &str) -> bool {
    let read = root.browser.get(&format!("/v1/clients/{client}"));
    read.json()["enabled"] == json!(true)
}

/// Returns the version of the client's record in the database, and of the one in the ephemeral store.
fn versions(server: &TestServer, client: &str) -> (i64, i64) {
    let id: ClientId = client.parse().expect("an ID");
    let read = server
        .app
        .database
        .read(move |conn| doorward::clients::find(conn, id));
    let stored = server
        .run(read)
        .expect("a result")
        .expect("a client")
        .state_version;
    let key = server.app.clients.key(id);
    let copy = server.run(server.app.ephemeral.get(&[&key]));
    let copy = copy.expect("a result").remove(0).expect("a record");
    let (published, _) = copy.split_once(':').expect("a number");
    (stored, published.parse().expect("a number"))
}

on_both! {
    fn disabling_an_already_disabled_client_still_disables_the_clients_it_registered(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let apps = [register(server, &service, "First", ""), register(server, &service, "Second", "")];
        let page = format!("/admin/clients/{}/disable", service.0);
        let html = root.browser.get(&page).text();
        // The request failed after its first operation.
        let alone = root.browser.post_json(&format!("/v1/clients/{}/disable", service.0), &json!({}));
        assert_eq!(alone.status, 200);
        let shown = root.browser.get(&format!("/admin/clients/{}", service.0)).text();
        assert!(shown.contains(&format!("href=\"{page}\"")) && shown.contains("Disable the apps that it registered"), "{shown}");
        let sent = send(&root.browser, &html, &page, &[("with_registered", "yes")]);
        assert_eq!((sent.status, sent.header("location")), (303, Some(format!("/admin/clients/{}?notice=disabled", service.0).as_str())));
        assert!(apps.iter().all(|app| !is_enabled(&root, &app.0)));
        let shown = root.browser.get(&format!("/admin/clients/{}", service.0)).text();
        assert!(!shown.contains(&page), "nothing is left to do");
    }

    fn resubmitting_a_form_completes_a_pending_change(server) {
        let root = server.administrator();
        let enabled = |client: &(String, String)| ask_api(server, client, "GET", "/v1/users").status == 403;
        let mut pending = 0;
        for act in ["new-secret", "disable", "enable"] {
            for operations in 0.. {
                let client = server.client(&[]);
                assert!(enabled(&client), "its record is published");
                if act == "enable" {
                    root.browser.post_json(&format!("/v1/clients/{}/disable", client.0), &json!({}));
                }
                let page = format!("/admin/clients/{}/{act}", client.0);
                let html = root.browser.get(&page).text();
                let typed: &[(&str, &str)] = if act == "new-secret" { &[("client_secret", SECRET)] } else { &[] };
                server.fault_injector.inject_after(operations, InjectedFault::NotRun);
                let first = send(&root.browser, &html, &page, typed);
                if !server.fault_injector.clear() {
                    assert_eq!(first.status, 303, "{first:?}");
                    break;
                }
                let (stored, published) = versions(server, &client.0);
                if stored == published {
                    continue;
                }
                assert_eq!((first.status, first.problem_type().as_str()), (503, "urn:doorward:problem:change-pending"), "{first:?}");
                pending += 1;
                let again = send(&root.browser, &html, &page, typed);
                let is_done = again.status == 303 && act == "disable";
                let is_refused = again.status == 409 && again.text().contains("an earlier one may have");
                assert!(is_done || is_refused, "{act}: {again:?}");
                let (stored, published) = versions(server, &client.0);
                assert_eq!(stored, published, "{act}, cut off after {operations} operations");
            }
        }
        assert!(pending >= 3);
    }

    fn an_entered_secret_is_never_shown_and_is_entered_again_after_a_step_up(server) {
        let mut root = server.administrator();
        let (client, old) = server.client(&["users:read"]);
        let new_secret = format!("/admin/clients/{client}/new-secret");
        let app = [("client_name", "An app"), ("grant_client_credentials", "yes"), ("grant_authorization_code", ""), ("grant_refresh_token", ""), ("scope", "")];
        let app = [&app[..], &LISTS].concat();
        let cases: [(&str, &[(&str, &str)]); 2] = [(&new_secret, &[]), ("/admin/clients/new", &app)];
        for (path, typed) in cases {
            server.advance_clock(STEP_UP_AGE);
            let html = root.browser.get(path).text();
            let with_secret = [typed, &[("client_secret", SECRET)]].concat();
            let page = shown(&root.browser, &send(&root.browser, &html, path, &with_secret));
            assert!(page.contains("id=\"original\"") && !page.contains(SECRET), "{page}");
            assert_eq!(root.step_up().status, 200);
            let again = send(&root.browser, &page, path, &[]);
            assert_eq!(again.status, 400, "{path}: {again:?}");
            let page = again.text();
            assert!(page.contains("Type the client secret again") && !page.contains(SECRET), "{page}");
            assert_eq!(root.browser.get("/v1/clients").json()["items"].as_array().map(Vec::len), Some(1), "nothing was registered");
            assert_eq!(ask_api(server, &(client.clone(), old.clone()), "GET", "/v1/users").status, if path == new_secret { 200 } else { 401 });
            let done = send(&root.browser, &page, path, &with_secret);
            assert_eq!(done.status, 303, "{path}: {done:?}");
        }
        let all = root.browser.get("/v1/clients").json()["items"].clone();
        for one in all.as_array().expect("clients") {
            let id = one["client_id"].as_str().expect("an ID").to_owned();
            let status = ask_api(server, &(id, SECRET.to_owned()), "GET", "/v1/users").status;
            assert!([200, 403].contains(&status), "the secret that was typed: {one}");
        }
    }

    fn a_refused_form_says_that_its_secret_must_be_entered_again(server) {
        let root = server.administrator();
        let html = root.browser.get("/admin/clients/new").text();
        let typed = [("client_name", "An app"), ("redirect_uris", "http://app.example/callback")];
        let typed = [&typed[..], &LISTS].concat();
        let with_secret = [&typed[..], &[("client_secret", SECRET)]].concat();
        let refused = send(&root.browser, &html, "/admin/clients/new", &with_secret);
        assert_eq!(refused.status, 400, "{refused:?}");
        let page = refused.text();
        assert!(page.contains("Type the client secret again") && !page.contains(SECRET), "{page}");
        let section = page.split("<details").find(|section| section.contains("name=\"client_secret\""));
        assert!(section.is_some_and(|section| section.starts_with(" class=\"panel\" open>")), "{section:?}");
        // If no secret was typed, the page doesn't mention it.
        let refused = send(&root.browser, &html, "/admin/clients/new", &typed);
        assert_eq!(refused.status, 400);
        assert!(!refused.text().contains("Type the client secret again"));
    }

    fn an_entered_secret_is_not_stored_during_a_step_up(server) {
        let mut root = server.administrator();
        let html = root.browser.get("/admin/clients/new").text();
        server.advance_clock(40 * 24 * 3600);
        let sent = send(&root.browser, &html, "/admin/clients/new", &[("client_name", "Typed App"), ("client_secret", SECRET)]);
        let login = sent.header("location").expect("a location").to_owned();
        let browser = root.browser.clone();
        assert_eq!(root.sign_in_at(&browser).status, 200);
        let to = browser.get(&login);
        let page = browser.get(to.header("location").expect("a location")).text();
        let kept = page.split("id=\"restored-form\">").nth(1).and_then(|rest| rest.split("</script>").next());
        let kept: Value = serde_json::from_str(kept.expect("the stored input")).expect("JSON");
        let fields = kept["fields"].as_array().expect("fields");
        assert!(fields.contains(&json!(["client_name", "Typed App"])) && fields.contains(&json!(["secret_left_out", "yes"])), "{kept}");
        assert!(!page.contains(SECRET));
    }
}
