//! Revoked access is refused at the next request, at every endpoint and every instance.

use doorward::clients::AccessTokenFormat;
use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of};
use crate::support::test_server::TestServer;

/// Checks that all tokens of a client are refused.
fn assert_revoked(app: &RelyingParty, held: &TokenSet) {
    assert_eq!(app.user_info(&held.access).status, 401);
    assert_eq!(app.introspect(&held.access), json!({ "active": false }));
    assert_eq!(app.introspect(&held.refresh), json!({ "active": false }));
    assert_eq!(error_of(&app.refresh(&held.refresh)), "invalid_grant");
}

fn assert_active(app: &RelyingParty, held: &TokenSet) {
    assert_eq!(app.user_info(&held.access).status, 200);
    assert_eq!(app.introspect(&held.access)["active"], json!(true));
    assert_eq!(app.introspect(&held.refresh)["active"], json!(true));
}

/// Returns the app, connected to a second instance.
fn at_second_instance(server: &mut TestServer, app: &RelyingParty) -> RelyingParty {
    let second = server.another_instance();
    app.at_port(server.port(second))
}

const OFFLINE: [(&str, &str); 1] = [("scope", "openid offline_access")];

on_both! {
    fn revoking_a_passkey_ends_every_authorization_based_on_it(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(|_| {});
        let there = at_second_instance(server, &app);
        let (online, offline) = (app.sign_in(&ada.browser, &[]), app.sign_in(&ada.browser, &OFFLINE));
        let opaque = server.relying_party(|metadata| metadata.access_token_format = AccessTokenFormat::Opaque);
        let sealed = opaque.sign_in(&ada.browser, &[]);
        assert!(!sealed.access.contains('.'));
        let roots = app.sign_in(&root.browser, &[]);
        for held in [&online, &offline] {
            assert_active(&there, held);
        }
        assert_active(&opaque, &sealed);
        let path = format!("/v1/users/ada/passkeys/{}", ada.passkey);
        assert_eq!(root.browser.delete(&path).status, 200);
        for held in [&online, &offline] {
            assert_revoked(&there, held);
        }
        assert_revoked(&opaque.at_port(server.port(1)), &sealed);
        assert_active(&there, &roots);
    }

    fn a_session_stepped_up_with_another_passkey_depends_on_both(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (device, second) = ada.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let mut with_key = crate::support::test_user::TestUser { device, ..ada.clone() };
        let app = server.relying_party(|_| {});
        let before = app.sign_in(&with_key.browser, &[]);
        server.advance_clock(1);
        assert_eq!(with_key.step_up().status, 200);
        let after = app.sign_in(&with_key.browser, &[]);
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/passkeys/{second}")).status, 200);
        assert_revoked(&app, &after);
        // The session has ended, so what was issued before it used the passkey has ended too.
        assert_revoked(&app, &before);
    }

    fn suspending_a_user_and_ending_sessions_revoke_tokens(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let there = at_second_instance(server, &app);
        let mut ada = server.create_user(&root, "ada");
        let sid = |held: &TokenSet| held.id_claims["sid"].as_str().expect("a sid").to_owned();
        let one = app.sign_in(&ada.browser, &OFFLINE);
        let other_browser = ada.another_browser();
        let other = app.sign_in(&other_browser, &OFFLINE);
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/sessions/{}", sid(&one))).status, 200);
        assert_revoked(&there, &one);
        assert_active(&there, &other);
        assert_eq!(root.browser.delete("/v1/users/ada/sessions").status, 200);
        assert_revoked(&there, &other);
        let browser = ada.another_browser();
        let last = app.sign_in(&browser, &OFFLINE);
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        assert_revoked(&there, &last);
        assert_eq!(root.browser.post_json("/v1/users/ada/reactivate", &json!({})).status, 204);
        assert_revoked(&there, &last);
    }

    fn ending_other_sessions_keeps_this_sessions_authorizations(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let app = server.relying_party(|_| {});
        let other_browser = ada.another_browser();
        let (own, other) = (app.sign_in(&ada.browser, &[]), app.sign_in(&other_browser, &[]));
        assert_eq!(ada.browser.delete("/v1/me/sessions").status, 200);
        assert_revoked(&app, &other);
        let renewed = TokenSet::read(&app.refresh(&own.refresh));
        assert_active(&app, &renewed);
    }

    fn a_disabled_client_loses_its_tokens_and_gets_no_new_ones(server) {
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
        assert_revoked(&there, &held);
        assert_active(&there, &app.sign_in(&root.browser, &[]));
    }

    fn a_scope_removed_from_an_app_is_removed_from_issued_tokens(server) {
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

    fn sign_ins_over_the_limit_end_the_oldest_authorization(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        server.advance_clock(1);
        for _ in 0..99 {
            app.code(&root.browser, &[]);
        }
        assert_active(&app, &first);
        let last = app.sign_in(&root.browser, &[]);
        assert_revoked(&app, &first);
        assert_active(&app, &last);
    }

    fn required_roles_are_checked_at_every_use(server) {
        let root = server.administrator();
        let ada = server.create_user_with(&root, &json!({ "username": "ada", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        let app = server.relying_party(|metadata| metadata.allowed_roles = vec!["admin".into()]);
        let held = app.sign_in(&ada.browser, &[]);
        assert_active(&app, &held);
        let patched = root.browser.request("PATCH", "/v1/users/ada").header("If-Match", "\"2\"").json(&json!({ "roles": [] })).send();
        assert_eq!(patched.status, 200, "{patched:?}");
        assert_revoked(&app, &held);
    }

    fn a_temporarily_refused_token_can_be_revoked_permanently(server) {
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
            assert_active(&app, &kept);
            assert_revoked(&app, &given_back);
        }
    }

    fn revoking_a_token_ends_its_authorization(server) {
        let root = server.administrator();
        let (app, other) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let first = app.sign_in(&root.browser, &[]);
        let beside = app.sign_in(&root.browser, &[]);
        assert_eq!(error_of(&other.revoke(&first.access)), "invalid_grant");
        assert_eq!(error_of(&other.revoke(&first.refresh)), "invalid_grant");
        assert_active(&app, &first);
        for _ in 0..2 {
            assert_eq!(app.revoke(&first.refresh).status, 200);
        }
        assert_revoked(&app, &first);
        assert_active(&app, &beside);
        assert_eq!(app.revoke(&beside.access).status, 200);
        assert_revoked(&app, &beside);
        assert_eq!(app.revoke("whatever").status, 200);
        assert_eq!(error_of(&app.post("/oauth2/revoke", &[])), "invalid_request");
    }

    fn revocations_beyond_the_records_capacity_all_take_effect(server) {
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
        assert_active(&app, &live);
    }

    fn a_new_sign_in_ends_authorizations_only_of_another_user(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let mut eve = server.create_user(&root, "eve");
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&ada.browser, &[]);
        let browser = ada.browser.clone();
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        assert_active(&app, &held);
        let again = app.sign_in(&browser, &[]);
        assert_eq!(eve.sign_in_at(&browser).status, 200);
        assert_revoked(&app, &again);
        assert_revoked(&app, &held);
    }

    fn without_the_database_a_revoked_token_stays_revoked(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&root.browser, &[]);
        assert_eq!(app.revoke(&held.access).status, 200);
        server.restart(0);
        assert_revoked(&app, &held);
    }
}
