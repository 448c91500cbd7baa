//! Disabling a client together with the clients that it registered: on a slow database, concurrently with other requests,
//! and after failures.

use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use doorward::base::ids::{ClientId, UserId};
use doorward::clients::ActingAs;
use doorward::db::{self, Connection};
use serde_json::{Value, json};

use super::ask;
use super::lifecycle::{Client, insert_copies, register, registered};
use super::permissions::send;
use crate::api::concurrent_revocation::waiting;
use crate::on_both;
use crate::support::fault_sweep::{RepeatableRequest, fault_at_every_step};
use crate::support::http::Answer;
use crate::support::process::wait_until;
use crate::support::test_server::{TestServer, another_database, runtime};
use crate::support::test_user::TestUser;

fn disable_with_registered(root: &TestUser, service: &Client) -> Answer {
    let path = format!("/v1/clients/{}/disable", service.0);
    let body = json!({ "with_registered": true });
    root.browser.post_json(&path, &body)
}

/// Changes the schema for a test, with one statement for PostgreSQL and another for SQLite.
fn alter(server: &TestServer, postgres: &'static str, sqlite: &'static str) {
    let altered = server.app.database.write(move |conn| {
        let sql = match conn {
            Connection::Postgres(_) => postgres,
            Connection::Sqlite(_) => sqlite,
        };
        conn.batch_execute(sql).map_err(db::Error::from)
    });
    server.run(altered).expect("altered");
}

/// Changes a client without changing its origins and audiences.
fn rename(root: &TestUser, client: &Client) -> u16 {
    let path = format!("/v1/clients/{}", client.0);
    let tag = root.browser.get(&path);
    let tag = tag.header("etag").expect("a tag").to_owned();
    let request = root
        .browser
        .request("PATCH", &path)
        .header("If-Match", &tag);
    request
        .json(&json!({ "client_name": "Renamed" }))
        .send()
        .status
}

#[test]
fn more_than_a_batch_is_disabled_on_a_slow_database() {
    let server = &mut TestServer::clustered();
    let root = server.administrator();
    let service = server.client(&["clients:write"]);
    register(server, &service, "Many", "");
    insert_copies(server, "Many", 29);
    // A batch of 25 would take longer than a transaction may.
    alter(
        server,
        "create function slow() returns trigger language plpgsql as \
         $$ begin perform pg_sleep(0.03); return new; end $$; \
         create trigger slow before update on clients for each row execute function slow()",
        "",
    );
    let disabled = registered(&disable_with_registered(&root, &service));
    assert_eq!(disabled.len(), 30);
    assert!(disabled.iter().all(|(_, is_enabled)| !is_enabled));
}

/// Takes the locks of a request through `client` on behalf of `user`, the second one after `proceed` is signalled.
fn hold_client_then_account(
    conn: &mut Connection,
    (client, user): (ClientId, UserId),
    (holds, proceed): (&mpsc::Sender<()>, &mpsc::Receiver<()>),
) -> db::Result<()> {
    doorward::clients::lock_permissions(conn, client)?;
    holds.send(()).ok();
    proceed.recv_timeout(Duration::from_secs(8)).ok();
    doorward::account_state::lock(conn, user)?;
    Ok(())
}

on_both! {
    fn origins_and_audiences_are_written_only_when_they_change(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let origins: Vec<String> = (0..50).map(|number| format!("https://app{number}.example")).collect();
        let redirects: Vec<String> = (0..50).map(|number| format!("https://back{number}.example/callback")).collect();
        let body = json!({ "client_name": "Many", "redirect_uris": redirects, "allowed_origins": origins });
        let mut apps = Vec::new();
        for number in 0..3 {
            let mut body = body.clone();
            body["client_name"] = json!(format!("Many {number}"));
            let made = send(server, &service, "POST", "/v1/clients", &body);
            assert_eq!(made.status, 201, "{}", made.text());
            apps.push((made.json()["client_id"].as_str().expect("an ID").to_owned(), String::new()));
        }
        alter(
            server,
            "create function never() returns trigger language plpgsql as $$ begin raise exception 'written'; end $$; \
             create trigger never before insert or delete on client_origins for each row execute function never()",
            "create trigger never_inserted before insert on client_origins begin select raise(abort, 'written'); end; \
             create trigger never_deleted before delete on client_origins begin select raise(abort, 'written'); end",
        );
        assert_eq!(rename(&root, &apps[0]), 200);
        assert_eq!(root.browser.post_json(&format!("/v1/clients/{}/secret", apps[0].0), &json!({})).status, 200);
        assert_eq!(registered(&disable_with_registered(&root, &service)).len(), 3);
    }

    fn allowed_origins_follow_changes_of_the_client(server) {
        let root = server.administrator();
        let preflight = |origin: &str| {
            let browser = server.browser();
            let answer = browser.request("OPTIONS", "/oauth2/token").header("Origin", origin).header("Access-Control-Request-Method", "POST").send();
            answer.header("access-control-allow-origin") == Some(origin)
        };
        let body = json!({ "client_name": "x", "redirect_uris": ["https://one.example/callback"], "allowed_origins": ["https://two.example"] });
        let made = root.browser.post_json("/v1/clients", &body).json();
        let path = format!("/v1/clients/{}", made["client_id"].as_str().expect("an ID"));
        assert!(preflight("https://one.example") && preflight("https://two.example"));
        let change = |version: i64, change: Value| {
            let request = root.browser.request("PATCH", &path).header("If-Match", &format!("\"{version}\""));
            assert_eq!(request.json(&change).send().status, 200);
        };
        change(1, json!({ "allowed_origins": ["https://three.example"] }));
        assert!(preflight("https://one.example") && !preflight("https://two.example") && preflight("https://three.example"));
        change(2, json!({ "redirect_uris": ["https://four.example/callback"] }));
        assert!(!preflight("https://one.example") && preflight("https://three.example") && preflight("https://four.example"));
        assert_eq!(root.browser.delete(&path).status, 204);
        assert!(!preflight("https://three.example") && !preflight("https://four.example"));
    }

    fn a_request_through_a_registered_client_does_not_prevent_its_disabling(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let clients = [register(server, &service, "First", ""), register(server, &service, "Second", "")];
        let user: UserId = root.id.parse().expect("an ID");
        for client in &clients {
            let command = ActingAs::command();
            let id: ClientId = client.0.parse().expect("an ID");
            for one in &clients {
                server.run(server.app.clients.enable(one.0.parse().expect("an ID"), None, command.clone())).expect("enabled");
            }
            let database = another_database(&server.config, &server.clock);
            let (tell, held) = mpsc::channel();
            let (release, proceed) = mpsc::channel();
            let answer = std::thread::scope(|scope| {
                let holder = scope.spawn(move || {
                    let held = database.write(move |conn| hold_client_then_account(conn, (id, user), (&tell, &proceed)));
                    runtime().block_on(held)
                });
                held.recv().expect("the client's lock");
                let request = scope.spawn(|| disable_with_registered(&root, &service));
                if waiting(server).is_some() {
                    wait_until("the request waits", Duration::from_secs(4), || waiting(server) == Some(1) || request.is_finished());
                }
                release.send(()).expect("the lock-holding thread");
                holder.join().expect("the lock-holding thread").expect("both locks");
                request.join().expect("a response")
            });
            assert_eq!(registered(&answer).len(), 2);
        }
    }

    fn repeating_a_request_completes_a_pending_disable(server) {
        let server: &TestServer = server;
        let root = server.administrator();
        let prepare = || {
            let service = server.client(&["clients:write", "users:read"]);
            let mut all = vec![service.clone()];
            all.extend((0..2).map(|_| register(server, &service, &uuid::Uuid::new_v4().to_string(), "")));
            for client in &all {
                // Stores the client's record in the ephemeral store.
                ask(server, client, "GET", "/v1/users");
            }
            let root = root.clone();
            let in_force = move |answer: &Answer| {
                answer.status == 200 && all.iter().all(|client| is_published_as_disabled(server, client))
            };
            RepeatableRequest::repeatable(move || disable_with_registered(&root, &service), in_force)
        };
        fault_at_every_step(&server.fault_injector, "disabling with registered clients", prepare);
    }

    fn an_app_with_an_administrators_token_cannot_disable_clients_of_others(server) {
        let root = server.administrator();
        let helper = server.delegated_app("openid clients:write");
        let token = helper.sign_in(&root.browser, &[("scope", "openid clients:write")]).access;
        let own = server.browser().request("POST", "/v1/clients").without_same_origin().bearer(&token)
            .json(&json!({ "client_name": "Own", "scope": "clients:write" })).send();
        assert_eq!(own.status, 201, "{}", own.text());
        let own = own.json();
        let own: Client = (own["client_id"].as_str().expect("an ID").into(), own["client_secret"].as_str().expect("a secret").into());
        let through = register(server, &own, "Through", "");
        let path = format!("/v1/clients/{}/disable", own.0);
        let request = |body: &Value| server.browser().request("POST", &path).without_same_origin().bearer(&token).json(body).send();
        let refused = request(&json!({ "with_registered": true }));
        assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("with_registered")));
        let is_enabled = |client: &Client| root.browser.get(&format!("/v1/clients/{}", client.0)).json()["enabled"] == json!(true);
        assert!(is_enabled(&own) && is_enabled(&through), "nothing was changed");
        assert_eq!(registered(&request(&json!({}))), []);
        assert!(!is_enabled(&own) && is_enabled(&through));
    }
}

/// Whether the client's record in the ephemeral store, which every instance reads, says that it is disabled.
fn is_published_as_disabled(server: &TestServer, client: &Client) -> bool {
    let key = server.app.clients.key(client.0.parse().expect("an ID"));
    let copy = server.run(server.app.ephemeral.get(&[&key]));
    let copy = copy.expect("a result").remove(0).expect("a record");
    let (_, record) = copy.split_once(':').expect("a version");
    let record: Value = serde_json::from_str(record).expect("JSON");
    record["client"]["enabled"] == json!(false)
}
