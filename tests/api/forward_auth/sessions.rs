//! Forward-auth sessions: valid only for forward-auth, only on one host, and no longer than the session they belong to.

use serde_json::json;

use super::{ORDER, Visitor, ada, location, on_both_with_forward_auth};
use crate::support::binary;
use crate::support::process::wait_until;
use crate::support::test_user::TestUser;
use std::time::Duration;

const SESSION_COOKIE: &str = "__Host-doorward-forward-auth";

on_both_with_forward_auth! {
    fn forward_auth_cookies_and_session_cookies_are_not_interchangeable(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let session_cookie = visitor.host_browser.cookie(SESSION_COOKIE).expect("a forward-auth cookie");
        for name in ["doorward-session", "__Host-doorward-session", SESSION_COOKIE] {
            let as_cookie = server.browser();
            as_cookie.set_cookie(name, &session_cookie);
            assert_eq!(as_cookie.get("/v1/session").status, 401, "{name}");
            assert_eq!(as_cookie.get("/v1/me").status, 401, "{name}");
            assert_eq!(as_cookie.get("/account").status, 303, "{name}");
        }
        let bearer = server.browser();
        assert_eq!(bearer.request("GET", "/v1/me").bearer(&session_cookie).send().status, 401);
        // Conversely, a session cookie is not accepted by forward-auth.
        let session = ada.browser.cookie("doorward-session").expect("a session");
        let stranger = Visitor::new(server);
        for name in ["doorward-session", "__Host-doorward-session", SESSION_COOKIE, "doorward-forward-auth"] {
            stranger.host_browser.set_cookie(name, &session);
            assert_eq!(stranger.status("/news/1"), 403, "{name}");
        }
        // With the session's cookie beside it, the forward-auth cookie still counts.
        assert_eq!(visitor.status("/news/1"), 200);
    }

    fn a_forward_auth_session_is_valid_only_for_its_host(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let docs = Visitor { host: "docs.example.com", ..visitor.clone() };
        assert_eq!(docs.traefik("GET", "/x").send().status, 401);
        docs.enter("/x");
        assert_eq!(docs.status("/x"), 200);
    }

    fn a_modified_or_duplicated_cookie_is_ignored(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let session_cookie = visitor.host_browser.cookie(SESSION_COOKIE).expect("a forward-auth cookie");
        let parts: Vec<&str> = session_cookie.split('.').collect();
        let strange = uuid::Uuid::new_v4().to_string();
        for changed in [
            format!("{}.{}.{}", parts[0], strange, parts[2]),
            format!("{}.{}.{}", strange, parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
            format!("{}.{}", parts[0], parts[2]),
            format!("{session_cookie}="),
            session_cookie.to_uppercase(),
        ] {
            let cookie = format!("{SESSION_COOKIE}={changed}");
            assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &cookie).send().status, 403, "{changed}");
        }
        let twice = format!("{SESSION_COOKIE}={session_cookie}; {SESSION_COOKIE}={session_cookie}");
        assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &twice).send().status, 403);
        let good = format!("a=b; {SESSION_COOKIE}={session_cookie}");
        assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &good).send().status, 200);
    }

    fn revocation_on_one_instance_refuses_the_next_request_on_another(server) {
        let second = server.another_instance();
        let port = server.port(second);
        let root = server.administrator();
        type Revocation = fn(&TestUser, &TestUser);
        let revocations: [(&str, Revocation); 6] = [
            ("signed-out", |_, ada| assert_eq!(ada.browser.delete("/v1/session").status, 204)),
            ("revoked", |root, ada| {
                let path = format!("/v1/users/{}/passkeys/{}", ada.id, ada.passkey);
                assert_eq!(root.browser.delete(&path).status, 200);
            }),
            ("suspended", |root, ada| {
                let path = format!("/v1/users/{}/suspend", ada.id);
                assert_eq!(root.browser.post_json(&path, &json!({})).status, 200);
            }),
            ("ended-all", |root, ada| {
                assert_eq!(root.browser.delete(&format!("/v1/users/{}/sessions", ada.id)).status, 200);
            }),
            ("ended-one", |root, ada| {
                let session = ada.browser.get("/v1/session").json();
                let session = session["session"]["id"].as_str().expect("an id").to_owned();
                assert_eq!(root.browser.delete(&format!("/v1/users/{}/sessions/{session}", ada.id)).status, 200);
            }),
            ("locked", |_, ada| assert_eq!(ada.browser.post_json("/v1/me/suspend", &json!({})).status, 204)),
        ];
        for (name, cut) in revocations {
            let person = server.create_user(&root, name);
            let visitor = Visitor::of(server, &person);
            visitor.enter("/news/1");
            let elsewhere = visitor.at_port(port);
            assert_eq!(elsewhere.status("/news/1"), 200, "{name}");
            cut(&root, &person);
            assert_eq!(elsewhere.status("/news/1"), 403, "{name}");
            assert_eq!(visitor.status("/news/1"), 403, "{name}");
        }
    }

    fn a_session_revoked_on_the_command_line_is_refused_at_the_next_request(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let ran = binary::run(&server.config, &["session", "revoke", "ada"]);
        assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
        assert_eq!(visitor.status("/news/1"), 403);
    }

    fn replacing_a_session_ends_its_forward_auth_sessions(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let browser = visitor.doorward_browser.clone();
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        assert_eq!(visitor.status("/news/1"), 403);
        let again = Visitor { doorward_browser: browser, ..visitor };
        again.enter("/news/1");
        assert_eq!(again.status("/news/1"), 200);
    }

    fn a_forward_auth_session_ends_with_its_session(server) {
        server.config.sessions.absolute_lifetime = Duration::from_secs(3 * 86_400);
        server.restart(0);
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let session_cookie = visitor.host_browser.cookie(SESSION_COOKIE).expect("a forward-auth cookie");
        let session = session_cookie.split('.').nth(1).expect("a session");
        let seen = format!("last-seen:{{{}}}:{session}", ada.id);
        // A use updates the session's idle timeout, asynchronously; no other request does so here.
        let wait_for_a_new_last_use = || wait_until("the last use is updated", Duration::from_secs(10), || {
            let copies = server.run(server.app.ephemeral.get(&[&seen])).expect("the store");
            let now = server.clock.now().to_rfc3339();
            copies[0].as_deref().is_some_and(|seen| seen.starts_with(&now))
        });
        for _ in 0..2 {
            server.advance_clock(86_399);
            assert_eq!(visitor.status("/news/1"), 200);
            wait_for_a_new_last_use();
        }
        server.advance_clock(80_000);
        assert_eq!(visitor.status("/news/1"), 200);
        wait_for_a_new_last_use();
        assert_eq!(visitor.doorward_browser.get("/v1/session").status, 200);
        server.advance_clock(10_000);
        assert_eq!(visitor.status("/news/1"), 403, "past its absolute lifetime");
        assert_eq!(visitor.doorward_browser.get("/v1/session").status, 401);
    }

    fn after_a_step_up_use_of_either_session_keeps_the_other_active(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        // After the session key was replaced, existing forward-auth sessions continue.
        assert_eq!(ada.step_up().status, 200);
        let session_cookie = visitor.host_browser.cookie(SESSION_COOKIE).expect("a forward-auth cookie");
        let session = session_cookie.split('.').nth(1).expect("a session");
        let seen = format!("last-seen:{{{}}}:{session}", ada.id);
        let wait_for_a_new_last_use = || wait_until("the last use is updated", Duration::from_secs(10), || {
            let copies = server.run(server.app.ephemeral.get(&[&seen])).expect("the store");
            let now = server.clock.now().to_rfc3339();
            copies[0].as_deref().is_some_and(|seen| seen.starts_with(&now))
        });
        for _ in 0..3 {
            server.advance_clock(80_000);
            assert_eq!(visitor.status("/news/1"), 200);
            wait_for_a_new_last_use();
        }
        server.advance_clock(80_000);
        assert_eq!(ada.session_status(), 200, "kept alive by the uses at the host");
        wait_for_a_new_last_use();
        server.advance_clock(80_000);
        assert_eq!(visitor.status("/news/1"), 200, "kept alive by the use of the session");
    }

    fn an_unused_forward_auth_session_expires_with_its_unused_session(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        server.advance_clock(86_400);
        assert_eq!(visitor.status("/news/1"), 403);
        assert_eq!(visitor.doorward_browser.get("/v1/session").status, 401);
    }

    fn signing_out_at_the_host_ends_only_that_forward_auth_session(server) {
        let (_, ada) = ada(server);
        server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/orders/17");
        let kept = visitor.host_browser.clone();
        assert!(visitor.at_host("GET", "/.doorward/logout").send().text().contains("action=\"/.doorward/logout\""));
        let post = || visitor.at_host("POST", "/.doorward/logout");
        assert_eq!(post().send().status, 403, "no Origin");
        assert_eq!(post().header("Origin", server.origin()).send().status, 403, "Doorward's own pages are on another host");
        assert_eq!(post().header("Origin", "https://shop.example.com").header("Sec-Fetch-Site", "cross-site").send().status, 403);
        assert_eq!(visitor.status("/orders/17"), 200);
        let out = post().header("Origin", "https://shop.example.com").header("Sec-Fetch-Site", "same-origin").send();
        assert_eq!(out.status, 200);
        assert!(out.text().contains(&format!("{}/oauth2/logout", server.origin())));
        assert_eq!(visitor.host_browser.cookie(SESSION_COOKIE), None);
        let copied = Visitor { host_browser: kept, ..visitor.clone() };
        assert_eq!(copied.status("/orders/17"), 401, "a copied cookie is refused");
        assert_eq!(visitor.doorward_browser.get("/v1/session").status, 200);
        // The session exists, so signing in needs no interaction.
        visitor.enter("/orders/17");
        assert_eq!(visitor.status("/orders/17"), 200);
    }

    fn forward_auth_sessions_and_sign_in_flows_survive_a_restart(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let signed_in = visitor.clone();
        visitor.drop_session();
        let sign_in_path = visitor.begin("/news/2");
        server.restart(0);
        assert_eq!(signed_in.status("/news/1"), 200);
        let back = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        server.restart(0);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        assert_eq!(visitor.at_host("GET", path).send().status, 303);
    }
}
