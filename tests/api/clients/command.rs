//! Clients on the command line.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::test_server::TestServer;

fn client(server: &TestServer, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["client"]
        .into_iter()
        .chain(arguments.iter().copied())
        .chain(["--json"])
        .collect();
    let ran = binary::run(&server.config, &arguments);
    assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
    ran.json()
}

fn code(server: &TestServer, arguments: &[&str]) -> i32 {
    let arguments: Vec<&str> = ["client"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    binary::run(&server.config, &arguments).code
}

on_both! {
    fn an_app_is_created_shown_changed_and_deleted(server) {
        let made = client(server, &[
            "create", "Shop", "--redirect-uri", "https://a.example/cb", "--redirect-uri", "https://b.example/cb",
            "--post-logout-redirect-uri", "https://a.example/bye", "--backchannel-logout-uri", "http://10.0.0.7/logout",
            "--auth-method", "client_secret_post", "--no-consent", "--no-pkce", "--id-token-alg", "ES256", "--opaque",
            "--role", "admin", "--resource", "urn:example:orders", "--audience", "https://a.example", "--scope", "openid", "--scope", "orders:read",
        ]);
        let id = made["client_id"].as_str().expect("an id");
        assert!(made["client_secret"].is_string());
        for (name, value) in [
            ("redirect_uris", json!(["https://a.example/cb", "https://b.example/cb"])),
            ("post_logout_redirect_uris", json!(["https://a.example/bye"])),
            ("backchannel_logout_uri", json!("http://10.0.0.7/logout")),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("require_consent", json!(false)), ("require_pkce", json!(false)),
            ("id_token_signed_response_alg", json!("ES256")), ("access_token_format", json!("opaque")),
            ("allowed_roles", json!(["admin"])), ("resources", json!(["urn:example:orders"])),
            ("audiences", json!(["https://a.example"])), ("scope", json!("openid orders:read")),
            ("grant_types", json!(["authorization_code", "refresh_token"])),
        ] {
            assert_eq!(made[name], value, "{name}");
        }
        let shown = client(server, &["show", id]);
        assert_eq!((shown.get("client_secret"), shown["client_name"].clone()), (None, json!("Shop")));
        let changed = client(server, &["update", id, "--name", "Store", "--grant", "authorization_code", "--backchannel-logout-uri", "", "--role", ""]);
        assert_eq!((changed["client_name"].clone(), changed["grant_types"].clone()), (json!("Store"), json!(["authorization_code"])));
        assert_eq!((changed["backchannel_logout_uri"].clone(), changed["allowed_roles"].clone()), (Value::Null, json!([])));
        assert_eq!(changed["redirect_uris"], made["redirect_uris"]);
        let undone = client(server, &["update", id, "--consent", "--jwt", "--native", "--origin", "capacitor://localhost"]);
        assert_eq!((&undone["require_consent"], &undone["access_token_format"]), (&json!(true), &json!("jwt")));
        assert_eq!((&undone["application_type"], &undone["allowed_origins"]), (&json!("native"), &json!(["capacitor://localhost"])));
        let undone = client(server, &["update", id, "--no-consent", "--opaque", "--web", "--origin", ""]);
        assert_eq!((&undone["require_consent"], &undone["access_token_format"]), (&json!(false), &json!("opaque")));
        assert_eq!((&undone["application_type"], &undone["allowed_origins"]), (&json!("web"), &json!([])));
        assert_eq!(client(server, &["disable", id, "--reason", "leaked"])["enabled"], false);
        assert_eq!(client(server, &["enable", id])["enabled"], true);
        assert_eq!(client(server, &["delete", id])["deleted"], json!(id));
        assert_eq!(code(server, &["show", id]), 3);
        assert_eq!(client(server, &["list"])["items"], json!([]));
    }

    fn an_authentication_method_is_registered_and_reset(server) {
        let made = client(server, &["create", "Shop", "--redirect-uri", "https://a.example/cb"]);
        let id = made["client_id"].as_str().expect("an id");
        let is_open = |document: &Value| {
            (document["token_endpoint_auth_method"].clone(), document["accepts_either_secret_method"].clone())
        };
        assert_eq!(is_open(&made), (json!("client_secret_basic"), json!(true)));
        let fixed = client(server, &["update", id, "--auth-method", "client_secret_basic"]);
        assert_eq!(is_open(&fixed), (json!("client_secret_basic"), json!(false)));
        assert_eq!(fixed.get("client_secret"), None, "the secret stays");
        let open = client(server, &["update", id, "--auth-method", "either"]);
        assert_eq!(is_open(&open), (json!("client_secret_basic"), json!(true)));
    }

    fn creating_an_app_warns_of_a_missing_post_logout_redirect_uri(server) {
        let create = |arguments: &[&str]| {
            let arguments = [&["client", "create", "Shop"], arguments].concat();
            binary::run(&server.config, &arguments).output
        };
        let note = "--post-logout-redirect-uri URI";
        let app = ["--redirect-uri", "https://a.example/cb"];
        assert!(create(&app).contains(note));
        let with_address = [&app[..], &["--post-logout-redirect-uri", "https://a.example/bye"]].concat();
        assert!(!create(&with_address).contains(note));
        assert!(!create(&["--scope", "users:read"]).contains(note), "users do not sign in to a service");
    }

    fn creating_a_service_explains_that_apps_request_tokens_by_a_uri(server) {
        let create = |arguments: &[&str]| {
            let arguments = [&["client", "create", "orders"], arguments].concat();
            binary::run(&server.config, &arguments).output
        };
        let plain = create(&["--audience", "orders", "--audience", "order-desk"]);
        assert!(plain.contains("--audience URI --audience orders --audience order-desk"), "{plain}");
        let whole = create(&["--audience", "urn:example:orders", "--audience", "orders.internal"]);
        assert!(!whole.contains("--audience URI"), "{whole}");
    }

    fn logout_tokens_without_sid_are_turned_on_and_off(server) {
        let app = ["create", "Shop", "--redirect-uri", "https://a.example/cb", "--backchannel-logout-uri", "https://a.example/out"];
        let made = client(server, &[&app[..], &["--backchannel-logout-without-sid"]].concat());
        assert_eq!(made["backchannel_logout_without_sid"], json!(true));
        let id = made["client_id"].as_str().expect("an id");
        let back = client(server, &["update", id, "--backchannel-logout-with-sid"]);
        assert_eq!(back["backchannel_logout_without_sid"], json!(false));
    }

    fn claims_in_the_id_token_are_turned_off_and_on(server) {
        let made = client(server, &["create", "Shop", "--redirect-uri", "https://a.example/cb"]);
        assert_eq!(made["claims_in_id_token"], json!(true));
        let id = made["client_id"].as_str().expect("an id");
        let off = client(server, &["update", id, "--no-claims-in-id-token"]);
        assert_eq!(off["claims_in_id_token"], json!(false));
        assert_eq!(client(server, &["update", id, "--claims-in-id-token"])["claims_in_id_token"], json!(true));
        let never = client(server, &["create", "Small", "--redirect-uri", "https://a.example/cb", "--no-claims-in-id-token"]);
        assert_eq!(never["claims_in_id_token"], json!(false));
    }

    fn pkce_is_optional_required_waived_and_reset(server) {
        let made = client(server, &["create", "Shop", "--redirect-uri", "https://a.example/cb"]);
        assert_eq!((made["require_pkce"].clone(), made["pkce_used"].clone()), (json!("auto"), json!(false)));
        let id = made["client_id"].as_str().expect("an id");
        for (arguments, wanted) in [
            (vec!["--require-pkce", "true"], json!(true)), (vec!["--no-pkce"], json!(false)), (vec!["--require-pkce", "auto"], json!("auto")),
            (vec!["--reset-pkce"], json!("auto")), (vec!["--require-pkce", "false"], json!(false)),
        ] {
            let changed = client(server, &[&["update", id], &arguments[..]].concat());
            assert_eq!(changed["require_pkce"], wanted, "{arguments:?}");
        }
        assert_eq!(code(server, &["update", id, "--require-pkce", "maybe"]), 2);
        assert_eq!(code(server, &["update", id, "--no-pkce", "--require-pkce", "true"]), 2);
    }

    fn a_native_app_has_no_secret_and_can_be_registered_from_a_file(server) {
        let native = client(server, &["create", "Notes", "--public", "--native", "--redirect-uri", "http://127.0.0.1/cb"]);
        assert_eq!((native.get("client_secret"), native["application_type"].clone()), (None, json!("native")));
        let id = native["client_id"].as_str().expect("an id");
        let secret = client(server, &["update", id, "--auth-method", "client_secret_basic"]);
        assert!(secret["client_secret"].is_string());
        let file = server.config.server.data_dir.join("client.json");
        let path = file.to_str().expect("a path");
        let metadata = json!({ "client_name": "x", "redirect_uris": ["https://a.example/cb"], "default_max_age": 60, "scope": "openid" });
        std::fs::write(&file, metadata.to_string()).expect("a file");
        let made = client(server, &["create", "Filed", "--json-metadata", path, "--scope", "profile"]);
        assert_eq!((made["client_name"].clone(), made["default_max_age"].clone(), made["scope"].clone()), (json!("Filed"), json!(60), json!("profile")));
        std::fs::write(&file, "{\"colour\": 1}").expect("a file");
        assert_eq!(code(server, &["create", "x", "--json-metadata", path]), 4);
        assert_eq!(code(server, &["create", "x", "--json-metadata", "/nowhere"]), 4);
    }

    fn a_client_with_only_loopback_redirect_uris_is_native_by_default(server) {
        let kind = |arguments: &[&str]| client(server, arguments)["application_type"].clone();
        let loopback = ["create", "Tool", "--redirect-uri", "http://localhost:8080", "--redirect-uri", "http://127.0.0.1/cb"];
        assert_eq!(kind(&loopback), json!("native"));
        assert_eq!(kind(&[&loopback[..], &["--web"]].concat()), json!("web"));
        assert_eq!(kind(&[&loopback[..], &["--redirect-uri", "https://a.example/cb"]].concat()), json!("web"));
        assert_eq!(kind(&["create", "Service"]), json!("web"));
    }

    fn each_refusal_has_its_exit_code(server) {
        for (arguments, wanted) in [
            (vec!["create", "x", "--native", "--web"], 2),
            (vec!["create", "x", "--consent", "--no-consent"], 2),
            (vec!["create", "x", "--jwt", "--opaque"], 2),
            (vec!["create", "x", "--origin", "https://a.example/x"], 4),
            (vec!["create", "x", "--redirect-uri", "http://app.example/"], 4),
            (vec!["create", "x", "--public"], 4),
            (vec!["create", "x", "--public", "--auth-method", "none"], 2),
            (vec!["create", "x", "--auth-method", "mtls"], 2),
            (vec!["create", "x", "--grant", "password"], 2),
            (vec!["create", "x", "--scope", "users:everything"], 4),
            (vec!["create", "x", "--scope", "a:b c:d"], 2),
            (vec!["create", ""], 4),
            (vec!["show", "x/y"], 2),
            (vec!["delete", "00000000-0000-4000-8000-000000000000"], 3),
        ] {
            assert_eq!(code(server, &arguments), wanted, "{arguments:?}");
        }
        let refused = binary::run(&server.config, &["client", "create", "x", "--redirect-uri", "/cb"]);
        assert!(refused.errors.contains("redirect_uris: entry 1: must be an absolute URI"), "{}", refused.errors);
    }

    fn roles_and_scopes_that_do_not_exist_are_named(server) {
        server.administrator();
        let made = client(server, &["create", "Shop", "--redirect-uri", "https://a.example/cb", "--role", "admin"]);
        let id = made["client_id"].as_str().expect("an id");
        let create = ["create", "x", "--redirect-uri", "https://a.example/cb"];
        let update = ["update", id];
        for (command, flags, code, hint) in [
            (&create[..], &["--role", "driver"][..], 4, "allowed_roles: no role is named driver"),
            (&update[..], &["--role", "admin", "--role", "driver"][..], 4, "allowed_roles: no role is named driver"),
            (&create[..], &["--scope", "group"][..], 4, "scope: group is not one of Doorward's scopes, which are openid profile"),
            (&create[..], &["--scope", "users:look"][..], 4, "scope: users:look is not one of Doorward's scopes"),
            (&create[..], &["--scope", "openid,profile"][..], 2, "pass one scope per flag: --scope openid --scope profile"),
            (&create[..], &["--reset-pkce"][..], 2, "--reset-pkce"),
        ] {
            let ran = binary::run(&server.config, &[&["client"], command, flags].concat());
            assert_eq!(ran.code, code, "{flags:?} {}", ran.errors);
            assert!(ran.errors.contains(hint), "{flags:?} {}", ran.errors);
        }
        assert_eq!(client(server, &["show", id])["allowed_roles"], json!(["admin"]));
    }

    fn replacing_the_scopes_without_openid_prints_a_warning(server) {
        let made = client(server, &["create", "Shop", "--redirect-uri", "https://a.example/cb"]);
        let id = made["client_id"].as_str().expect("an id");
        let update = |flags: &[&str]| binary::run(&server.config, &[&["client", "update", id], flags].concat());
        let ran = update(&["--scope", "groups"]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        assert!(ran.errors.contains("openid is no longer among them"), "{}", ran.errors);
        assert!(ran.errors.contains(&format!("doorward client update {id} --add-scope openid")), "{}", ran.errors);
        assert!(!update(&["--name", "Store"]).errors.contains("openid"), "only the change that removes it");
        assert!(!update(&["--add-scope", "openid"]).errors.contains("openid"));
    }

    fn a_service_is_described_by_its_audiences(server) {
        let text = |arguments: &[&str]| binary::run(&server.config, &[&["client"], arguments].concat()).output;
        let orders = "https://orders.example.com";
        let service = text(&["create", "orders", "--audience", orders]);
        assert!(service.contains(&format!("service that accepts tokens for {orders}")), "{service}");
        let made = client(server, &["create", "bills", "--audience", "https://bills.example.com"]);
        let id = made["client_id"].as_str().expect("an id");
        let added = client(server, &["update", id, "--add-audience", "bills"]);
        assert_eq!(added["audiences"], json!(["https://bills.example.com", "bills"]));
        let local = text(&["create", "Trial", "--redirect-uri", "http://localhost:5000/cb"]);
        assert!(local.contains("native app (with a secret); PKCE or a nonce; loopback redirect URIs may have any port"), "{local}");
        let preset = client(server, &["create", "Graphs", "--for", "grafana", "--url", "http://localhost:3000"]);
        assert_eq!(preset["application_type"], "web", "a program on a server, also on localhost");
    }
}
