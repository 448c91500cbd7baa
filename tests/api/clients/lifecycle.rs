//! Replacing secrets, disabling, enabling and deleting clients has an immediate effect on every instance.

use std::sync::Mutex;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use doorward::base::clock::Stopwatch;
use doorward::db::{self, Connection};
use serde_json::{Value, json};

use super::permissions::send;
use crate::on_both;
use crate::support::binary;
use crate::support::http::{Answer, page_user};
use crate::support::process::wait_until;
use crate::support::race::{RUNNERS, race};
use crate::support::test_server::TestServer;

pub(super) type Client = (String, String);

/// Returns the status of a client's request at an instance.
fn status_at(server: &TestServer, instance: usize, client: &Client) -> u16 {
    let browser = server.browser().at_port(server.port(instance));
    let request = browser.request("GET", "/v1/users");
    request.basic(&client.0, &client.1).send().status
}

/// Registers a service with these scopes through another service.
pub(super) fn register(server: &TestServer, by: &Client, name: &str, scopes: &str) -> Client {
    let body = json!({ "client_name": name, "scope": scopes });
    // Clients are listed by the time of their registration.
    server.advance_clock(1);
    let made = send(server, by, "POST", "/v1/clients", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    (text("client_id"), text("client_secret"))
}

/// Returns the names of the clients that a disabled client registered, and whether they are enabled.
pub(super) fn registered(answer: &Answer) -> Vec<(String, bool)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let all = answer.json()["registered"].clone();
    let all = all.as_array().expect("a list").iter();
    let read = |one: &Value| {
        let name = one["client_name"].as_str().expect("a name").to_owned();
        (name, one["enabled"].as_bool().expect("a state"))
    };
    all.map(read).collect()
}

fn named(all: &[(&str, bool)]) -> Vec<(String, bool)> {
    let named = all
        .iter()
        .map(|(name, enabled)| ((*name).to_owned(), *enabled));
    named.collect()
}

/// Adds `count` copies of the client with this name.
pub(super) fn insert_copies(server: &TestServer, name: &'static str, count: i64) {
    let columns = "name, secret_hash, scopes, metadata, enabled, deleted_at, token_epoch, user_authorizations_epoch, revoked_tokens, state_version, \
                   changed_at, created_at, version, as_of, by_user, by_client, registered_by_client, consent_epoch, permissions_epoch";
    let written = server.app.database.write(move |conn| {
        let id = match conn {
            Connection::Postgres(_) => "gen_random_uuid()",
            Connection::Sqlite(_) => "randomblob(16)",
        };
        let sql = format!(
            "with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < {count}) \
             insert into clients (id, {columns}) select {id}, {columns} from numbers \
             cross join (select {columns} from clients where name = '{name}') as original"
        );
        Ok::<_, db::Error>(sql_query(sql).execute(conn)?)
    });
    server.run(written).expect("inserted");
}

on_both! {
    fn a_cascading_disable_includes_clients_registered_concurrently(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let try_register = |by: &Client| {
            let name = uuid::Uuid::new_v4().to_string();
            let made = send(server, by, "POST", "/v1/clients", &json!({ "client_name": name, "scope": "clients:write" }));
            let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
            (made.status == 201).then(|| (text("client_id"), text("client_secret")))
        };
        let enabled = Mutex::new(vec![register(server, &service, "First", "clients:write")]);
        let begun = Stopwatch::start();
        let is_over = || begun.elapsed() > Duration::from_secs(60);
        let disabled = std::thread::scope(|scope| {
            for _ in 0..4 {
                // The newest client registers the next one, until all are disabled.
                scope.spawn(|| {
                    while !is_over() {
                        let newest = enabled.lock().expect("a list").last().cloned();
                        let Some(newest) = newest else { break };
                        match try_register(&newest) {
                            Some(next) => enabled.lock().expect("a list").push(next),
                            None => enabled.lock().expect("a list").retain(|one| *one != newest),
                        }
                    }
                });
            }
            wait_until("some registrations", Duration::from_secs(30), || enabled.lock().expect("a list").len() > 8);
            root.browser.post_json(&format!("/v1/clients/{}/disable", service.0), &json!({ "with_registered": true }))
        });
        assert!(!is_over(), "clients were registered after the disable");
        let all = registered(&disabled);
        assert!(all.len() > 8 && all.iter().all(|(_, is_enabled)| !is_enabled), "{all:?}");
        assert_eq!(registered(&root.browser.post_json(&format!("/v1/clients/{}/disable", service.0), &json!({}))), []);
    }

    fn any_number_of_registered_clients_is_listed(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        register(server, &service, "Many", "");
        // More than the maximum number of values in a query.
        insert_copies(server, "Many", 32_999);
        assert_eq!(root.browser.get(&format!("/admin/clients/{}/disable", service.0)).status, 200);
        let disabled = root.browser.post_json(&format!("/v1/clients/{}/disable", service.0), &json!({}));
        assert_eq!(registered(&disabled).len(), 33_000);
    }

    fn disabling_a_service_keeps_or_disables_the_clients_it_registered(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let first = register(server, &service, "First", "clients:write");
        let second = register(server, &service, "Second", "clients:write");
        let through = register(server, &first, "Through", "clients:write");
        let other = server.client(&["clients:write"]);
        let disable = |client: &Client, body: &Value| root.browser.post_json(&format!("/v1/clients/{}/disable", client.0), body);
        let is_enabled = |client: &Client| root.browser.get(&format!("/v1/clients/{}", client.0)).json()["enabled"] == json!(true);
        let alone = disable(&service, &json!({}));
        assert_eq!(registered(&alone), named(&[("First", true), ("Second", true), ("Through", true)]));
        assert!(is_enabled(&first) && is_enabled(&second) && is_enabled(&through));
        // The clients that a disabled client registered are still found.
        assert_eq!(registered(&disable(&first, &json!({}))), named(&[("Through", true)]));
        let all = disable(&service, &json!({ "with_registered": true, "reason": "stolen" }));
        assert_eq!(registered(&all), named(&[("Second", false), ("Through", false)]));
        assert!(!is_enabled(&service) && !is_enabled(&first) && !is_enabled(&second) && !is_enabled(&through) && is_enabled(&other));
        let events = root.browser.get("/v1/audit-events?action=client.disabled").json()["items"].clone();
        let reasons: Vec<&Value> = events.as_array().expect("events").iter().map(|event| &event["reason"]).collect();
        assert_eq!(reasons, [&json!("stolen"), &json!("stolen"), &Value::Null, &Value::Null]);
        assert_eq!(registered(&disable(&service, &json!({ "with_registered": true }))), []);
    }

    fn a_service_neither_lists_nor_disables_another_services_clients(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write"]);
        let own = register(server, &service, "Own", "clients:write");
        let through = register(server, &own, "Through", "clients:write");
        let path = format!("/v1/clients/{}/disable", own.0);
        let refused = send(server, &service, "POST", &path, &json!({ "with_registered": true }));
        assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("with_registered")));
        assert_eq!(root.browser.get(&format!("/v1/clients/{}", own.0)).json()["enabled"], json!(true));
        assert_eq!(registered(&send(server, &service, "POST", &path, &json!({}))), []);
        assert_eq!(root.browser.get(&format!("/v1/clients/{}", through.0)).json()["enabled"], json!(true));
    }

    fn the_command_and_the_page_offer_to_disable_a_services_clients(server) {
        let root = server.administrator();
        let services = [server.client(&["clients:write"]), server.client(&["clients:write"])];
        let first = register(server, &services[0], "First & foremost", "clients:write");
        let second = register(server, &services[1], "Second", "clients:write");
        let run = |more: &[&str]| binary::run(&server.config, &[&["client", "disable", services[0].0.as_str()], more].concat());
        let told = run(&[]).output;
        let command = format!("doorward client disable {} --with-registered", services[0].0);
        assert!(told.contains("First & foremost") && told.contains(&first.0) && told.contains(&command), "{told}");
        let disabled = run(&["--with-registered", "--json"]).json();
        assert_eq!((&disabled["enabled"], &disabled["registered"][0]["enabled"]), (&json!(false), &json!(false)));
        assert_eq!(disabled["registered"][0]["client_id"], json!(first.0));
        let page = format!("/admin/clients/{}/disable", services[1].0);
        let asked = root.browser.get(&page).text();
        assert!(asked.contains("Second") && asked.contains("name=\"with_registered\""), "{asked}");
        let user = page_user(&root.browser).expect("a user");
        let fields = [("rendered_for", user.as_str()), ("version", "1"), ("with_registered", "yes")];
        assert_eq!(root.browser.request("POST", &page).form(&fields).send().status, 303);
        for client in [&services[1], &second] {
            let client = root.browser.get(&format!("/v1/clients/{}", client.0)).json();
            assert_eq!(client["enabled"], json!(false));
        }
        let page = format!("/admin/clients/{}/disable", first.0);
        assert!(!root.browser.get(&page).text().contains("with_registered"), "it registered none");
    }

    fn tokens_obtained_with_the_old_secret_are_revoked_with_it(server) {
        let root = server.administrator();
        let client = server.client(&["users:read"]);
        let app = server.relying_party(|metadata| metadata.grant_types.push(doorward::clients::GrantType::ClientCredentials));
        let held = app.sign_in(&root.browser, &[]);
        let own = |id: &str, secret: &str| {
            let fields = [("grant_type", "client_credentials")];
            let answer = server.browser().request("POST", "/oauth2/token").without_same_origin().form(&fields).basic(id, secret).send();
            answer.json()["access_token"].as_str().expect("a token").to_owned()
        };
        let status = |token: &str| {
            let browser = server.browser();
            browser.request("GET", "/v1/users").without_same_origin().bearer(token).send().status
        };
        let token = own(&client.0, &client.1);
        assert_eq!(status(&token), 200);
        let rotated = root.browser.post_json(&format!("/v1/clients/{}/secret", client.0), &json!({}));
        assert_eq!((rotated.status, status(&token)), (200, 401), "rotated");
        let token = own(&client.0, rotated.json()["client_secret"].as_str().expect("a secret"));
        assert_eq!(status(&token), 200);
        let patched = root.browser.request("PATCH", &format!("/v1/clients/{}", client.0)).header("If-Match", "\"2\"")
            .json(&json!({ "token_endpoint_auth_method": "client_secret_post" })).send();
        assert_eq!((patched.status, status(&token)), (200, 401), "another method");
        // Access that users granted to the client stays.
        let own = own(&app.id, app.secret.as_deref().expect("a secret"));
        assert_eq!(root.browser.post_json(&format!("/v1/clients/{}/secret", app.id), &json!({})).status, 200);
        assert_eq!(app.user_info(&held.access).status, 200);
        assert_eq!(app.user_info(&own).status, 401);
    }

    fn two_services_that_change_each_other_do_not_deadlock(server) {
        let services = [server.client(&["clients:write"]), server.client(&["clients:write"])];
        for (one, other) in [(0, 1), (1, 0)] {
            let services: [&Client; 2] = [&services[one], &services[other]];
            let change = doorward::clients::ClientChange { managed_by: Some(vec![services[1].0.clone()]), ..Default::default() };
            let author = doorward::clients::ActingAs::command();
            server.run(server.app.clients.update(services[0].0.parse().expect("an id"), change, None, author)).expect("managed");
        }
        let root = server.administrator();
        for round in 0..5 {
            let tags: Vec<String> = services.iter().map(|service| {
                let read = root.browser.get(&format!("/v1/clients/{}", service.0));
                read.header("etag").expect("a tag").to_owned()
            }).collect();
            let senders: Vec<usize> = (0..RUNNERS).collect();
            let answers = race(senders, |number| {
                let (by, target) = (&services[number % 2], &services[(number + 1) % 2]);
                let name = json!({ "client_name": format!("round {round}, {number}") });
                let path = format!("/v1/clients/{}", target.0);
                server.browser().request("PATCH", &path).without_same_origin().basic(&by.0, &by.1)
                    .header("If-Match", &tags[(number + 1) % 2]).json(&name).send()
            });
            // Of the concurrent changes of one client, exactly one succeeds.
            for target in 0..2 {
                let mut answers: Vec<u16> = answers.iter().skip((target + 1) % 2).step_by(2).map(|answer| answer.status).collect();
                answers.sort_unstable();
                assert_eq!((answers[0], &answers[1..]), (200, &[412; RUNNERS / 2 - 1][..]), "round {round}");
            }
        }
    }

    fn a_new_secret_takes_effect_everywhere_immediately(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let client = server.client(&["users:read"]);
        assert_eq!((status_at(server, 0, &client), status_at(server, second, &client)), (200, 200));
        let rotated = root.browser.request("POST", &format!("/v1/clients/{}/secret", client.0)).send();
        assert_eq!((rotated.status, rotated.header("cache-control")), (200, Some("no-store")));
        let new = (client.0.clone(), rotated.json()["client_secret"].as_str().expect("a secret").to_owned());
        assert_eq!((status_at(server, second, &client), status_at(server, second, &new)), (401, 200));
        let event = root.browser.get("/v1/audit-events?action=client.secret_rotated").json()["items"][0].clone();
        assert_eq!((event["client"].clone(), event["details"]["name"].clone()), (json!(client.0), json!("a service")));
    }

    fn twenty_concurrent_secret_rotations_leave_one_valid_secret(server) {
        let root = server.administrator();
        let client = server.client(&["users:read"]);
        let path = format!("/v1/clients/{}/secret", client.0);
        let tabs = vec![root.browser.clone(); RUNNERS];
        let secrets = race(tabs, |tab| {
            let answer = tab.request("POST", &path).send();
            answer.json()["client_secret"].as_str().expect("a secret").to_owned()
        });
        let good = secrets.into_iter().filter(|secret| status_at(server, 0, &(client.0.clone(), secret.clone())) == 200);
        assert_eq!(good.count(), 1);
        assert_eq!(root.browser.get(&format!("/v1/clients/{}", client.0)).json()["version"], 21);
    }

    fn disabling_and_enabling_take_effect_everywhere_immediately(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let client = server.client(&["users:read"]);
        assert_eq!(status_at(server, second, &client), 200);
        let path = |act: &str| format!("/v1/clients/{}/{act}", client.0);
        let off = root.browser.post_json(&path("disable"), &json!({ "reason": "leaked" }));
        assert_eq!((off.status, off.json()["enabled"].clone()), (200, json!(false)));
        assert_eq!((status_at(server, 0, &client), status_at(server, second, &client)), (401, 401));
        assert_eq!(root.browser.post_json(&path("disable"), &json!({})).json()["version"], off.json()["version"], "repeating it changes nothing");
        let event = root.browser.get("/v1/audit-events?action=client.disabled").json()["items"].clone();
        assert_eq!((event[0]["reason"].clone(), event[1].clone()), (json!("leaked"), Value::Null));
        let on = root.browser.post_json(&path("enable"), &json!({}));
        assert_eq!((on.json()["enabled"].clone(), on.json()["version"].clone()), (json!(true), json!(3)));
        assert_eq!((status_at(server, 0, &client), status_at(server, second, &client)), (200, 200));
        assert_eq!(root.browser.post_json(&path("disable"), &json!({ "reason": "x".repeat(201) })).status, 400);
        let record = server.run(server.app.clients.find(client.0.parse().expect("an id"))).expect("a result");
        let token = doorward::base::ids::AccessTokenId::random();
        let record = record.expect("a client");
        assert!(!record.is_own_token_valid(token, 0) && record.is_own_token_valid(token, 1), "its tokens stay revoked");
    }

    fn a_deleted_client_is_never_accepted_again(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let client = server.client(&["users:read"]);
        assert_eq!(status_at(server, second, &client), 200);
        let path = format!("/v1/clients/{}", client.0);
        assert_eq!(root.browser.delete(&format!("{path}?reason=gone")).status, 204);
        assert_eq!((status_at(server, 0, &client), status_at(server, second, &client)), (401, 401));
        server.advance_clock(120);
        assert_eq!(status_at(server, second, &client), 401, "when no copy is left, too");
        assert_eq!(root.browser.get(&path).status, 404);
        assert_eq!(root.browser.delete(&path).status, 404);
        for act in ["enable", "disable", "secret"] {
            assert_eq!(root.browser.post_json(&format!("{path}/{act}"), &json!({})).status, 404, "{act}");
        }
        assert_eq!(root.browser.get("/v1/clients").json()["items"], json!([]));
        let event = root.browser.get("/v1/audit-events?action=client.deleted").json()["items"][0].clone();
        assert_eq!((event["client"].clone(), event["reason"].clone()), (json!(client.0), json!("gone")));
    }

    fn an_origin_is_allowed_while_its_app_is_enabled(server) {
        let root = server.administrator();
        let (id, _) = server.register_app(|_| {});
        let is_known = |origin: &str| server.run(server.app.clients.is_known_origin(origin)).expect("a result");
        assert!(is_known("https://app.example") && !is_known("https://app.example:444"));
        root.browser.post_json(&format!("/v1/clients/{id}/disable"), &json!({}));
        assert!(!is_known("https://app.example"));
        root.browser.post_json(&format!("/v1/clients/{id}/enable"), &json!({}));
        let moved = root.browser.request("PATCH", &format!("/v1/clients/{id}")).header("If-Match", "\"3\"")
            .json(&json!({ "redirect_uris": ["https://new.example/callback"] })).send();
        assert_eq!(moved.status, 200, "{}", moved.text());
        assert!(!is_known("https://app.example") && is_known("https://new.example"));
        root.browser.delete(&format!("/v1/clients/{id}"));
        assert!(!is_known("https://new.example"));
    }
}
