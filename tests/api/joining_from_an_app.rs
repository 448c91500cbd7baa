//! A user without an account comes from an app: the invitation, and the way back to the app.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{RelyingParty, redirect_parameters};
use crate::support::test_user::TestUser;

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

/// Sends a browser to the app's sign-in with `prompt=create`; returns the path of the pending request, and where it redirects to.
fn create(app: &RelyingParty, browser: &TestBrowser) -> (String, String) {
    let path = location(&app.authorize(browser, &[("prompt", "create")]));
    let next = location(&browser.get(&path));
    (path, next)
}

fn bring(browser: &TestBrowser, invitation: &str, id: &str) -> Answer {
    let fields = [("invitation", invitation), ("continue", id)];
    browser.request("POST", "/join").form(&fields).send()
}

fn id_of(path: &str) -> &str {
    path.rsplit('=').next().expect("an id")
}

on_both! {
    fn a_user_who_joins_from_an_app_returns_to_it(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let browser = server.browser();
        let (path, join) = create(&app, &browser);
        assert!(join.starts_with("/join?continue="), "{join}");
        let page = browser.get(&join).text();
        assert!(page.contains("invitation-only") && page.contains("an app"), "{page}");
        assert!(page.contains(&format!("/login?continue={}", id_of(&join))), "{page}");
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let (url, token) = (link["url"].as_str().expect("a link"), link["token"].as_str().expect("a token"));
        let onward = location(&bring(&browser, url, id_of(&join)));
        assert_eq!(onward, format!("/join/{token}?continue={}", id_of(&join)));
        assert!(browser.get(&onward).text().contains(&format!("data-continue=\"{}\"", id_of(&join))));
        let start = json!({ "invitation": token });
        server.advance_clock(1);
        let ada = TestUser::register(browser, SoftAuthenticator::synced(server.origin()), &start);
        let welcome = ada.browser.get(&format!("/welcome?continue={}", id_of(&join))).text();
        assert!(welcome.contains("Continue to an app") && welcome.contains(&path), "{welcome}");
        assert!(welcome.contains("Add a backup passkey"));
        assert!(redirect_parameters(&ada.browser.get(&path)).contains_key("code"));
        // The link is used now, but the page still offers to continue.
        let gone = server.browser().get(&onward);
        assert_eq!(gone.status, 410);
        assert!(gone.text().contains(&format!("/login?continue={}", id_of(&join))));
    }

    fn a_signed_in_user_signs_out_first_and_the_request_stays_pending(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let mut eve = server.create_user(&root, "eve");
        let browser = eve.another_browser();
        let path = location(&app.authorize(&browser, &[("prompt", "create")]));
        let switched = browser.request("POST", &path).page_form(&[("answer", "switch")]).send();
        let login = location(&switched);
        assert!(login.ends_with("&switch=1"), "{login}");
        let page = browser.get(&login).text();
        assert!(page.contains("re signed in as") && page.contains("Have an invitation?"), "{page}");
        assert!(page.contains(&format!("href=\"{path}\"")), "stay: {page}");
        let id = login.split(['=', '&']).nth(1).expect("an id").to_owned();
        assert!(browser.get(&format!("/join?continue={id}")).text().contains("invitation-only"));
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let token = link["token"].as_str().expect("a token");
        let onward = location(&bring(&browser, token, &id));
        assert!(browser.get(&onward).text().contains(&format!("name=\"continue\" value=\"{id}\"")));
        let out = browser.request("POST", &format!("/join/{token}/sign-out")).page_form(&[("continue", &id)]).send();
        assert_eq!(location(&out), onward);
        assert_eq!(browser.get("/v1/session").status, 401);
        let start = json!({ "invitation": token });
        server.advance_clock(1);
        let ada = TestUser::register(browser, SoftAuthenticator::synced(server.origin()), &start);
        assert!(redirect_parameters(&ada.browser.get(&path)).contains_key("code"));
    }

    fn a_link_of_another_site_is_refused(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let token = link["token"].as_str().expect("a token");
        let browser = server.browser();
        for bad in ["", "x", "https://evil.example/", "//evil.example/join", "<script>",
                    &format!("https://evil.example/join/{token}"), &format!("{}/setup/{token}", server.origin())] {
            let answer = bring(&browser, bad, "");
            assert_eq!(answer.status, 400, "{bad}");
            assert!(answer.text().contains("invitation link. Paste the whole link") && !answer.text().contains("<script>"), "{bad}");
        }
        // A malformed ID is not passed on, and an unknown ID leads to the account page.
        assert_eq!(location(&bring(&browser, token, "https://evil.example/")), format!("/join/{token}"));
        let page = browser.get("/join?continue=https://evil.example/").text();
        assert!(!page.contains("evil.example"));
        let unknown = "A".repeat(43);
        assert_eq!(browser.get(&format!("/join?continue={unknown}")).status, 200);
        let welcome = root.browser.get(&format!("/welcome?continue={unknown}")).text();
        assert!(!welcome.contains("Continue to"));
        let forged = browser.request("POST", "/join").without_same_origin().form(&[("invitation", token)]).send();
        assert_eq!(forged.status, 403);
        assert_eq!(browser.request("POST", "/join").form(&[]).send().status, 400);
    }

    fn joining_is_offered_only_to_users_who_come_from_an_app(server) {
        let browser = server.browser();
        assert!(!browser.get("/login").text().contains("Have an invitation?"));
        let own = location(&browser.get("/account"));
        assert!(!browser.get(&own).text().contains("Have an invitation?"));
        let app = server.relying_party(|_| {});
        let path = location(&app.authorize(&browser, &[("login_hint", "ada\"><b>")]));
        let login = location(&browser.get(&path));
        let page = browser.get(&login).text();
        assert!(page.contains(&format!("/join?continue={}", id_of(&login))), "{page}");
        assert!(page.contains(&format!("/lost?continue={}", id_of(&login))), "{page}");
        assert!(page.contains("value=\"ada&#34;&#62;&#60;b&#62;\""), "{page}");
        let lost = browser.get(&format!("/lost?continue={}", id_of(&login))).text();
        assert!(lost.contains(&login));
    }

    fn the_page_says_when_a_device_bound_passkey_is_required(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        root.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let page = |more: &[(&str, &str)]| root.browser.get(&location(&app.authorize(&root.browser, more))).text();
        let stronger = page(&[("acr_values", "urn:doorward:acr:device-bound")]);
        assert!(stronger.contains("requires a device-bound passkey"), "{stronger}");
        let newer = page(&[("prompt", "login")]);
        assert!(newer.contains("needs you to confirm it") && !newer.contains("device-bound passkey"), "{newer}");
        for page in [stronger, newer] {
            assert!(page.contains("value=\"deny\"") && page.contains("value=\"switch\"") && page.contains("Root Admin"));
        }
    }

    fn sign_in_pages_do_not_isolate_the_window_from_its_opener(server) {
        let root = server.administrator();
        for path in ["/login", "/lost", "/join", "/welcome", "/oauth2/logout"] {
            let answer = root.browser.get(path);
            assert_eq!(answer.header("cross-origin-opener-policy"), Some("unsafe-none"), "{path}");
        }
        assert_eq!(root.browser.get("/account").header("cross-origin-opener-policy"), Some("same-origin"));
    }
}
