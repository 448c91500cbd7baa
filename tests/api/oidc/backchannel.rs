//! Apps are notified that a session has ended: once each, whatever ended it, and an unreachable app doesn't delay others.

use std::time::Duration;

use doorward::base::clock::Stopwatch;
use doorward::base::config::{Config, Network};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::relying_party::{RelyingParty, claims_of, header_of, names_of};
use crate::support::test_server::TestServer;

/// Allows requests to this machine.
fn allow_loopback(config: &mut Config) {
    config.egress.allowed_networks = vec![Network::parse("127.0.0.0/8").expect("a network")];
}

fn listening(server: &TestServer, receiver: &Receiver) -> RelyingParty {
    let address = format!("http://127.0.0.1:{}/backchannel", receiver.port());
    server.relying_party(|metadata| metadata.backchannel_logout_uri = Some(address))
}

/// Returns the claims of the received logout tokens, once there are `count`.
fn received_logout_tokens(receiver: &Receiver, count: usize) -> Vec<Value> {
    let since = Stopwatch::start();
    while receiver.requests().len() < count {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            receiver.requests()
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let requests = receiver.requests();
    requests
        .iter()
        .map(|request| {
            let token = request
                .split("logout_token=")
                .nth(1)
                .expect("a logout token")
                .trim();
            assert_eq!(header_of(token)["typ"], json!("logout+jwt"));
            claims_of(token)
        })
        .collect()
}

on_both! {
    fn every_session_end_is_notified_once(server with allow_loopback) {
        let receiver = Receiver::http(Behaviour::Answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(),
        ));
        let app = listening(server, &receiver);
        let silent = server.relying_party(|_| {});
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let held = app.sign_in(&ada.browser, &[]);
        app.sign_in(&ada.browser, &[]);
        silent.sign_in(&ada.browser, &[]);
        let begun = Stopwatch::start();
        assert_eq!(
            root.browser
                .delete(&format!("/v1/users/ada/passkeys/{}", ada.passkey))
                .status,
            200
        );
        let claims = received_logout_tokens(&receiver, 1).remove(0);
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(
            (&claims["iss"], &claims["aud"]),
            (&json!(server.origin()), &json!(app.id))
        );
        assert_eq!(
            (&claims["sub"], &claims["sid"]),
            (&json!(ada.id), &held.id_claims["sid"])
        );
        assert_eq!(
            claims["events"],
            json!({ "http://schemas.openid.net/event/backchannel-logout": {} })
        );
        let members = ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"];
        assert_eq!(names_of(&claims), members);
        assert!(claims["jti"].is_string() && claims["iat"].is_i64());
        // Ended by the user, by suspension, by ending all sessions.
        let mut eve = server.create_user(&root, "eve");
        app.sign_in(&eve.browser, &[]);
        assert_eq!(eve.browser.delete("/v1/session").status, 204);
        received_logout_tokens(&receiver, 2);
        let browser = eve.another_browser();
        app.sign_in(&browser, &[]);
        assert_eq!(root.browser.delete("/v1/users/eve/sessions").status, 200);
        received_logout_tokens(&receiver, 3);
        let browser = eve.another_browser();
        app.sign_in(&browser, &[]);
        assert_eq!(
            root.browser
                .post_json("/v1/users/eve/suspend", &json!({}))
                .status,
            200
        );
        let all = received_logout_tokens(&receiver, 4);
        assert_eq!(all.len(), 4);
        let since = Stopwatch::start();
        let event = loop {
            let events = root
                .browser
                .get("/v1/audit-events?action=client.logout_notified")
                .json();
            let items = events["items"].as_array().expect("events").clone();
            if items.len() == 4 {
                break items[0].clone();
            }
            assert!(since.elapsed() < Duration::from_secs(10), "{items:?}");
            std::thread::park_timeout(Duration::from_millis(50));
        };
        assert_eq!(
            (&event["outcome"], &event["client"]),
            (&json!("success"), &json!(app.id))
        );
        let _ = ada.sign_in_at(&server.browser());
    }

    /// A client that can't be notified: `doorward client check` says why, and which setting allows the requests.
    fn client_check_reports_failed_logout_deliveries(server) {
        let app = server.relying_party(|metadata| {
            metadata.backchannel_logout_uri = Some("http://127.0.0.1:9/backchannel".into());
        });
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        app.sign_in(&ada.browser, &[]);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        let check =
            || binary::run(&server.config, &["client", "check", &app.id]).output;
        crate::support::process::wait_until("the failure is reported", Duration::from_secs(20), || {
            check().contains("backchannel-logout")
        });
        let told = check();
        for part in ["egress.allowed_networks", "http://127.0.0.1:9/backchannel"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    fn a_client_may_choose_logout_tokens_without_sid(server with allow_loopback) {
        let receiver = Receiver::http(Behaviour::Answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(),
        ));
        let address = format!("http://127.0.0.1:{}/backchannel", receiver.port());
        let app = server.relying_party(|metadata| {
            metadata.backchannel_logout_uri = Some(address);
            metadata.backchannel_logout_without_sid = true;
        });
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        app.sign_in(&ada.browser, &[]);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        let claims = received_logout_tokens(&receiver, 1).remove(0);
        // OpenID Connect Back-Channel Logout §2.4: `sub` alone is enough.
        let members = ["aud", "events", "exp", "iat", "iss", "jti", "sub"];
        assert_eq!(
            (names_of(&claims), &claims["sub"]),
            (members.to_vec(), &json!(ada.id))
        );
    }

    fn an_unresponsive_app_does_not_delay_others(server with allow_loopback) {
        let hanging = Receiver::http(Behaviour::Silent);
        let good = Receiver::http(Behaviour::Answer("HTTP/1.1 204 No Content\r\n\r\n".into()));
        let dead = listening(server, &hanging);
        let live = listening(server, &good);
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        for _ in 0..8 {
            let browser = ada.another_browser();
            dead.sign_in(&browser, &[]);
        }
        let browser = ada.another_browser();
        dead.sign_in(&browser, &[]);
        live.sign_in(&browser, &[]);
        let begun = Stopwatch::start();
        assert_eq!(root.browser.delete("/v1/users/ada/sessions").status, 200);
        received_logout_tokens(&good, 1);
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    }
}
