//! Pages of registered apps may call token, UserInfo and revocation; any page may read discovery; no page can use cookies.

use crate::on_both;

const ALLOWED: &str = "access-control-allow-origin";

on_both! {
    fn discovery_documents_are_readable_from_any_origin(server) {
        server.administrator();
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/jwks"] {
            let read = server.browser().request("GET", path).header("Origin", "https://anybody.example").send();
            assert_eq!((read.status, read.header(ALLOWED)), (200, Some("*")), "{path}");
            let asked = server.browser().request("OPTIONS", path).header("Origin", "https://anybody.example")
                .header("Access-Control-Request-Method", "GET").send();
            assert_eq!((asked.status, asked.header(ALLOWED)), (204, Some("*")), "{path}");
        }
    }

    fn cors_allows_only_origins_of_registered_apps(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let token = app.sign_in(&root.browser, &[]).access;
        let ours = "https://app.example";
        for path in ["/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke"] {
            for (origin, expected) in [(ours, Some(ours)), ("https://evil.example", None), ("null", None)] {
                let asked = server.browser().request("OPTIONS", path).header("Origin", origin)
                    .header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "authorization").send();
                assert_eq!((asked.status, asked.header(ALLOWED)), (204, expected), "{path} {origin}");
                let posted = server.browser().request("POST", path).header("Origin", origin).bearer(&token).send();
                assert_eq!(posted.header(ALLOWED), expected, "{path} {origin}");
                assert_eq!(posted.header("access-control-allow-credentials"), None);
            }
        }
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.disable(app.id.parse().expect("an id"), None, author)).expect("disabled");
        let asked = server.browser().request("GET", "/oauth2/userinfo").header("Origin", ours).bearer(&token).send();
        assert_eq!(asked.header(ALLOWED), None);
    }

    fn cors_allows_registered_origins_of_native_shells(server) {
        server.administrator();
        let asked = |origin: &str| server.browser().request("OPTIONS", "/oauth2/token").header("Origin", origin)
            .header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "x-requested-with").send();
        server.relying_party(|metadata| metadata.allowed_origins = vec!["capacitor://localhost".into()]);
        for origin in ["capacitor://localhost", "https://app.example"] {
            let answer = asked(origin);
            assert_eq!(answer.header(ALLOWED), Some(origin));
            let headers = answer.header("access-control-allow-headers").expect("headers");
            // Fetch §3.3.5: the wildcard does not cover Authorization.
            assert!(headers.split(", ").any(|name| name == "*") && headers.contains("Authorization"), "{headers}");
        }
        for origin in ["capacitor://localhost.evil", "ionic://localhost", "null", "capacitor://localhost, https://app.example"] {
            assert_eq!(asked(origin).header(ALLOWED), None, "{origin}");
        }
    }

    fn endpoints_that_use_cookies_send_no_cors_headers(server) {
        let root = server.administrator();
        server.relying_party(|_| {});
        for (method, path) in [("GET", "/v1/session"), ("OPTIONS", "/v1/session"), ("GET", "/oauth2/authorize"), ("GET", "/account"), ("POST", "/oauth2/introspect")] {
            let asked = root.browser.request(method, path).header("Origin", "https://app.example")
                .header("Access-Control-Request-Method", "GET").send();
            assert_eq!(asked.header(ALLOWED), None, "{method} {path}");
        }
    }
}
