//! What can be registered and changed, and every refusal.

use serde_json::{Value, json};

use crate::api::races::count;
use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::race::{RUNNERS, race};

const CALLBACK: &str = "https://app.example/callback";

fn register(browser: &TestBrowser, body: &Value) -> Answer {
    browser.post_json("/v1/clients", body)
}

fn made(browser: &TestBrowser, body: &Value) -> Value {
    let answer = register(browser, body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn patch(browser: &TestBrowser, client: &Value, version: i64, body: &Value) -> Answer {
    let path = format!(
        "/v1/clients/{}",
        client["client_id"].as_str().expect("an id")
    );
    let request = browser.request("PATCH", &path);
    request
        .header("If-Match", &format!("\"{version}\""))
        .json(body)
        .send()
}

fn refused_field(answer: &Answer) -> (u16, String, Value) {
    (
        answer.status,
        answer.problem_type(),
        answer.json()["field"].clone(),
    )
}

on_both! {
    /// RFC 3986 §3, checked in the text itself: browsers would resolve `https:/cb` relative to the issuer.
    fn a_uri_that_a_parser_would_normalize_is_refused_in_every_field(server) {
        let root = server.administrator();
        let client = made(&root.browser, &json!({ "client_name": "Shop", "redirect_uris": [CALLBACK] }));
        for bad in [
            "https:/cb", "https:cb/x", "https:///cb", "https:////cb", "https:\\\\app.example/cb", "http:/localhost/cb", "HTTPS://app.example/cb",
            "https://App.example/cb", "https://app.example:443/cb", "https://app.example/a/../cb", "https://app.example/cb ",
        ] {
            for field in ["redirect_uris", "post_logout_redirect_uris", "resources", "audiences"] {
                let refused = patch(&root.browser, &client, 1, &json!({ field: [bad] }));
                assert_eq!(refused_field(&refused), (400, "urn:doorward:problem:invalid-field".into(), json!(field)), "{field}: {bad}");
            }
            for field in ["client_uri", "policy_uri", "tos_uri", "backchannel_logout_uri"] {
                let refused = patch(&root.browser, &client, 1, &json!({ field: bad }));
                assert_eq!(refused_field(&refused), (400, "urn:doorward:problem:invalid-field".into(), json!(field)), "{field}: {bad}");
            }
            let new = register(&root.browser, &json!({ "client_name": "Other", "redirect_uris": [bad] }));
            assert_eq!(new.status, 400, "{bad}");
        }
        // A URI without a path is a different URI, because URIs are compared as text.
        let bare = patch(&root.browser, &client, 1, &json!({ "redirect_uris": ["https://app.example"] }));
        assert_eq!((bare.status, bare.json()["redirect_uris"].clone()), (200, json!(["https://app.example"])));
        let ask = |to: &str| {
            let id = client["client_id"].as_str().expect("an id");
            root.browser.get(&format!(
                "/oauth2/authorize?client_id={id}&response_type=code&scope=openid&redirect_uri={to}&prompt=none\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
            ))
        };
        let asked = ask("https://app.example");
        assert_eq!(asked.status, 303, "{asked:?}");
        assert!(asked.header("location").is_some_and(|to| to.starts_with("https://app.example?")), "{asked:?}");
        assert_eq!(ask("https://app.example/").status, 400);
        assert_eq!(ask("https:/cb").status, 400);
    }

    fn an_app_is_registered_read_listed_and_changed(server) {
        let root = server.administrator();
        let answer = register(&root.browser, &json!({ "client_name": " Shop ", "redirect_uris": [CALLBACK, CALLBACK] }));
        assert_eq!((answer.status, answer.header("etag"), answer.header("cache-control")), (201, Some("\"1\""), Some("no-store")));
        let client = answer.json();
        assert_eq!(client["client_name"], "Shop");
        assert_eq!(client["redirect_uris"], json!([CALLBACK]));
        assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(client["scope"], "address email groups offline_access openid phone profile roles");
        assert_eq!(client["client_secret"].as_str().map(str::len), Some(43));
        assert_eq!((client["require_pkce"].clone(), client["require_consent"].clone()), (json!("auto"), json!(true)));
        let path = format!("/v1/clients/{}", client["client_id"].as_str().expect("an id"));
        assert_eq!(answer.header("location"), Some(path.as_str()));

        let read = root.browser.get(&path);
        assert_eq!((read.status, read.header("etag"), read.json()["client_secret"].clone()), (200, Some("\"1\""), Value::Null));
        assert_eq!(root.browser.request("GET", &path).header("If-None-Match", "\"1\"").send().status, 304);
        let change = json!({ "clientName": "Store", "scope": "openid", "client-uri": "https://app.example/", "default_max_age": 60 });
        let changed = patch(&root.browser, &client, 1, &change);
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
        let changed = changed.json();
        assert_eq!((changed["client_name"].clone(), changed["scope"].clone()), (json!("Store"), json!("openid")));
        assert_eq!((changed["client_uri"].clone(), changed["default_max_age"].clone()), (json!("https://app.example/"), json!(60)));
        assert_eq!(changed["redirect_uris"], json!([CALLBACK]), "what is left out stays");
        let emptied = patch(&root.browser, &client, 2, &json!({ "client_uri": null, "default_max_age": null })).json();
        assert_eq!((emptied["client_uri"].clone(), emptied["default_max_age"].clone()), (Value::Null, Value::Null));
        let event = root.browser.get("/v1/audit-events?action=client.updated").json()["items"][1].clone();
        assert_eq!(event["details"]["client_name"], json!({ "before": "Shop", "after": "Store" }));
        assert_eq!(event["client"], client["client_id"]);
        assert!(!root.browser.get("/v1/audit-events").text().contains(client["client_secret"].as_str().expect("a secret")));
    }

    fn a_change_needs_the_current_version(server) {
        let root = server.administrator();
        let client = made(&root.browser, &json!({ "client_name": "Shop", "redirect_uris": [CALLBACK] }));
        let path = format!("/v1/clients/{}", client["client_id"].as_str().expect("an id"));
        assert_eq!(root.browser.patch_json(&path, &json!({})).status, 428);
        assert_eq!(patch(&root.browser, &client, 1, &json!({ "client_name": "A" })).status, 200);
        let late = patch(&root.browser, &client, 1, &json!({ "client_name": "B" }));
        assert_eq!((late.status, late.json()["version"].clone()), (412, json!(2)));
        let same = patch(&root.browser, &client, 2, &json!({ "client_name": "A" }));
        assert_eq!(same.header("etag"), Some("\"2\""), "nothing changed, no new version");
        let tabs = vec![root.browser.clone(); RUNNERS];
        let answers = race(tabs, |tab| patch(&tab, &client, 2, &json!({ "client_name": uuid::Uuid::new_v4() })));
        assert_eq!((count(&answers, 200), count(&answers, 412)), (1, RUNNERS - 1));
    }

    fn defaults_depend_on_the_client_type(server) {
        let root = server.administrator();
        let service = made(&root.browser, &json!({ "client_name": "Reports" }));
        assert_eq!((service["grant_types"].clone(), service["scope"].clone()), (json!(["client_credentials"]), json!("")));
        let page = made(&root.browser, &json!({ "client_name": "Page", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" }));
        assert_eq!((page.get("client_secret"), page["grant_types"].clone()), (None, json!(["authorization_code", "refresh_token"])));
        let quiet = made(&root.browser, &json!({ "client_name": "Quiet", "redirect_uris": [CALLBACK], "scope": "", "grant_types": [] }));
        assert_eq!((quiet["scope"].clone(), quiet["grant_types"].clone()), (json!(""), json!([])));
    }

    fn a_secret_exists_only_while_the_method_needs_one(server) {
        let root = server.administrator();
        let client = made(&root.browser, &json!({ "client_name": "Shop", "redirect_uris": [CALLBACK], "scope": "users:read" }));
        let id = client["client_id"].as_str().expect("an id");
        let ask = |secret: &Value| {
            let secret = secret.as_str().expect("a secret");
            server.browser().request("GET", "/v1/users").basic(id, secret).send().status
        };
        assert_eq!(ask(&client["client_secret"]), 200);
        let public = patch(&root.browser, &client, 1, &json!({ "token_endpoint_auth_method": "none" }));
        assert_eq!((public.status, public.json().get("client_secret").cloned()), (200, None));
        assert_eq!(ask(&client["client_secret"]), 401, "a public client has no secret");
        let rotated = root.browser.request("POST", &format!("/v1/clients/{id}/secret")).send();
        assert_eq!((rotated.status, rotated.problem_type()), (409, "urn:doorward:problem:no-secret".into()));
        let again = patch(&root.browser, &client, 2, &json!({ "token_endpoint_auth_method": "client_secret_post" })).json();
        assert_eq!((ask(&client["client_secret"]), ask(&again["client_secret"])), (401, 200));
    }

    fn every_invalid_field_is_refused_by_name(server) {
        let root = server.administrator();
        let many: Vec<String> = (0..51).map(|number| format!("{CALLBACK}/{number}")).collect();
        let long = "x".repeat(101);
        for (field, body) in [
            ("client_name", json!({ "client_name": null })),
            ("client_name", json!({ "client_name": "  " })),
            ("client_name", json!({ "client_name": long })),
            ("client_name", json!({ "client_name": "a\u{202e}b" })),
            ("redirect_uris", json!({ "redirect_uris": ["/callback"] })),
            ("redirect_uris", json!({ "redirect_uris": [CALLBACK, "http://app.example/"] })),
            ("redirect_uris", json!({ "redirect_uris": ["javascript:alert(1)"] })),
            ("redirect_uris", json!({ "redirect_uris": many.clone() })),
            ("redirect_uris", json!({ "redirect_uris": [] })),
            ("redirect_uris", json!({ "redirect_uris": [], "token_endpoint_auth_method": "none", "grant_types": null })),
            ("post_logout_redirect_uris", json!({ "post_logout_redirect_uris": ["https://app.example/#x"] })),
            ("post_logout_redirect_uris", json!({ "post_logout_redirect_uris": many })),
            ("allowed_origins", json!({ "allowed_origins": ["capacitor://localhost", "*"] })),
            ("allowed_origins", json!({ "allowed_origins": ["null"] })),
            ("token_endpoint_auth_method", json!({ "token_endpoint_auth_method": "private_key_jwt" })),
            ("grant_types", json!({ "grant_types": ["password"] })),
            ("grant_types", json!({ "grant_types": ["refresh_token"] })),
            ("grant_types", json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" })),
            ("require_pkce", json!({ "require_pkce": false, "token_endpoint_auth_method": "none" })),
            ("require_pkce", json!({ "require_pkce": "sometimes" })),
            ("require_pkce", json!({ "require_pkce": 1 })),
            ("rotate_refresh_tokens", json!({ "rotate_refresh_tokens": false, "token_endpoint_auth_method": "none" })),
            ("application_type", json!({ "application_type": "browser" })),
            ("id_token_signed_response_alg", json!({ "id_token_signed_response_alg": "none" })),
            ("access_token_format", json!({ "access_token_format": "paseto" })),
            ("scope", json!({ "scope": "open\"id" })),
            ("scope", json!({ "scope": "users:everything" })),
            ("client_uri", json!({ "client_uri": "javascript:alert(1)" })),
            ("policy_uri", json!({ "policy_uri": "http://app.example/" })),
            ("tos_uri", json!({ "tos_uri": "" })),
            ("backchannel_logout_uri", json!({ "backchannel_logout_uri": "https://app.example/#x" })),
            ("backchannel_logout_uri", json!({ "backchannel_logout_uri": "ftp://app.example/" })),
            ("backchannel_logout_without_sid", json!({
                "backchannel_logout_without_sid": true, "backchannel_logout_session_required": true,
            })),
            ("default_max_age", json!({ "default_max_age": 2_592_001 })),
            ("default_max_age", json!({ "default_max_age": -1 })),
            ("default_acr_values", json!({ "default_acr_values": ["phr", "2"] })),
            ("least_acr", json!({ "least_acr": "gold" })),
            ("resources", json!({ "resources": ["orders"] })),
            ("audiences", json!({ "audiences": ["https://api.example/#x"] })),
            ("audiences", json!({ "audiences": [server.origin()] })),
            ("allowed_roles", json!({ "allowed_roles": ["two words"] })),
            ("allowed_roles", json!({ "allowed_roles": ["admin", "driver"] })),
        ] {
            let mut whole = json!({ "client_name": "Shop", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"] });
            for (name, value) in body.as_object().expect("an object") {
                whole[name] = value.clone();
            }
            let answer = register(&root.browser, &whole);
            let wanted = (400, "urn:doorward:problem:invalid-field".to_owned(), json!(field));
            assert_eq!(refused_field(&answer), wanted, "{body} {}", answer.text());
        }
        let long = format!("https://app.example/{}", "x".repeat(1_981));
        for field in ["client_uri", "tos_uri", "backchannel_logout_uri", "resources", "audiences"] {
            let mut whole = json!({ "client_name": "Shop", "redirect_uris": [CALLBACK] });
            whole[field] = if field.ends_with('s') { json!([long]) } else { json!(long) };
            let answer = register(&root.browser, &whole);
            assert_eq!(answer.json()["field"], field);
            assert!(answer.text().contains("2000 characters"), "{}", answer.text());
        }
        for body in [
            json!({ "client_name": "Shop", "jwk_uri": "https://app.example/" }),
            json!({ "client_name": "Shop", "default_max_age": "1" }),
            json!({ "client_name": 1 }),
            json!([]),
        ] {
            assert_eq!(register(&root.browser, &body).problem_type(), "urn:doorward:problem:invalid-body", "{body}");
        }
        assert_eq!(root.browser.get("/v1/clients").json()["items"], json!([]));
    }

    fn unsupported_metadata_members_are_ignored(server) {
        let root = server.administrator();
        let body = json!({
            "client_name": "Shop", "client_name#ja-Jpan-JP": "店", "redirect_uris": [CALLBACK], "response_types": ["code"],
            "contacts": ["ada@example.com"], "logo_uri": "https://app.example/logo.png", "software_id": "4NRB1-0XZABZI9E6-5SM3R",
            "software_version": "1", "jwks_uri": "https://app.example/jwks", "subject_type": "public", "jwks": { "keys": [] },
        });
        let client = made(&root.browser, &body);
        assert_eq!((client["client_name"].clone(), client["response_types"].clone()), (json!("Shop"), json!(["code"])));
        assert_eq!(client.get("contacts"), None, "the response returns the registered metadata");
        let changed = patch(&root.browser, &client, 1, &json!({ "contacts": [], "client_name": "Store" }));
        assert_eq!((changed.status, changed.json()["client_name"].clone()), (200, json!("Store")));
        // A misspelt member is not silently ignored.
        for slip in ["redirect_uri", "client_names", "contacts#ja"] {
            let refused = register(&root.browser, &json!({ "client_name": "x", slip: [CALLBACK] }));
            assert_eq!(refused.status, 400, "{slip}");
        }
    }

    fn response_types_must_match_grant_types(server) {
        let root = server.administrator();
        let service = made(&root.browser, &json!({ "client_name": "Reports", "response_types": [] }));
        assert_eq!(service["response_types"], json!([]));
        for (types, redirects) in [
            (json!(["token"]), json!([CALLBACK])), (json!(["code", "id_token"]), json!([CALLBACK])),
            (json!(["code id_token"]), json!([CALLBACK])), (json!([]), json!([CALLBACK])), (json!(["code"]), json!([])),
        ] {
            let body = json!({ "client_name": "x", "redirect_uris": redirects, "response_types": types });
            let refused = register(&root.browser, &body);
            assert_eq!(refused_field(&refused), (400, "urn:doorward:problem:invalid-field".into(), json!("response_types")), "{body}");
        }
    }

    fn a_change_is_validated_together_with_unchanged_fields(server) {
        let root = server.administrator();
        let client = made(&root.browser, &json!({ "client_name": "Shop", "redirect_uris": [CALLBACK], "require_pkce": false }));
        let wrong = patch(&root.browser, &client, 1, &json!({ "token_endpoint_auth_method": "none" }));
        assert_eq!(refused_field(&wrong).2, "require_pkce");
        let wrong = patch(&root.browser, &client, 1, &json!({ "redirect_uris": [] }));
        assert_eq!(refused_field(&wrong).2, "redirect_uris");
        let good = json!({ "token_endpoint_auth_method": "none", "require_pkce": true });
        assert_eq!(patch(&root.browser, &client, 1, &good).status, 200);
    }

    fn an_audience_belongs_to_one_client(server) {
        let second = server.another_instance();
        let ports = [server.port(0), server.port(second)];
        let root = server.administrator();
        let wanted = json!({ "client_name": "Orders", "audiences": ["https://orders.example"] });
        let tabs: Vec<TestBrowser> = (0..RUNNERS).map(|number| root.browser.at_port(ports[number % 2])).collect();
        let answers = race(tabs, |tab| register(&tab, &wanted));
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, RUNNERS - 1));
        let refused = answers.iter().find(|answer| answer.status == 409).expect("a refusal");
        assert_eq!(refused_field(refused), (409, "urn:doorward:problem:audience-taken".into(), json!("audiences")));
        let owner = answers.iter().find(|answer| answer.status == 201).expect("an owner").json();

        // By a change as well; and the owner of an audience may change other members.
        let others: Vec<Value> = (0..RUNNERS).map(|_| made(&root.browser, &json!({ "client_name": "Other" }))).collect();
        let claims = others.clone();
        let answers = race(claims, |client| patch(&root.browser, &client, 1, &json!({ "audiences": ["urn:example:billing"] })));
        assert_eq!((count(&answers, 200), count(&answers, 409)), (1, RUNNERS - 1));
        assert_eq!(patch(&root.browser, &owner, 1, &json!({ "client_name": "Orders 2" })).status, 200);
        // A deleted client's audiences are free.
        let path = format!("/v1/clients/{}", owner["client_id"].as_str().expect("an id"));
        assert_eq!(root.browser.delete(&path).status, 204);
        assert_eq!(register(&root.browser, &wanted).status, 201);
    }

    fn clients_are_paged(server) {
        let root = server.administrator();
        for number in 0..5 {
            server.advance_clock(1);
            made(&root.browser, &json!({ "client_name": format!("App {number}") }));
        }
        let first = root.browser.get("/v1/clients?limit=2").json();
        let cursor = first["next"].as_str().expect("a cursor").to_owned();
        // If the client of a cursor is deleted, the cursor keeps its position.
        assert_eq!(root.browser.delete(&format!("/v1/clients/{cursor}")).status, 204);
        let second = root.browser.get(&format!("/v1/clients?limit=3&after={cursor}")).json();
        let names = |page: &Value| page["items"].as_array().expect("a list").iter().map(|one| one["client_name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>();
        assert_eq!((names(&first), names(&second)), (vec!["App 0".into(), "App 1".into()], vec!["App 2".into(), "App 3".into(), "App 4".into()]));
        assert_eq!(second["next"], Value::Null);
        for bad in ["limit=0", "limit=201", "after=x", &format!("after={}", uuid::Uuid::new_v4()), "name=x"] {
            assert_eq!(root.browser.get(&format!("/v1/clients?{bad}")).status, 400, "{bad}");
        }
    }
}
