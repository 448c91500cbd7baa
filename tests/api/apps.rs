//! Apps with access to the user's own account: listing them and withdrawing access.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{RelyingParty, TokenSet, error_of, redirect_parameters};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn app_with_consent(server: &TestServer) -> RelyingParty {
    server.relying_party(|metadata| metadata.require_consent = true)
}

/// Gives an app consent for `scope`.
fn grant_consent(app: &RelyingParty, person: &TestUser, scope: &str) -> TokenSet {
    let asked = app.authorize(&person.browser, &[("scope", scope)]);
    let path = asked.header("location").expect("a location");
    let request = person.browser.request("POST", path);
    let sent = request.page_form(&[("answer", "allow")]).send();
    TokenSet::read(&app.redeem(&redirect_parameters(&sent)["code"]))
}

fn listed(person: &TestUser) -> Vec<Value> {
    let answer = person.browser.get("/v1/me/apps");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().expect("a list").clone()
}

on_both! {
    fn withdrawn_access_is_refused_by_every_instance(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = app_with_consent(server);
        let elsewhere = app.at_port(server.port(second));
        assert_eq!(listed(&ada), Vec::<Value>::new());
        let held = grant_consent(&app, &ada, "openid email offline_access");
        assert_eq!(elsewhere.user_info(&held.access).status, 200);
        let apps = listed(&ada);
        assert_eq!(apps.len(), 1);
        assert_eq!((&apps[0]["client_id"], &apps[0]["client_name"]), (&json!(app.id), &json!("an app")));
        assert_eq!(apps[0]["scope"], "email offline_access openid");
        assert!(apps[0]["since"].is_string());
        let path = format!("/v1/me/apps/{}", app.id);
        assert_eq!(ada.browser.delete(&path).status, 204);
        assert_eq!(elsewhere.user_info(&held.access).status, 401);
        assert_eq!(elsewhere.introspect(&held.access), json!({ "active": false }));
        assert_eq!(error_of(&elsewhere.refresh(&held.refresh)), "invalid_grant");
        assert_eq!(listed(&ada), Vec::<Value>::new());
        assert_eq!(ada.browser.delete(&path).status, 404, "there is nothing left");
        let event = root.browser.get("/v1/audit-events?action=consent.withdrawn").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("user:{}", ada.id)), "{event}");
    }

    fn an_app_without_consent_is_listed_while_it_has_a_live_authorization(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&root.browser, &[]);
        assert_eq!(listed(&root).len(), 1);
        assert_eq!(root.browser.delete(&format!("/v1/me/apps/{}", app.id)).status, 204);
        assert_eq!(app.user_info(&held.access).status, 401);
        assert_eq!(listed(&root), Vec::<Value>::new());
    }

    fn users_cannot_withdraw_another_users_authorization(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = app_with_consent(server);
        let held = grant_consent(&app, &ada, "openid");
        let path = format!("/v1/me/apps/{}", app.id);
        assert_eq!(root.browser.delete(&path).status, 404);
        assert_eq!(server.browser().get("/v1/me/apps").status, 401);
        assert_eq!(server.browser().delete(&path).status, 401);
        for malformed in ["x", "00000000-0000-0000-0000-000000000000"] {
            assert_eq!(ada.browser.delete(&format!("/v1/me/apps/{malformed}")).status, 404);
        }
        // Neither a client secret nor a token gives access to endpoints that need the user's session.
        let secret = app.secret.as_deref().expect("a secret");
        assert_eq!(ada.browser.request("GET", "/v1/me/apps").basic(&app.id, secret).send().status, 401);
        assert_eq!(ada.browser.request("DELETE", &path).bearer(&held.access).send().status, 401);
        let forged = ada.browser.request("DELETE", &path).without_same_origin().send();
        assert_eq!(forged.status, 403);
        let withdraw = format!("/account/apps/{}/withdraw", app.id);
        assert_eq!(ada.browser.request("POST", &withdraw).without_same_origin().form(&[]).send().status, 403);
        assert_eq!(app.user_info(&held.access).status, 200);
    }

    fn the_page_lists_and_withdraws(server) {
        let root = server.administrator();
        let app = app_with_consent(server);
        assert!(root.browser.get("/account").text().contains("No apps have access"));
        let held = grant_consent(&app, &root, "openid phone");
        let page = root.browser.get("/account").text();
        assert!(page.contains("an app") && page.contains("app.example") && page.contains("see your phone number"), "{page}");
        let withdraw = format!("/account/apps/{}/withdraw", app.id);
        for _ in 0..2 {
            let answer = root.browser.request("POST", &withdraw).page_form(&[]).send();
            assert_eq!((answer.status, answer.header("location")), (303, Some("/account?notice=app_withdrawn")));
        }
        assert_eq!(app.user_info(&held.access).status, 401);
        assert!(root.browser.get("/account").text().contains("No apps have access"));
        assert_eq!(root.browser.request("POST", "/account/apps/a~b:c/withdraw").page_form(&[]).send().status, 404);
    }

    fn exactly_one_of_twenty_withdrawals_takes_effect(server) {
        let root = server.administrator();
        let app = app_with_consent(server);
        grant_consent(&app, &root, "openid");
        let path = format!("/v1/me/apps/{}", app.id);
        let answers = race(vec![root.browser.clone(); RUNNERS], |browser| browser.delete(&path).status);
        let count = |status: u16| answers.iter().filter(|answer| **answer == status).count();
        assert_eq!((count(204), count(404)), (1, RUNNERS - 1), "{answers:?}");
    }
}
