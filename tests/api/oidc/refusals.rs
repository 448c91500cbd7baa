//! Reasons why a client's requests are refused: shown on the page, in the response and by the command, with the remedy.

use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::http::Answer;
use crate::support::process::{free_port, wait_until};
use crate::support::relying_party::{CALLBACK, RelyingParty};
use crate::support::test_server::TestServer;

const UNREGISTERED: &str = "https://app.example/other";

/// Returns the refusals that `doorward client check` lists for a client.
fn check(server: &TestServer, id: &str) -> Vec<Value> {
    let ran = binary::run(&server.config, &["client", "check", id, "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    ran.json()["refusals"].as_array().expect("refusals").clone()
}

fn authorize(server: &TestServer, app: &RelyingParty, changed: &[(&str, &str)]) -> Answer {
    server.browser().request("GET", &app.path(changed)).send()
}

on_both! {
    fn an_unregistered_redirect_uri_names_the_command_that_allows_it(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let refused = authorize(server, &app, &[("redirect_uri", UNREGISTERED)]);
        assert_eq!(refused.status, 400);
        let command = format!("doorward client update {} --add-redirect-uri URI", app.id);
        assert!(refused.text().contains(&command), "{}", refused.text());
        let told = &check(server, &app.id)[0];
        assert_eq!(told["rule"], "redirect-uri-not-registered");
        assert_eq!((&told["presented"], &told["registered"]), (&json!(UNREGISTERED), &json!(CALLBACK)));
        assert_eq!(told["remedy"], json!(command), "an unregistered URI is in no command");
        let page = root.browser.get(&format!("/admin/clients/{}", app.id)).text();
        assert!(page.contains(UNREGISTERED) && page.contains(&command), "{page}");
        assert!(page.contains("Allow only what your own app sends"), "{page}");
        let ran = binary::run(&server.config, &["client", "check", &app.id]);
        assert!(ran.output.contains(&command) && ran.output.contains("(1 time)"), "{}", ran.output);
        let ran = binary::run(&server.config, &["client", "update", &app.id, "--add-redirect-uri", UNREGISTERED, "--json"]);
        assert_eq!(ran.json()["redirect_uris"], json!([CALLBACK, UNREGISTERED]), "{}", ran.errors);
        let allowed = app.authorize(&root.browser, &[("redirect_uri", UNREGISTERED)]);
        assert!(allowed.header("location").is_some_and(|location| location.starts_with(UNREGISTERED)), "{allowed:?}");
    }

    fn an_unregistered_post_logout_redirect_uri_is_recorded_too(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let before = ["--post-logout-redirect-uri", "https://app.example/bye"];
        assert_eq!(binary::run(&server.config, &[&["client", "update", &app.id], &before[..]].concat()).code, 0);
        let issued = app.sign_in(&root.browser, &[]);
        let wanted = "https://app.example/other";
        let path = format!("/oauth2/logout?id_token_hint={}&post_logout_redirect_uri={wanted}", issued.id_token);
        let answer = root.browser.get(&path);
        let command = format!("doorward client update {} --add-post-logout-redirect-uri URI", app.id);
        assert!(answer.text().contains(&command), "{answer:?}");
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["presented"]), (&json!("post-logout-redirect-uri-not-registered"), &json!(wanted)));
        assert_eq!((&told["registered"], &told["remedy"]), (&json!("https://app.example/bye"), &json!(command)));
        let added = binary::run(&server.config, &["client", "update", &app.id, "--add-post-logout-redirect-uri", wanted, "--json"]);
        assert_eq!(added.json()["post_logout_redirect_uris"], json!(["https://app.example/bye", wanted]), "no refusal is lost");
    }

    fn invalid_hints_at_sign_out_are_logged_without_the_token(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let (other, deleted) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let token = app.sign_in(&root.browser, &[]).id_token;
        let of_deleted = deleted.sign_in(&root.browser, &[]).id_token;
        assert_eq!(root.browser.delete(&format!("/v1/clients/{}", deleted.id)).status, 204);
        let signed = token.rsplit_once('.').expect("a JWT").0;
        let forged = format!("{signed}.{}", "A".repeat(86));
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let process = binary::serve(&config, printed.path());
        let browser = server.browser().at_port(config.server.listen.port());
        let sign_out = |fields: &[(&str, &str)]| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            browser.get(&format!("/oauth2/logout?{}", query.extend_pairs(fields).finish()));
        };
        let told = |words: &[&str]| {
            wait_until("the refusal is logged", Duration::from_secs(10), || {
                let output = process.output();
                output.lines().any(|line| words.iter().all(|word| line.contains(word)))
            });
        };
        let named = |id: &str| format!("client_id={id}");
        sign_out(&[("id_token_hint", &forged), ("client_id", &app.id)]);
        told(&["refused", "rule=\"id-token-hint-not-genuine\"", &named(&app.id)]);
        assert_eq!(check(server, &app.id)[0]["rule"], "id-token-hint-not-genuine");
        sign_out(&[("id_token_hint", &token), ("client_id", &other.id)]);
        told(&["refused", "rule=\"id-token-hint-of-other-client\"", &named(&app.id), &other.id]);
        assert_eq!(check(server, &app.id)[0]["presented"], json!(other.id));
        sign_out(&[("id_token_hint", &of_deleted)]);
        told(&["refused", "rule=\"client-not-enabled\"", &named(&deleted.id)]);
        sign_out(&[("client_id", "nobody"), ("post_logout_redirect_uri", "https://app.example/")]);
        told(&["refused", "rule=\"client-not-enabled\"", "presented=\"nobody\""]);
        let output = process.output();
        for token in [&token, &of_deleted, &forged] {
            let claims = token.split('.').nth(1).expect("claims");
            assert!(!output.contains(claims), "a token is in the log");
        }
        let remembered = Value::from(check(server, &app.id)).to_string();
        assert!(!remembered.contains(signed), "{remembered}");
    }

    fn a_refused_user_without_a_required_role_is_reported_to_the_administrator(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(|metadata| metadata.allowed_roles = vec!["admin".into()]);
        let refused = app.authorize(&ada.browser, &[]);
        let location = refused.header("location").unwrap_or_default();
        assert!(location.contains("error=access_denied") && location.contains("the+user+has+none"), "{location}");
        assert!(!location.contains("doorward") && !location.contains("admin"), "the app is not told which roles: {location}");
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["registered"]), (&json!("role-not-held"), &json!("admin")));
        assert!(told["presented"].as_str().is_some_and(|text| text.contains(&ada.id)), "{told}");
        assert_eq!(told["remedy"], json!("doorward user update USER --add-role 'admin'"), "a refused user does not influence the remedy");
        let silent = app.authorize(&server.browser(), &[("prompt", "none")]);
        assert!(silent.header("location").is_some_and(|location| location.contains("login_required")), "{silent:?}");
        assert_eq!(check(server, &app.id).len(), 1, "a required sign-in is not a refusal");
        let bob = server.create_user(&root, "bob");
        app.authorize(&bob.browser, &[]);
        let told = check(server, &app.id);
        assert_eq!((told.len(), &told[0]["times"]), (1, &json!(2)), "one entry for all users who lack the role: {told:?}");
    }

    fn dropped_scopes_do_not_displace_recorded_refusals(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| ());
        for _ in 0..35 {
            app.authorize(&root.browser, &[("scope", "openid made-up")]);
        }
        app.authorize(&root.browser, &[("redirect_uri", "https://other.example/cb")]);
        let told = check(server, &app.id);
        let rules: Vec<&Value> = told.iter().map(|refusal| &refusal["rule"]).collect();
        assert_eq!(rules, [&json!("redirect-uri-not-registered"), &json!("scope-dropped")]);
    }

    fn each_refusal_shows_what_was_sent_and_what_is_registered(server) {
        server.administrator();
        let app = server.relying_party(|metadata| metadata.resources = vec!["urn:example:orders".into()]);
        let long = "s".repeat(20_000);
        let cases = [
            ([("state", long.as_str())], "parameter-too-long", "state", None),
            ([("resource", "urn:example:bills")], "resource-not-registered", "urn:example:bills", Some("--add-resource")),
            ([("redirect_uri", "https://evil.example/")], "redirect-uri-not-registered", "https://evil.example/", Some("--add-redirect-uri")),
        ];
        for (changed, rule, presented, remedy) in cases {
            authorize(server, &app, &changed);
            let told = &check(server, &app.id)[0];
            assert_eq!((&told["rule"], &told["presented"]), (&json!(rule), &json!(presented)));
            assert!(told["registered"].is_string(), "{told}");
            assert_eq!(told["remedy"].as_str().is_some_and(|command| remedy.is_some_and(|remedy| command.contains(remedy))), remedy.is_some(), "{told}");
        }
        let token = server.browser().request("POST", "/oauth2/token")
            .basic(&app.id, app.secret.as_deref().expect("a secret"))
            .form(&[("grant_type", "client_credentials")]).send();
        assert_eq!(token.status, 400);
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["presented"]), (&json!("grant-not-registered"), &json!("client_credentials")));
        assert!(token.json()["error_description"].as_str().is_some_and(|text| text.contains("--add-grant client_credentials")), "{}", token.json());
        let machine = server.relying_party(|metadata| metadata.grant_types.push(doorward::clients::GrantType::ClientCredentials));
        for (scope, advice) in [("openid users:read", None), ("shop:read shop:write", Some("--add-scope 'shop:read' --add-scope 'shop:write'"))] {
            let refused = machine.token(&[("grant_type", "client_credentials"), ("scope", scope)]);
            assert_eq!(refused.json()["error"], "invalid_scope", "{}", refused.text());
            let told = &check(server, &machine.id)[0];
            assert_eq!(told["rule"], "scope-not-registered");
            let command = advice.map(|flags| format!("doorward client update {} {flags}", machine.id));
            assert_eq!(told["remedy"], json!(command), "scopes about a user are no use without a user: {told}");
        }
        let wrong = server.browser().request("POST", "/oauth2/token").basic(&app.id, "A".repeat(43).as_str())
            .form(&[("grant_type", "client_credentials")]).send();
        assert_eq!(wrong.status, 401);
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["remedy"]), (&json!("wrong-secret"), &Value::Null), "anyone can send a wrong secret");
        server.browser().request("POST", "/oauth2/token").form(&[("grant_type", "client_credentials"), ("client_id", &app.id)]).send();
        let told = &check(server, &app.id)[0];
        assert_eq!(told["remedy"], Value::Null, "making the client public is not suggested: {told}");
        server.browser().request("POST", "/oauth2/token").basic(&app.id, "cut-off").form(&[("grant_type", "client_credentials")]).send();
        let told = &check(server, &app.id)[0];
        assert_eq!(told["rule"], "malformed");
        assert!(told["description"].as_str().is_some_and(|text| text.contains("cut off")), "{told}");
        authorize(server, &app, &[("redirect_uri", "https://evil.example/\u{202e}x")]);
        let told = &check(server, &app.id)[0];
        assert_eq!(told["presented"], "https://evil.example/x", "no direction-changing characters on an administrator's page");
    }

    /// Programs often hide the `error_description` that they get, so it must be found here.
    fn a_refusal_without_details_is_recorded_by_its_error_code(server) {
        server.administrator();
        let app = server.relying_party(|_| {});
        for (changed, error, description) in [
            (("response_type", "id_token"), "unsupported_response_type", "response_type must be code"),
            (("response_mode", "post"), "invalid_request", "response_mode must be query, fragment or form_post"),
            (("max_age", "long"), "invalid_request", "max_age"),
        ] {
            authorize(server, &app, &[changed]);
            let told = &check(server, &app.id)[0];
            assert_eq!((&told["error"], &told["rule"]), (&json!(error), &json!(error)));
            assert!(told["description"].as_str().is_some_and(|text| text.starts_with(description)), "{told}");
        }
        authorize(server, &app, &[("prompt", "none")]);
        assert_eq!(check(server, &app.id).len(), 3, "a required sign-in is not a refusal");
    }

    fn suggested_commands_contain_no_unsafe_input(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for planted in ["https://x.example/' --no-consent '", "--no-pkce", "https://x.example/$(id) `id`", "https://x.example/;id\"", "https://x.example/\u{202e}"] {
            authorize(server, &app, &[("redirect_uri", planted)]);
            let told = &check(server, &app.id)[0];
            let command = format!("doorward client update {} --add-redirect-uri URI", app.id);
            assert_eq!(told["remedy"], json!(command), "{planted}");
        }
        // Dropped scopes are not recommended for registration, because an attacker may have sent the request.
        app.code(&root.browser, &[("scope", "openid users:write made-up")]);
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["presented"], &told["remedy"]), (&json!("scope-dropped"), &json!("made-up users:write"), &Value::Null), "{told}");
    }

    fn missing_and_dropped_parameters_are_reported(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let limited = ["client", "update", &app.id, "--scope", "openid"];
        assert_eq!(binary::run(&server.config, &limited).code, 0);
        for (changed, rule, registered) in [
            (("redirect_uri", ""), "redirect-uri-missing", CALLBACK),
            (("response_type", ""), "response-type-missing", "code"),
        ] {
            authorize(server, &app, &[changed]);
            let told = &check(server, &app.id)[0];
            assert_eq!((&told["rule"], &told["registered"]), (&json!(rule), &json!(registered)), "{told}");
        }
        app.code(&root.browser, &[("scope", "openid profile email")]);
        let told = &check(server, &app.id)[0];
        assert_eq!((&told["rule"], &told["presented"], &told["registered"]), (&json!("scope-dropped"), &json!("email profile"), &json!("openid")), "{told}");
        let command = format!("doorward client update {} --add-scope email --add-scope profile", app.id);
        assert_eq!(told["remedy"], json!(command));
        let added: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(binary::run(&server.config, &added).code, 0, "the advice works");
        app.code(&root.browser, &[("scope", "openid profile email")]);
        assert_eq!(check(server, &app.id)[0]["times"], json!(1), "nothing is dropped any more");
    }

    fn client_check_accepts_a_client_name(server) {
        server.administrator();
        let create = |name: &str| {
            let ran = binary::run(&server.config, &["client", "create", name, "--json"]);
            ran.json()["client_id"].as_str().expect("an ID").to_owned()
        };
        let (shop, first, second) = (create("Shop"), create("Twin"), create("twin"));
        let ran = binary::run(&server.config, &["client", "check", "shop"]);
        assert!(ran.code == 0 && ran.output.contains(&shop), "{ran:?}");
        let ran = binary::run(&server.config, &["client", "check", "Twin"]);
        assert!(ran.code == 4 && ran.errors.contains(&first) && ran.errors.contains(&second), "{ran:?}");
        let ran = binary::run(&server.config, &["client", "check", "Nothing like it"]);
        assert!(ran.code == 3 && ran.errors.contains("client list"), "{ran:?}");
    }

    fn repeated_refusals_are_counted_and_secrets_are_not_recorded(server) {
        server.administrator();
        let app = server.relying_party(|_| {});
        for _ in 0..3 {
            authorize(server, &app, &[("redirect_uri", UNREGISTERED)]);
        }
        let told = check(server, &app.id);
        assert_eq!((told.len(), &told[0]["times"]), (1, &json!(3)));
        let secret = app.secret.as_deref().expect("a secret");
        for fields in [
            vec![("grant_type", "authorization_code"), ("code", "SECRETCODE"), ("redirect_uri", CALLBACK)],
            vec![("grant_type", "refresh_token"), ("refresh_token", "SECRETTOKEN")],
            vec![("grant_type", "password"), ("password", "SECRETWORD")],
        ] {
            server.browser().request("POST", "/oauth2/token").basic(&app.id, secret).form(&fields).send();
        }
        let all = Value::from(check(server, &app.id)).to_string();
        assert!(!all.contains("SECRET") && !all.contains(secret), "{all}");
    }

    fn recorded_refusals_are_limited_and_unknown_clients_are_not_recorded(server) {
        server.administrator();
        let app = server.relying_party(|_| {});
        for number in 0..40 {
            authorize(server, &app, &[("redirect_uri", &format!("https://app.example/{number}/{}", "x".repeat(900)))]);
        }
        let told = check(server, &app.id);
        assert_eq!(told.len(), 20, "the latest");
        assert!(told[0]["presented"].as_str().is_some_and(|text| text.starts_with("https://app.example/29/") && text.len() == 300), "{}", told[0]);
        let unknown = "00000000-0000-4000-8000-000000000000";
        authorize(server, &app, &[("client_id", unknown)]);
        assert_eq!(binary::run(&server.config, &["client", "check", unknown]).code, 3);
        let key = format!("refusals:{}", server.app.clients.key(unknown.parse().expect("an ID")));
        let stored = server.run(server.app.ephemeral.get(&[&key])).expect("a result");
        assert_eq!(stored, [None]);
    }

    fn refusals_are_deleted_after_a_week_and_belong_to_one_client(server) {
        server.administrator();
        let (app, other) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        authorize(server, &app, &[("redirect_uri", UNREGISTERED)]);
        assert_eq!(check(server, &other.id), Vec::<Value>::new());
        let text = binary::run(&server.config, &["client", "check", &other.id]).output;
        assert!(text.contains("No requests were rejected"), "{text}");
        let text = binary::run(&server.config, &["client", "check", &app.id]).output;
        assert!(text.contains("redirect-uri-not-registered") && text.contains("to allow it"), "{text}");
    }
}
