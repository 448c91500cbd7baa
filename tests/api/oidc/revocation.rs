//! Revoked access is refused at the next request, at every endpoint and every instance.

use doorward::clients::AccessTokenFormat;
use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of};
use crate::support::test_server::TestServer;

/// Checks that all tokens of a client are refused.
fn is_dead(app: &RelyingParty, held: &TokenSet) {
    assert_eq!(app.user_info(&held.access).status, 401);
    assert_eq!(app.introspect(&held.access), json!({ "active": false }));
    assert_eq!(app.introspect(&held.refresh), json!({ "active": false }));
    assert_eq!(error_of(&app.refresh(&held.refresh)), "invalid_grant");
}

fn is_alive(app: &RelyingParty, held: &TokenSet) {
    assert_eq!(app.user_info(&held.access).status, 200);
    assert_eq!(app.introspect(&held.access)["active"], json!(true));
    assert_eq!(app.introspect(&held.refresh)["active"], json!(true));
}

/// Returns the app, connected to a second instance.
fn elsewhere(server: &mut TestServer, app: &RelyingParty) -> RelyingParty {
    let second = server.another_instance();
    app.at_port(server.port(second))
}

const OFFLINE: [(&str, &str); 1] = [("scope", "openid offline_access")];

on_both! {
    fn a_revoked_passkey_ends_everything_that_rests_on_it(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(|_| {});
        let there = elsewhere(server, &app);
        let (online, offline) = (app.sign_in(&ada.browser, &[]), app.sign_in(&ada.browser, &OFFLINE));
        let opaque = server.relying_party(|metadata| metadata.access_token_format = AccessTokenFormat::Opaque);
        let sealed = opaque.sign_in(&ada.browser, &[]);
        assert!(!sealed.access.contains('.'));
        let roots = app.sign_in(&root.browser, &[]);
        for held in [&online, &offline] {
            is_alive(&there, held);
        }
        is_alive(&opaque, &sealed);
        let path = format!("/v1/users/ada/passkeys/{}", ada.passkey);
        assert_eq!(root.browser.delete(&path).status, 200);
        for held in [&online, &offline] {
            is_dead(&there, held);
        }
        is_dead(&opaque.at_port(server.port(1)), &sealed);
        is_alive(&there, &roots);
    }

    fn a_session_raised_by_another_passkey_rests_on_both(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (device, second) = ada.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let mut with_key = crate::support::test_user::TestUser { device, ..ada.clone() };
        let app = server.relying_party(|_| {});
        let before = app.sign_in(&with_key.browser, &[]);
        server.pass(1);
        assert_eq!(with_key.step_up().status, 200);
        let after = app.sign_in(&with_key.browser, &[]);
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/passkeys/{second}")).status, 200);
        is_dead(&app, &after);
        // The session has ended, so what was issued before it used the passkey has ended too.
        is_dead(&app, &before);
    }

    fn suspension_the_end_of_all_and_of_one_session_end_tokens(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let there = elsewhere(server, &app);
        let mut ada = server.create_user(&root, "ada");
        let sid = |held: &TokenSet| held.id_claims["sid"].as_str().expect("a sid").to_owned();
        let one = app.sign_in(&ada.browser, &OFFLINE);
        let other_browser = ada.another_browser();
        let other = app.sign_in(&other_browser, &OFFLINE);
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/sessions/{}", sid(&one))).status, 200);
        is_dead(&there, &one);
        is_alive(&there, &other);
        assert_eq!(root.browser.delete("/v1/users/ada/sessions").status, 200);
        is_dead(&there, &other);
        let browser = ada.another_browser();
        let last = app.sign_in(&browser, &OFFLINE);
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        is_dead(&there, &last);
        assert_eq!(root.browser.post_json("/v1/users/ada/reactivate", &json!({})).status, 204);
        is_dead(&there, &last);
    }

    fn ending_all_others_keeps_what_this_session_gave(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let app = server.relying_party(|_| {});
        let other_browser = ada.another_browser();
        let (own, other) = (app.sign_in(&ada.browser, &[]), app.sign_in(&other_browser, &[]));
        assert_eq!(ada.browser.delete("/v1/me/sessions").status, 200);
        is_dead(&app, &other);
        let renewed = TokenSet::read(&app.refresh(&own.refresh));
        is_alive(&app, &renewed);
    }

    fn a_disabled_client_holds_nothing_and_gets_nothing(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let watcher = server.client(&["tokens:introspect"]);
        let held = app.sign_in(&root.browser, &[]);
        let second = server.another_instance();
        let ask = || server.browser().at_port(server.port(second)).request("POST", "/oauth2/introspect").without_same_origin()
            .form(&[("token", &held.access)]).basic(&watcher.0, &watcher.1).send().json();
        assert_eq!(ask()["active"], json!(true));
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.disable(app.id.parse().expect("an id"), None, author)).expect("disabled");
        assert_eq!(ask(), json!({ "active": false }));
        let id = app.id.parse().expect("an id");
        let there = app.at_port(server.port(second));
        assert_eq!(there.user_info(&held.access).status, 401);
        assert_eq!(there.refresh(&held.refresh).status, 401);
        assert_eq!(error_of(&there.refresh(&held.refresh)), "invalid_client");
        assert_eq!(app.authorize(&root.browser, &[]).status, 400);
        // Enabled again, the client doesn't get its earlier access back.
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.enable(id, None, author)).expect("enabled");
        is_dead(&there, &held);
        is_alive(&there, &app.sign_in(&root.browser, &[]));
    }

    fn a_scope_that_is_taken_from_an_app_is_gone_from_what_it_holds(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&root.browser, &OFFLINE);
        let online = app.sign_in(&root.browser, &[]);
        let change = doorward::clients::ClientChange { scope: Some("openid".into()), ..Default::default() };
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.update(app.id.parse().expect("an id"), change, None, author)).expect("changed");
        assert_eq!(app.introspect(&online.access)["scope"], json!("openid"));
        assert_eq!(app.user_info(&online.access).json(), json!({ "sub": root.id }));
        assert_eq!(TokenSet::read(&app.refresh(&online.refresh)).answer["scope"], json!("openid"));
        assert_eq!(error_of(&app.refresh(&held.refresh)), "invalid_grant");
    }

    fn more_sign_ins_than_anybody_needs_end_the_oldest(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        server.pass(1);
        for _ in 0..99 {
            app.code(&root.browser, &[]);
        }
        is_alive(&app, &first);
        let last = app.sign_in(&root.browser, &[]);
        is_dead(&app, &first);
        is_alive(&app, &last);
    }

    fn a_role_that_the_app_is_for_is_asked_at_every_use(server) {
        let root = server.administrator();
        let ada = server.create_user_with(&root, &json!({ "username": "ada", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        let app = server.relying_party(|metadata| metadata.allowed_roles = vec!["admin".into()]);
        let held = app.sign_in(&ada.browser, &[]);
        is_alive(&app, &held);
        let patched = root.browser.request("PATCH", "/v1/users/ada").header("If-Match", "\"2\"").json(&json!({ "roles": [] })).send();
        assert_eq!(patched.status, 200, "{patched:?}");
        is_dead(&app, &held);
    }

    fn a_token_that_is_not_accepted_for_now_is_revoked_for_good(server) {
        let root = server.administrator();
        let ada = server.create_user_with(&root, &json!({ "username": "ada", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let app = server.relying_party(|metadata| {
                metadata.allowed_roles = vec!["admin".into()];
                metadata.access_token_format = format;
            });
            let (given_back, kept) = (app.sign_in(&ada.browser, &[]), app.sign_in(&ada.browser, &[]));
            let change_roles = |roles: &[&str]| {
                let tag = root.browser.get("/v1/users/ada").header("etag").expect("a version").to_owned();
                let patched = root.browser.request("PATCH", "/v1/users/ada").header("If-Match", &tag).json(&json!({ "roles": roles })).send();
                assert_eq!(patched.status, 200, "{patched:?}");
            };
            change_roles(&[]);
            assert_eq!(app.user_info(&given_back.access).status, 401);
            assert_eq!(error_of(&server.relying_party(|_| {}).revoke(&given_back.access)), "invalid_grant");
            assert_eq!(app.revoke(&given_back.access).status, 200);
            change_roles(&["admin"]);
            is_alive(&app, &kept);
            is_dead(&app, &given_back);
        }
    }

    fn a_token_given_back_ends_its_authorization(server) {
        let root = server.administrator();
        let (app, other) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let first = app.sign_in(&root.browser, &[]);
        let beside = app.sign_in(&root.browser, &[]);
        assert_eq!(error_of(&other.revoke(&first.access)), "invalid_grant");
        assert_eq!(error_of(&other.revoke(&first.refresh)), "invalid_grant");
        is_alive(&app, &first);
        for _ in 0..2 {
            assert_eq!(app.revoke(&first.refresh).status, 200);
        }
        is_dead(&app, &first);
        is_alive(&app, &beside);
        assert_eq!(app.revoke(&beside.access).status, 200);
        is_dead(&app, &beside);
        assert_eq!(app.revoke("whatever").status, 200);
        assert_eq!(error_of(&app.post("/oauth2/revoke", &[])), "invalid_request");
    }

    fn more_revocations_than_a_record_holds_are_all_in_force(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held: Vec<TokenSet> = (0..70).map(|_| app.sign_in(&root.browser, &[])).collect();
        for one in &held {
            assert_eq!(app.revoke(&one.access).status, 200);
        }
        for one in &held {
            assert_eq!(app.introspect(&one.access), json!({ "active": false }));
        }
        let live = app.sign_in(&root.browser, &[]);
        is_alive(&app, &live);
    }

    fn a_sign_in_of_the_same_person_keeps_what_was_given_and_of_another_ends_it(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let mut eve = server.create_user(&root, "eve");
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&ada.browser, &[]);
        let browser = ada.browser.clone();
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        is_alive(&app, &held);
        let again = app.sign_in(&browser, &[]);
        assert_eq!(eve.sign_in_at(&browser).status, 200);
        is_dead(&app, &again);
        is_dead(&app, &held);
    }

    fn with_the_database_away_a_withdrawn_token_stays_dead(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&root.browser, &[]);
        assert_eq!(app.revoke(&held.access).status, 200);
        server.restart(0);
        is_dead(&app, &held);
    }
}
