//! State at an earlier time: users, passkeys, roles, clients, and every version of each.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use doorward::account_state;
use doorward::base::clock::{Stopwatch, Timestamp};
use doorward::base::ids::UserId;
use doorward::db;
use doorward::history::{self, Author, Revision, SETTLED_AFTER};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{Answer, TestBrowser, form_encoded};
use crate::support::test_server::{TestServer, another_database, runtime};

/// Returns the database's time, with a second without changes before and after it.
pub(super) fn instant(server: &TestServer) -> Timestamp {
    server.advance_clock(1);
    let at = now(server);
    server.advance_clock(1);
    at
}

pub(super) fn at(browser: &TestBrowser, path: &str, at: Timestamp) -> Answer {
    browser.get(&format!("{path}?as_of={}", form_encoded(&at.to_rfc3339())))
}

pub(super) fn patch(browser: &TestBrowser, path: &str, body: &Value) {
    let tag = browser.get(path).header("etag").expect("a tag").to_owned();
    let answer = browser
        .request("PATCH", path)
        .header("If-Match", &tag)
        .json(body)
        .send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

pub(super) fn versions(browser: &TestBrowser, path: &str) -> Vec<i64> {
    let page = browser.get(path);
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["items"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|item| item["version"].as_i64().expect("a version"))
        .collect()
}

/// A user's lock, held by a transaction of another process.
struct Lock {
    release: mpsc::Sender<()>,
    holder: JoinHandle<Timestamp>,
}

impl Lock {
    /// Returns when the lock is held.
    fn take(server: &TestServer, user: &str) -> Self {
        let database = another_database(&server.config, &server.clock);
        let user = UserId::parse(user).expect("an id");
        let (release, hold) = mpsc::channel::<()>();
        let (tell, held) = mpsc::channel::<bool>();
        let holder = std::thread::spawn(move || {
            let clock = database.clone();
            let work = database.write(move |conn| {
                tell.send(account_state::lock(conn, user)?).ok();
                // Nothing is sent: the wait ends when the sender is dropped.
                hold.recv_timeout(Duration::from_secs(8)).ok();
                clock.now(conn)
            });
            runtime().block_on(work).expect("a lock, and its release")
        });
        let is_held = held.recv_timeout(Duration::from_secs(8));
        assert_eq!(is_held, Ok(true), "the lock is held");
        Self { release, holder }
    }

    /// Releases the lock, and returns the database's time just before.
    fn release(self) -> Timestamp {
        drop(self.release);
        self.holder.join().expect("the holder")
    }
}

fn now(server: &TestServer) -> Timestamp {
    let database = server.app.database.clone();
    let now = server.run(server.app.database.read(move |conn| database.now(conn)));
    now.expect("now")
}

on_both! {
    fn a_user_is_returned_as_of_an_instant_with_the_author_of_that_state(server) {
        let root = server.administrator();
        let before_creation = instant(server);
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/{}", ada.id);
        let joined = instant(server);
        patch(&root.browser, &path, &json!({ "display_name": "Ada the First" }));
        let first = instant(server);
        patch(&root.browser, &path, &json!({ "display_name": "Ada the Second", "roles": ["admin"] }));
        let second = instant(server);

        assert_eq!(at(&root.browser, &path, before_creation).status, 404);
        for (when, name, roles) in [(joined, "ada", json!([])), (first, "Ada the First", json!([])), (second, "Ada the Second", json!(["admin"]))] {
            let answer = at(&root.browser, &path, when);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = answer.json();
            assert_eq!((&answer["item"]["data"]["display_name"], &answer["item"]["data"]["roles"]), (&json!(name), &roles));
            assert_eq!(answer["as_of"], json!(when.to_rfc3339()));
        }
        let now = at(&root.browser, &path, second).json();
        assert_eq!((&now["item"]["by_user"], &now["item"]["by_username"], &now["item"]["by_client"]), (&json!(root.id), &json!("root"), &json!(null)));
        let own = at(&ada.browser, &path, joined);
        assert_eq!(own.status, 200, "users read their own earlier state");
        assert_eq!(own.json()["item"]["by_username"], "ada");
        let far = Timestamp::from_micros(4_000_000_000_000_000);
        assert_eq!(at(&root.browser, &path, far).status, 400);
        for bad in ["yesterday", "", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(root.browser.get(&format!("{path}?as_of={bad}")).status, 400, "{bad}");
        }
        assert_eq!(root.browser.get(&format!("{path}?of=x")).status, 400);
    }

    fn a_result_is_settled_after_two_seconds(server) {
        let root = server.administrator();
        let path = format!("/v1/users/{}", root.id);
        let now = now(server);
        assert_eq!(at(&root.browser, &path, now).json()["settled"], false);
        server.advance_clock(3);
        let before = root.browser.get(&path).json()["as_of"].as_str().and_then(Timestamp::parse).expect("an instant");
        let long_ago = at(&root.browser, &path, before.before(SETTLED_AFTER));
        assert_eq!(long_ago.status, 404, "the user did not exist yet");
        if !server.config.is_clustered() {
            assert_eq!(at(&root.browser, &path, now).json()["settled"], true);
        }
    }

    fn passkeys_are_returned_as_of_an_instant(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/{}/passkeys", ada.id);
        let one = instant(server);
        let (_, added) = ada.add_passkey(SoftAuthenticator::synced(server.origin()));
        let two = instant(server);
        assert_eq!(root.browser.delete(&format!("{path}/{added}?reason=lost")).status, 200);
        let revoked = instant(server);
        let count = |when| at(&root.browser, &path, when).json()["items"].as_array().map(Vec::len);
        assert_eq!((count(one), count(two), count(revoked)), (Some(1), Some(2), Some(2)));
        let of = |when, id: &str| {
            let answer = at(&ada.browser, &path, when).json();
            answer["items"].as_array().expect("items").iter().find(|item| item["id"] == json!(id)).cloned().expect("the passkey")
        };
        assert_eq!(of(two, &added)["data"]["revoked_at"], json!(null));
        let then = of(revoked, &added);
        assert_eq!((&then["data"]["revoked_reason"], &then["by_username"]), (&json!("lost"), &json!("root")));
        let history = format!("/v1/passkeys/{added}/history");
        assert_eq!(versions(&ada.browser, &history), [2, 1], "the user's own record");
        assert_eq!(versions(&root.browser, &history), [2, 1]);
        let text = root.browser.get(&history).text();
        for secret in ["credential", "public_key", "sign_count", "counter"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        let bob = server.create_user(&root, "bob");
        for path in [history.as_str(), "/v1/passkeys/00000000-0000-4000-8000-000000000000/history"] {
            assert_eq!(bob.browser.get(path).status, 403, "other users get no information: {path}");
        }
        assert_eq!(root.browser.get("/v1/passkeys/00000000-0000-4000-8000-000000000000/history").status, 404);
        assert_eq!(bob.browser.get(&format!("{path}?as_of=2026-01-01T00:00:00Z")).status, 403);
    }

    fn clients_and_roles_are_returned_as_of_an_instant_until_their_deletion(server) {
        let root = server.administrator();
        let made = root.browser.post_json("/v1/clients", &json!({ "client_name": "Shop", "grant_types": ["client_credentials"], "scope": "users:read" }));
        assert_eq!(made.status, 201, "{}", made.text());
        let path = format!("/v1/clients/{}", made.json()["client_id"].as_str().or(made.json()["id"].as_str()).expect("an id"));
        let shop = instant(server);
        patch(&root.browser, &path, &json!({ "client_name": "Shop 2" }));
        let renamed = instant(server);
        assert_eq!(root.browser.delete(&path).status, 204);
        let gone = instant(server);
        let name = |when| at(&root.browser, &path, when).json()["item"]["data"]["client_name"].clone();
        assert_eq!((name(shop), name(renamed)), (json!("Shop"), json!("Shop 2")));
        assert_eq!(at(&root.browser, &path, gone).status, 404);
        let history = root.browser.get(&format!("{path}/history")).json();
        assert_eq!((&history["items"][0]["data"]["deleted"], &history["items"][0]["by_username"]), (&json!(true), &json!("root")));
        assert!(!history.to_string().contains("secret_hash"), "{history}");

        assert_eq!(root.browser.post_json("/v1/roles", &json!({ "name": "clerk", "description": "Counter" })).status, 201);
        let clerk = instant(server);
        patch(&root.browser, "/v1/roles/clerk", &json!({ "description": "Till" }));
        assert_eq!(root.browser.delete("/v1/roles/clerk").status, 204);
        let gone = instant(server);
        assert_eq!(at(&root.browser, "/v1/roles/clerk", clerk).json()["item"]["data"]["description"], "Counter");
        assert_eq!(at(&root.browser, "/v1/roles/clerk", gone).status, 404);
        assert_eq!(versions(&root.browser, "/v1/roles/clerk/history"), [3, 2, 1]);
        assert_eq!(versions(&root.browser, "/v1/roles/admin/history"), [1], "it exists since the installation");
    }

    fn histories_are_paged_newest_first_and_name_the_writing_client(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (id, secret) = server.client(&["users:read", "users:write"]);
        let path = format!("/v1/users/{}", ada.id);
        let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let changed = server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &tag).json(&json!({ "display_name": "A" })).send();
        assert_eq!(changed.status, 200, "{}", changed.text());
        patch(&root.browser, &path, &json!({ "display_name": "B" }));
        let history = format!("{path}/history");
        let first = root.browser.get(&format!("{history}?limit=2")).json();
        let items = first["items"].as_array().expect("items");
        assert_eq!((items.len(), &items[0]["data"]["display_name"], &items[1]["by_client_name"]), (2, &json!("B"), &json!("a service")));
        assert_eq!(items[1]["by_client"], json!(id));
        let next = first["next"].as_str().expect("a cursor");
        let rest = root.browser.get(&format!("{history}?after={next}")).json();
        assert_eq!(rest["next"], json!(null));
        assert!(rest["items"].as_array().is_some_and(|items| items.iter().all(|item| item["version"].as_i64() < next.parse().ok())));
        assert_eq!(versions(&ada.browser, "/v1/users/ada/history").len(), versions(&root.browser, &history).len(), "the user's own record");
        for bad in ["limit=0", "limit=201", "after=x", "after=-1", "after=0", "of=1"] {
            assert_eq!(root.browser.get(&format!("{history}?{bad}")).status, 400, "{bad}");
        }
        let (blind, secret) = server.client(&["sessions:read"]);
        for path in [
            history.as_str(), "/v1/users/nobody/history", "/v1/roles/admin/history", "/v1/resources/order/1/history",
            "/v1/role-assignments/00000000-0000-4000-8000-000000000000/history", "/v1/clients/00000000-0000-4000-8000-000000000000/history",
            "/v1/passkeys/00000000-0000-4000-8000-000000000000/history",
        ] {
            assert_eq!(server.browser().request("GET", path).basic(&blind, &secret).send().status, 403, "{path}");
            assert_eq!(server.browser().get(path).status, 401, "{path}");
        }
        let bob = server.create_user(&root, "bob");
        assert_eq!(bob.browser.get(&history).status, 403);
        for path in ["/v1/users/nobody/history", "/v1/roles/nothing/history", "/v1/resources/order/1/history",
            "/v1/role-assignments/00000000-0000-4000-8000-000000000000/history", "/v1/role-assignments/x/history", "/v1/clients/x/history"] {
            assert_eq!(root.browser.get(path).status, 404, "{path}");
        }
        // An invalid name is refused, and so is a path that is not UTF-8.
        for path in ["/v1/resources/a%20b/1/history", "/v1/resources/order/%FF/history"] {
            assert_eq!(root.browser.get(path).status, 400, "{path}");
        }
    }

    fn a_transaction_that_exceeds_its_time_limit_is_rolled_back(server) {
        let database = server.app.database.clone();
        let id = UserId::random();
        let (held, hold) = mpsc::channel::<()>();
        let work = server.app.database.write(move |conn| {
            let as_of = database.now(conn)?;
            let revision = Revision { entity: "user", entity_id: id.uuid(), version: 1, as_of, data: json!({}) };
            history::record_revision(conn, &Author::command(), revision)?;
            // Nothing is sent: the wait ends after this timeout.
            hold.recv_timeout(Duration::from_millis(1600)).ok();
            Ok::<_, db::Error>(())
        });
        let refused = server.run(work);
        drop(held);
        assert!(matches!(refused, Err(db::Error::Unavailable(_))), "{refused:?}");
        let found = server.app.database.read(move |conn| history::list_revisions(conn, "user", id.uuid(), None, 1));
        assert!(server.run(found).expect("a result").is_empty());
    }

    fn a_change_that_waited_for_a_lock_has_the_later_timestamp(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/{}", ada.id);
        let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let lock = Lock::take(server, &ada.id);
        let sent = now(server);
        let (tell, answered) = mpsc::channel::<u16>();
        let (browser, changed) = (root.browser.clone(), path.clone());
        let change = std::thread::spawn(move || {
            let body = json!({ "display_name": "Ada the Patient" });
            let answer = browser.request("PATCH", &changed).header("If-Match", &tag).json(&body).send();
            tell.send(answer.status).ok();
            answer
        });
        let early = answered.recv_timeout(Duration::from_millis(700));
        assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout), "it waits for the lock");
        server.advance_clock(1);
        let released = lock.release();
        let answer = change.join().expect("a response");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let newest = root.browser.get(&format!("{path}/history")).json()["items"][0].clone();
        assert_eq!(newest["data"]["display_name"], "Ada the Patient");
        let recorded = newest["as_of"].as_str().and_then(Timestamp::parse).expect("an instant");
        assert!(sent < released && released <= recorded && recorded <= now(server), "{sent} {released} {recorded}");
    }

    fn twelve_concurrent_changes_create_twelve_consecutive_versions(server) {
        const CHANGES: usize = 12;
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/{}", ada.id);
        let before = versions(&root.browser, &format!("{path}/history")).len();
        let tabs: Vec<_> = (0..CHANGES).map(|number| (root.browser.clone(), json!({ "display_name": format!("Ada {number}") }))).collect();
        crate::support::race::race(tabs, |(browser, body)| {
            loop {
                let tag = browser.get(&path).header("etag").expect("a tag").to_owned();
                let answer = browser.request("PATCH", &path).header("If-Match", &tag).json(&body).send();
                match answer.status {
                    200 => break,
                    412 => {}
                    other => panic!("{other} {}", answer.text()),
                }
            }
        });
        let page = root.browser.get(&format!("{path}/history")).json();
        let items = page["items"].as_array().expect("items");
        assert_eq!(items.len(), before + CHANGES, "none is lost");
        for pair in items.windows(2) {
            assert!(pair[0]["as_of"].as_str() > pair[1]["as_of"].as_str(), "{pair:?}");
        }
    }

    fn a_settled_result_never_changes(server) {
        const ENOUGH: usize = 8;
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/{}", ada.id);
        server.advance_clock(3);
        let (stop, changed) = (AtomicBool::new(false), AtomicUsize::new(0));
        let ask = |when: Timestamp| {
            let answer = at(&root.browser, &path, when);
            (answer.status == 200).then(|| answer.json())
        };
        // Changes wait for so long that a time before their wait becomes final while they are waiting.
        let mut lock = Some(Lock::take(server, &ada.id));
        let held_since = now(server);
        let (watch, mut moved) = (Stopwatch::start(), Duration::ZERO);
        let (answers, of_the_wait) = std::thread::scope(|scope| {
            for number in 0..4 {
                let (browser, stop, changed, path) = (root.browser.clone(), &stop, &changed, &path);
                scope.spawn(move || {
                    for turn in 0.. {
                        if stop.load(Ordering::Relaxed) || watch.elapsed() > Duration::from_secs(40) {
                            break;
                        }
                        let tag = browser.get(path).header("etag").unwrap_or_default().to_owned();
                        let body = json!({ "display_name": format!("Ada {number} {turn}") });
                        let answer = browser.request("PATCH", path).header("If-Match", &tag).json(&body).send();
                        changed.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
                    }
                });
            }
            let (mut answers, mut of_the_wait) = (Vec::new(), 0);
            let is_over = || watch.elapsed() > Duration::from_secs(4) && changed.load(Ordering::Relaxed) >= ENOUGH;
            while !is_over() && watch.elapsed() < Duration::from_secs(30) {
                // Advances the test's clock along with the system clock.
                let elapsed = watch.elapsed();
                server.clock.advance(elapsed.saturating_sub(moved));
                moved = elapsed;
                let when = now(server).before(SETTLED_AFTER);
                if let Some(answer) = ask(when) {
                    assert_eq!(answer["settled"], true, "{answer}");
                    of_the_wait += usize::from(lock.is_some() && when > held_since);
                    answers.push((when, answer));
                }
                if of_the_wait >= 5 && elapsed > SETTLED_AFTER + Duration::from_millis(300) && let Some(lock) = lock.take() {
                    assert_eq!(changed.load(Ordering::Relaxed), 0, "nothing changes while the lock is held");
                    lock.release();
                }
            }
            stop.store(true, Ordering::Relaxed);
            (answers, of_the_wait)
        });
        let changed = changed.into_inner();
        assert!(changed >= ENOUGH, "changed {changed} times");
        assert!(of_the_wait > 0, "an instant during the wait was settled before the wait ended");
        let wrong = answers.iter().filter(|(when, answer)| ask(*when).as_ref() != Some(answer)).count();
        assert_eq!(wrong, 0, "of {}", answers.len());
    }
}
