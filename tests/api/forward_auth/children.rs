//! Forward-auth sessions: valid only for forward-auth, only on one host, and no longer than the session they belong to.

use serde_json::json;

use super::{ORDER, Visitor, ada, location, on_both_protected};
use crate::support::binary;
use crate::support::person::Person;
use crate::support::process::wait_until;
use std::time::Duration;

const DOOR: &str = "__Host-doorward-door";

on_both_protected! {
    fn a_door_is_no_session_and_a_session_is_no_door(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let door = visitor.shop.cookie(DOOR).expect("a door");
        for name in ["doorward-session", "__Host-doorward-session", DOOR] {
            let as_cookie = house.browser();
            as_cookie.set_cookie(name, &door);
            assert_eq!(as_cookie.get("/v1/session").status, 401, "{name}");
            assert_eq!(as_cookie.get("/v1/me").status, 401, "{name}");
            assert_eq!(as_cookie.get("/account").status, 303, "{name}");
        }
        let bearer = house.browser();
        assert_eq!(bearer.request("GET", "/v1/me").bearer(&door).send().status, 401);
        // Conversely, a session cookie is not accepted by forward-auth.
        let session = ada.browser.cookie("doorward-session").expect("a session");
        let stranger = Visitor::new(house);
        for name in ["doorward-session", "__Host-doorward-session", DOOR, "doorward-door"] {
            stranger.shop.set_cookie(name, &session);
            assert_eq!(stranger.status("/news/1"), 403, "{name}");
        }
        // With the session's cookie beside it, the forward-auth cookie still counts.
        assert_eq!(visitor.status("/news/1"), 200);
    }

    fn a_door_is_good_for_its_host_alone(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let docs = Visitor { host: "docs.example.com", ..visitor.clone() };
        assert_eq!(docs.traefik("GET", "/x").send().status, 401);
        docs.enter("/x");
        assert_eq!(docs.status("/x"), 200);
    }

    fn a_changed_or_doubled_cookie_is_none(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let door = visitor.shop.cookie(DOOR).expect("a door");
        let parts: Vec<&str> = door.split('.').collect();
        let strange = uuid::Uuid::new_v4().to_string();
        for changed in [
            format!("{}.{}.{}", parts[0], strange, parts[2]),
            format!("{}.{}.{}", strange, parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
            format!("{}.{}", parts[0], parts[2]),
            format!("{door}="),
            door.to_uppercase(),
        ] {
            let cookie = format!("{DOOR}={changed}");
            assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &cookie).send().status, 403, "{changed}");
        }
        let twice = format!("{DOOR}={door}; {DOOR}={door}");
        assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &twice).send().status, 403);
        let good = format!("a=b; {DOOR}={door}");
        assert_eq!(visitor.traefik("GET", "/news/1").header("Cookie", &good).send().status, 200);
    }

    fn cut_off_on_one_instance_refused_at_the_next_request_on_the_other(house) {
        let second = house.another_instance();
        let port = house.port(second);
        let root = house.administrator();
        type Cut = fn(&Person, &Person);
        let cuts: [(&str, Cut); 6] = [
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
        for (name, cut) in cuts {
            let person = house.person(&root, name);
            let visitor = Visitor::of(house, &person);
            visitor.enter("/news/1");
            let elsewhere = visitor.at_port(port);
            assert_eq!(elsewhere.status("/news/1"), 200, "{name}");
            cut(&root, &person);
            assert_eq!(elsewhere.status("/news/1"), 403, "{name}");
            assert_eq!(visitor.status("/news/1"), 403, "{name}");
        }
    }

    fn cut_off_by_the_command_refused_at_the_next_request(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let ran = binary::run(&house.config, &["session", "revoke", "ada"]);
        assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
        assert_eq!(visitor.status("/news/1"), 403);
    }

    fn a_sign_in_that_takes_a_sessions_place_takes_its_doors_along(house) {
        let (_, mut ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let browser = visitor.place.clone();
        assert_eq!(ada.sign_in_at(&browser).status, 200);
        assert_eq!(visitor.status("/news/1"), 403);
        let again = Visitor { place: browser, ..visitor };
        again.enter("/news/1");
        assert_eq!(again.status("/news/1"), 200);
    }

    fn a_door_ends_with_its_session_used_or_not(house) {
        house.config.sessions.absolute_lifetime = Duration::from_secs(3 * 86_400);
        house.restart(0);
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let door = visitor.shop.cookie(DOOR).expect("a door");
        let session = door.split('.').nth(1).expect("a session");
        let seen = format!("seen:{{{}}}:{session}", ada.id);
        // A use updates the session's idle timeout, asynchronously; no other request does so here.
        let moves = || wait_until("the idle clock moves", Duration::from_secs(10), || {
            let copies = house.run(house.app.ephemeral.get(&[&seen])).expect("the store");
            let now = house.clock.now().to_rfc3339();
            copies[0].as_deref().is_some_and(|seen| seen.starts_with(&now))
        });
        for _ in 0..2 {
            house.pass(86_399);
            assert_eq!(visitor.status("/news/1"), 200);
            moves();
        }
        house.pass(80_000);
        assert_eq!(visitor.status("/news/1"), 200);
        moves();
        assert_eq!(visitor.place.get("/v1/session").status, 200);
        house.pass(10_000);
        assert_eq!(visitor.status("/news/1"), 403, "past its absolute end");
        assert_eq!(visitor.place.get("/v1/session").status, 401);
    }

    fn after_a_step_up_a_use_at_the_host_keeps_the_session_and_the_other_way_round(house) {
        let (_, mut ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        // After the session key was replaced, existing forward-auth sessions continue.
        assert_eq!(ada.step_up().status, 200);
        let door = visitor.shop.cookie(DOOR).expect("a door");
        let session = door.split('.').nth(1).expect("a session");
        let seen = format!("seen:{{{}}}:{session}", ada.id);
        let moves = || wait_until("the idle clock moves", Duration::from_secs(10), || {
            let copies = house.run(house.app.ephemeral.get(&[&seen])).expect("the store");
            let now = house.clock.now().to_rfc3339();
            copies[0].as_deref().is_some_and(|seen| seen.starts_with(&now))
        });
        for _ in 0..3 {
            house.pass(80_000);
            assert_eq!(visitor.status("/news/1"), 200);
            moves();
        }
        house.pass(80_000);
        assert_eq!(ada.session_status(), 200, "kept alive by the uses at the host");
        moves();
        house.pass(80_000);
        assert_eq!(visitor.status("/news/1"), 200, "kept alive by the use of the session");
    }

    fn an_unused_door_ends_with_an_unused_session(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        house.pass(86_400);
        assert_eq!(visitor.status("/news/1"), 403);
        assert_eq!(visitor.place.get("/v1/session").status, 401);
    }

    fn signing_out_at_the_host_shuts_that_door_and_nothing_else(house) {
        let (_, ada) = ada(house);
        house.set_grant(&ada.id, ORDER, &["OPERATOR"]);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/orders/17");
        let kept = visitor.shop.clone();
        assert!(visitor.door("GET", "/.doorward/logout").send().text().contains("action=\"/.doorward/logout\""));
        let post = || visitor.door("POST", "/.doorward/logout");
        assert_eq!(post().send().status, 403, "no Origin");
        assert_eq!(post().header("Origin", house.origin()).send().status, 403, "Doorward's own pages are another host's");
        assert_eq!(post().header("Origin", "https://shop.example.com").header("Sec-Fetch-Site", "cross-site").send().status, 403);
        assert_eq!(visitor.status("/orders/17"), 200);
        let out = post().header("Origin", "https://shop.example.com").header("Sec-Fetch-Site", "same-origin").send();
        assert_eq!(out.status, 200);
        assert!(out.text().contains(&format!("{}/oauth2/logout", house.origin())));
        assert_eq!(visitor.shop.cookie(DOOR), None);
        let copied = Visitor { shop: kept, ..visitor.clone() };
        assert_eq!(copied.status("/orders/17"), 401, "a copied cookie opens nothing any more");
        assert_eq!(visitor.place.get("/v1/session").status, 200);
        // The session exists, so signing in needs no interaction.
        visitor.enter("/orders/17");
        assert_eq!(visitor.status("/orders/17"), 200);
    }

    fn doors_and_ways_in_outlive_a_restart(house) {
        let (_, ada) = ada(house);
        let visitor = Visitor::of(house, &ada);
        visitor.enter("/news/1");
        let door = visitor.clone();
        visitor.forget_door();
        let onward = visitor.begin("/news/2");
        house.restart(0);
        assert_eq!(door.status("/news/1"), 200);
        let back = location(&visitor.place.get(&onward), 303);
        house.restart(0);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        assert_eq!(visitor.door("GET", path).send().status, 303);
    }
}
