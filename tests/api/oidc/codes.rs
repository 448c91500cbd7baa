//! Authorization codes: single-use, only for their client, and before they expire; misuse ends what was issued for them.

use serde_json::json;

use doorward::clients::RequirePkce;

use crate::on_both;
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{CALLBACK, TokenSet, VERIFIER, error_of};
use crate::support::test_server::TestServer;

fn reasons(server: &TestServer, root: &crate::support::test_user::TestUser) -> Vec<String> {
    let _ = server;
    let events = root
        .browser
        .get("/v1/audit-events?action=code.redeemed")
        .json();
    let items = events["items"].as_array().expect("events");
    let reasons = items
        .iter()
        .map(|item| item["reason"].as_str().expect("a reason").to_owned());
    reasons.collect()
}

on_both! {
    fn a_sign_in_issues_tokens_that_name_user_and_method(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(issued.answer["token_type"], json!("Bearer"));
        assert_eq!(issued.answer["expires_in"], json!(300));
        assert_eq!(issued.answer["scope"], json!("email openid profile roles"));
        let claims = &issued.id_claims;
        assert_eq!(claims["iss"], json!(server.origin()));
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!(root.id), &json!(app.id)));
        assert_eq!((&claims["nonce"], &claims["acr"]), (&json!("the-nonce"), &json!("phr")));
        assert_eq!(claims["amr"], json!(["swk", "user", "mfa"]));
        let session = root.browser.get("/v1/session").json();
        assert_eq!(claims["sid"], session["session"]["id"]);
        assert_eq!(app.user_info(&issued.access).json()["sub"], json!(root.id));
        assert_eq!(app.introspect(&issued.access)["active"], json!(true));
    }

    fn reuse_of_a_code_revokes_the_tokens_issued_for_it(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let code = app.code(&root.browser, &[]);
        let issued = TokenSet::read(&app.redeem(&code));
        assert_eq!(app.user_info(&issued.access).status, 200);
        let again = app.redeem(&code);
        assert_eq!((again.status, error_of(&again)), (400, "invalid_grant".to_owned()));
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(app.introspect(&issued.access), json!({ "active": false }));
        assert_eq!(error_of(&app.refresh(&issued.refresh)), "invalid_grant");
        assert_eq!(reasons(server, &root), ["code-replayed"]);
        // A replay is still detected after the code itself has expired.
        server.advance_clock(3_600);
        assert_eq!(error_of(&app.redeem(&code)), "invalid_grant");
    }

    fn one_of_twenty_parallel_redemptions_succeeds_and_its_tokens_are_revoked(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let code = app.code(&root.browser, &[]);
        let answers = race(vec![app.clone(); RUNNERS], |app| app.redeem(&code));
        let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1, "{answers:?}");
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((refused.status, error_of(refused)), (400, "invalid_grant".to_owned()));
        }
        let issued = TokenSet::read(good[0]);
        assert_eq!(app.introspect(&issued.access), json!({ "active": false }));
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(error_of(&app.refresh(&issued.refresh)), "invalid_grant");
    }

    fn every_misuse_of_a_code_invalidates_it_and_is_audited(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let thief = server.relying_party(|_| {});
        let good = [
            ("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER),
        ];
        let with = |name: &str, value: &'static str| {
            let mut fields = good.to_vec();
            fields.iter_mut().filter(|field| field.0 == name).for_each(|field| field.1 = value);
            fields
        };
        let other_verifier = "x".repeat(43);
        let mut wrong_verifier = with("code_verifier", "");
        wrong_verifier[2].1 = &other_verifier;
        let misuses = [
            with("code_verifier", ""),
            wrong_verifier,
            with("redirect_uri", "https://app.example/other"),
            with("redirect_uri", ""),
        ];
        for mut misuse in misuses {
            let code = app.code(&root.browser, &[]);
            misuse.push(("code", &code));
            let refused = app.token(&misuse);
            assert_eq!((refused.status, error_of(&refused)), (400, "invalid_grant".to_owned()), "{misuse:?}");
            assert_eq!(error_of(&app.redeem(&code)), "invalid_grant", "the code is invalidated");
        }
        let code = app.code(&root.browser, &[]);
        assert_eq!(error_of(&thief.redeem(&code)), "invalid_grant");
        assert_eq!(error_of(&app.redeem(&code)), "invalid_grant");
        let code = app.code(&root.browser, &[]);
        server.advance_clock(61);
        assert_eq!(error_of(&app.redeem(&code)), "invalid_grant");
        let mut found = reasons(server, &root);
        found.retain(|reason| reason != "code-replayed");
        found.sort();
        assert_eq!(found, [
            "code-expired", "code-of-other-client", "other-redirect-uri", "other-redirect-uri", "pkce", "pkce",
        ]);
        assert_eq!(error_of(&app.redeem("x")), "invalid_grant");
        assert_eq!(error_of(&app.redeem(&"A".repeat(43))), "invalid_grant");
    }

    fn a_code_is_invalid_once_its_session_passkey_or_user_is_revoked(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let mut ada = server.create_user(&root, "ada");
        let code = app.code(&ada.browser, &[]);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        assert_eq!(error_of(&app.redeem(&code)), "invalid_grant");
        let browser = ada.another_browser();
        let code = app.code(&browser, &[]);
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        assert_eq!(error_of(&app.redeem(&code)), "invalid_grant");
    }

    fn a_code_without_a_challenge_is_issued_only_to_clients_exempt_from_pkce(server) {
        let root = server.administrator();
        let old = server.relying_party(|metadata| metadata.require_pkce = RequirePkce::NEVER);
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        let code = old.code(&root.browser, &without);
        // RFC 9700 §2.1.1: the downgrade is detected.
        assert_eq!(error_of(&old.redeem(&code)), "invalid_grant");
        let code = old.code(&root.browser, &without);
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        TokenSet::read(&old.token(&fields));
        let strict = server.relying_party(|metadata| metadata.require_pkce = RequirePkce::ALWAYS);
        let refused = strict.authorize(&root.browser, &without);
        assert!(refused.header("location").expect("a location").contains("error=invalid_request"));
    }
}
