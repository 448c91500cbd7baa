//! At most 100 active authorizations of a user for a client.

use diesel::prelude::*;
use doorward::db::schema::outbox;
use doorward::db::{self, Json};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const MAX_AUTHORIZATIONS: usize = 100;
const OFFLINE: [(&str, &str); 1] = [("scope", "openid offline_access")];

fn listening(server: &TestServer) -> RelyingParty {
    server.relying_party(|metadata| {
        metadata.backchannel_logout_uri = Some("https://app.example/backchannel".into());
    })
}

fn ended(root: &TestUser) -> Vec<Value> {
    let path = "/v1/audit-events?action=authorization.ended";
    root.browser.get(path).json()["items"]
        .as_array()
        .expect("events")
        .clone()
}

/// Returns the sessions of queued notifications to clients.
fn queued_notifications(server: &TestServer) -> Vec<Value> {
    let rows = server.app.database.read(|conn| {
        let rows = outbox::table
            .select(outbox::payload)
            .load::<Json<Value>>(conn)?;
        Ok::<_, db::Error>(rows)
    });
    let rows = server.run(rows).expect("work");
    rows.into_iter().map(|row| row.0["sid"].clone()).collect()
}

on_both! {
    fn over_the_limit_the_least_recently_used_authorization_ends(server) {
        let root = server.administrator();
        let app = listening(server);
        let mut all = Vec::new();
        for _ in 0..MAX_AUTHORIZATIONS {
            server.advance_clock(1);
            all.push(app.sign_in(&root.browser, &OFFLINE));
        }
        assert_eq!(ended(&root), Vec::<Value>::new());
        // The first one is used, so the second is the least recently used one now.
        server.advance_clock(1);
        let first = TokenSet::read(&app.refresh(&all[0].refresh));
        server.advance_clock(1);
        let last = app.sign_in(&root.browser, &OFFLINE);
        assert_eq!(app.user_info(&all[1].access).status, 401);
        assert_eq!(error_of(&app.refresh(&all[1].refresh)), "invalid_grant");
        for held in [&first, &all[2], &last] {
            assert_eq!(app.user_info(&held.access).status, 200);
            assert_eq!(app.refresh(&held.refresh).status, 200);
        }
        let events = ended(&root);
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["actor"], &events[0]["reason"]), (&json!("doorward"), &json!("too-many-authorizations")));
        assert_eq!((&events[0]["subject"], &events[0]["client"]), (&json!(root.id), &json!(app.id)));
        assert!(events[0]["details"]["authorization"].is_string());
        assert_eq!(queued_notifications(server), Vec::<Value>::new(), "the session goes on, with other authorizations of the same app");
    }

    fn a_logout_token_is_sent_even_without_a_live_authorization(server) {
        let mut root = server.administrator();
        let app = listening(server);
        let oldest = app.sign_in(&root.browser, &OFFLINE);
        let other = root.another_browser();
        for _ in 0..MAX_AUTHORIZATIONS {
            server.advance_clock(1);
            app.sign_in(&other, &OFFLINE);
        }
        assert_eq!(error_of(&app.refresh(&oldest.refresh)), "invalid_grant");
        assert_eq!(ended(&root).len(), 1);
        assert_eq!(queued_notifications(server), [oldest.id_claims["sid"].clone()]);
    }

    fn ended_authorizations_do_not_count_towards_the_limit(server) {
        let mut root = server.administrator();
        let app = listening(server);
        let oldest = app.sign_in(&root.browser, &OFFLINE);
        // Codes that are never redeemed, and authorizations of a session that is not used.
        for number in 0..MAX_AUTHORIZATIONS - 2 {
            let code = app.code(&root.browser, &[("scope", "openid")]);
            if number % 2 == 0 {
                TokenSet::read(&app.redeem(&code));
            }
        }
        server.advance_clock(25 * 3600);
        let browser = root.another_browser();
        for _ in 0..3 {
            app.sign_in(&browser, &OFFLINE);
        }
        assert_eq!(app.refresh(&oldest.refresh).status, 200);
        let ended = browser.get("/v1/audit-events?action=authorization.ended").json();
        assert_eq!(ended["items"], json!([]));
    }
}
