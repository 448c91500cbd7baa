//! Presets for known programs: the command and the page start from the program's requirements.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::forms::fields_of;
use crate::support::test_server::TestServer;

const PAGE: &str = "/admin/clients/new";

fn run(server: &TestServer, arguments: &[&str]) -> binary::CommandOutput {
    let arguments = [&["client"], arguments].concat();
    binary::run(&server.config, &arguments)
}

on_both! {
    fn the_command_registers_the_program_and_prints_its_settings(server) {
        let ran = run(server, &["create", "Graphs", "--for", "grafana", "--url", "https://graphs.example/"]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let lines: Vec<&str> = ran.output.lines().collect();
        let value = |name: &str| {
            let found = lines.iter().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_else(|| panic!("{name}: {}", ran.output)).trim().to_owned()
        };
        assert_eq!(value("issuer"), server.origin());
        assert_eq!(value("discovery"), format!("{}/.well-known/openid-configuration", server.origin()));
        assert_eq!(value("redirect_uris"), "https://graphs.example/login/generic_oauth");
        assert!(value("kind  ").starts_with("web app (with a secret)"), "{}", ran.output);
        assert_eq!(value("client_id = "), value("client_id   "), "in the program's own settings");
        assert_eq!(value("client_secret = "), value("client_secret  "));
        assert!(!ran.output.contains("No sign-out address"), "{}", ran.output);
        let other = run(server, &["create", "Other", "--redirect-uri", "https://other.example/cb"]);
        assert!(other.output.contains("No sign-out address is registered"), "{}", other.output);
        let made = run(server, &["create", "x", "--for", "grafana", "--url", "https://graphs.example", "--redirect-uri", "https://other.example/cb", "--json"]).json();
        assert_eq!(made["redirect_uris"], json!(["https://other.example/cb"]), "flags come on top");
        assert_eq!((&made["issuer"], &made["client_name"]), (&json!(server.origin()), &json!("x")));
        let service = run(server, &["create", "Jobs"]);
        assert!(service.output.contains("service (client credentials") && !service.output.contains("sign-out"), "{}", service.output);
    }

    fn missing_and_unknown_arguments_are_refused_with_a_hint(server) {
        for (arguments, code, hint) in [
            (vec!["create", "x", "--for", "grafana"], 4, "the program's own URL is needed"),
            (vec!["create", "x", "--for", "grafana", "--url", "graphs.example"], 4, "must begin with https://"),
            (vec!["create", "x", "--for", "winamp"], 2, "grafana"),
            (vec!["create", "x", "--url", "https://graphs.example"], 2, "--for"),
            (vec!["create", "x", "--for", "grafana", "--url", "https://a.example", "--json-metadata", "-"], 4, "one of them"),
        ] {
            let ran = run(server, &arguments);
            assert_eq!(ran.code, code, "{arguments:?} {}", ran.errors);
            assert!(ran.errors.contains(hint), "{}", ran.errors);
        }
        let listed = run(server, &["presets", "--json"]).json();
        let grafana = listed["items"].as_array().expect("presets").iter().find(|preset| preset["key"] == "grafana");
        assert_eq!(grafana.map(|preset| &preset["name"]), Some(&json!("Grafana")));
        assert!(run(server, &["presets"]).output.contains("URL/login/generic_oauth"));
    }

    fn the_page_fills_in_the_form_and_shows_the_settings(server) {
        let root = server.administrator();
        let missing = root.browser.get(&format!("{PAGE}?for=grafana")).text();
        assert!(missing.contains("Enter the app&#39;s URL"), "{missing}");
        let no_url = root.browser.get(&format!("{PAGE}?for=grafana&url=javascript%3Aalert(1)")).text();
        assert!(no_url.contains("starts with https://"), "{no_url}");
        let page = root.browser.get(&format!("{PAGE}?for=grafana&url=https%3A%2F%2Fgraphs.example")).text();
        let mut fields = fields_of(&page, PAGE);
        // The browser adds the user for whom the page was rendered.
        fields.retain(|(name, _)| name != "rendered_for");
        let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(find("client_name").as_deref(), Some("Grafana"));
        assert_eq!(find("redirect_uris").as_deref(), Some("https://graphs.example/login/generic_oauth"));
        // The first values of the selection lists.
        for (name, value) in [("application_type", "web"), ("token_endpoint_auth_method", ""), ("require_pkce", "auto"), ("id_token_signed_response_alg", "RS256"), ("access_token_format", "jwt"), ("access_token_header_type", "at+jwt")] {
            fields.push((name.to_owned(), value.to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let shown = root.browser.submit(PAGE, &fields).text();
        let id = root.browser.get("/v1/clients").json()["items"][0]["client_id"].as_str().expect("a client").to_owned();
        for text in ["Settings for Grafana", &format!("client_id = {id}"), server.origin()] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }

    fn every_program_can_be_registered(server) {
        let listed = run(server, &["presets", "--json"]).json();
        for preset in listed["items"].as_array().expect("presets") {
            let key = preset["key"].as_str().expect("a key");
            let made = run(server, &["create", key, "--for", key, "--url", "https://app.example.com", "--json"]);
            assert_eq!(made.code, 0, "{key}: {}", made.errors);
            let made = made.json();
            assert_eq!(made.get("client_secret").is_some(), preset["public"] == json!(false), "{key}");
            let granted: Vec<&str> = made["scope"].as_str().unwrap_or_default().split(' ').collect();
            for scope in preset["scopes"].as_array().map(Vec::as_slice).unwrap_or_default() {
                assert!(scope.as_str().is_some_and(|scope| granted.contains(&scope)), "{key}: {scope} {}", Value::from(granted.clone()));
            }
        }
    }
}
