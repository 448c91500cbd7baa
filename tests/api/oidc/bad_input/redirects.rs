//! Responses are sent only to a registered URI that matches exactly.

use doorward::clients::{ApplicationType, RedirectUri};
use serde_json::json;

use super::{FORM, SCRIPT, assert_harmless, assert_stays, for_a_person};
use crate::on_both;
use crate::support::relying_party::CALLBACK;

/// Returns URIs that look like [`CALLBACK`] but differ from it.
fn lookalikes() -> Vec<String> {
    let more = [
        "/",
        "/x",
        "?",
        "?x=1",
        "#",
        "#x",
        "%20",
        " ",
        "/../callback",
        ";x",
        "&x=1",
        SCRIPT,
    ];
    let mut all: Vec<String> = more
        .iter()
        .map(|more| format!("{CALLBACK}{more}"))
        .collect();
    let others = [
        "https://app.example/",
        "https://app.example",
        "https://app.example/Callback",
        "https://App.example/callback",
        "HTTPS://app.example/callback",
        "https://app.example:443/callback",
        "https://app.example:8443/callback",
        "http://app.example/callback",
        "https://user@app.example/callback",
        "https://app.example./callback",
        "https://app.example.evil.example/callback",
        "https://evil.example/callback",
        "//app.example/callback",
        "https://app.example\\@evil.example/callback",
        "https://app.example/%63allback",
        "https://app.example//callback",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        " https://app.example/callback",
        "urn:ietf:wg:oauth:2.0:oob",
        "x",
    ];
    all.extend(others.map(str::to_owned));
    all
}

on_both! {
    fn a_redirect_uri_must_match_exactly(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for uri in lookalikes() {
            let path = app.path(&[("redirect_uri", &uri)]);
            assert_stays(&root.browser.get(&path));
            assert_stays(&for_a_person(root.browser.request("GET", &path)));
            let body = path.split_once('?').expect("a query").1;
            let posted = root.browser.request("POST", "/oauth2/authorize").without_same_origin();
            assert_stays(&for_a_person(posted.body(body, FORM)));
            // Further errors are not sent there either.
            let path = app.path(&[("redirect_uri", &uri), ("response_type", "token"), ("prompt", "none")]);
            assert_stays(&root.browser.get(&path));
        }
        assert_stays(&app.authorize(&root.browser, &[("redirect_uri", "")]));
    }

    fn an_unknown_client_gets_an_error_page_without_a_redirect(server) {
        let root = server.administrator();
        let (app, other) = (server.relying_party(|_| {}), server.relying_party(|metadata| {
            metadata.redirect_uris = vec![RedirectUri::parse("https://other.example/callback").expect("a redirect URI")];
        }));
        let upper = app.id.to_uppercase();
        let braces = format!("{{{}}}", app.id);
        let bare = app.id.replace('-', "");
        for id in ["", "x", SCRIPT, &upper, &braces, &bare, &other.id, "00000000-0000-0000-0000-000000000000"] {
            let path = app.path(&[("client_id", id)]);
            assert_stays(&for_a_person(root.browser.request("GET", &path)));
        }
    }

    fn redirects_to_doorward_itself_are_refused(server) {
        let root = server.administrator();
        for field in ["redirect_uris", "post_logout_redirect_uris"] {
            let mut wanted = json!({ "client_name": "Own", "redirect_uris": ["https://app.example/callback"] });
            wanted[field] = json!([format!("{}/v1/me/suspend", server.origin())]);
            let refused = root.browser.post_json("/v1/clients", &wanted);
            assert_eq!(refused.status, 400, "{field}");
            assert!(refused.text().contains("an address of this server"), "{}", refused.text());
        }
        // A native app's URI matches any port, including the port of a Doorward on this machine.
        let native = server.relying_party(|metadata| {
            metadata.redirect_uris = vec![RedirectUri::parse("http://localhost/v1/me/suspend").expect("a redirect URI")];
            metadata.application_type = ApplicationType::Native;
        });
        let own = format!("{}/v1/me/suspend", server.origin());
        for mode in ["query", "form_post"] {
            assert_stays(&native.authorize(&root.browser, &[("redirect_uri", &own), ("response_mode", mode)]));
        }
    }

    fn forms_of_pages_cannot_submit_to_api_endpoints(server) {
        let root = server.administrator();
        for path in ["/v1/me/suspend", "/v1/me/device-links", "/webauthn/login/start"] {
            for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "Text/Plain"] {
                let sent = root.browser.request("POST", path).body("code=x&state=y", kind).send();
                assert_eq!((sent.status, sent.json()["type"].as_str().is_some_and(|kind| kind.ends_with("cross-site"))), (403, true), "{path} {kind}");
            }
            let navigated = root.browser.request("POST", path).header("Sec-Fetch-Mode", "navigate").send();
            assert_eq!(navigated.status, 403, "{path}");
        }
        assert_eq!(root.browser.get("/v1/session").status, 200, "nothing happened");
        let by_script = root.browser.request("POST", "/v1/me/device-links").header("Sec-Fetch-Mode", "cors").send();
        assert_eq!(by_script.status, 201, "{by_script:?}");
    }

    fn a_native_app_on_loopback_may_listen_on_any_port(server) {
        let root = server.administrator();
        let registered = "http://127.0.0.1/callback";
        let register_app = |kind: ApplicationType| server.relying_party(move |metadata| {
            metadata.redirect_uris = vec![RedirectUri::parse(registered).expect("a redirect URI")];
            metadata.application_type = kind;
        });
        let (native, web) = (register_app(ApplicationType::Native), register_app(ApplicationType::Web));
        for uri in ["http://127.0.0.1:49152/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1/callback"] {
            let answer = native.authorize(&root.browser, &[("redirect_uri", uri)]);
            assert_eq!(answer.status, 303, "{answer:?}");
            let location = answer.header("location").expect("a location");
            assert!(location.starts_with(&format!("{uri}?code=")), "{location}");
            let refused = native.authorize(&root.browser, &[("redirect_uri", uri), ("response_type", "token")]);
            assert!(refused.header("location").expect("a location").starts_with(uri), "{refused:?}");
        }
        assert_stays(&web.authorize(&root.browser, &[("redirect_uri", "http://127.0.0.1:49152/callback")]));
        let bare = server.relying_party(|metadata| {
            metadata.redirect_uris = vec![RedirectUri::parse("http://localhost").expect("a redirect URI")];
            metadata.application_type = ApplicationType::Native;
        });
        for uri in ["http://localhost:49152", "http://localhost:49152/"] {
            let answer = bare.authorize(&root.browser, &[("redirect_uri", uri)]);
            assert!(answer.header("location").is_some_and(|location| location.starts_with(&format!("{uri}?code="))), "{answer:?}");
        }
        assert_stays(&bare.authorize(&root.browser, &[("redirect_uri", "http://localhost:49152//")]));
        for uri in [
            "http://127.0.0.1:49152/other", "http://127.0.0.1:49152/callback?x", "http://127.0.0.1:49152/callback#x",
            "http://127.0.0.1:49152@evil.example/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:+80/callback", "http://127.0.0.1.evil.example/callback", "http://localhost:49152/callback",
            "http://[::1]:49152/callback", "https://127.0.0.1:49152/callback", "http://127.0.0.2:49152/callback",
            "http://127.1:49152/callback",
        ] {
            assert_stays(&native.authorize(&root.browser, &[("redirect_uri", uri)]));
        }
    }

    fn an_unregistered_post_logout_redirect_uri_is_not_followed(server) {
        let root = server.administrator();
        let goodbye = "https://app.example/goodbye";
        let app = server.relying_party(|metadata| {
            metadata.post_logout_redirect_uris = vec![RedirectUri::parse(goodbye).expect("a redirect URI")];
        });
        // A genuine hint ends the session that it names, even if the request has no cookie.
        let ada = server.create_user(&root, "ada");
        let hint = app.sign_in(&ada.browser, &[]).id_token;
        let unsigned = format!("{}.{}.", "eyJhbGciOiJub25lIn0", hint.split('.').nth(1).expect("claims"));
        let path = |fields: &[(&str, &str)]| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(fields);
            format!("/oauth2/logout?{}", query.finish())
        };
        let browser = server.browser();
        for uri in ["https://app.example/goodbye/", "https://app.example/goodbye?x", CALLBACK, "https://evil.example/", SCRIPT] {
            let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", uri), ("state", SCRIPT)];
            assert_stays(&for_a_person(browser.request("GET", &path(&fields))));
            let posted = browser.request("POST", "/oauth2/logout").without_same_origin().form(&fields);
            let posted = for_a_person(posted);
            let ours = posted.header("location").unwrap_or_default();
            assert!(ours.starts_with("/oauth2/logout/"), "{posted:?}");
            assert_stays(&for_a_person(browser.request("GET", ours)));
        }
        for bad in ["x", "a.b.c", &unsigned, &format!("{hint}x"), SCRIPT, ""] {
            let fields = [("id_token_hint", bad), ("post_logout_redirect_uri", goodbye), ("state", SCRIPT)];
            let answer = for_a_person(browser.request("GET", &path(&fields)));
            assert_harmless(&answer);
            let location = answer.header("location").unwrap_or_default();
            assert!(!location.contains("app.example"), "{answer:?}");
            let asked = for_a_person(root.browser.request("GET", &path(&fields)));
            assert_eq!(asked.status, 200, "{asked:?}");
            assert_harmless(&asked);
        }
        let other = server.relying_party(|_| {});
        let fields = [("id_token_hint", hint.as_str()), ("client_id", &other.id)];
        assert_stays(&browser.get(&path(&fields)));
    }
}
