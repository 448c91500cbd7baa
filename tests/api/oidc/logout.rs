//! Sign-out initiated by an app (RP-Initiated Logout).

use crate::on_both;
use crate::support::fault_sweep::{RepeatableRequest, fault_at_every_step};
use crate::support::http::{Answer, TestBrowser};
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::RelyingParty;
use doorward::clients::{Metadata, RedirectUri};

const AFTER: &str = "https://app.example/signed-out";

fn with_return(metadata: &mut Metadata) {
    metadata.post_logout_redirect_uris = vec![RedirectUri::parse(AFTER).expect("a redirect URI")];
}

fn logout_path(fields: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    format!("/oauth2/logout?{}", query.finish())
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

fn is_signed_in(browser: &TestBrowser) -> bool {
    browser.get("/v1/session").status == 200
}

fn sign_in_for_id_token(app: &RelyingParty, browser: &TestBrowser) -> String {
    app.sign_in(browser, &[]).id_token
}

/// Confirms on the page that asks.
fn confirm(browser: &TestBrowser, page: &Answer) -> Answer {
    let page = page.text();
    let action = page.split("action=\"/oauth2/logout/").nth(1);
    let action = action.and_then(|rest| rest.split('"').next());
    let action = format!("/oauth2/logout/{}", action.expect("a form"));
    browser.request("POST", &action).page_form(&[]).send()
}

on_both! {
    fn a_valid_hint_signs_out_and_redirects_back(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let mut ada = server.create_user(&root, "ada");
        let token = sign_in_for_id_token(&app, &ada.browser);
        let asked = logout_path(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER), ("state", "a b&c")]);
        let answer = ada.browser.get(&asked);
        assert_eq!(location(&answer), format!("{AFTER}?state=a+b%26c"));
        assert!(!is_signed_in(&ada.browser));
        let none = app.authorize(&ada.browser, &[("prompt", "none")]);
        assert!(location(&none).contains("error=login_required"));
        // Also with an expired hint, without state, and without a session.
        let browser = ada.another_browser();
        let token = sign_in_for_id_token(&app, &browser);
        server.advance_clock(3_600);
        let asked = logout_path(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(location(&browser.get(&asked)), AFTER);
        assert!(!is_signed_in(&browser));
        assert_eq!(location(&browser.get(&asked)), AFTER);
    }

    fn without_a_valid_hint_sign_out_needs_confirmation_and_does_not_redirect(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let token = sign_in_for_id_token(&app, &root.browser);
        let forged = format!("{}.{}", token.rsplit_once('.').expect("a JWT").0, "A".repeat(86));
        let unsigned = format!("{}.", token.rsplit_once('.').expect("a JWT").0);
        for fields in [
            vec![],
            vec![("state", "x")],
            vec![("post_logout_redirect_uri", AFTER)],
            vec![("post_logout_redirect_uri", AFTER), ("id_token_hint", forged.as_str())],
            vec![("post_logout_redirect_uri", AFTER), ("id_token_hint", unsigned.as_str())],
        ] {
            let asked = root.browser.get(&logout_path(&fields));
            assert_eq!(asked.status, 200, "{fields:?}");
            assert!(asked.text().contains("Sign out?") && is_signed_in(&root.browser));
        }
        let page = root.browser.get(&logout_path(&[]));
        let action = page.text();
        let action = action.split("action=\"/oauth2/logout/").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let action = format!("/oauth2/logout/{action}");
        let forged = root.browser.request("POST", &action).without_same_origin().send();
        assert_eq!(forged.status, 403);
        assert!(is_signed_in(&root.browser));
        assert_eq!(location(&confirm(&root.browser, &page)), "/login?notice=signed_out");
        assert!(!is_signed_in(&root.browser));
    }

    fn a_valid_hint_with_an_invalid_parameter_signs_out_and_shows_the_error(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let other = server.relying_party(|_| {});
        let mut ada = server.create_user(&root, "ada");
        let added = format!("{AFTER}?foo=bar");
        for (party, address) in [(&app, "https://evil.example/"), (&app, &added), (&other, AFTER)] {
            let browser = ada.another_browser();
            let token = sign_in_for_id_token(party, &browser);
            let asked = logout_path(&[("id_token_hint", &token), ("post_logout_redirect_uri", address), ("state", "x")]);
            let answer = browser.request("GET", &asked).header("Accept", "text/html").send();
            assert_eq!((answer.status, answer.header("location")), (400, None), "{address}");
            assert!(answer.text().contains("signed out") && answer.text().contains("post_logout_redirect_uri"), "{}", answer.text());
            assert!(!is_signed_in(&browser), "{address}");
            // A repeated request gets the same response.
            assert_eq!(browser.get(&asked).status, 400);
        }
    }

    fn a_hint_for_another_client_than_client_id_is_not_accepted(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let other = server.relying_party(|_| {});
        let token = sign_in_for_id_token(&app, &root.browser);
        let asked = logout_path(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER), ("client_id", &other.id)]);
        let answer = root.browser.get(&asked);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.text().contains("Sign out?") && is_signed_in(&root.browser));
        // Without a cookie, no session is ended.
        assert_eq!(server.browser().get(&asked).status, 400);
        assert!(is_signed_in(&root.browser));
    }

    fn a_registered_uri_without_a_hint_is_followed_after_confirmation(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let other = server.relying_party(|_| {});
        let mut ada = server.create_user(&root, "ada");
        let asked = logout_path(&[("client_id", &app.id), ("post_logout_redirect_uri", AFTER), ("state", "s")]);
        let page = ada.browser.get(&asked);
        assert_eq!(page.status, 200);
        assert!(is_signed_in(&ada.browser), "not before the user's consent");
        let left = confirm(&ada.browser, &page);
        assert_eq!(location(&left), format!("{AFTER}?state=s"));
        assert!(!is_signed_in(&ada.browser));
        // There is no session any more, so no confirmation is needed.
        assert_eq!(location(&ada.browser.get(&asked)), format!("{AFTER}?state=s"));
        // An unregistered URI is never redirected to; the user is signed out, and the page says why it doesn't redirect.
        for (client, address) in [(app.id.as_str(), "https://evil.example/"), (other.id.as_str(), AFTER), ("x", AFTER), ("", AFTER)] {
            let browser = ada.another_browser();
            let asked = logout_path(&[("client_id", client), ("post_logout_redirect_uri", address)]);
            let page = browser.get(&asked);
            assert_eq!(page.status, 200, "{client} {address}");
            let left = confirm(&browser, &page);
            let told = browser.get(&location(&left));
            assert_eq!((told.status, told.header("location")), (400, None), "{client} {address}");
            assert!(!is_signed_in(&browser));
        }
        let twice = format!("{}&client_id={}", logout_path(&[("client_id", &app.id)]), other.id);
        let browser = ada.another_browser();
        assert_eq!(browser.get(&twice).status, 200, "a request that can't be read still has its button");
        assert_eq!(server.browser().get(&twice).status, 400);
    }

    fn a_hint_without_the_cookie_ends_the_session_that_it_names(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let mut ada = server.create_user(&root, "ada");
        let eve = server.create_user(&root, "eve");
        let offline = app.sign_in(&ada.browser, &[("scope", "openid offline_access")]);
        let other_browser = ada.another_browser();
        let held = app.sign_in(&ada.browser, &[]);
        let asked = logout_path(&[("id_token_hint", &held.id_token), ("post_logout_redirect_uri", AFTER), ("state", "x")]);
        // The app's server sends no cookie.
        assert_eq!(location(&server.browser().get(&asked)), format!("{AFTER}?state=x"));
        assert!(!is_signed_in(&ada.browser));
        assert_eq!(app.user_info(&held.access).status, 401);
        assert!(is_signed_in(&other_browser) && is_signed_in(&eve.browser) && is_signed_in(&root.browser), "only that session");
        // As with every sign-out, offline access stays.
        assert_eq!(app.refresh(&offline.refresh).status, 200);
        let event = root.browser.get("/v1/audit-events?action=session.ended").json()["items"][0].clone();
        assert_eq!((&event["actor"], &event["subject"]), (&serde_json::json!(format!("client:{}", app.id)), &serde_json::json!(ada.id)));
        assert_eq!(event["details"]["session"], held.id_claims["sid"]);
        // A posted request is redirected to itself, also without a cookie.
        let token = sign_in_for_id_token(&app, &other_browser);
        let posted = server.browser().request("POST", "/oauth2/logout").without_same_origin()
            .form(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER)]).send();
        assert_eq!(location(&server.browser().get(&location(&posted))), AFTER);
        assert!(!is_signed_in(&other_browser));
    }

    fn an_invalid_hint_without_the_cookie_ends_no_session(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let disabled = server.relying_party(with_return);
        let mut ada = server.create_user(&root, "ada");
        let stale = sign_in_for_id_token(&app, &ada.browser);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        let browser = ada.another_browser();
        let issued = app.sign_in(&browser, &[]);
        let genuine = issued.id_token.clone();
        let signed = genuine.rsplit_once('.').expect("a JWT").0.to_owned();
        let from_disabled = sign_in_for_id_token(&disabled, &browser);
        let id = doorward::base::ids::ClientId::parse(&disabled.id).expect("an id");
        server.run(server.app.clients.disable(id, None, doorward::clients::ActingAs::command())).expect("disabled");
        for token in [
            format!("{signed}.{}", "A".repeat(86)), format!("{signed}."), issued.access.clone(), issued.refresh.clone(),
            stale, from_disabled, "x".into(),
        ] {
            for more in [vec![], vec![("client_id", app.id.as_str()), ("post_logout_redirect_uri", AFTER)]] {
                let fields: Vec<(&str, &str)> = [("id_token_hint", token.as_str())].into_iter().chain(more).collect();
                let answer = server.browser().get(&logout_path(&fields));
                assert!([303, 400].contains(&answer.status), "{answer:?}");
                assert!(is_signed_in(&browser), "{token}");
            }
        }
        let ended = root.browser.get("/v1/audit-events?action=session.ended").json();
        assert_eq!(ended["items"].as_array().map(Vec::len), Some(1), "{ended}");
    }

    fn exactly_one_of_twenty_sign_outs_without_the_cookie_ends_the_session(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let ada = server.create_user(&root, "ada");
        let asked = logout_path(&[("id_token_hint", &sign_in_for_id_token(&app, &ada.browser)), ("post_logout_redirect_uri", AFTER)]);
        let answers = race(vec![server.browser(); RUNNERS], |browser| browser.get(&asked));
        assert!(answers.iter().all(|answer| location(answer) == AFTER), "{answers:?}");
        assert!(!is_signed_in(&ada.browser));
        let ended = root.browser.get("/v1/audit-events?action=session.ended").json();
        assert_eq!(ended["items"].as_array().map(Vec::len), Some(1), "{ended}");
    }

    fn a_repeated_sign_out_without_the_cookie_succeeds(server) {
        let root = server.administrator();
        let app = &server.relying_party(with_return);
        let ada = server.create_user(&root, "ada");
        let client = &server.browser();
        fault_at_every_step(&server.fault_injector, "logout without a cookie", || {
            let browser = ada.clone().another_browser();
            let asked = logout_path(&[("id_token_hint", &sign_in_for_id_token(app, &browser)), ("post_logout_redirect_uri", AFTER)]);
            let is_done = move |answer: &Answer| answer.status == 303 && !is_signed_in(&browser);
            RepeatableRequest::repeatable(move || client.get(&asked), is_done)
        });
    }

    fn another_users_hint_requires_confirmation(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(with_return);
        let adas = sign_in_for_id_token(&app, &ada.browser);
        let asked = root.browser.get(&logout_path(&[("id_token_hint", &adas), ("post_logout_redirect_uri", AFTER)]));
        assert_eq!(asked.status, 200);
        assert!(is_signed_in(&root.browser));
    }

    fn another_sessions_hint_requires_confirmation(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let mut ada = server.create_user(&root, "ada");
        let old = sign_in_for_id_token(&app, &ada.browser);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        let browser = ada.another_browser();
        let asked = logout_path(&[("id_token_hint", &old), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(browser.get(&asked).status, 200);
        assert!(is_signed_in(&browser));
        // A hint from the previous session counts for a new session of the same user in the same browser.
        let told = sign_in_for_id_token(&app, &browser);
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        let asked = logout_path(&[("id_token_hint", &told), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(location(&browser.get(&asked)), AFTER);
        assert!(!is_signed_in(&browser));
    }

    fn a_posted_sign_out_request_is_repeated_with_the_cookie(server) {
        let root = server.administrator();
        let app = server.relying_party(with_return);
        let token = sign_in_for_id_token(&app, &root.browser);
        let posted = server.browser().request("POST", "/oauth2/logout").header("Origin", "https://app.example")
            .header("Sec-Fetch-Site", "cross-site").form(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER)]).send();
        let back = location(&posted);
        assert!(back.starts_with("/oauth2/logout/"));
        assert_eq!(location(&root.browser.get(&back)), AFTER);
        assert!(!is_signed_in(&root.browser));
    }
}
