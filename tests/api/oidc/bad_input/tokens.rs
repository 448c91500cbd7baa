//! Invalid grants and tokens, presented by authenticated clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::clients::{AuthMethod, GrantType};
use serde_json::json;

use super::{FORM, SCRIPT, assert_plain, assert_refused};
use crate::on_both;
use crate::support::http::Answer;
use crate::support::relying_party::{CALLBACK, VERIFIER};

fn no_tokens(genuine: &str) -> Vec<String> {
    let parts: Vec<&str> = genuine.split('.').collect();
    let headed = |header: &str| {
        format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            parts[1],
            parts[2]
        )
    };
    let mut all = vec![
        headed("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"),
        headed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"x\"}"),
        headed(&format!("{}{}", "[".repeat(200), "]".repeat(200))),
        headed("{}"),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}..{}", parts[0], parts[2]),
        format!("{genuine}."),
        format!("{genuine}\u{e4}"),
        genuine[1..].to_owned(),
        "A".repeat(16_000),
        ".".repeat(1_000),
    ];
    let short = [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "doorward",
        "{}",
        "=",
        "../../etc/passwd",
        SCRIPT,
        "\u{1F600}",
    ];
    all.extend(short.map(str::to_owned));
    all
}

/// Checks a refusal of UserInfo, which is in the header as well (RFC 6750 §3).
fn assert_challenged(answer: &Answer, status: u16, error: &str) {
    assert_refused(answer, status, error);
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with("Bearer realm=\"Doorward\""),
        "{challenge}"
    );
    if let Some(rest) = challenge.split("error_description=\"").nth(1) {
        assert!(
            challenge.contains(&format!("error=\"{error}\"")),
            "{challenge}"
        );
        assert_plain(rest.split('"').next().expect("a description"));
    }
}

on_both! {
    fn unsupported_grant_types_are_refused(server) {
        let app = server.relying_party(|_| {});
        for unknown in [
            "password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange", "AUTHORIZATION_CODE", "authorization_code ", "authorization_code refresh_token",
            "code", SCRIPT, "\u{1F600}",
        ] {
            assert_refused(&app.token(&[("grant_type", unknown), ("username", "root"), ("password", "x")]), 400, "unsupported_grant_type");
        }
        assert_refused(&app.token(&[]), 400, "invalid_request");
        assert_refused(&app.token(&[("grant_type", "")]), 400, "invalid_request");
        assert_refused(&app.token(&[("grant_type", "client_credentials")]), 400, "unauthorized_client");
        let service = server.relying_party(|metadata| metadata.grant_types = vec![GrantType::ClientCredentials]);
        assert_refused(&service.redeem("x"), 400, "unauthorized_client");
        assert_refused(&service.refresh("x"), 400, "unauthorized_client");
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        // RFC 6749 §4.4: only a client with a secret may use client_credentials.
        assert_refused(&public.token(&[("grant_type", "client_credentials")]), 400, "unauthorized_client");
    }

    fn a_grant_with_a_bad_or_a_missing_part_is_refused(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.grant_types.push(GrantType::ClientCredentials));
        let code = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        assert_refused(&app.token(&code), 400, "invalid_request");
        assert_refused(&app.token(&[("grant_type", "refresh_token")]), 400, "invalid_request");
        for bad in ["x", SCRIPT, "\u{1F600}", " ", &"A".repeat(43), &"A".repeat(4_000), &format!("{}=", "A".repeat(43))] {
            let mut fields = code.to_vec();
            fields.push(("code", bad));
            assert_refused(&app.token(&fields), 400, "invalid_grant");
            assert_refused(&app.refresh(bad), 400, "invalid_grant");
        }
        for verifier in ["x", &"x".repeat(42), &"x".repeat(129), &format!("{}\u{e4}", "x".repeat(43)), SCRIPT] {
            let code_of_now = app.code(&root.browser, &[]);
            let mut fields = vec![("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code", code_of_now.as_str())];
            fields.push(("code_verifier", verifier));
            assert_refused(&app.token(&fields), 400, "invalid_grant");
        }
        for (name, bad, error) in [
            ("scope", "users:read", "invalid_scope"), ("scope", "openid", "invalid_scope"), ("scope", "\"", "invalid_scope"),
            ("scope", SCRIPT, "invalid_scope"), ("resource", "https://other.example/", "invalid_target"), ("resource", SCRIPT, "invalid_target"),
        ] {
            assert_refused(&app.token(&[("grant_type", "client_credentials"), (name, bad)]), 400, error);
        }
    }

    fn repeated_parameters_of_a_token_request_are_refused(server) {
        let app = server.relying_party(|_| {});
        let secret = app.secret.clone().expect("a secret");
        let browser = server.browser();
        for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            for name in ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "token", "token_type_hint",
                "client_id", "client_secret", "unheard_of"] {
                for second in ["x", "", "%22%3E"] {
                    let request = browser.request("POST", path).without_same_origin();
                    let answer = request.body(format!("{name}=x&{name}={second}"), FORM).basic(&app.id, &secret).send();
                    assert_refused(&answer, 400, "invalid_request");
                }
            }
        }
    }

    fn user_info_requires_exactly_one_valid_token(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        let browser = server.browser();
        let get = || browser.request("GET", "/oauth2/userinfo");
        let post = || browser.request("POST", "/oauth2/userinfo").without_same_origin();
        for bad in no_tokens(&issued.access).iter().chain([&issued.id_token, &issued.refresh]) {
            if bad.is_ascii() {
                assert_challenged(&get().bearer(bad).send(), 401, "invalid_token");
            }
            assert_challenged(&post().form(&[("access_token", bad)]).send(), 401, "invalid_token");
        }
        for header in ["Bearer", "Bearer ", "bearer", "Basic x", "DPoP x", "", "Token x", SCRIPT] {
            assert_challenged(&get().header("Authorization", header).send(), 401, "invalid_token");
        }
        // RFC 6750 §2: one method per request, and never in the URL.
        let body = format!("access_token={}", issued.access);
        assert_challenged(&get().bearer(&issued.access).another_header("Authorization", "Bearer x").send(), 400, "invalid_request");
        assert_challenged(&post().bearer(&issued.access).body(body.as_str(), FORM).send(), 400, "invalid_request");
        assert_challenged(&post().body(format!("{body}&{body}"), FORM).send(), 400, "invalid_request");
        assert_challenged(&post().body(body.as_str(), "text/plain").send(), 400, "invalid_request");
        assert_challenged(&browser.get(&format!("/oauth2/userinfo?{body}")), 401, "invalid_token");
        assert_eq!(post().body(body, FORM).send().status, 200);
    }

    fn introspection_of_an_invalid_token_returns_only_inactive(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        for bad in no_tokens(&issued.access).iter().chain([&issued.id_token]) {
            assert_eq!(app.introspect(bad), json!({ "active": false }), "{bad}");
        }
        let hinted = app.post("/oauth2/introspect", &[("token", &issued.access), ("token_type_hint", SCRIPT)]);
        assert_eq!(hinted.json()["active"], json!(true));
        assert_refused(&app.post("/oauth2/introspect", &[]), 400, "invalid_request");
        assert_refused(&app.post("/oauth2/introspect", &[("token", "")]), 400, "invalid_request");
        assert_refused(&app.post("/oauth2/introspect", &[("token", &"A".repeat(17_000))]), 400, "invalid_request");
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        assert_refused(&public.post("/oauth2/introspect", &[("token", &issued.access)]), 400, "unauthorized_client");
    }

    fn revoking_an_unknown_token_succeeds(server) {
        let root = server.administrator();
        let (app, other) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let issued = app.sign_in(&root.browser, &[]);
        for bad in no_tokens(&issued.access).iter().chain([&issued.id_token]) {
            assert_eq!(app.revoke(bad).status, 200, "{bad}");
        }
        assert_eq!(app.user_info(&issued.access).status, 200, "nothing happened");
        assert_refused(&app.post("/oauth2/revoke", &[]), 400, "invalid_request");
        for token in [&issued.access, &issued.refresh] {
            assert_refused(&other.revoke(token), 400, "invalid_grant");
        }
        assert_eq!(app.user_info(&issued.access).status, 200);
    }
}
