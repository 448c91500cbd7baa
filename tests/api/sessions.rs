//! Sessions: listed, ended, expired, and never revived.

use std::time::Duration;

use diesel::prelude::*;
use doorward::base::clock::Timestamp;
use doorward::testing::SessionKey;
use serde_json::json;

use crate::on_both;
use crate::support::http::TestBrowser;
use crate::support::test_server::TestServer;
use crate::support::test_user::session_status;

const HOUR: u64 = 3600;

fn ids(browser: &crate::support::http::TestBrowser) -> Vec<String> {
    let sessions = browser.get("/v1/me/sessions").json();
    let items = sessions["items"].as_array().expect("a list");
    items
        .iter()
        .map(|session| session["id"].as_str().expect("an id").to_owned())
        .collect()
}

on_both! {
    fn signing_out_ends_only_this_session(server) {
        let mut root = server.administrator();
        let other = root.another_browser();
        let copy = root.browser.clone();
        let mark = root.browser.cookie("doorward-browser");
        assert_eq!(root.browser.delete("/v1/session").status, 204);
        assert_eq!(root.browser.cookie("doorward-session"), None);
        assert_ne!(root.browser.cookie("doorward-browser"), mark, "the mark is replaced");
        assert_eq!(session_status(&copy), 401, "a copy of the cookie is refused");
        assert_eq!(session_status(&other), 200);
    }

    fn sessions_are_listed_with_address_and_age(server) {
        let mut root = server.administrator();
        root.another_browser();
        let sessions = root.browser.get("/v1/me/sessions").json();
        let items = sessions["items"].as_array().expect("a list");
        assert_eq!(items.len(), 2);
        for item in items {
            assert_eq!(item["address"], "127.0.0.1");
            assert_eq!(item["user_agent"], "doorward-tests");
            assert_eq!(item["passkeys"], json!([root.passkey]));
        }
    }

    fn one_session_is_ended_from_another(server) {
        let mut root = server.administrator();
        let other = root.another_browser();
        let this = other.get("/v1/session").json()["session"]["id"].clone();
        let target = ids(&root.browser).into_iter().find(|id| json!(id) != this).expect("another");
        assert_eq!(other.delete(&format!("/v1/me/sessions/{target}")).status, 200);
        assert_eq!(root.session_status(), 401);
        assert_eq!(session_status(&other), 200);
        assert_eq!(ids(&other).len(), 1);
        // Safe to repeat.
        assert_eq!(other.delete(&format!("/v1/me/sessions/{target}")).status, 200);
    }

    fn all_other_sessions_are_ended(server) {
        let mut root = server.administrator();
        let others: Vec<_> = (0..3).map(|_| root.another_browser()).collect();
        let answer = root.browser.delete("/v1/me/sessions");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["sessions_ended"], 3);
        assert_eq!(root.session_status(), 200);
        for other in others {
            assert_eq!(session_status(&other), 401);
        }
        assert_eq!(ids(&root.browser).len(), 1);
        // Repeated, with no other session to end.
        assert_eq!(root.browser.delete("/v1/me/sessions").json()["sessions_ended"], 0);
        assert_eq!(root.session_status(), 200);
    }

    fn users_cannot_end_another_users_session(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let of_root = &ids(&root.browser)[0];
        assert_eq!(ada.browser.delete(&format!("/v1/me/sessions/{of_root}")).status, 404);
        assert_eq!(ada.browser.delete(&format!("/v1/users/root/sessions/{of_root}")).status, 403);
        // An administrator can't end a session under another user's name either.
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/sessions/{of_root}")).status, 404);
        assert_eq!(root.session_status(), 200);
    }

    fn an_idle_session_expires(server) {
        let root = server.administrator();
        server.advance_clock(23 * HOUR);
        use_it(server, &root.browser);
        server.advance_clock(23 * HOUR);
        assert_eq!(root.session_status(), 200, "using it updated its last use");
        server.advance_clock(25 * HOUR);
        assert_eq!(root.session_status(), 401);
    }

    fn a_session_expires_after_its_absolute_lifetime_even_if_used(server) {
        let root = server.administrator();
        for _ in 0..(30 * 24 / 12 - 1) {
            server.advance_clock(12 * HOUR);
            use_it(server, &root.browser);
            assert_eq!(root.session_status(), 200);
        }
        server.advance_clock(13 * HOUR);
        assert_eq!(root.session_status(), 401);
    }

    fn an_idle_session_is_not_listed(server) {
        let mut root = server.administrator();
        server.advance_clock(20 * HOUR);
        let other = root.another_browser();
        assert_eq!(ids(&other).len(), 2);
        server.advance_clock(5 * HOUR);
        assert_eq!(ids(&other).len(), 1);
    }

    fn the_cookie_is_host_only_and_http_only(server) {
        let root = server.administrator();
        let mut person = root.clone();
        let answer = person.sign_in_at(&server.browser());
        let cookies = answer.headers_named("set-cookie").join("\n");
        for part in ["doorward-session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
            assert!(cookies.contains(part), "{part}: {cookies}");
        }
    }

    fn a_replaced_session_is_refused_after_a_rollback_of_the_store(server) {
        let mut root = server.administrator();
        let browser = root.another_browser();
        let old = browser.clone();
        let session = old.get("/v1/session").json()["session"]["id"].as_str().expect("an id").to_owned();
        let cookie = old.cookie("doorward-session").expect("a cookie");
        // The session key follows the cookie's signature: a UUID, a dot, 43 characters.
        let key = SessionKey::parse(&cookie[cookie.len() - 80..]).expect("a key");
        let keys = [key.store_key(), format!("last-seen:{{{}}}:{session}", root.id)];
        let store = &server.app.ephemeral;
        let copies = server.run(store.get(&[&keys[0], &keys[1]])).expect("a result");
        assert_eq!(root.sign_in_at(&browser).status, 200);
        assert_eq!(session_status(&old), 401);
        // Restores the earlier copies, like a store that takes over without the last writes.
        for (key, copy) in keys.iter().zip(copies) {
            let copy = copy.expect("a copy");
            server.run(store.put(key, &copy, Duration::from_secs(3600))).expect("stored");
        }
        assert_eq!(session_status(&old), 401, "its account state refuses it");
        assert_eq!((session_status(&browser), root.session_status()), (200, 200));
        assert_eq!(ids(&browser).len(), 2);
    }

    fn frequent_sign_ins_and_sign_outs_keep_other_sessions(server) {
        let mut root = server.administrator();
        let browser = root.another_browser();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&browser, &[("scope", "openid offline_access")]);
        for round in 0..70 {
            // Alternately signed out, and replaced by the next sign-in of the same browser.
            let short = root.another_browser();
            assert_eq!(root.sign_in_at(&short).status, 200);
            if round % 2 == 0 {
                assert_eq!(short.delete("/v1/session").status, 204);
                assert_eq!(session_status(&short), 401);
            }
        }
        assert_eq!((session_status(&browser), root.session_status()), (200, 200));
        assert_eq!(app.user_info(&held.access).status, 200);
        assert_eq!(app.refresh(&held.refresh).status, 200);
        let told = browser.get("/v1/audit-events?action=session.ended_all").json();
        assert_eq!(told["items"], json!([]));
    }

    fn a_session_ended_before_many_others_is_refused_after_a_rollback_of_the_store(server) {
        let mut root = server.administrator();
        let first = root.another_browser();
        let (key, copy) = live_copy(server, &first);
        let (last_seen_key, seen) = seen_copy(server, &root.id, &first);
        // Keeps a copy of the cookie that the browser deletes.
        let copied = first.clone();
        assert_eq!(first.delete("/v1/session").status, 204);
        server.advance_clock(1);
        for _ in 0..66 {
            assert_eq!(root.another_browser().delete("/v1/session").status, 204);
        }
        for (key, copy) in [(&key, &copy), (&last_seen_key, &seen)] {
            server.run(server.app.ephemeral.put(key, copy, Duration::from_secs(3600))).expect("stored");
        }
        assert_eq!(session_status(&copied), 401, "its row refuses it");
        assert_eq!(root.session_status(), 200, "no other user");
        let renamed = root.browser.patch_json("/v1/me", &json!({ "display_name": "Root" }));
        assert_eq!(renamed.status, 200, "{}", renamed.text());
    }

    fn an_ended_session_is_in_the_record_while_a_copy_of_it_may_exist(server) {
        use doorward::db::schema::sessions;
        let mut root = server.administrator();
        let short = root.another_browser();
        let own = short.get("/v1/session").json()["session"]["id"].clone();
        let id = own.as_str().expect("an id").parse::<doorward::base::ids::SessionId>().expect("an id");
        assert_eq!(short.delete("/v1/session").status, 204);
        let user = root.id.parse().expect("an id");
        let ended = || server.run(server.app.account_states.read(user)).expect("a result").expect("a record").ended;
        assert_eq!(ended(), [id]);
        let listed = server.app.database.read(move |conn| {
            let columns = (sessions::ended_at.assume_not_null(), sessions::listed_until.assume_not_null());
            let row = sessions::table.find(id).select(columns);
            Ok::<_, doorward::db::Error>(row.first::<(Timestamp, Timestamp)>(conn)?)
        });
        let (ended_at, listed_until) = server.run(listed).expect("a row");
        let idle = server.config.sessions.idle_timeout;
        assert_eq!(listed_until, ended_at.after(idle + Duration::from_secs(3600)));
        // After that time, it is not.
        let over = server.app.database.write(move |conn| {
            let past = sessions::listed_until.eq(Timestamp::from_micros(1));
            diesel::update(sessions::table.find(id)).set(past).execute(conn)?;
            Ok::<_, doorward::db::Error>(())
        });
        server.run(over).expect("written");
        assert_eq!(ended(), []);
    }

    fn over_the_limit_the_least_recently_used_session_ends(server) {
        let mut root = server.administrator();
        let app = server.relying_party(|_| {});
        let oldest = root.another_browser();
        let ending = oldest.get("/v1/session").json()["session"]["id"].clone();
        let held = app.sign_in(&oldest, &[("scope", "openid offline_access")]);
        server.advance_clock(1);
        let second = root.another_browser();
        for _ in 0..197 {
            server.advance_clock(1);
            root.another_browser();
        }
        assert_eq!(root.session_status(), 200);
        // The first session is used, so another one is the least recently used now.
        server.advance_clock(3 * HOUR);
        let now = server.clock.now().to_rfc3339();
        crate::support::process::wait_until("the last use is updated", Duration::from_secs(5), || {
            let sessions = root.browser.get("/v1/me/sessions").json();
            sessions["items"].as_array().expect("a list").iter().any(|one| one["last_seen_at"] == now.as_str())
        });
        let last = root.another_browser();
        let record = doorward::account_state::AccountStates::key(root.id.parse().expect("an id"));
        let record = server.run(server.app.ephemeral.get(&[&record])).expect("a result")[0].clone().expect("a record");
        assert!(record.contains(ending.as_str().expect("an id")), "the end is published before the response: {record}");
        assert_eq!((session_status(&last), root.session_status(), session_status(&second)), (200, 200, 200));
        assert_eq!(session_status(&oldest), 401);
        assert_eq!(app.refresh(&held.refresh).status, 200, "offline access is kept");
        let told = last.get("/v1/audit-events?action=session.ended").json();
        assert_eq!((&told["items"][0]["reason"], &told["items"][1]), (&json!("too-many-open"), &json!(null)));
        assert_eq!(told["items"][0]["actor"], "doorward");
        let told = last.get("/v1/audit-events?action=session.ended_all").json();
        assert_eq!(told["items"], json!([]));
    }

    fn expired_sessions_do_not_count_towards_the_limit(server) {
        let mut root = server.administrator();
        for _ in 0..199 {
            root.another_browser();
        }
        server.advance_clock(25 * HOUR);
        let first = root.another_browser();
        let second = root.another_browser();
        assert_eq!((session_status(&first), session_status(&second)), (200, 200));
        let told = first.get("/v1/audit-events?action=session.ended").json();
        assert_eq!(told["items"], json!([]), "no session was ended");
    }
}

/// Returns the store key and the stored value of a browser's active session.
pub(super) fn live_copy(server: &TestServer, browser: &TestBrowser) -> (String, String) {
    let cookie = browser.cookie("doorward-session").expect("a cookie");
    // The session key follows the cookie's signature: a UUID, a dot, 43 characters.
    let key = SessionKey::parse(&cookie[cookie.len() - 80..])
        .expect("a key")
        .store_key();
    let copies = server
        .run(server.app.ephemeral.get(&[&key]))
        .expect("a result");
    (key, copies[0].clone().expect("a copy"))
}

/// Returns the store key and the stored value of the last use of a browser's session.
fn seen_copy(server: &TestServer, user: &str, browser: &TestBrowser) -> (String, String) {
    let session = browser.get("/v1/session").json()["session"]["id"].clone();
    let key = format!("last-seen:{{{user}}}:{}", session.as_str().expect("an id"));
    let copies = server
        .run(server.app.ephemeral.get(&[&key]))
        .expect("a result");
    (key, copies[0].clone().expect("a copy"))
}

/// Uses the session, and waits until its idle timeout is updated, which happens asynchronously.
fn use_it(
    server: &crate::support::test_server::TestServer,
    browser: &crate::support::http::TestBrowser,
) {
    let now = server.clock.now().to_rfc3339();
    crate::support::process::wait_until(
        "the last use is updated",
        std::time::Duration::from_secs(5),
        || browser.get("/v1/me/sessions").json()["items"][0]["last_seen_at"] == now.as_str(),
    );
}
