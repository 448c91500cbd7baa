//! A Redis that drops connections, is full, or refuses writes.

use std::time::Duration;

use doorward::assignments::ResourceName;
use doorward::clients::AuthMethod;
use serde_json::json;

use crate::api::faults::{server_on, stores};
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::{Answer, page_user};
use crate::support::logged_errors;
use crate::support::process::wait_until;
use crate::support::redis::Redis;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of, redirect_parameters};
use crate::support::test_server::TestServer;
use crate::support::test_user::{assertion, register, session_status};

/// Commands that make a Redis refuse writes, and those that make it accept them again.
const REFUSALS: [(&[&str], &[&str]); 3] = [
    (
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "maxmemory", "0"],
    ),
    (
        &["REPLICAOF", "127.0.0.1", "1"],
        &["REPLICAOF", "NO", "ONE"],
    ),
    (
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
    ),
];

fn service(server: &TestServer, scopes: &[&str]) -> RelyingParty {
    let (id, secret) = server.client(scopes);
    RelyingParty {
        id,
        secret: Some(secret),
        server: server.browser(),
    }
}

fn send_request(service: &RelyingParty, method: &str, path: &str) -> Answer {
    let secret = service.secret.as_deref().expect("a secret");
    let request = service.server.request(method, path).without_same_origin();
    request.basic(&service.id, secret).send()
}

/// Deletes the cached copies of database records, as their expiry would after a minute.
fn forget_copies(redis: &Redis) {
    let script = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end";
    for keys in [
        "account-state:*",
        "client:*",
        "keyring:*",
        "held-roles:*",
        "resource:*",
    ] {
        redis.cli(&["EVAL", script, "0", keys]);
    }
}

fn is_pending(answer: &Answer) -> bool {
    logged_errors::assert_stated(answer);
    answer.status == 503 && answer.problem_type() == "urn:doorward:problem:change-pending"
}

#[test]
fn a_dropped_idle_connection_fails_no_request() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let app = server.relying_party(|_| {});
    let held = app.sign_in(&root.browser, &[]);
    let drop_connections = || redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    for _ in 0..4 {
        let browser = server.browser();
        let finish = assertion(&browser, &mut root.device, &Overrides::default());
        drop_connections();
        assert_eq!(
            browser.post_json("/webauthn/login/finish", &finish).status,
            200
        );
        drop_connections();
        assert_eq!(root.session_status(), 200);
        drop_connections();
        let code = app.code(&root.browser, &[]);
        drop_connections();
        let issued = TokenSet::read(&app.redeem(&code));
        drop_connections();
        assert_eq!(app.user_info(&issued.access).status, 200);
        drop_connections();
        assert_eq!(app.introspect(&held.access)["active"], json!(true));
        drop_connections();
        let mut device = SoftAuthenticator::synced(server.origin());
        let added = register(
            &root.browser,
            &mut device,
            &json!({}),
            &Overrides::default(),
        );
        assert_eq!(added.status, 201, "{}", added.text());
        drop_connections();
        assert_eq!(browser.delete("/v1/session").status, 204);
    }
}

#[test]
fn a_read_only_redis_fails_no_read_that_the_database_can_serve() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let held = app.sign_in(&root.browser, &[]);
    let service = service(&server, &["users:read"]);
    let resource_name = ResourceName::parse("order", "17").expect("a name");
    server.set_role_assignment(&root.id, ("order", "17"), &["OPERATOR"]);
    for (refuse, accept) in REFUSALS {
        forget_copies(&redis);
        redis.cli(refuse);
        for _ in 0..2 {
            assert_eq!(root.session_status(), 200, "{refuse:?}");
            assert_eq!(send_request(&service, "GET", "/v1/users/root").status, 200);
            assert_eq!(app.user_info(&held.access).status, 200);
            assert_eq!(app.introspect(&held.access)["active"], json!(true));
            let own = service.token(&[("grant_type", "client_credentials")]);
            assert_eq!(own.status, 200, "{own:?}");
            assert_eq!(server.browser().get("/oauth2/jwks").status, 200);
            let known = server.run(server.app.assignments.resource(&resource_name));
            assert!(known.is_ok(), "{known:?}");
            let user = root.id.parse().expect("an id");
            let account_state = server.run(server.app.account_states.find(user));
            let account_state = account_state.expect("a result").expect("a user");
            let roles = server.run(
                server
                    .app
                    .assignments
                    .held_roles(&account_state, &resource_name),
            );
            let roles = roles.expect("a result");
            assert_eq!(roles.at(server.clock.now()), ["OPERATOR"]);
        }
        wait_until("it is not ready", Duration::from_secs(5), || {
            server.browser().get("/readyz").status == 503
        });
        let start = root.browser.post_json("/webauthn/login/start", &json!({}));
        assert_eq!(start.status, 503, "a ceremony needs the store");
        redis.cli(accept);
        wait_until("it is ready again", Duration::from_secs(5), || {
            server.browser().get("/readyz").status == 200
        });
    }
}

#[test]
fn a_revocation_is_committed_while_redis_refuses_writes() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let service = service(&server, &["users:read", "sessions:revoke"]);
    let app = server.relying_party(|_| {});
    for (round, (refuse, accept)) in REFUSALS.into_iter().enumerate() {
        let (by_root, by_service) = (format!("ada{round}"), format!("bob{round}"));
        let ada = server.create_user(&root, &by_root);
        let bob = server.create_user(&root, &by_service);
        let held = app.sign_in(&root.browser, &[]);
        let own = service.token(&[("grant_type", "client_credentials")]);
        let own = own.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let revoke = || {
            [
                root.browser
                    .delete(&format!("/v1/users/{by_root}/sessions")),
                send_request(
                    &service,
                    "DELETE",
                    &format!("/v1/users/{by_service}/sessions"),
                ),
            ]
        };
        let give_back = || [app.revoke(&held.access), service.revoke(&own)];
        forget_copies(&redis);
        redis.cli(refuse);
        for _ in 0..2 {
            for answer in revoke() {
                assert!(is_pending(&answer), "{refuse:?}: {answer:?}");
            }
            for answer in give_back() {
                let told = (answer.status, error_of(&answer));
                assert_eq!(
                    told,
                    (503, "temporarily_unavailable".to_owned()),
                    "{answer:?}"
                );
                assert!(answer.text().contains("repeat the request"), "{answer:?}");
            }
        }
        redis.cli(accept);
        assert_eq!(session_status(&ada.browser), 401);
        assert_eq!(session_status(&bob.browser), 401);
        assert!(revoke().iter().all(|answer| answer.status == 200));
        assert!(give_back().iter().all(|answer| answer.status == 200));
        assert_eq!(app.introspect(&held.access), json!({ "active": false }));
    }
}

#[test]
fn decisions_are_returned_while_redis_refuses_writes() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    for (refuse, accept) in REFUSALS {
        let replayed = app.code(&root.browser, &[]);
        let by_code = TokenSet::read(&app.redeem(&replayed));
        let by_refresh = app.sign_in(&root.browser, &[]);
        TokenSet::read(&app.refresh(&by_refresh.refresh));
        server.advance_clock(11);
        // As many authorizations as are allowed, with the ones above among the newest.
        (0..97).for_each(|_| drop(app.code(&root.browser, &[])));
        redis.cli(refuse);
        let refused = [app.redeem(&replayed), app.refresh(&by_refresh.refresh)];
        let code = app.authorize(&root.browser, &[]);
        redis.cli(accept);
        for answer in refused {
            let told = (answer.status, error_of(&answer));
            assert_eq!(
                told,
                (400, "invalid_grant".into()),
                "{refuse:?}: {answer:?}"
            );
        }
        for ended in [&by_code.access, &by_refresh.access] {
            assert_eq!(app.introspect(ended)["active"], json!(false), "{refuse:?}");
        }
        let code = redirect_parameters(&code)["code"].clone();
        TokenSet::read(&app.redeem(&code));
        (0..3).for_each(|_| drop(app.sign_in(&root.browser, &[])));
    }
}

#[test]
fn a_new_secret_is_returned_while_redis_refuses_writes() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let is_good = |id: &str, secret: &str| {
        let service = RelyingParty {
            id: id.to_owned(),
            secret: Some(secret.to_owned()),
            server: server.browser(),
        };
        service.post("/oauth2/introspect", &[("token", "x")]).status == 200
    };
    let user = page_user(&root.browser).expect("a user");
    for (refuse, accept) in REFUSALS {
        let app =
            server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        let (shown_by_page, _) = server.client(&[]);
        redis.cli(refuse);
        let path = format!("/v1/clients/{}", app.id);
        let change = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let update = root.browser.request("PATCH", &path);
        let update = update.header("If-Match", "\"1\"").json(&change).send();
        let rotate = root
            .browser
            .post_json(&format!("{path}/secret"), &json!({}));
        let page = root
            .browser
            .request(
                "POST",
                &format!("/admin/clients/{shown_by_page}/new-secret"),
            )
            .form(&[("rendered_for", &user), ("version", "1")])
            .send();
        redis.cli(accept);
        let problem = "urn:doorward:problem:secret-pending";
        let secrets = [&update, &rotate].map(|answer| {
            assert_eq!(
                (answer.status, &*answer.problem_type()),
                (503, problem),
                "{answer:?}"
            );
            assert!(answer.header("retry-after").is_none(), "{answer:?}");
            logged_errors::assert_stated(answer);
            answer.json()["client_secret"]
                .as_str()
                .expect("a secret")
                .to_owned()
        });
        assert!(!is_good(&app.id, &secrets[0]), "the second one replaced it");
        assert!(is_good(&app.id, &secrets[1]));
        assert!(page.text().contains("Secret saved."), "{page:?}");
        let text = page.text();
        let secret = text.split("id=\"one-time-link\"").nth(1).expect("a field");
        let secret = secret.split("value=\"").nth(1).expect("a value");
        assert!(is_good(
            &shown_by_page,
            secret.split('"').next().expect("an end quote")
        ));
    }
}
