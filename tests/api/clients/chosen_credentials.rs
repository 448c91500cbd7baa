//! Client IDs and secrets that administrators choose.

use doorward::base::public_client_id::PublicClientId;
use serde_json::{Value, json};

use super::ask as ask_api;
use super::permissions::send;
use crate::on_both;
use crate::support::binary;
use crate::support::http::Answer;
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{CALLBACK, RelyingParty, claims_of};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// As unguessable as the secrets of other providers.
const SECRET: &str = "Zk3v+Qp/8sXw%7yBd2 nRt5uHj9mLc4eGf1a";

fn register(root: &TestUser, body: &Value) -> Answer {
    root.browser.post_json("/v1/clients", body)
}

fn app(id: &str) -> Value {
    json!({
        "client_name": "Moved", "client_id": id, "client_secret": SECRET, "redirect_uris": [CALLBACK],
        "require_consent": false, "scope": "openid profile email roles offline_access users:read",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    })
}

fn with_chosen_credentials(server: &TestServer, id: &str) -> RelyingParty {
    RelyingParty {
        id: id.to_owned(),
        secret: Some(SECRET.to_owned()),
        server: server.browser(),
    }
}

fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["field"].clone())
}

on_both! {
    fn a_client_with_a_chosen_id_and_secret_works_everywhere_under_that_id(server) {
        let root = server.administrator();
        let made = register(&root, &app("grafana"));
        assert_eq!((made.status, made.header("location")), (201, Some("/v1/clients/grafana")), "{made:?}");
        let document = made.json();
        assert_eq!(document["client_id"], "grafana");
        assert_eq!(document.get("client_secret"), None, "who chose it has it");
        let ada = server.create_user(&root, "ada");
        let relying_party = with_chosen_credentials(server, "grafana");
        let issued = relying_party.sign_in(&ada.browser, &[]);
        assert_eq!((&issued.id_claims["aud"], &issued.id_claims["azp"]), (&json!("grafana"), &json!("grafana")));
        assert_eq!(claims_of(&issued.access)["client_id"], "grafana");
        let seen = relying_party.introspect(&issued.access);
        assert_eq!((&seen["active"], &seen["client_id"]), (&json!(true), &json!("grafana")));
        assert_eq!(relying_party.user_info(&issued.access).status, 200);
        let seen = relying_party.introspect(&issued.refresh);
        assert_eq!((&seen["active"], &seen["client_id"]), (&json!(true), &json!("grafana")));
        assert_eq!(relying_party.refresh(&issued.refresh).status, 200);
        // On its own behalf, also at Doorward's API.
        let own = relying_party.token(&[("grant_type", "client_credentials")]).json();
        let own = own["access_token"].as_str().expect("a token");
        assert_eq!((&claims_of(own)["sub"], &claims_of(own)["client_id"]), (&json!("grafana"), &json!("grafana")));
        assert_eq!(server.browser().request("GET", "/v1/users/ada").bearer(own).send().status, 200);
        // Both parts in the body, without additional encoding.
        let form = [("grant_type", "client_credentials"), ("client_id", "grafana"), ("client_secret", SECRET)];
        assert_eq!(server.browser().request("POST", "/oauth2/token").without_same_origin().form(&form).send().status, 200);
        // The user's list of apps, sign-out, and the administrator's paths by both names.
        assert_eq!(ada.browser.get("/v1/me/apps").json()["items"][0]["client_id"], "grafana");
        let out = ada.browser.get(&format!("/oauth2/logout?id_token_hint={}", issued.id_token));
        assert!((200..400).contains(&out.status), "{out:?}");
        assert_ne!(ada.session_status(), 200);
        let stored = document["id"].as_str().expect("an ID");
        for name in ["grafana", stored] {
            let read = root.browser.get(&format!("/v1/clients/{name}"));
            assert_eq!((read.status, &read.json()["client_id"]), (200, &json!("grafana")), "{name}");
            assert_eq!(root.browser.get(&format!("/admin/clients/{name}")).status, 200);
        }
        // Neither the UUID nor another case is its client ID.
        for other in [stored, "Grafana"] {
            let form = [("grant_type", "client_credentials"), ("client_id", other), ("client_secret", SECRET)];
            let refused = server.browser().request("POST", "/oauth2/token").without_same_origin().form(&form).send();
            assert_eq!((refused.status, refused.json()["error"].clone()), (400, json!("invalid_client")), "{other}");
        }
    }

    fn bad_ids_and_secrets_are_refused(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let computed = PublicClientId::parse("grafana").expect("an ID").id().to_string();
        let too_long = "a".repeat(129);
        for id in ["", "new", ".", "..", "-rf", "a b", "a/b", "a:b", "a@b", "a%20b", "a'b", "a\nb", "\u{e4}", &too_long, &computed] {
            let refused = register(&root, &app(id));
            assert_eq!(refusal(&refused), (400, json!("client_id")), "{id}");
        }
        let with = |secret: &str| json!({ "client_name": "x", "client_secret": secret });
        let long = "abcdefgh".repeat(33);
        for secret in ["", "short", &SECRET[..31], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", " Zk3vQp8sXw7yBd2nRt5uHj9mLc4eGf1a", "Zk3vQp8sXw7yBd2nRt5uHj9mLc4eGf1a\n", "Zk3vQp8sXw7yBd2nRt5uHj9mLc4eGf1\u{e4}", &long] {
            let refused = register(&root, &with(secret));
            assert_eq!(refusal(&refused), (400, json!("client_secret")), "{secret}");
            assert!(!refused.text().contains("Zk3v"), "the refusal shows the secret");
        }
        let public = json!({ "client_name": "x", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK], "client_secret": SECRET });
        assert_eq!(refusal(&register(&root, &public)), (400, json!("client_secret")));
        // Already used: by a user, whose `sub` it would equal, by an audience, by a client, and by a deleted client.
        assert_eq!(refusal(&register(&root, &app(&ada.id))), (409, json!("client_id")));
        assert_eq!(register(&root, &app("shop")).status, 201);
        assert_eq!(refusal(&register(&root, &app("shop"))), (409, json!("client_id")));
        assert_eq!(root.browser.delete("/v1/clients/shop").status, 204);
        assert_eq!(refusal(&register(&root, &app("shop"))), (409, json!("client_id")));
        let (existing, _) = server.client(&[]);
        assert_eq!(refusal(&register(&root, &app(&existing))), (409, json!("client_id")));
        assert_eq!(root.browser.get("/v1/audit-events?action=client.created&outcome=success").json()["items"].as_array().map(Vec::len), Some(2));
        // Both can be chosen only at registration.
        for field in ["client_id", "client_secret"] {
            let mut body = json!({});
            body[field] = json!(SECRET);
            let change = root.browser.request("PATCH", &format!("/v1/clients/{existing}")).header("If-Match", "\"1\"").json(&body).send();
            assert_eq!(refusal(&change), (400, json!(field)));
        }
    }

    fn a_uuid_of_another_provider_can_be_kept(server) {
        let root = server.administrator();
        let id = "5ad26b5c-9c2c-4b55-b8bd-2a5a1a2b3c4d";
        assert_eq!(register(&root, &app(id)).json()["client_id"], id);
        let own = with_chosen_credentials(server, id).token(&[("grant_type", "client_credentials")]);
        assert_eq!(own.status, 200, "{own:?}");
    }

    fn no_audience_equals_any_client_id(server) {
        let root = server.administrator();
        assert_eq!(register(&root, &app("orders")).status, 201);
        let with_audience = |id: &str, audience: &str| {
            let body = json!({ "client_name": "x", "client_id": id, "audiences": [audience] });
            register(&root, &body)
        };
        assert_eq!(refusal(&with_audience("bills", "orders")), (400, json!("audiences")));
        assert_eq!(refusal(&with_audience("bills", "bills")), (400, json!("audiences")));
        let own = json!({ "audiences": ["orders"] });
        let change = root.browser.request("PATCH", "/v1/clients/orders").header("If-Match", "\"1\"").json(&own).send();
        assert_eq!(refusal(&change), (400, json!("audiences")));
        assert_eq!(with_audience("bills", "https://bills.example").status, 201);
        // The reverse.
        assert_eq!(register(&root, &json!({ "client_name": "x", "audiences": ["stock"] })).status, 201);
        assert_eq!(refusal(&register(&root, &app("stock"))), (409, json!("client_id")));
    }

    fn another_spelling_of_a_clients_uuid_conflicts(server) {
        let root = server.administrator();
        let (existing, _) = server.client(&[]);
        for spelling in [existing.to_uppercase(), existing.replace('-', "")] {
            assert_eq!(refusal(&register(&root, &app(&spelling))), (409, json!("client_id")), "{spelling}");
        }
        // IDs of other providers may be 32 hexadecimal digits.
        assert_eq!(register(&root, &app("0123456789abcdef0123456789abcdef")).status, 201);
    }

    fn concurrent_creations_with_two_spellings_of_a_uuid_create_one_client(server) {
        let root = server.administrator();
        let spellings = |uuid: uuid::Uuid| {
            let (hyphenated, simple) = (uuid.hyphenated().to_string(), uuid.simple().to_string());
            [hyphenated.to_uppercase(), simple.to_uppercase(), simple, hyphenated]
        };
        for first in 0..4 {
            let mut all = spellings(uuid::Uuid::new_v4()).to_vec();
            assert_eq!(register(&root, &app(&all.remove(first))).status, 201);
            for other in all {
                assert_eq!(refusal(&register(&root, &app(&other))), (409, json!("client_id")), "{other}");
            }
        }
        // A user's ID, which would equal the `sub` of tokens.
        let ada = server.create_user(&root, "ada");
        for spelling in spellings(ada.id.parse().expect("a UUID")) {
            assert_eq!(refusal(&register(&root, &app(&spelling))), (409, json!("client_id")), "{spelling}");
        }
        // Also if two spellings are registered concurrently.
        let all = spellings(uuid::Uuid::new_v4()).map(|id| (root.browser.clone(), id)).to_vec();
        let answers = race(all, |(browser, id)| browser.post_json("/v1/clients", &app(&id)).status);
        assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
        // Other spellings would be too many to reserve.
        let refused = register(&root, &app("0123456789abcDEF0123456789abcdef"));
        assert_eq!(refusal(&refused), (400, json!("client_id")));
        assert!(refused.text().contains("UUID in mixed case") && refused.text().contains("UUID of version 8"), "{refused:?}");
    }

    fn concurrent_use_as_client_id_and_as_audience_succeeds_once(server) {
        let root = server.administrator();
        for round in 0..5 {
            let name = format!("orders{round}");
            let runners: Vec<_> = (0..RUNNERS).map(|number| {
                let with_audience = json!({ "client_name": format!("{name} {number}"), "audiences": [name] });
                let body = if number % 2 == 0 { app(&name) } else { with_audience };
                (root.browser.clone(), body)
            }).collect();
            let answers = race(runners, |(browser, body)| browser.post_json("/v1/clients", &body));
            let made = answers.iter().filter(|answer| answer.status == 201).count();
            let others_are_refused = answers.iter().all(|answer| [201, 400, 409].contains(&answer.status));
            assert!(made == 1 && others_are_refused, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        }
    }

    fn only_signed_in_administrators_choose_credentials(server) {
        let root = server.administrator();
        let service = server.client(&["clients:write", "users:read"]);
        let helper = server.delegated_app("openid clients:write");
        let token = helper.sign_in(&root.browser, &[("scope", "openid clients:write")]).access;
        let own = send(server, &service, "POST", "/v1/clients", &json!({ "client_name": "Own" })).json();
        let own = own["client_id"].as_str().expect("an ID").to_owned();
        for (field, value) in [("client_id", "grafana"), ("client_secret", SECRET)] {
            let mut body = json!({ "client_name": "x" });
            body[field] = json!(value);
            let refused = send(server, &service, "POST", "/v1/clients", &body);
            assert_eq!(refusal(&refused), (403, json!(field)));
            let through = server.browser().request("POST", "/v1/clients").without_same_origin().bearer(&token).json(&body).send();
            assert_eq!(refusal(&through), (403, json!(field)));
        }
        let secret = json!({ "client_secret": SECRET });
        let path = format!("/v1/clients/{own}/secret");
        assert_eq!(refusal(&send(server, &service, "POST", &path, &secret)), (403, json!("client_secret")));
        assert_eq!(send(server, &service, "POST", &path, &json!({})).status, 200);
        let ada = server.create_user(&root, "ada");
        assert_eq!(register(&ada, &app("grafana")).status, 403);
    }

    fn a_chosen_secret_replaces_the_previous_one(server) {
        let root = server.administrator();
        let (id, old) = server.client(&["users:read"]);
        let path = format!("/v1/clients/{id}/secret");
        let refused = root.browser.post_json(&path, &json!({ "client_secret": "short" }));
        assert_eq!(refusal(&refused), (400, json!("client_secret")));
        let unknown = root.browser.post_json(&path, &json!({ "secret": SECRET }));
        assert_eq!(unknown.status, 400);
        let ask = |secret: &str| ask_api(server, &(id.clone(), secret.to_owned()), "GET", "/v1/users").status;
        assert_eq!(ask(&old), 200);
        let set = root.browser.post_json(&path, &json!({ "client_secret": SECRET }));
        assert_eq!((set.status, set.json().get("client_secret")), (200, None), "{set:?}");
        assert_eq!((ask(&old), ask(SECRET)), (401, 200));
        let made = root.browser.request("POST", &path).send();
        assert!(made.json()["client_secret"].is_string(), "an empty body creates a secret: {made:?}");
        assert_eq!(ask(SECRET), 401);
        let events = root.browser.get("/v1/audit-events?action=client.secret_rotated").json();
        let chosen: Vec<&Value> = (0..2).map(|event| &events["items"][event]["details"]["chosen"]).collect();
        assert_eq!(chosen, [&Value::Null, &json!(["client_secret"])]);
    }

    fn the_audit_log_records_chosen_credentials(server) {
        let root = server.administrator();
        register(&root, &app("grafana"));
        register(&root, &json!({ "client_name": "Random" }));
        let events = root.browser.get("/v1/audit-events?action=client.created").json();
        let details = |event: usize| events["items"][event]["details"].clone();
        assert_eq!(details(0), json!({ "name": "Random" }));
        assert_eq!(details(1), json!({ "name": "Moved", "client_id": "grafana", "chosen": ["client_id", "client_secret"] }));
        assert!(!events.to_string().contains(SECRET));
        let found = root.browser.get("/v1/audit-events?client=grafana").json();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    }

    fn exactly_one_of_twenty_creations_with_one_id_succeeds(server) {
        let root = server.administrator();
        let browsers: Vec<_> = (0..RUNNERS).map(|_| root.browser.clone()).collect();
        let answers = race(browsers, |browser| browser.post_json("/v1/clients", &app("grafana")));
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        let mut expected = vec![409; RUNNERS - 1];
        expected.insert(0, 201);
        assert_eq!(statuses, expected);
        let taken = answers.iter().find(|answer| answer.status == 409).expect("a refusal");
        assert!(taken.problem_type().ends_with("client-id-taken"), "{taken:?}");
        let events = root.browser.get("/v1/audit-events?action=client.created&outcome=success").json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(1));
    }

    fn the_command_reads_a_chosen_secret_from_a_file_or_standard_input(server) {
        let run = |arguments: &[&str], input: &str| {
            let mut command = binary::command(&server.config);
            binary::finish_with(command.arg("client").args(arguments).arg("--json"), input)
        };
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).expect("a file");
        let file = file.to_str().expect("a path");
        let made = run(&["create", "Moved", "--id", "grafana", "--secret-file", file], "");
        assert_eq!((made.code, made.json()["client_id"].clone()), (0, json!("grafana")), "{made:?}");
        let ask = |secret: &str| ask_api(server, &("grafana".into(), secret.to_owned()), "GET", "/v1/users").status;
        assert_eq!(ask(SECRET), 403, "authenticated, but without the scope");
        let other = SECRET.replace('Z', "Y");
        let set = run(&["rotate-secret", "grafana", "--secret-file", "-"], &format!("{other}\r\n"));
        assert_eq!((set.code, ask(&other), ask(SECRET)), (0, 403, 401), "{set:?}");
        for (arguments, input) in [
            (["create", "x", "--id", "grafana"], ""),
            (["create", "x", "--id", "no/id"], ""),
            (["create", "x", "--secret-file", "-"], "short\n"),
            (["create", "x", "--secret-file", "-"], "one line of a secret, 0123456789\nand another one\n"),
            (["rotate-secret", "grafana", "--secret-file", "-"], ""),
            (["create", "x", "--secret-file", "/nonexistent/file"], ""),
        ] {
            let refused = run(&arguments, input);
            assert_ne!(refused.code, 0, "{arguments:?}");
            assert!(refused.json()["error"].is_string(), "{refused:?}");
        }
        assert_eq!(ask(&other), 403);
    }

    fn the_command_prints_the_uris_and_reports_a_missing_one(server) {
        let create = |more: &[&str]| {
            let arguments = [&["client", "create", "Shop", "--redirect-uri", CALLBACK], more].concat();
            binary::run(&server.config, &arguments).output
        };
        let told = create(&["--post-logout-redirect-uri", "https://app.example/bye", "--backchannel-logout-uri", "https://app.example/logout"]);
        assert!(told.contains("after sign-out https://app.example/bye") && told.contains("back-channel   https://app.example/logout"), "{told}");
        assert!(!told.contains("No sign-out address"), "{told}");
        assert!(create(&[]).contains("No sign-out address is registered"));
        let wildcard = binary::run(&server.config, &["client", "create", "Shop", "--redirect-uri", "https://*.example/"]);
        assert!(wildcard.code == 4 && wildcard.errors.contains("wildcards") && wildcard.errors.contains("Register each"), "{wildcard:?}");
    }

    fn the_page_accepts_an_id_and_a_secret(server) {
        let root = server.administrator();
        let create = |id: &str, secret: &str| {
            let form = [
                ("client_name", "Moved"), ("redirect_uris", CALLBACK), ("scope", "openid"), ("application_type", "web"), ("grant_authorization_code", "yes"),
                ("require_pkce", "auto"), ("id_token_signed_response_alg", "RS256"), ("access_token_format", "jwt"), ("access_token_header_type", "at+jwt"), ("rotate_refresh_tokens", "yes"),
                ("client_id", id), ("client_secret", secret),
            ];
            root.browser.request("POST", "/admin/clients/new").page_form(&form).send()
        };
        let refused = create("no/id", SECRET);
        assert!(refused.status == 400 && refused.text().contains("value=\"no/id\""), "{refused:?}");
        assert!(!refused.text().contains("Zk3v"), "the page shows the secret again");
        let refused = create("grafana", "short");
        assert!(refused.status == 400 && refused.text().contains("Client secret:"), "{refused:?}");
        assert_eq!(create("grafana", SECRET).status, 303);
        let page = root.browser.get("/admin/clients/grafana");
        assert!(page.status == 200 && page.text().contains("<code>grafana</code>"), "{page:?}");
        let path = "/admin/clients/grafana/new-secret";
        assert!(root.browser.get(path).text().contains("name=\"client_secret\""));
        let renew = |secret: &str| root.browser.request("POST", path).page_form(&[("version", "1"), ("client_secret", secret)]).send();
        assert_eq!(renew("short").status, 400);
        assert_eq!(renew(&SECRET.replace('Z', "Y")).status, 303);
        let own = with_chosen_credentials(server, "grafana").token(&[("grant_type", "client_credentials")]);
        assert_eq!(own.json()["error"], "invalid_client", "{own:?}");
    }
}

/// Several installations may share a Redis, and each may have a client of the same chosen ID.
#[test]
fn installations_that_share_a_store_keep_their_clients_apart() {
    let servers = [TestServer::clustered(), TestServer::clustered()];
    let secrets = [SECRET.to_owned(), SECRET.replace('Z', "Y")];
    for (server, secret) in servers.iter().zip(&secrets) {
        let mut body = app("grafana");
        body["client_secret"] = json!(secret);
        let made = register(&server.administrator(), &body);
        assert_eq!(made.status, 201, "{made:?}");
    }
    for (own, server) in servers.iter().enumerate() {
        for (used, secret) in secrets.iter().enumerate() {
            let credentials = ("grafana".to_owned(), secret.clone());
            let expected = if own == used { 200 } else { 401 };
            let answer = ask_api(server, &credentials, "GET", "/v1/users");
            assert_eq!(
                answer.status, expected,
                "secret {used} at {own}: {answer:?}"
            );
        }
    }
}
