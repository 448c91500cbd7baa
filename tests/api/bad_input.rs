//! Malformed, oversized and misdirected requests get a problem document, never a 500, and change nothing.

use serde_json::json;

use crate::on_both;

on_both! {
    fn unreadable_bodies_are_refused(server) {
        let root = server.administrator();
        let send = |body: &[u8], kind: &str| root.browser.request("PATCH", "/v1/me").body(body, kind).send();
        let json_type = "application/json";
        for body in [&b""[..], b"{", b"[]", b"null", b"\"x\"", b"{\"display_name\": 5}", b"{\"x\": 1}",
            b"\xff\xfe", b"{\"display_name\": \"a\", \"displayName\": \"b\"}", b"{\"email\": \"a\", \"email\": \"b\"}"] {
            let answer = send(body, json_type);
            assert_eq!((answer.status, answer.problem_type().as_str()), (400, "urn:doorward:problem:invalid-body"), "{body:?}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
        let deep = "[".repeat(60_000);
        assert_eq!(send(deep.as_bytes(), json_type).status, 400);
        let big = vec![b' '; 70_000];
        assert_eq!(send(&big, json_type).status, 413);
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            assert_eq!(send(b"{}", kind).status, 415, "{kind}");
        }
        assert_eq!(send(b"{}", "application/json; charset=utf-8").status, 200);
    }

    fn attributes_of_users_and_resources_have_the_same_depth_limit(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let put = |levels: usize| {
            let nested = (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
            let tag = root.browser.get("/v1/users/ada").header("etag").expect("a tag").to_owned();
            let change = json!({ "attributes": nested });
            root.browser.request("PATCH", "/v1/users/ada").header("If-Match", &tag).json(&change).send()
        };
        for levels in [17, 120] {
            let refused = put(levels);
            assert_eq!((refused.status, refused.problem_type().as_str()), (400, "urn:doorward:problem:invalid-field"), "{levels}");
            assert_eq!(refused.json()["field"], "attributes", "{levels}");
        }
        assert_eq!(put(16).status, 200);
        let events = root.browser.get("/v1/audit-events?action=user.updated").json();
        assert!(events["items"][0]["details"]["attributes"]["after"].is_object(), "{events}");
    }

    fn credentials_of_any_shape_are_refused(server) {
        server.administrator();
        let browser = server.browser();
        for credential in [json!(null), json!(5), json!("x"), json!([]), json!({}), json!({ "id": "x" }),
            json!({ "id": "x", "rawId": "!", "type": "public-key", "response": {} }),
            json!({ "id": "AA", "rawId": "AA", "type": "public-key", "response": { "clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA", "userHandle": null } })] {
            let started = browser.post_json("/webauthn/login/start", &json!({})).json();
            let body = json!({ "ceremony": started["ceremony"], "credential": credential });
            let answer = browser.post_json("/webauthn/login/finish", &body);
            assert_eq!((answer.status, answer.problem_type().as_str()), (401, "urn:doorward:problem:passkey-refused"), "{credential}");
        }
        for ceremony in [json!(""), json!("x"), json!("../../etc"), json!("A".repeat(43)), json!("A".repeat(10_000))] {
            let body = json!({ "ceremony": ceremony, "credential": {} });
            for path in ["/webauthn/login/finish", "/webauthn/register/finish"] {
                assert_eq!(browser.post_json(path, &body).status, 410, "{path} {ceremony}");
            }
        }
    }

    fn unknown_paths_and_methods_get_problem_documents(server) {
        let root = server.administrator();
        let nothing = root.browser.get("/v1/nothing");
        assert_eq!((nothing.status, nothing.problem_type().as_str()), (404, "urn:doorward:problem:not-found"));
        for (method, path, allow) in [
            ("PUT", "/v1/session", "GET, HEAD, DELETE"),
            ("POST", "/v1/session", "GET, HEAD, DELETE"),
            ("GET", "/webauthn/login/start", "POST"),
            ("DELETE", "/v1/users/root", "GET, HEAD, PATCH"),
            ("PATCH", "/healthz", "GET, HEAD"),
            ("BREW", "/v1/me", "GET, HEAD, PATCH"),
        ] {
            let answer = root.browser.request(method, path).send();
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
            assert_eq!(answer.problem_type(), "urn:doorward:problem:method-not-allowed");
        }
        for path in ["/v1/users/%00", "/v1/users/%ff", "/v1/users/..%2f..", "/v1/me/passkeys/x", "/v1/users/root/sessions/x",
            "/assets/../Cargo.toml", "/assets/%2e%2e/style.css", "/setup/x/y"] {
            let answer = root.browser.get(path);
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        }
    }

    fn cross_site_writes_are_refused_before_any_other_check(server) {
        let root = server.administrator();
        let cross = "urn:doorward:problem:cross-site";
        let refused = |request: crate::support::http::Request<'_>| {
            let answer = request.send();
            assert_eq!((answer.status, answer.problem_type().as_str()), (403, cross));
        };
        let start = || root.browser.request("POST", "/webauthn/login/start").json(&json!({}));
        refused(start().without_same_origin());
        refused(start().header("Origin", "https://evil.example"));
        refused(start().header("Origin", "null"));
        refused(start().header("Origin", &format!("{}/", server.origin())));
        refused(start().header("Sec-Fetch-Site", "cross-site"));
        refused(start().header("Sec-Fetch-Site", "same-site"));
        refused(start().another_header("Origin", "https://evil.example"));
        refused(root.browser.request("DELETE", "/v1/session").without_same_origin());
        refused(root.browser.request("DELETE", "/v1/session").header("Origin", "http://localhost"));
        // Without a cookie, there is no authority that another site could misuse.
        let bare = root.browser.without_cookies();
        assert_eq!(bare.request("DELETE", "/v1/session").without_same_origin().send().status, 401);
        // A ceremony may set a cookie, so the origin is checked anyway.
        refused(bare.request("POST", "/webauthn/login/start").json(&json!({})).without_same_origin());
        assert_eq!(root.session_status(), 200);
    }

    fn cross_site_forms_are_refused(server) {
        let root = server.administrator();
        let answer = root.browser.request("POST", "/account/lock").page_form(&[("reason", "x")])
            .header("Origin", "https://evil.example").header("Accept", "text/html").send();
        assert_eq!(answer.status, 403);
        assert!(answer.header("content-security-policy").is_some(), "has the same security headers as every response");
        assert!(answer.header("x-request-id").is_some());
        assert_eq!(root.session_status(), 200);
        let operator = crate::support::http::TestBrowser::new(server.operator_port(), server.origin());
        assert!(operator.get("/metrics").text().contains("doorward_refusals_total{kind=\"cross-site\"} 1"));
    }
}
