//! Links created with a stolen session or token become invalid when that session or token is revoked.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use doorward::base::clock::Timestamp;
use doorward::base::ids::UserId;
use doorward::clients::{GrantType, Metadata, RedirectUri, Scopes};
use doorward::db::schema::{account_states, sessions};
use serde_json::{Value, json};

use super::concurrent_revocation::{Work, send_during};
use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::{Answer, TestBrowser};
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{CALLBACK, RelyingParty, TokenSet};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const SCOPE: [(&str, &str); 1] = [("scope", "openid users:write")];

fn second_administrator(server: &TestServer, root: &TestUser) -> TestUser {
    server.create_user_with(
        root,
        &json!({ "username": "second", "roles": ["admin"] }),
        SoftAuthenticator::synced(server.origin()),
    )
}

/// Creates a link for a new administrator.
fn create_link(browser: &TestBrowser) -> Value {
    let made = browser.post_json("/v1/invitations", &json!({ "roles": ["admin"] }));
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

/// Creates a link for a new user, with an access token.
fn create_link_with(server: &TestServer, token: &str) -> Value {
    let browser = server.browser();
    let request = browser.request("POST", "/v1/invitations");
    let request = request.without_same_origin().bearer(token);
    let made = request.json(&json!({})).send();
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

fn start(server: &TestServer, link: &Value) -> u16 {
    let body = json!({ "invitation": link["token"], "username": "mallory" });
    let browser = server.browser();
    browser.post_json("/webauthn/register/start", &body).status
}

/// Checks whether a link works, and that the list says the same.
fn assert_usable(server: &TestServer, root: &TestUser, link: &Value, usable: bool, what: &str) {
    let status = if usable { 200 } else { 410 };
    assert_eq!(start(server, link), status, "{what}");
    let listed = root.browser.get("/v1/invitations").json();
    let items = listed["items"].as_array().expect("a list");
    let is_it =
        |item: &&Value| item["expires_at"] == link["expires_at"] && item["state"] != json!("used");
    let found: Vec<&Value> = items.iter().filter(is_it).collect();
    let all_agree = found.iter().all(|item| item["usable"] == json!(usable));
    assert!(!found.is_empty() && all_agree, "{what}");
}

fn session_id(browser: &TestBrowser) -> String {
    let session = browser.get("/v1/session").json();
    let id = session["session"]["id"].as_str().expect("a session");
    id.to_owned()
}

/// Creates an app without refresh tokens, whose access ends after some minutes.
fn short_helper(server: &TestServer) -> RelyingParty {
    let metadata = Metadata {
        redirect_uris: vec![RedirectUri::parse(CALLBACK).expect("a redirect URI")],
        grant_types: vec![GrantType::AuthorizationCode],
        require_consent: false,
        ..Metadata::default()
    };
    let scopes = Scopes::parse("openid users:write").expect("scopes");
    let (id, secret) = server.create_client("a helper", &scopes, &metadata);
    RelyingParty {
        id,
        secret,
        server: server.browser(),
    }
}

/// Starts a ceremony with a link. The returned function sends the last request.
fn start_ceremony(server: &TestServer, link: &Value) -> impl FnOnce() -> Answer + Send + use<> {
    let browser = server.browser();
    let name = format!("user-{}", uuid::Uuid::new_v4().simple());
    let body = json!({ "invitation": link["token"], "username": name });
    let begun = browser.post_json("/webauthn/register/start", &body);
    assert_eq!(begun.status, 200, "{}", begun.text());
    let begun = begun.json();
    let mut device = SoftAuthenticator::synced(server.origin());
    let credential = device.create(&begun["publicKey"], &Overrides::default());
    let finish = json!({ "ceremony": begun["ceremony"], "credential": credential });
    move || browser.post_json("/webauthn/register/finish", &finish)
}

on_both! {
    fn a_link_is_revoked_with_the_session_that_created_it(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let mut second = second_administrator(server, &root);
        let stolen = second.another_browser();
        let others = create_link(&second.browser);
        server.advance_clock(1);
        let recovery = stolen.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        server.advance_clock(1);
        let link = create_link(&stolen);
        assert_usable(server, &root, &link, true, "made");
        let ended = root.browser.delete(&format!("/v1/users/second/sessions/{}", session_id(&stolen)));
        assert_eq!(ended.status, 200, "{}", ended.text());
        assert_usable(server, &root, &link, false, "an administrator ended the session");
        assert_usable(server, &root, &recovery, false, "an administrator ended the session");
        server.advance_clock(1);
        let stolen = second.another_browser();
        let link = create_link(&stolen);
        assert_eq!(second.browser.delete(&format!("/v1/me/sessions/{}", session_id(&stolen))).status, 200);
        assert_usable(server, &root, &link, false, "the user ended the session from another one");
        assert_usable(server, &root, &others, true, "the other session was not ended");
    }

    fn ending_all_sessions_voids_links_of_sessions_already_signed_out(server) {
        let root = server.administrator();
        let mut second = second_administrator(server, &root);
        let browser = second.another_browser();
        let link = create_link(&browser);
        assert_eq!(browser.delete("/v1/session").status, 204);
        assert_usable(server, &root, &link, true, "the user signed out");
        let ended = root.browser.delete("/v1/users/second/sessions");
        assert_eq!(ended.status, 200, "{}", ended.text());
        assert_usable(server, &root, &link, false, "an administrator ended all sessions");
    }

    fn a_ceremony_started_with_a_link_fails_once_the_creating_session_is_revoked(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let finish = start_ceremony(server, &create_link(&second.browser));
        let path = format!("/v1/users/second/sessions/{}", session_id(&second.browser));
        assert_eq!(root.browser.delete(&path).status, 200);
        assert_eq!(finish().status, 410);
    }

    fn a_link_is_revoked_with_a_passkey_of_the_session_that_created_it(server) {
        let root = server.administrator();
        let mut second = second_administrator(server, &root);
        let first = second.passkey.clone();
        let (device, another) = second.add_passkey(SoftAuthenticator::synced(server.origin()));
        let left = second.another_browser();
        let by_left = create_link(&left);
        assert_eq!(left.delete("/v1/session").status, 204);
        assert_usable(server, &root, &by_left, true, "signed out");
        server.advance_clock(1);
        let link = create_link(&second.browser);
        second.device = device;
        let kept = second.another_browser();
        server.advance_clock(1);
        let others = create_link(&kept);
        assert_eq!(root.browser.delete(&format!("/v1/users/second/passkeys/{first}")).status, 200);
        assert_usable(server, &root, &link, false, "its passkey was revoked");
        assert_usable(server, &root, &by_left, false, "its passkey was revoked after its user signed out");
        assert_usable(server, &root, &others, true, "another passkey");
        assert_eq!(root.browser.delete(&format!("/v1/users/second/passkeys/{another}")).status, 200);
        assert_usable(server, &root, &others, false, "that passkey was revoked too");
    }

    fn a_link_survives_the_normal_end_of_the_session_that_created_it(server) {
        let root = server.administrator();
        let mut second = second_administrator(server, &root);
        let browser = second.another_browser();
        let (link, session) = (create_link(&browser), session_id(&browser));
        assert_eq!(browser.delete("/v1/session").status, 204);
        assert_usable(server, &root, &link, true, "signed out");
        server.advance_clock(1);
        let browser = second.another_browser();
        let replaced = create_link(&browser);
        assert_eq!(second.sign_in_at(&browser).status, 200);
        assert_usable(server, &root, &replaced, true, "a new sign-in in the same browser");
        server.advance_clock(1);
        let expired = create_link(&second.another_browser());
        // Ending a session that its user has signed out of ends its links.
        assert_eq!(root.browser.delete(&format!("/v1/users/second/sessions/{session}")).status, 200);
        assert_usable(server, &root, &link, false, "ended after its user signed out");
        server.advance_clock(2 * 86_400);
        let mut root = root;
        root.browser = root.another_browser();
        second.another_browser();
        assert_usable(server, &root, &expired, true, "expired");
    }

    fn a_link_created_through_an_app_is_revoked_with_the_authorization(server) {
        let root = server.administrator();
        let mut second = second_administrator(server, &root);
        let app = server.delegated_app("openid users:write");
        let revoke = |what: &str, second: &TestUser, issued: &TokenSet| {
            let status = match what {
                "access token given back" => app.revoke(&issued.access).status,
                "refresh token given back" => app.revoke(&issued.refresh).status,
                "app withdrawn" => second.browser.delete(&format!("/v1/me/apps/{}", app.id)).status,
                "session ended" => root.browser.delete(&format!("/v1/users/second/sessions/{}", session_id(&second.browser))).status,
                _ => root.browser.delete(&format!("/v1/users/second/passkeys/{}", second.passkey)).status,
            };
            assert!([200, 204].contains(&status), "{what}: {status}");
        };
        for what in ["access token given back", "refresh token given back", "app withdrawn", "session ended", "passkey revoked"] {
            server.advance_clock(1);
            second.browser = second.another_browser();
            let issued = app.sign_in(&second.browser, &SCOPE);
            let link = create_link_with(server, &issued.access);
            assert_usable(server, &root, &link, true, what);
            revoke(what, &second, &issued);
            assert_usable(server, &root, &link, false, what);
        }
    }

    fn a_link_created_through_an_app_survives_the_normal_end_of_the_authorization(server) {
        let root = server.administrator();
        let mut second = second_administrator(server, &root);
        let app = short_helper(server);
        let sign_in = |second: &mut TestUser| {
            server.advance_clock(1);
            second.browser = second.another_browser();
            let issued = app.sign_in(&second.browser, &SCOPE);
            (create_link_with(server, &issued.access), issued)
        };
        let (left, _) = sign_in(&mut second);
        assert_eq!(second.browser.delete("/v1/session").status, 204);
        let (revoked, issued) = sign_in(&mut second);
        assert_eq!(app.revoke(&issued.access).status, 200);
        let (revoked_later, issued) = sign_in(&mut second);
        assert_eq!(second.browser.delete("/v1/session").status, 204);
        assert_usable(server, &root, &revoked_later, true, "signed out");
        assert_eq!(app.revoke(&issued.access).status, 200);
        let (expired, _) = sign_in(&mut second);
        let ended = sign_in(&mut second).0;
        assert_eq!(root.browser.delete(&format!("/v1/users/second/sessions/{}", session_id(&second.browser))).status, 200);
        let check = |when: &str| {
            for (link, usable) in [(&left, true), (&revoked, false), (&revoked_later, false), (&expired, true), (&ended, false)] {
                assert_usable(server, &root, link, usable, when);
            }
        };
        check("at once");
        server.advance_clock(3 * 3_600);
        server.run(server.app.tokens.delete_expired()).expect("expired tokens deleted");
        check("when the authorizations are deleted");
        // The user withdraws the app's access when all of its tokens have expired.
        second.browser = second.another_browser();
        assert_eq!(second.browser.delete(&format!("/v1/me/apps/{}", app.id)).status, 204);
        assert_usable(server, &root, &expired, false, "withdrawn");
        assert_eq!(second.browser.delete(&format!("/v1/me/apps/{}", app.id)).status, 404);
    }

    fn a_services_link_is_revoked_with_the_token_that_created_it(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["users:write"]);
        let post = |path: &str, fields: &[(&str, &str)]| {
            let browser = server.browser();
            let request = browser.request("POST", path).without_same_origin();
            request.form(fields).basic(&id, &secret).send()
        };
        let token = || TokenSet::read(&post("/oauth2/token", &[("grant_type", "client_credentials")])).access;
        let (stolen, other) = (token(), token());
        let link = create_link_with(server, &stolen);
        server.advance_clock(1);
        let others = create_link_with(server, &other);
        assert_usable(server, &root, &link, true, "made");
        assert_eq!(post("/oauth2/revoke", &[("token", &stolen)]).status, 200);
        assert_usable(server, &root, &link, false, "revoked");
        assert_usable(server, &root, &others, true, "another token");
        // Revoked tokens are listed only until they would have expired.
        server.advance_clock(400);
        assert_eq!(post("/oauth2/revoke", &[("token", &token())]).status, 200);
        assert_usable(server, &root, &link, false, "revoked long ago");
        assert_usable(server, &root, &others, true, "expired");
    }

    fn a_services_link_is_revoked_with_its_token_even_if_no_longer_accepted(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["users:write"]);
        let post = |path: &str, fields: &[(&str, &str)]| {
            let browser = server.browser();
            let request = browser.request("POST", path).without_same_origin();
            request.form(fields).basic(&id, &secret).send()
        };
        let token = || TokenSet::read(&post("/oauth2/token", &[("grant_type", "client_credentials")])).access;
        let revoke = |token: &str| assert_eq!(post("/oauth2/revoke", &[("token", token)]).status, 200);
        // Expired.
        let stolen = token();
        let link = create_link_with(server, &stolen);
        server.advance_clock(600);
        assert_usable(server, &root, &link, true, "the link outlives the token");
        revoke(&stolen);
        assert_usable(server, &root, &link, false, "revoked after it expired");
        server.advance_clock(1);
        // Ended together with many others, which raises the epoch for all tokens.
        let stolen = token();
        let link = create_link_with(server, &stolen);
        for _ in 0..65 {
            revoke(&token());
        }
        let request = server.browser();
        let request = request.request("GET", "/v1/users").without_same_origin().bearer(&stolen);
        assert_eq!(request.send().status, 401);
        revoke(&stolen);
        assert_usable(server, &root, &link, false, "revoked after it was ended");
        server.advance_clock(1);
        // Another client's token is not affected.
        let (other, other_secret) = server.client(&["users:write"]);
        let stolen = token();
        let link = create_link_with(server, &stolen);
        let browser = server.browser();
        let request = browser.request("POST", "/oauth2/revoke").without_same_origin();
        let refused = request.form(&[("token", stolen.as_str())]).basic(&other, &other_secret).send();
        assert_eq!((refused.status, refused.json()["error"].clone()), (400, json!("invalid_grant")));
        assert_usable(server, &root, &link, true, "another client asked");
    }

    fn no_link_is_used_after_the_revocation_of_its_session_was_acknowledged(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let path = format!("/v1/users/second/sessions/{}", session_id(&second.browser));
        let links: Vec<Value> = (0..=RUNNERS).map(|_| create_link(&second.browser)).collect();
        let uses = links.iter().map(|link| Some(start_ceremony(server, link)));
        let mut runners: Vec<_> = uses.collect();
        let late = runners.pop().flatten().expect("one more");
        runners.push(None);
        let answered = AtomicBool::new(false);
        let answers = race(runners, |finish| {
            let Some(finish) = finish else {
                assert_eq!(root.browser.delete(&path).status, 200);
                answered.store(true, Ordering::SeqCst);
                return None;
            };
            let is_late = answered.load(Ordering::SeqCst);
            Some((is_late, finish().status))
        });
        for (is_late, status) in answers.into_iter().flatten() {
            assert!(status == 410 || (status == 201 && !is_late), "{is_late} {status}");
        }
        assert_eq!(late().status, 410);
        assert_eq!((root.session_status(), second.session_status()), (200, 401));
    }

    fn a_use_that_waits_for_the_sessions_revocation_is_refused(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let finish = start_ceremony(server, &create_link(&second.browser));
        let user: UserId = second.id.parse().expect("an id");
        let work: Work = Box::new(move |conn| {
            diesel::update(account_states::table.find(user))
                .set(account_states::version.eq(account_states::version + 1))
                .execute(conn)?;
            let ended = diesel::update(sessions::table.filter(sessions::user_id.eq(user)))
                .set((sessions::ended_at.eq(Timestamp::from_micros(1)), sessions::end_reason.eq("ended")))
                .execute(conn)?;
            assert_eq!(ended, 1);
            Ok(())
        });
        assert_eq!(send_during(server, work, finish).status, 410);
    }
}
