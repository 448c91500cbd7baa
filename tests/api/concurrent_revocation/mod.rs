//! Changes requested by callers who lose the permission while the request waits for a lock.

pub(super) mod token_requests;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::prelude::*;
use doorward::base::clock::Timestamp;
use doorward::base::ids::{ClientId, UserId};
use doorward::db::schema::{account_states, clients, passkeys, sessions, user_roles, users};
use doorward::db::{self, Connection, Json};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{Answer, TestBrowser, basic, page_user};
use crate::support::process::wait_until;
use crate::support::relying_party::RelyingParty;
use crate::support::test_server::{TestServer, another_database, runtime};
use crate::support::test_user::TestUser;

pub(super) type Work = Box<dyn FnOnce(&mut Connection) -> db::Result<()> + Send>;

/// A transaction of another process that has done its work, holds the locks, and commits when it is told to.
struct Held {
    release: mpsc::Sender<()>,
    holder: JoinHandle<()>,
}

impl Held {
    fn begin(server: &TestServer, work: Work) -> Self {
        let database = another_database(&server.config, &server.clock);
        let (release, hold) = mpsc::channel::<()>();
        let (tell, held) = mpsc::channel::<()>();
        let holder = std::thread::spawn(move || {
            let transaction = database.write(move |conn| {
                work(conn)?;
                tell.send(()).ok();
                hold.recv_timeout(Duration::from_secs(8)).ok();
                Ok::<_, db::Error>(())
            });
            runtime().block_on(transaction).expect("a commit");
        });
        held.recv().expect("the locks");
        Self { release, holder }
    }

    fn commit(self) {
        self.release.send(()).expect("the lock-holding thread");
        self.holder.join().expect("the lock-holding thread");
    }
}

/// Returns how many statements on this installation's PostgreSQL database wait for a lock; `None` on SQLite, which
/// doesn't report it.
pub(super) fn waiting(server: &TestServer) -> Option<i64> {
    let count = server.app.database.read(|conn| match conn {
        Connection::Sqlite(_) => Ok(None),
        Connection::Postgres(conn) => {
            let count = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
                "(select count(*) from pg_stat_activity \
                 where datname = current_database() and wait_event_type = 'Lock')",
            ));
            Ok::<_, db::Error>(Some(count.get_result(conn)?))
        }
    });
    server.run(count).expect("a count")
}

/// Sends a request while another transaction holds the locks that it needs, and commits that transaction when the request waits.
///
/// With SQLite, waiting is not observable. There the revocation becomes visible with the commit, and an instance that was not
/// notified still accepts requests for a moment, which has the same effect.
pub(super) fn send_during(
    server: &TestServer,
    work: Work,
    send: impl FnOnce() -> Answer + Send,
) -> Answer {
    let held = Held::begin(server, work);
    std::thread::scope(|scope| {
        let request = scope.spawn(send);
        if waiting(server).is_some() {
            wait_until("the request waits", Duration::from_secs(4), || {
                waiting(server) == Some(1) || request.is_finished()
            });
        }
        held.commit();
        request.join().expect("a response")
    })
}

fn id(person: &TestUser) -> UserId {
    person.id.parse().expect("an id")
}

/// Takes the account's lock, as every change of an account does.
fn raise(conn: &mut Connection, user: UserId) -> db::Result<()> {
    diesel::update(account_states::table.find(user))
        .set(account_states::version.eq(account_states::version + 1))
        .execute(conn)?;
    Ok(())
}

/// Returns the changes after which an administrator's request is refused, with their names.
fn revocations_of(user: UserId) -> Vec<(&'static str, u16, Work)> {
    let at = Timestamp::from_micros(1);
    let change =
        move |status: u16,
              name,
              work: fn(&mut Connection, UserId, Timestamp) -> QueryResult<usize>| {
            let work: Work = Box::new(move |conn| {
                raise(conn, user)?;
                assert_eq!(work(conn, user, at)?, 1);
                Ok(())
            });
            (name, status, work)
        };
    vec![
        change(401, "suspended", |conn, user, _| {
            diesel::update(users::table.find(user))
                .set(users::status.eq("suspended"))
                .execute(conn)
        }),
        change(401, "all sessions ended", |conn, user, _| {
            diesel::update(account_states::table.find(user))
                .set(account_states::session_epoch.eq(account_states::session_epoch + 1))
                .execute(conn)
        }),
        change(401, "this session ended", |conn, user, at| {
            diesel::update(sessions::table.filter(sessions::user_id.eq(user)))
                .set((
                    sessions::ended_at.eq(at),
                    sessions::end_reason.eq("ended"),
                    sessions::listed_until.eq(Timestamp::from_micros(i64::MAX / 4)),
                ))
                .execute(conn)
        }),
        change(401, "passkey revoked", |conn, user, at| {
            diesel::update(passkeys::table.filter(passkeys::user_id.eq(user)))
                .set(passkeys::revoked_at.eq(at))
                .execute(conn)
        }),
        change(403, "role withdrawn", |conn, user, _| {
            let held = user_roles::table.filter(user_roles::user_id.eq(user));
            diesel::delete(held).execute(conn)
        }),
    ]
}

/// Returns the changes after which a service's request is refused.
fn revocations_of_client(client: ClientId) -> Vec<(&'static str, u16, Work)> {
    let change =
        move |status: u16, name, work: fn(&mut Connection, ClientId) -> QueryResult<usize>| {
            let work: Work = Box::new(move |conn| {
                assert_eq!(work(conn, client)?, 1);
                Ok(())
            });
            (name, status, work)
        };
    vec![
        change(401, "disabled", |conn, client| {
            diesel::update(clients::table.find(client))
                .set((
                    clients::enabled.eq(false),
                    clients::token_epoch.eq(clients::token_epoch + 1),
                    clients::user_authorizations_epoch.eq(clients::user_authorizations_epoch + 1),
                ))
                .execute(conn)
        }),
        change(403, "scopes withdrawn", |conn, client| {
            diesel::update(clients::table.find(client))
                .set(clients::scopes.eq(Json(Vec::<String>::new())))
                .execute(conn)
        }),
        change(401, "secret rotated", |conn, client| {
            diesel::update(clients::table.find(client))
                .set(clients::secret_hash.eq(vec![7_u8; 32]))
                .execute(conn)
        }),
    ]
}

/// A change of one kind, as a request.
struct Change {
    method: &'static str,
    path: String,
    body: Value,
    if_match: Option<String>,
}

impl Change {
    fn new(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self {
            method,
            path: path.into(),
            body,
            if_match: None,
        }
    }

    fn at_version(mut self, root: &TestUser) -> Self {
        let tag = root.browser.get(&self.path);
        self.if_match = Some(tag.header("etag").expect("a tag").to_owned());
        self
    }

    fn send(&self, browser: &TestBrowser, authorization: Option<&str>) -> Answer {
        let mut request = browser.request(self.method, &self.path).json(&self.body);
        if let Some(tag) = &self.if_match {
            request = request.header("If-Match", tag);
        }
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        request.send()
    }
}

fn changes(server: &TestServer, root: &TestUser, ada: &TestUser) -> Vec<Change> {
    let (client, _) = server.client(&[]);
    let client = format!("/v1/clients/{client}");
    let user = format!("/v1/users/{}", ada.id);
    let grant =
        json!({ "user": ada.id, "resource_type": "order", "resource_id": "1", "roles": ["X"] });
    let given = root
        .browser
        .post_json("/v1/role-assignments", &grant)
        .json();
    let given = format!(
        "/v1/role-assignments/{}",
        given["id"].as_str().expect("an id")
    );
    let new =
        json!({ "user": ada.id, "resource_type": "order", "resource_id": "2", "roles": ["X"] });
    let put = root
        .browser
        .request("PUT", "/v1/resources/order/1")
        .json(&json!({}))
        .send();
    assert_eq!(put.status, 201);
    let invited = root.browser.post_json("/v1/invitations", &json!({}));
    assert_eq!(invited.status, 201);
    let invitation = root.browser.get("/v1/invitations?state=open").json();
    let invitation = invitation["items"][0]["id"].as_str().expect("an id");
    vec![
        Change::new(
            "DELETE",
            format!("/v1/invitations/{invitation}"),
            Value::Null,
        ),
        Change::new("POST", format!("{client}/secret"), json!({})),
        Change::new("POST", format!("{client}/disable"), json!({})),
        Change::new("POST", format!("{client}/enable"), json!({})),
        Change::new("PATCH", &client, json!({ "client_name": "other" })).at_version(root),
        Change::new("DELETE", &client, Value::Null),
        Change::new("POST", "/v1/clients", json!({ "client_name": "new" })),
        Change::new("PATCH", &user, json!({ "display_name": "other" })).at_version(root),
        Change::new("POST", format!("{user}/suspend"), json!({})),
        Change::new("POST", format!("{user}/reactivate"), json!({})),
        Change::new("POST", "/v1/invitations", json!({})),
        Change::new("POST", "/v1/invitations", json!({ "user_id": ada.id })),
        Change::new("DELETE", format!("{user}/sessions"), Value::Null),
        Change::new(
            "DELETE",
            format!("{user}/passkeys/{}", ada.passkey),
            Value::Null,
        ),
        Change::new("POST", "/v1/role-assignments", new),
        Change::new("PATCH", &given, json!({ "roles": ["Y"] })).at_version(root),
        Change::new("DELETE", given, Value::Null),
        Change::new("PUT", "/v1/resources/order/2", json!({})),
        Change::new("DELETE", "/v1/resources/order/1", Value::Null),
    ]
}

/// Returns the changes that only users make: roles, and their own account.
fn own_changes(root: &TestUser, deputy: &TestUser) -> Vec<Change> {
    let made = root
        .browser
        .post_json("/v1/roles", &json!({ "name": "clerk" }));
    assert_eq!(made.status, 201, "{}", made.text());
    vec![
        Change::new("POST", "/v1/roles", json!({ "name": "cook" })),
        Change::new(
            "PATCH",
            "/v1/roles/clerk",
            json!({ "description": "other" }),
        )
        .at_version(root),
        Change::new("DELETE", "/v1/roles/clerk", Value::Null),
        Change::new("PATCH", "/v1/me", json!({ "display_name": "other" })),
        Change::new(
            "PATCH",
            format!("/v1/me/passkeys/{}", deputy.passkey),
            json!({ "name": "other" }),
        ),
        Change::new("POST", "/v1/me/device-links", json!({})),
        Change::new("DELETE", "/v1/me/sessions", Value::Null),
        Change::new("POST", "/v1/me/suspend", json!({})),
    ]
}

/// Returns the number of revisions and of audit events.
fn history(server: &TestServer) -> (i64, i64) {
    use doorward::db::schema::{audit_events, revisions};
    let counts = server.app.database.read(|conn| {
        let revisions = revisions::table.count().get_result(conn)?;
        // Refusals are events too, but not changes.
        let changes = audit_events::table.filter(audit_events::outcome.eq("success"));
        let events = changes.count().get_result(conn)?;
        Ok::<_, db::Error>((revisions, events))
    });
    server.run(counts).expect("counts")
}

fn deputy(server: &TestServer, root: &TestUser, name: &str) -> TestUser {
    let invitation = json!({ "username": name, "roles": ["admin"] });
    server.create_user_with(
        root,
        &invitation,
        SoftAuthenticator::synced(server.origin()),
    )
}

fn assert_refused(
    server: &TestServer,
    what: &str,
    status: u16,
    change: &Change,
    before: (i64, i64),
    answer: &Answer,
) {
    let what = format!(
        "{what}: {} {}: {}",
        change.method,
        change.path,
        answer.text()
    );
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(history(server), before, "{what}");
}

on_both! {
    fn a_stale_page_does_not_delete_a_changed_role_assignment(server) {
        use doorward::db::schema::role_assignments;
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let grant = json!({ "user": ada.id, "resource_type": "order", "resource_id": "1", "roles": ["X"] });
        let given = root.browser.post_json("/v1/role-assignments", &grant).json();
        let given = given["id"].as_str().expect("an ID").to_owned();
        let user = id(&ada);
        let grant: doorward::base::ids::RoleAssignmentId = given.parse().expect("an ID");
        let change: Work = Box::new(move |conn| {
            raise(conn, user)?;
            diesel::update(role_assignments::table.find(grant)).set(role_assignments::version.eq(role_assignments::version + 1)).execute(conn)?;
            Ok(())
        });
        let rendered_for = page_user(&root.browser).expect("a user");
        let form = [("rendered_for", rendered_for.as_str()), ("version", "1")];
        let path = format!("/admin/role-assignments/{given}/delete");
        let answer = send_during(server, change, || root.browser.request("POST", &path).form(&form).send());
        assert!([409, 412].contains(&answer.status), "{answer:?}");
        let still = root.browser.get(&format!("/v1/role-assignments/{given}")).json();
        assert_eq!(still["roles"], json!(["X"]), "{still}");
    }

    fn an_administrator_suspended_during_the_request_changes_nothing(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let first = deputy(server, &root, "deputy");
        let mut all = changes(server, &root, &ada);
        all.extend(own_changes(&root, &first));
        for (number, change) in all.iter().enumerate() {
            let deputy = deputy(server, &root, &format!("deputy{number}"));
            let (_, status, work) = revocations_of(id(&deputy)).remove(0);
            let before = history(server);
            let answer = send_during(server, work, || change.send(&deputy.browser, None));
            assert_refused(server, "suspended", status, change, before, &answer);
        }
    }

    fn a_change_is_refused_if_its_administrator_loses_the_permission_during_it(server) {
        let root = server.administrator();
        let (client, _) = server.client(&[]);
        let change = Change::new("POST", format!("/v1/clients/{client}/secret"), json!({}));
        for number in 0..5 {
            let deputy = deputy(server, &root, &format!("deputy{number}"));
            let (what, status, work) = revocations_of(id(&deputy)).remove(number);
            let before = history(server);
            let answer = send_during(server, work, || change.send(&deputy.browser, None));
            assert_refused(server, what, status, &change, before, &answer);
        }
    }

    fn a_service_disabled_during_the_request_changes_nothing(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let scopes = ["clients:write", "users:write", "passkeys:enrol", "sessions:revoke", "passkeys:revoke", "role-assignments:write"];
        for change in changes(server, &root, &ada) {
            let (client, secret) = server.client(&scopes);
            let (_, status, work) = revocations_of_client(client.parse().expect("an id")).remove(0);
            let before = history(server);
            let answer = send_during(server, work, || change.send(&server.browser(), Some(&basic(&client, &secret))));
            assert_refused(server, "disabled", status, &change, before, &answer);
        }
    }

    fn a_change_is_refused_if_its_service_loses_the_permission_during_it(server) {
        for number in 0..3 {
            let (client, secret) = server.client(&["clients:write"]);
            let target = managed_by(server, &client);
            let change = Change::new("POST", format!("/v1/clients/{target}/secret"), json!({}));
            let (what, status, work) = revocations_of_client(client.parse().expect("an id")).remove(number);
            let before = history(server);
            let answer = send_during(server, work, || change.send(&server.browser(), Some(&basic(&client, &secret))));
            assert_refused(server, what, status, &change, before, &answer);
        }
    }

    fn a_token_whose_client_or_user_lost_the_permission_during_the_request_changes_nothing(server) {
        let root = server.administrator();
        let helper = |scope: &str| -> RelyingParty { server.delegated_app(scope) };
        // The user who authorized the app is suspended or no longer an administrator; the app is disabled or has lost the scope.
        for number in 0..4 {
            let deputy = deputy(server, &root, &format!("deputy{number}"));
            let app = helper("openid clients:write");
            let target = managed_by(server, &app.id);
            let change = Change::new("POST", format!("/v1/clients/{target}/secret"), json!({}));
            let issued = app.sign_in(&deputy.browser, &[("scope", "openid clients:write"), ("resource", server.origin())]);
            let client = || app.id.parse().expect("an id");
            let (what, status, work) = match number {
                0 => revocations_of(id(&deputy)).remove(0),
                1 => revocations_of(id(&deputy)).remove(4),
                2 => revocations_of_client(client()).remove(0),
                _ => revocations_of_client(client()).remove(1),
            };
            let before = history(server);
            let bearer = format!("Bearer {}", issued.access);
            let answer = send_during(server, work, || change.send(&server.browser(), Some(&bearer)));
            assert_refused(server, what, status, &change, before, &answer);
        }
    }
}

fn managed_by(server: &TestServer, manager: &str) -> String {
    let metadata = doorward::clients::Metadata {
        managed_by: vec![manager.parse().expect("an id")],
        ..Default::default()
    };
    let scopes = doorward::clients::Scopes::default();
    server.create_client("managed", &scopes, &metadata).0
}

/// Locks a client's row, as a change of the client does.
fn hold_client(client: &str) -> Work {
    let client: ClientId = client.parse().expect("an id");
    Box::new(move |conn| {
        diesel::update(clients::table.find(client))
            .set(clients::state_version.eq(clients::state_version + 1))
            .execute(conn)?;
        Ok(())
    })
}

#[test]
fn a_request_waiting_for_a_clients_row_does_not_block_revoking_its_sender() {
    let server = TestServer::clustered();
    let root = server.administrator();
    let (target, _) = server.client(&[]);
    let deputy = deputy(&server, &root, "deputy");
    let (service, secret) = server.client(&["clients:write"]);
    let change = Change::new("POST", format!("/v1/clients/{target}/secret"), json!({}));
    let held = Held::begin(&server, hold_client(&target));
    std::thread::scope(|scope| {
        let by_user = scope.spawn(|| change.send(&deputy.browser, None));
        let by_service =
            scope.spawn(|| change.send(&server.browser(), Some(&basic(&service, &secret))));
        wait_until("both wait", Duration::from_secs(4), || {
            waiting(&server) == Some(2)
        });
        let suspended = root
            .browser
            .post_json(&format!("/v1/users/{}/suspend", deputy.id), &json!({}));
        assert_eq!(suspended.status, 200, "{}", suspended.text());
        let disabled = root
            .browser
            .post_json(&format!("/v1/clients/{service}/disable"), &json!({}));
        assert_eq!(disabled.status, 200, "{}", disabled.text());
        let before = history(&server);
        held.commit();
        for answer in [
            by_user.join().expect("a response"),
            by_service.join().expect("a response"),
        ] {
            assert_refused(&server, "revoked", 401, &change, before, &answer);
        }
    });
}
