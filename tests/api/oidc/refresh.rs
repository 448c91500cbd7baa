//! Refresh tokens: each has one successor, and reuse ends the family.

use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::on_both;
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{RelyingParty, TokenSet, error_of};
use crate::support::test_server::TestServer;

fn race_for_a_successor(app: &RelyingParty, token: &str) -> (BTreeSet<String>, usize) {
    let answers = race(vec![app.clone(); RUNNERS], |app| app.refresh(token));
    let good: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(
            (refused.status, error_of(refused)),
            (400, "invalid_grant".to_owned()),
            "{refused:?}"
        );
    }
    let successors = good
        .iter()
        .map(|answer| TokenSet::read(answer).refresh)
        .collect();
    (successors, good.len())
}

on_both! {
    fn a_refresh_repeats_the_claims_of_the_sign_in(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        server.advance_clock(60);
        let second = TokenSet::read(&app.refresh(&first.refresh));
        assert_ne!((&second.access, &second.refresh), (&first.access, &first.refresh));
        for claim in ["iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid"] {
            assert_eq!(second.id_claims[claim], first.id_claims[claim], "{claim}");
        }
        assert_ne!(second.id_claims["iat"], first.id_claims["iat"]);
        assert_eq!(app.user_info(&second.access).status, 200);
        let narrow = app.token(&[("grant_type", "refresh_token"), ("refresh_token", &second.refresh), ("scope", "openid")]);
        assert_eq!(TokenSet::read(&narrow).answer["scope"], json!("openid"));
    }

    fn twenty_parallel_refreshes_issue_one_successor(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        let (successors, _) = race_for_a_successor(&app, &first.refresh);
        assert_eq!(successors.len(), 1, "one value");
        let successor = successors.first().expect("a successor");
        let next = TokenSet::read(&app.refresh(successor));
        assert_eq!(app.user_info(&next.access).status, 200, "one live family");
    }

    fn the_previous_refresh_token_returns_the_same_successor_for_ten_seconds(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        let second = TokenSet::read(&app.refresh(&first.refresh));
        server.advance_clock(10);
        assert_eq!(TokenSet::read(&app.refresh(&first.refresh)).refresh, second.refresh);
        server.advance_clock(1);
        assert_eq!(error_of(&app.refresh(&first.refresh)), "invalid_grant");
        assert_eq!(error_of(&app.refresh(&second.refresh)), "invalid_grant", "the family has ended");
        assert_eq!(app.introspect(&second.access), json!({ "active": false }));
        let events = root.browser.get("/v1/audit-events?action=token.refreshed").json();
        assert_eq!(events["items"][0]["reason"], json!("refresh-token-replayed"));
    }

    fn reuse_of_a_refresh_token_whose_successor_was_used_revokes_the_family(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        let second = TokenSet::read(&app.refresh(&first.refresh));
        let third = TokenSet::read(&app.refresh(&second.refresh));
        assert_eq!(error_of(&app.refresh(&first.refresh)), "invalid_grant");
        assert_eq!(error_of(&app.refresh(&third.refresh)), "invalid_grant");
    }

    fn a_forged_refresh_token_revokes_nothing(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        let parts: Vec<&str> = first.refresh.split('.').collect();
        let forged = [
            format!("{}.{}.{}", parts[0], "2", parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
            format!("{}x", first.refresh),
            first.refresh.replace('.', ":"),
            "x".into(),
        ];
        for forged in &forged {
            let refused = app.refresh(forged);
            assert_eq!((refused.status, error_of(&refused)), (400, "invalid_grant".to_owned()));
        }
        TokenSet::read(&app.refresh(&first.refresh));
    }

    fn a_refresh_token_used_by_another_client_revokes_the_family(server) {
        let root = server.administrator();
        let (app, thief) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let first = app.sign_in(&root.browser, &[]);
        assert_eq!(error_of(&thief.refresh(&first.refresh)), "invalid_grant");
        assert_eq!(error_of(&app.refresh(&first.refresh)), "invalid_grant");
        assert_eq!(app.user_info(&first.access).status, 401);
    }

    fn a_confidential_client_may_keep_its_refresh_token(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.rotate_refresh_tokens = false);
        let first = app.sign_in(&root.browser, &[]);
        for _ in 0..3 {
            assert_eq!(TokenSet::read(&app.refresh(&first.refresh)).refresh, first.refresh);
        }
    }

    fn only_offline_access_survives_sign_out(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let mut ada = server.create_user(&root, "ada");
        let online = app.sign_in(&ada.browser, &[]);
        let offline = app.sign_in(&ada.browser, &[("scope", "openid offline_access")]);
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        assert_eq!(error_of(&app.refresh(&online.refresh)), "invalid_grant");
        assert_eq!(app.user_info(&online.access).status, 401);
        assert_eq!(app.user_info(&offline.access).status, 200);
        let later = TokenSet::read(&app.refresh(&offline.refresh));
        // Ending the session afterwards ends that too.
        let path = format!("/v1/users/ada/sessions/{}", online.id_claims["sid"].as_str().expect("a sid"));
        assert_eq!(root.browser.delete(&path).status, 200);
        assert_eq!(error_of(&app.refresh(&later.refresh)), "invalid_grant");
        assert_eq!(app.introspect(&later.access), json!({ "active": false }));
        ada.another_browser();
    }

    fn an_unused_refresh_token_family_expires(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        server.advance_clock(86_400 - 60);
        let second = TokenSet::read(&app.refresh(&first.refresh));
        server.advance_clock(86_400);
        assert_eq!(error_of(&app.refresh(&second.refresh)), "invalid_grant");
    }

    fn a_refresh_token_family_ends_with_its_sessions_maximum_lifetime(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let mut token = app.sign_in(&root.browser, &[]).refresh;
        for _ in 0..32 {
            server.advance_clock(80_000);
            token = TokenSet::read(&app.refresh(&token)).refresh;
        }
        server.advance_clock(80_000);
        assert_eq!(error_of(&app.refresh(&token)), "invalid_grant");
    }

    fn a_refresh_for_wider_scopes_is_refused_without_rotating_the_token(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let first = app.sign_in(&root.browser, &[]);
        let more = app.token(&[("grant_type", "refresh_token"), ("refresh_token", &first.refresh), ("scope", "openid phone")]);
        assert_eq!((more.status, error_of(&more)), (400, "invalid_scope".to_owned()));
        TokenSet::read(&app.refresh(&first.refresh));
    }
}

fn without_grace(server: &TestServer) {
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let first = app.sign_in(&root.browser, &[]);
    let (successors, successes) = race_for_a_successor(&app, &first.refresh);
    assert_eq!((successors.len(), successes), (1, 1));
    let successor = successors.first().expect("a successor");
    assert_eq!(
        error_of(&app.refresh(successor)),
        "invalid_grant",
        "then none"
    );
}

#[test]
fn without_a_grace_period_one_of_twenty_refreshes_succeeds_and_the_family_is_revoked_embedded() {
    without_grace(&TestServer::embedded_with(|config| {
        config.tokens.refresh_grace = Duration::ZERO
    }));
}

#[test]
fn without_a_grace_period_one_of_twenty_refreshes_succeeds_and_the_family_is_revoked_clustered() {
    without_grace(&TestServer::clustered_with(|config| {
        config.tokens.refresh_grace = Duration::ZERO
    }));
}
