//! Single-use requests, sent 20 times concurrently: exactly one succeeds.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::{Answer, TestBrowser};
use crate::support::race::{RUNNERS, race};
use crate::support::test_user::{TestUser, assertion, session_status};

pub(super) fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

fn started(browser: &TestBrowser, device: &mut SoftAuthenticator, start: &Value) -> Value {
    let started = browser.post_json("/webauthn/register/start", start);
    assert_eq!(started.status, 200, "{}", started.text());
    let started = started.json();
    let credential = device.create(&started["publicKey"], &Overrides::default());
    json!({ "ceremony": started["ceremony"], "credential": credential })
}

on_both! {
    fn twenty_finishes_of_one_ceremony_create_one_session(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        let tabs = vec![browser; RUNNERS];
        let answers = race(tabs, |tab| tab.post_json("/webauthn/login/finish", &finish));
        assert_eq!((count(&answers, 200), count(&answers, 410)), (1, RUNNERS - 1));
        let sessions = root.browser.get("/v1/me/sessions").json();
        assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2));
    }

    fn twenty_uses_of_one_invitation_create_one_account(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({})).json();
        let runners: Vec<_> = (0..RUNNERS).map(|number| {
            let browser = server.browser();
            let mut device = SoftAuthenticator::synced(server.origin());
            let start = json!({ "invitation": link["token"], "username": format!("user{number}") });
            let finish = started(&browser, &mut device, &start);
            (browser, finish)
        }).collect();
        let answers = race(runners, |(browser, finish)| browser.post_json("/webauthn/register/finish", &finish));
        assert_eq!((count(&answers, 201), count(&answers, 410)), (1, RUNNERS - 1));
        let people = root.browser.get("/v1/users").json();
        assert_eq!(people["items"].as_array().map(Vec::len), Some(2));
    }

    fn twenty_joins_with_one_username_create_one_account(server) {
        let root = server.administrator();
        let runners: Vec<_> = (0..RUNNERS).map(|_| {
            let link = root.browser.post_json("/v1/invitations", &json!({})).json();
            let browser = server.browser();
            let mut device = SoftAuthenticator::synced(server.origin());
            let finish = started(&browser, &mut device, &json!({ "invitation": link["token"], "username": "ada" }));
            (browser, finish)
        }).collect();
        let answers = race(runners, |(browser, finish)| browser.post_json("/webauthn/register/finish", &finish));
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, RUNNERS - 1));
    }

    fn twenty_set_ups_on_two_instances_create_one_administrator(server) {
        let second = server.another_instance();
        let ports = [server.port(0), server.port(second)];
        let token = server.set_up_token();
        let runners: Vec<_> = (0..RUNNERS).map(|number| {
            let browser = server.browser().at_port(ports[number % 2]);
            let mut device = SoftAuthenticator::synced(server.origin());
            let start = json!({ "setup": token, "username": format!("root{number}"), "display_name": "Root" });
            let finish = started(&browser, &mut device, &start);
            (browser, finish)
        }).collect();
        let answers = race(runners, |(browser, finish)| {
            let answer = browser.post_json("/webauthn/register/finish", &finish);
            (browser, answer)
        });
        let (browsers, answers): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        assert_eq!((count(&answers, 201), count(&answers, 410)), (1, RUNNERS - 1));
        let winner = browsers.iter().find(|browser| session_status(browser) == 200).expect("one signed in");
        let people = winner.get("/v1/users").json();
        assert_eq!(people["items"].as_array().map(Vec::len), Some(1));
    }

    fn concurrent_removal_of_the_last_two_passkeys_keeps_one(server) {
        let root = server.administrator();
        for _ in 0..5 {
            let name = uuid::Uuid::new_v4().simple().to_string();
            let ada = server.create_user(&root, &name);
            let (_, second) = ada.add_passkey(SoftAuthenticator::synced(server.origin()));
            let removals = vec![(ada.browser.clone(), ada.passkey.clone()), (ada.browser.clone(), second)];
            let answers = race(removals, |(browser, id)| browser.delete(&format!("/v1/me/passkeys/{id}")));
            let done = count(&answers, 200);
            assert_eq!(done, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
            let left = root.browser.get(&format!("/v1/users/{name}/passkeys")).json();
            let live = left["items"].as_array().expect("a list").iter().filter(|passkey| passkey["revoked_at"].is_null()).count();
            assert_eq!(live, 1);
        }
    }

    fn concurrent_removal_of_the_last_two_administrators_keeps_one(server) {
        let mut root = server.administrator();
        let mut second = server.create_user_with(&root, &json!({ "username": "second", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        for _ in 0..5 {
            let locks = vec![root.browser.clone(), second.browser.clone()];
            let answers = race(locks, |browser| browser.post_json("/v1/me/suspend", &json!({})));
            assert_eq!((count(&answers, 204), count(&answers, 409)), (1, 1));
            let (stays, goes) = if answers[0].status == 409 { (&mut root, &mut second) } else { (&mut second, &mut root) };
            assert_eq!(stays.step_up().status, 200);
            let path = format!("/v1/users/{}/reactivate", goes.username);
            assert_eq!(stays.browser.post_json(&path, &json!({})).status, 204);
            let browser = goes.another_browser();
            goes.browser = browser;
        }
    }

    fn a_revocation_racing_twenty_sign_ins_leaves_no_session(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let runners: Vec<_> = (0..RUNNERS).map(|_| {
            let browser = server.browser();
            let finish = assertion(&browser, &mut ada.device, &Overrides::default());
            (browser, Some(finish))
        }).chain([(root.browser.clone(), None)]).collect();
        let path = format!("/v1/users/ada/passkeys/{}", ada.passkey);
        let browsers = race(runners, |(browser, finish)| {
            match finish {
                Some(finish) => drop(browser.post_json("/webauthn/login/finish", &finish)),
                None => assert_eq!(browser.delete(&path).status, 200),
            }
            browser
        });
        for browser in &browsers[..RUNNERS] {
            assert_eq!(session_status(browser), 401);
        }
    }

    fn ending_all_sessions_during_a_step_up_ends_the_session(server) {
        let root = server.administrator();
        for _ in 0..5 {
            let name = uuid::Uuid::new_v4().simple().to_string();
            let mut ada = server.create_user(&root, &name);
            let begun = ada.browser.post_json("/webauthn/step-up/start", &json!({})).json();
            let credential = ada.device.get(&begun["publicKey"], &Overrides::default());
            let body = json!({ "ceremony": begun["ceremony"], "credential": credential });
            let acts = vec![(ada.browser.clone(), Some(body)), (root.browser.clone(), None)];
            let done = race(acts, |(browser, body)| {
                match body {
                    Some(body) => drop(browser.post_json("/webauthn/step-up/finish", &body)),
                    None => assert_eq!(browser.delete(&format!("/v1/users/{name}/sessions")).status, 200),
                }
                browser
            });
            assert_eq!(session_status(&done[0]), 401, "the session has ended, stepped up or not");
            assert_eq!(ada.session_status(), 401);
        }
    }

    fn concurrent_requests_to_end_other_sessions_keep_this_one(server) {
        let root = server.administrator();
        let browsers = vec![root.browser.clone(); RUNNERS];
        let first = std::sync::atomic::AtomicBool::new(true);
        let statuses = race(browsers, |browser| {
            if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                browser.delete("/v1/me/sessions").status
            } else {
                (0..5).map(|_| session_status(&browser)).max().unwrap_or(0)
            }
        });
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    }

    fn twenty_registrations_of_one_credential_id_create_one_passkey(server) {
        let root = server.administrator();
        let id = vec![7; 32];
        let people: Vec<TestUser> = (0..4).map(|number| server.create_user(&root, &format!("p{number}"))).collect();
        let runners: Vec<_> = (0..RUNNERS).map(|number| {
            let browser = people[number % 4].browser.clone();
            let mut device = SoftAuthenticator::synced(server.origin());
            let begun = browser.post_json("/webauthn/register/start", &json!({})).json();
            let overrides = Overrides { credential_id: Some(id.clone()), ..Overrides::default() };
            let credential = device.create(&begun["publicKey"], &overrides);
            (browser, json!({ "ceremony": begun["ceremony"], "credential": credential }))
        }).collect();
        let answers = race(runners, |(browser, finish)| browser.post_json("/webauthn/register/finish", &finish));
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, RUNNERS - 1));
    }

    fn twenty_finishes_of_one_registration_create_one_passkey(server) {
        let root = server.administrator();
        let mut device = SoftAuthenticator::synced(server.origin());
        let finish = started(&root.browser, &mut device, &json!({}));
        let tabs = vec![root.browser.clone(); RUNNERS];
        let answers = race(tabs, |tab| tab.post_json("/webauthn/register/finish", &finish));
        assert_eq!((count(&answers, 201), count(&answers, 410)), (1, RUNNERS - 1));
        let passkeys = root.browser.get("/v1/me/passkeys").json();
        assert_eq!(passkeys["items"].as_array().map(Vec::len), Some(2));
    }

    fn twenty_finishes_of_one_step_up_succeed_once(server) {
        let mut root = server.administrator();
        let begun = root.browser.post_json("/webauthn/step-up/start", &json!({})).json();
        let credential = root.device.get(&begun["publicKey"], &Overrides::default());
        let finish = json!({ "ceremony": begun["ceremony"], "credential": credential });
        let tabs = vec![root.browser.clone(); RUNNERS];
        let answers = race(tabs, |tab| {
            let answer = tab.post_json("/webauthn/step-up/finish", &finish);
            (tab, answer)
        });
        let raised = answers.iter().filter(|(_, answer)| answer.status == 200).count();
        assert_eq!(raised, 1);
        let good = answers.iter().filter(|(tab, _)| session_status(tab) == 200).count();
        assert_eq!(good, 1, "only the stepped-up session has the new key");
    }

    fn twenty_uses_of_one_recovery_link_create_one_passkey(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let device_link = || ada.browser.post_json("/v1/me/device-links", &json!({})).json();
        let recovery = || root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        let links: [&dyn Fn() -> Value; 2] = [&device_link, &recovery];
        for make in links {
            let link = make();
            let runners: Vec<_> = (0..RUNNERS).map(|_| {
                let browser = server.browser();
                let mut device = SoftAuthenticator::synced(server.origin());
                let finish = started(&browser, &mut device, &json!({ "invitation": link["token"] }));
                (browser, finish)
            }).collect();
            let answers = race(runners, |(browser, finish)| browser.post_json("/webauthn/register/finish", &finish));
            assert_eq!((count(&answers, 201), count(&answers, 410)), (1, RUNNERS - 1));
        }
        let passkeys = root.browser.get("/v1/users/ada/passkeys").json();
        assert_eq!(passkeys["items"].as_array().map(Vec::len), Some(3));
    }

    fn twenty_concurrent_step_ups_leave_one_valid_key(server) {
        let mut root = server.administrator();
        let runners: Vec<_> = (0..RUNNERS).map(|_| {
            let begun = root.browser.post_json("/webauthn/step-up/start", &json!({})).json();
            let credential = root.device.get(&begun["publicKey"], &Overrides::default());
            (root.browser.clone(), json!({ "ceremony": begun["ceremony"], "credential": credential }))
        }).collect();
        server.advance_clock(1);
        let tabs = race(runners, |(tab, finish)| {
            tab.post_json("/webauthn/step-up/finish", &finish);
            tab
        });
        let good = tabs.iter().filter(|tab| session_status(tab) == 200).count();
        assert_eq!(good, 1);
    }
}
