//! After a withdrawal, nothing remains valid: no request in flight, no link, no name, no old key.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, session_status};

/// Sends a request except for the last byte of its body; the returned function sends the rest.
fn hold_back(
    server: &TestServer,
    person: &TestUser,
    path: &str,
    body: &Value,
) -> impl FnOnce() -> String + use<> {
    let body = body.to_string();
    let (most, last) = body.split_at(body.len() - 1);
    let last = last.to_owned();
    let cookies = ["doorward-session", "doorward-browser"]
        .map(|name| format!("{name}={}", person.browser.cookie(name).unwrap_or_default()))
        .join("; ");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nCookie: {cookies}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{most}",
        server.config.server.public_url.authority(),
        server.origin(),
        body.len(),
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port(0))).expect("a connection");
    stream.write_all(head.as_bytes()).expect("sent");
    move || {
        stream.write_all(last.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("a response");
        answer
    }
}

fn second_administrator(server: &TestServer, root: &TestUser) -> TestUser {
    server.create_user_with(
        root,
        &json!({ "username": "second", "roles": ["admin"] }),
        SoftAuthenticator::synced(server.origin()),
    )
}

fn start(server: &TestServer, link: &Value) -> u16 {
    let body = json!({ "invitation": link["token"], "username": "mallory", "display_name": "M" });
    server
        .browser()
        .post_json("/webauthn/register/start", &body)
        .status
}

on_both! {
    fn a_slow_request_is_authorized_after_its_body_is_complete(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let rest = hold_back(server, &second, "/v1/invitations", &json!({ "username": "mallory", "roles": ["admin"] }));
        assert_eq!(root.browser.post_json("/v1/users/second/suspend", &json!({})).status, 200);
        let answer = rest();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert_eq!(root.browser.get("/v1/users/mallory").status, 404);
    }

    fn links_are_revoked_with_their_creators_permission(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let link = second.browser.post_json("/v1/invitations", &json!({ "roles": ["admin"] })).json();
        let plain = second.browser.post_json("/v1/invitations", &json!({})).json();
        assert_eq!(start(server, &link), 200);
        assert_eq!(root.browser.post_json("/v1/users/second/suspend", &json!({})).status, 200);
        assert_eq!((start(server, &link), start(server, &plain)), (410, 410));
        // A client's links become invalid, too, when it is disabled.
        let (id, secret) = server.client(&["users:write"]);
        let link = server.browser().request("POST", "/v1/invitations").basic(&id, &secret).json(&json!({})).send().json();
        assert_eq!(start(server, &link), 200);
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.disable(id.parse().expect("an id"), None, author)).expect("disabled");
        assert_eq!(start(server, &link), 410);
    }

    fn a_ceremony_started_with_a_link_fails_once_the_link_is_revoked(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let link = second.browser.post_json("/v1/invitations", &json!({ "roles": ["admin"] })).json();
        let browser = server.browser();
        let begun = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"], "username": "mallory" })).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&begun["publicKey"], &Overrides::default());
        assert_eq!(root.browser.post_json("/v1/users/second/suspend", &json!({})).status, 200);
        let finish = json!({ "ceremony": begun["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &finish).status, 410);
        assert_eq!(root.browser.get("/v1/users/mallory").status, 404);
    }

    fn a_clients_link_is_refused_once_its_user_is_an_administrator(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (id, secret) = server.client(&["users:write", "passkeys:enrol"]);
        let by_client = |body: &Value| server.browser().request("POST", "/v1/invitations").basic(&id, &secret).json(body).send().json();
        let recovery = by_client(&json!({ "user_id": "ada" }));
        let join = by_client(&json!({ "username": "bob" }));
        for name in ["ada", "bob"] {
            let tag = root.browser.get(&format!("/v1/users/{name}")).header("etag").expect("a tag").to_owned();
            let promoted = root.browser.request("PATCH", &format!("/v1/users/{name}")).header("If-Match", &tag).json(&json!({ "roles": ["admin"] })).send();
            assert_eq!(promoted.status, 200, "{}", promoted.text());
        }
        assert_eq!((start(server, &recovery), start(server, &join)), (410, 410));
        assert_eq!(ada.session_status(), 200);
    }

    fn a_clients_link_is_revoked_with_its_secret_and_its_scopes(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let (id, secret) = server.client(&["users:write", "passkeys:enrol"]);
        let path = format!("/v1/clients/{id}");
        let make = |secret: &str, body: &Value| {
            server.browser().request("POST", "/v1/invitations").basic(&id, secret).json(body).send().json()
        };
        let change = |body: &Value| {
            let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
            let changed = root.browser.request("PATCH", &path).header("If-Match", &tag).json(body).send();
            assert_eq!(changed.status, 200, "{}", changed.text());
        };
        // The secret was replaced, perhaps because it was stolen.
        let (join, recovery) = (make(&secret, &json!({})), make(&secret, &json!({ "user_id": "ada" })));
        assert_eq!((start(server, &join), start(server, &recovery)), (200, 200));
        let rotated = root.browser.post_json(&format!("{path}/secret"), &json!({})).json();
        let secret = rotated["client_secret"].as_str().expect("a secret").to_owned();
        assert_eq!((start(server, &join), start(server, &recovery)), (410, 410));
        // A scope was removed: adding it again doesn't make old links valid again.
        for scope in ["users:write", "passkeys:enrol", ""] {
            let recovery = make(&secret, &json!({ "user_id": "ada" }));
            assert_eq!(start(server, &recovery), 200);
            change(&json!({ "scope": scope }));
            assert_eq!(start(server, &recovery), 410, "{scope}");
            change(&json!({ "scope": "users:write passkeys:enrol" }));
            assert_eq!(start(server, &recovery), 410, "{scope}");
        }
        // Disabled and enabled again.
        let join = make(&secret, &json!({}));
        for act in ["disable", "enable"] {
            root.browser.post_json(&format!("{path}/{act}"), &json!({}));
            assert_eq!(start(server, &join), 410, "{act}");
        }
        // Changes that remove no permission leave links valid.
        let join = make(&secret, &json!({}));
        change(&json!({ "client_name": "Another name", "scope": "users:write passkeys:enrol users:read" }));
        assert_eq!(start(server, &join), 200);
    }

    fn a_ceremony_started_with_a_clients_link_fails_once_its_secret_is_rotated(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (id, secret) = server.client(&["users:write", "passkeys:enrol"]);
        let link = server.browser().request("POST", "/v1/invitations").basic(&id, &secret).json(&json!({ "user_id": "ada" })).send().json();
        let browser = server.browser();
        let begun = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&begun["publicKey"], &Overrides::default());
        assert_eq!(root.browser.post_json(&format!("/v1/clients/{id}/secret"), &json!({})).status, 200);
        let finish = json!({ "ceremony": begun["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &finish).status, 410);
        assert_eq!((ada.session_status(), session_status(&browser)), (200, 401));
    }

    fn links_are_revoked_with_all_sessions_of_their_creator(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let mut second = second_administrator(server, &root);
        let make = |second: &TestUser, body: &Value| second.browser.post_json("/v1/invitations", body).json();
        let links = [json!({}), json!({ "roles": ["admin"] }), json!({ "user_id": "ada" })].map(|body| make(&second, &body));
        // One of several sessions ends, but the inviter still has another one.
        let another = second.another_browser();
        assert_eq!(another.delete("/v1/session").status, 204);
        for link in &links {
            assert_eq!(start(server, link), 200);
        }
        assert_eq!(root.browser.delete("/v1/users/second/sessions").status, 200);
        for link in &links {
            assert_eq!(start(server, link), 410, "a thief's session leaves no links behind");
        }
        second.browser = second.another_browser();
        assert_eq!(start(server, &links[0]), 410);
        assert_eq!(start(server, &make(&second, &json!({}))), 200);
    }

    fn links_are_revoked_with_their_creators_role(server) {
        let root = server.administrator();
        let second = second_administrator(server, &root);
        let link = second.browser.post_json("/v1/invitations", &json!({})).json();
        let tag = root.browser.get("/v1/users/second").header("etag").expect("a tag").to_owned();
        let demoted = root.browser.request("PATCH", "/v1/users/second").header("If-Match", &tag).json(&json!({ "roles": [] })).send();
        assert_eq!(demoted.status, 200);
        assert_eq!(start(server, &link), 410);
        let tag = demoted.header("etag").expect("a tag");
        let promoted = root.browser.request("PATCH", "/v1/users/second").header("If-Match", tag).json(&json!({ "roles": ["admin"] })).send();
        assert_eq!(promoted.status, 200);
        assert_eq!(start(server, &link), 410, "assigning the role again does not restore the link");
    }

    fn a_device_link_is_revoked_with_the_session_that_created_it(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let make = |person: &TestUser| person.browser.post_json("/v1/me/device-links", &json!({})).json();
        let link = make(&ada);
        assert_eq!(start(server, &link), 200);
        assert_eq!(root.browser.delete("/v1/users/ada/sessions").status, 200);
        assert_eq!(start(server, &link), 410, "all sessions ended");
        let browser = ada.another_browser();
        ada.browser = browser;
        let link = make(&ada);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        assert_eq!(start(server, &link), 410, "signed out");
        let browser = ada.another_browser();
        ada.browser = browser;
        ada.add_passkey(SoftAuthenticator::synced(server.origin()));
        let link = make(&ada);
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/passkeys/{}", ada.passkey)).status, 200);
        assert_eq!(start(server, &link), 410, "its passkey revoked");
    }

    fn a_device_link_does_not_revoke_the_administrators_link(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let recovery = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        ada.browser.post_json("/v1/me/device-links", &json!({}));
        assert_eq!(start(server, &recovery), 200);
    }

    fn a_former_username_is_reserved_for_its_user(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let rename = |id: &str, name: &str| {
            let tag = root.browser.get(&format!("/v1/users/{id}")).header("etag").expect("a tag").to_owned();
            root.browser.request("PATCH", &format!("/v1/users/{id}")).header("If-Match", &tag).json(&json!({ "username": name })).send().status
        };
        assert_eq!(rename(&ada.id, "countess"), 200);
        assert_eq!(root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).status, 409);
        assert_eq!(rename("root", "ada"), 409);
        assert_eq!(rename(&ada.id, "ada"), 200, "the user's own former username");
    }

    fn a_set_up_link_is_invalid_once_another_administrator_exists(server) {
        let token = server.set_up_token();
        let wanted = doorward::users::NewInvitation { roles: vec!["admin".into()], ..Default::default() };
        let link = server.run(server.app.users.invite(wanted, doorward::users::Permit::command())).expect("a link");
        let root = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &json!({ "invitation": link.token, "username": "root" }));
        assert_eq!(root.browser.get("/v1/users/root").json()["roles"], json!(["admin"]));
        let start = json!({ "setup": token, "username": "mallory", "display_name": "M" });
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 410);
        assert!(server.run(server.app.users.create_set_up_link()).is_err());
    }

    fn ending_other_sessions_with_a_replaced_key_does_not_restore_it(server) {
        let mut root = server.administrator();
        let old = root.browser.clone();
        // The old key's session was read …
        let listed = server.run(server.app.sessions.list(root.id.parse().expect("an id"))).expect("a list");
        assert_eq!(listed.len(), 1);
        server.advance_clock(5);
        assert_eq!(root.step_up().status, 200);
        // … and is used after the step-up replaced it.
        assert_eq!(old.delete("/v1/me/sessions").status, 401);
        assert_eq!((session_status(&old), root.session_status()), (401, 200));
    }

    fn reactivating_a_user_who_never_joined_makes_them_invited_again(server) {
        let root = server.administrator();
        root.browser.post_json("/v1/invitations", &json!({ "username": "ada" }));
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        assert_eq!(root.browser.post_json("/v1/users/ada/reactivate", &json!({})).status, 204);
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
    }

    fn a_client_cannot_end_an_administrators_sessions(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["sessions:revoke"]);
        let answer = server.browser().request("DELETE", "/v1/users/root/sessions").basic(&id, &secret).send();
        assert_eq!(answer.status, 403);
        assert_eq!(root.session_status(), 200);
    }

    fn a_change_without_effect_is_not_recorded(server) {
        let root = server.administrator();
        let before = root.browser.get("/v1/me").json()["version"].clone();
        assert_eq!(root.browser.patch_json("/v1/me", &json!({})).status, 200);
        assert_eq!(root.browser.patch_json("/v1/me", &json!({ "display_name": "Root Admin" })).status, 200);
        assert_eq!(root.browser.get("/v1/me").json()["version"], before);
    }
}
