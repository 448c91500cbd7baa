//! Attacks at each step of a ceremony are refused: no session starts, and nothing is stored.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::{
    CredentialProperties, CrossOrigin, Overrides, SoftAuthenticator, UserHandle,
};
use crate::support::http::Answer;
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, assertion, register, session_status, sign_in, step_up};

/// Returns every manipulation by an authenticator or a page that both ceremonies must detect.
fn manipulations(server: &TestServer) -> Vec<(&'static str, Overrides)> {
    let origin = server.origin().to_owned();
    let manipulation = |change: &dyn Fn(&mut Overrides)| {
        let mut overrides = Overrides::default();
        change(&mut overrides);
        overrides
    };
    vec![
        (
            "another origin",
            manipulation(&|o| o.origin = Some("https://evil.example".into())),
        ),
        (
            "a port more",
            manipulation(&|o| o.origin = Some(format!("{origin}0"))),
        ),
        (
            "a path more",
            manipulation(&|o| o.origin = Some(format!("{origin}/"))),
        ),
        (
            "upper case",
            manipulation(&|o| o.origin = Some(origin.to_uppercase())),
        ),
        (
            "a user part",
            manipulation(&|o| o.origin = Some(origin.replace("://", "://user@"))),
        ),
        (
            "another RP ID",
            manipulation(&|o| o.rp_id_hash = Some([7; 32])),
        ),
        (
            "another challenge",
            manipulation(&|o| {
                o.challenge = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into())
            }),
        ),
        (
            "another type",
            manipulation(&|o| o.client_data_type = Some("payment.get".into())),
        ),
        (
            "a frame at another site",
            manipulation(&|o| o.cross_origin = CrossOrigin::True),
        ),
        (
            "a top origin",
            manipulation(&|o| o.top_origin = Some("https://evil.example".into())),
        ),
        (
            "a top origin of ours",
            manipulation(&|o| o.top_origin = Some(origin.clone())),
        ),
        (
            "no user verification",
            manipulation(&|o| o.without_user_verification = true),
        ),
        (
            "no user presence",
            manipulation(&|o| o.without_user_presence = true),
        ),
        ("oversized", manipulation(&|o| o.padding = 100_000)),
        ("a byte left over", manipulation(&|o| o.leftover = vec![0])),
        (
            "an item left over",
            manipulation(&|o| o.leftover = vec![0xa0]),
        ),
        (
            "an id other than rawId",
            manipulation(&|o| o.id = Some("AQID".into())),
        ),
        ("no id", manipulation(&|o| o.id = Some(String::new()))),
        (
            "another type of credential",
            manipulation(&|o| o.credential_type = Some("password".into())),
        ),
        (
            "no type of credential",
            manipulation(&|o| o.credential_type = Some(String::new())),
        ),
        (
            "an empty credential ID",
            manipulation(&|o| o.credential_id = Some(Vec::new())),
        ),
        (
            "an over-long credential ID",
            manipulation(&|o| o.credential_id = Some(vec![1; 1024])),
        ),
        (
            "backed up, and not able to be",
            manipulation(&|o| {
                o.backup_eligible = Some(false);
                o.backup_state = Some(true);
            }),
        ),
    ]
}

fn is_refused(answer: &Answer) -> bool {
    (400..500).contains(&answer.status)
        && answer
            .headers_named("set-cookie")
            .iter()
            .all(|cookie| !cookie.contains("doorward-session"))
}

on_both! {
    fn a_manipulated_sign_in_is_refused(server) {
        let mut root = server.administrator();
        for (manipulation, overrides) in manipulations(server) {
            let browser = server.browser();
            let answer = sign_in(&browser, &mut root.device, &overrides);
            assert!(is_refused(&answer), "{manipulation}: {} {}", answer.status, answer.text());
            assert_eq!(session_status(&browser), 401, "{manipulation}");
        }
        // An honest response still works.
        assert_eq!(root.sign_in_at(&server.browser()).status, 200);
    }

    fn a_manipulated_registration_is_refused(server) {
        let root = server.administrator();
        for (manipulation, overrides) in manipulations(server) {
            let mut device = SoftAuthenticator::synced(server.origin());
            let answer = register(&root.browser, &mut device, &json!({}), &overrides);
            assert!(is_refused(&answer), "{manipulation}: {} {}", answer.status, answer.text());
        }
        let mut device = SoftAuthenticator::synced(server.origin());
        let overrides = Overrides { statement_of_none: true, ..Overrides::default() };
        let answer = register(&root.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 400, "a statement of `none`: {}", answer.text());
        let passkeys = root.browser.get("/v1/me/passkeys").json();
        assert_eq!(passkeys["items"].as_array().map(Vec::len), Some(1));
    }

    fn a_credential_that_is_not_discoverable_is_refused(server) {
        let root = server.administrator();
        let mut device = SoftAuthenticator::device_bound(server.origin());
        let overrides = Overrides {
            credential_properties: CredentialProperties::NotDiscoverable,
            ..Overrides::default()
        };
        let answer = register(&root.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 400, "{}", answer.text());
        let overrides = Overrides {
            credential_properties: CredentialProperties::Absent,
            ..Overrides::default()
        };
        let answer = register(&root.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 201, "a missing `crossOrigin` is accepted: {}", answer.text());
    }

    fn an_id_other_than_the_attested_one_is_refused(server) {
        let root = server.administrator();
        let started = root.browser.post_json("/webauthn/register/start", &json!({})).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let mut credential = device.create(&started["publicKey"], &Overrides::default());
        for name in ["id", "rawId"] {
            credential[name] = json!("AQIDBAUGBwgJCgsMDQ4PEA");
        }
        let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
        let answer = root.browser.post_json("/webauthn/register/finish", &finish);
        assert!(is_refused(&answer), "{}", answer.text());
    }

    fn the_longest_credential_id_is_accepted(server) {
        let root = server.administrator();
        let mut device = SoftAuthenticator::synced(server.origin());
        let overrides = Overrides { credential_id: Some(vec![1; 1023]), ..Overrides::default() };
        let answer = register(&root.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(sign_in(&server.browser(), &mut device, &Overrides::default()).status, 200);
    }

    fn unrequested_extension_outputs_are_ignored(server) {
        let mut root = server.administrator();
        for outputs in [
            json!(null), json!({}), json!({ "appid": "yes", "hmacGetSecret": 5, "other": [1] }),
            json!({ "credProps": null }), json!({ "credProps": { "rk": "yes" }, "credProtect": "x", "minPinLength": -1 }),
        ] {
            let overrides = Overrides { client_extensions: Some(outputs.clone()), ..Overrides::default() };
            let answer = sign_in(&server.browser(), &mut root.device, &overrides);
            assert_eq!(answer.status, 200, "{outputs}: {}", answer.text());
            let mut device = SoftAuthenticator::synced(server.origin());
            let answer = register(&root.browser, &mut device, &json!({}), &overrides);
            assert_eq!(answer.status, 201, "{outputs}: {}", answer.text());
        }
    }

    fn a_step_up_accepts_a_missing_user_handle_but_not_another_users(server) {
        let mut root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let of_another = uuid::Uuid::parse_str(&ada.id).expect("an id");
        for handle in [UserHandle::Other(of_another.as_bytes().to_vec()), UserHandle::Other(b"short".to_vec())] {
            let overrides = Overrides { user_handle: handle, ..Overrides::default() };
            let answer = step_up(&root.browser, &mut root.device, &overrides);
            assert_eq!(answer.status, 401, "{}", answer.text());
        }
        let overrides = Overrides { user_handle: UserHandle::Absent, ..Overrides::default() };
        let answer = step_up(&root.browser, &mut root.device, &overrides);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn client_data_without_cross_origin_is_accepted(server) {
        let mut root = server.administrator();
        let overrides = Overrides { cross_origin: CrossOrigin::Absent, ..Overrides::default() };
        assert_eq!(sign_in(&server.browser(), &mut root.device, &overrides).status, 200);
    }

    fn a_tampered_signature_is_refused(server) {
        let mut root = server.administrator();
        let overrides = Overrides { tampered_signature: true, ..Overrides::default() };
        let browser = server.browser();
        let answer = sign_in(&browser, &mut root.device, &overrides);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:passkey-refused");
        assert_eq!(session_status(&browser), 401);
    }

    fn the_user_handle_must_match_the_owner_of_the_credential(server) {
        let mut root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let of_another = uuid::Uuid::parse_str(&ada.id).expect("an id");
        for handle in [
            UserHandle::Other(of_another.as_bytes().to_vec()),
            UserHandle::Other(b"short".to_vec()),
            UserHandle::Absent,
        ] {
            let overrides = Overrides { user_handle: handle, ..Overrides::default() };
            let browser = server.browser();
            let answer = sign_in(&browser, &mut root.device, &overrides);
            assert_eq!(answer.status, 401, "{}", answer.text());
            assert_eq!(session_status(&browser), 401);
        }
    }

    fn another_users_credential_id_is_refused_even_after_revocation(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let taken = base64_bytes(&root.device.credential_ids()[0]);
        // Registering it again, for another user.
        let mut device = SoftAuthenticator::synced(server.origin());
        let overrides = Overrides { credential_id: Some(taken.clone()), ..Overrides::default() };
        let answer = register(&ada.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 409, "{}", answer.text());
        // Signing in with one's own key under that credential ID.
        let mut ada = ada;
        let browser = server.browser();
        let answer = sign_in(&browser, &mut ada.device, &overrides);
        assert!(is_refused(&answer), "{}", answer.text());
        // After revocation it can't be registered either.
        root.add_passkey(SoftAuthenticator::synced(server.origin()));
        let gone = root.browser.delete(&format!("/v1/me/passkeys/{}", root.passkey));
        assert_eq!(gone.status, 200, "{}", gone.text());
        let answer = register(&ada.browser, &mut device, &json!({}), &overrides);
        assert_eq!(answer.status, 409, "{}", answer.text());
    }

    fn a_decreased_signature_counter_is_refused_and_audited(server) {
        let root = server.administrator();
        let device = SoftAuthenticator::device_bound(server.origin());
        let mut ada = server.create_user_with(&root, &json!({ "username": "ada" }), device);
        let clone = ada.device.clone();
        for _ in 0..3 {
            assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
        }
        let mut cloned = TestUser { device: clone, ..ada.clone() };
        let browser = server.browser();
        let answer = cloned.sign_in_at(&browser);
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(session_status(&browser), 401);
        let events = root.browser.get("/v1/audit-events?user=ada&outcome=refused").json();
        assert_eq!(events["items"][0]["reason"], "counter-went-back", "{events}");
        // The genuine one still works.
        assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
    }

    fn a_backup_eligibility_that_flips_is_refused(server) {
        let mut root = server.administrator();
        let flipped = Overrides {
            backup_eligible: Some(false),
            backup_state: Some(false),
            ..Overrides::default()
        };
        let answer = sign_in(&server.browser(), &mut root.device, &flipped);
        assert_eq!(answer.status, 401, "{}", answer.text());
        let device = SoftAuthenticator::device_bound(server.origin());
        let mut ada = server.create_user_with(&root, &json!({ "username": "ada" }), device);
        let upgraded = Overrides {
            backup_eligible: Some(true),
            backup_state: Some(true),
            ..Overrides::default()
        };
        let answer = sign_in(&server.browser(), &mut ada.device, &upgraded);
        assert_eq!(answer.status, 401, "{}", answer.text());
    }

    fn a_changed_backup_state_is_stored(server) {
        let mut root = server.administrator();
        let not_yet_copied = Overrides { backup_state: Some(false), ..Overrides::default() };
        assert_eq!(sign_in(&server.browser(), &mut root.device, &not_yet_copied).status, 200);
        assert_eq!(root.sign_in_at(&server.browser()).status, 200);
        let events = root.browser.get("/v1/audit-events?action=session.signed_in").json();
        let states: Vec<_> = events["items"].as_array().expect("events").iter()
            .map(|event| event["details"]["backup_state"].clone()).collect();
        assert_eq!(states, [json!(true), json!(false)]);
    }

    fn a_ceremony_is_finished_once(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        assert_eq!(browser.post_json("/webauthn/login/finish", &finish).status, 200);
        let again = browser.post_json("/webauthn/login/finish", &finish);
        assert_eq!(again.status, 410);
        assert_eq!(again.problem_type(), "urn:doorward:problem:ceremony-gone");
    }

    fn a_ceremony_that_was_refused_is_used_up(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let good = assertion(&browser, &mut root.device, &Overrides::default());
        let mut bad = good.clone();
        bad["credential"]["response"]["signature"] = json!("AAAA");
        assert_eq!(browser.post_json("/webauthn/login/finish", &bad).status, 401);
        assert_eq!(browser.post_json("/webauthn/login/finish", &good).status, 410);
    }

    fn a_ceremony_is_bound_to_the_browser_that_started_it(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        let other = server.browser();
        assert_eq!(other.post_json("/webauthn/login/finish", &finish).status, 410);
        other.get("/v1/session");
        assert_eq!(session_status(&other), 401);
        // It is used up by the attempt elsewhere, so neither an attacker nor a race gains anything.
        assert_eq!(browser.post_json("/webauthn/login/finish", &finish).status, 410);
    }

    fn a_ceremony_expires(server) {
        let mut root = server.administrator();
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        server.advance_clock(301);
        let late = browser.post_json("/webauthn/login/finish", &finish);
        assert_eq!(late.status, 410, "{}", late.text());
        assert_eq!(session_status(&browser), 401);
    }

    fn a_ceremony_cannot_be_finished_as_another_kind(server) {
        let mut root = server.administrator();
        let login = assertion(&root.browser, &mut root.device, &Overrides::default());
        for path in ["/webauthn/register/finish", "/webauthn/step-up/finish"] {
            let answer = root.browser.post_json(path, &login);
            assert_eq!(answer.status, 410, "{path}");
        }
        let step_up = root.browser.post_json("/webauthn/step-up/start", &json!({})).json();
        let credential = root.device.get(&step_up["publicKey"], &Overrides::default());
        let body = json!({ "ceremony": step_up["ceremony"], "credential": credential });
        assert_eq!(root.browser.post_json("/webauthn/login/finish", &body).status, 410);
    }

    fn an_unknown_passkey_is_reported_without_further_details(server) {
        server.administrator();
        let mut stranger = SoftAuthenticator::synced(server.origin());
        let options = json!({
            "rp": { "id": "localhost", "name": "x" },
            "user": { "id": "AAAAAAAAAAAAAAAAAAAAAA", "name": "x", "displayName": "x" },
            "challenge": "AAAA", "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        });
        stranger.create(&options, &Overrides::default());
        let answer = sign_in(&server.browser(), &mut stranger, &Overrides::default());
        assert_eq!(answer.status, 401);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:passkey-unknown");
    }
}

fn base64_bytes(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .expect("base64url")
}
