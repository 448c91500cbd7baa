//! An app sends somebody here to sign out.

use crate::on_both;
use crate::support::http::{Answer, Browserless};
use crate::support::relying_party::RelyingParty;
use doorward::clients::{Metadata, RedirectUri};

const AFTER: &str = "https://app.example/signed-out";

fn with_return(metadata: &mut Metadata) {
    metadata.post_logout_redirect_uris = vec![RedirectUri::parse(AFTER).expect("an address")];
}

fn path(fields: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    format!("/oauth2/logout?{}", query.finish())
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

fn is_signed_in(browser: &Browserless) -> bool {
    browser.get("/v1/session").status == 200
}

fn hint(app: &RelyingParty, browser: &Browserless) -> String {
    app.sign_in(browser, &[]).id_token
}

on_both! {
    fn a_genuine_hint_signs_out_and_sends_back(house) {
        let root = house.administrator();
        let app = house.party(with_return);
        let mut ada = house.person(&root, "ada");
        let token = hint(&app, &ada.browser);
        let asked = path(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER), ("state", "a b&c")]);
        let answer = ada.browser.get(&asked);
        assert_eq!(location(&answer), format!("{AFTER}?state=a+b%26c"));
        assert!(!is_signed_in(&ada.browser));
        let none = app.authorize(&ada.browser, &[("prompt", "none")]);
        assert!(location(&none).contains("error=login_required"));
        // An expired one too, without state, and where nobody is signed in any more.
        let browser = ada.another_browser();
        let token = hint(&app, &browser);
        house.pass(3_600);
        let asked = path(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(location(&browser.get(&asked)), AFTER);
        assert!(!is_signed_in(&browser));
        assert_eq!(location(&browser.get(&asked)), AFTER);
    }

    fn without_a_genuine_hint_the_person_is_asked_and_goes_nowhere(house) {
        let root = house.administrator();
        let app = house.party(with_return);
        let token = hint(&app, &root.browser);
        let forged = format!("{}.{}", token.rsplit_once('.').expect("a JWT").0, "A".repeat(86));
        let unsigned = format!("{}.", token.rsplit_once('.').expect("a JWT").0);
        for fields in [
            vec![],
            vec![("state", "x")],
            vec![("post_logout_redirect_uri", AFTER)],
            vec![("post_logout_redirect_uri", AFTER), ("client_id", app.id.as_str())],
            vec![("post_logout_redirect_uri", AFTER), ("id_token_hint", forged.as_str())],
            vec![("post_logout_redirect_uri", AFTER), ("id_token_hint", unsigned.as_str())],
        ] {
            let asked = root.browser.get(&path(&fields));
            assert_eq!(asked.status, 200, "{fields:?}");
            assert!(asked.text().contains("Sign out?") && is_signed_in(&root.browser));
        }
        let page = root.browser.get(&path(&[])).text();
        let action = page.split("action=\"/oauth2/logout/").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let action = format!("/oauth2/logout/{action}");
        let forged = root.browser.request("POST", &action).without_same_origin().send();
        assert_eq!(forged.status, 403);
        assert!(is_signed_in(&root.browser));
        let left = root.browser.request("POST", &action).page_form(&[]).send();
        assert_eq!(location(&left), "/login?notice=signed_out");
        assert!(!is_signed_in(&root.browser));
    }

    fn an_address_that_is_not_registered_is_never_gone_to(house) {
        let root = house.administrator();
        let app = house.party(with_return);
        let other = house.party(|_| {});
        let token = hint(&app, &root.browser);
        let others = hint(&other, &root.browser);
        let added = format!("{AFTER}?foo=bar");
        for fields in [
            [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", "https://evil.example/"), ("state", "x")],
            [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", added.as_str()), ("state", "x")],
            [("id_token_hint", others.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "x")],
            [("id_token_hint", token.as_str()), ("post_logout_redirect_uri", AFTER), ("client_id", other.id.as_str())],
        ] {
            assert_eq!(root.browser.get(&path(&fields)).status, 400, "{fields:?}");
            assert!(is_signed_in(&root.browser));
        }
    }

    fn somebody_elses_hint_asks_first(house) {
        let root = house.administrator();
        let ada = house.person(&root, "ada");
        let app = house.party(with_return);
        let adas = hint(&app, &ada.browser);
        let asked = root.browser.get(&path(&[("id_token_hint", &adas), ("post_logout_redirect_uri", AFTER)]));
        assert_eq!(asked.status, 200);
        assert!(is_signed_in(&root.browser));
    }

    fn a_hint_of_another_session_asks_first(house) {
        let root = house.administrator();
        let app = house.party(with_return);
        let mut ada = house.person(&root, "ada");
        let old = hint(&app, &ada.browser);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        let browser = ada.another_browser();
        let asked = path(&[("id_token_hint", &old), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(browser.get(&asked).status, 200);
        assert!(is_signed_in(&browser));
        // Signed in anew in the same browser, what the session before gave is this one's.
        let told = hint(&app, &browser);
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        let asked = path(&[("id_token_hint", &told), ("post_logout_redirect_uri", AFTER)]);
        assert_eq!(location(&browser.get(&asked)), AFTER);
        assert!(!is_signed_in(&browser));
    }

    fn a_posted_request_comes_back_with_the_cookie(house) {
        let root = house.administrator();
        let app = house.party(with_return);
        let token = hint(&app, &root.browser);
        let posted = house.browser().request("POST", "/oauth2/logout").header("Origin", "https://app.example")
            .header("Sec-Fetch-Site", "cross-site").form(&[("id_token_hint", &token), ("post_logout_redirect_uri", AFTER)]).send();
        let back = location(&posted);
        assert!(back.starts_with("/oauth2/logout/"));
        assert_eq!(location(&root.browser.get(&back)), AFTER);
        assert!(!is_signed_in(&root.browser));
    }
}
