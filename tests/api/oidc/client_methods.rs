//! A client with a secret may send it in the header or in the body, unless one method was registered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{CALLBACK, RelyingParty, TokenSet, VERIFIER, error_of};
use crate::support::test_user::TestUser;
use doorward::clients::AuthMethod;

/// Endpoints that authenticate clients.
const PATHS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// Registers a service; `more` is merged into the request.
fn service(root: &TestUser, more: &Value) -> Value {
    let mut body = json!({ "client_name": "A service", "grant_types": ["client_credentials"] });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = root.browser.post_json("/v1/clients", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

fn text<'client>(client: &'client Value, name: &str) -> &'client str {
    client[name].as_str().expect("a text")
}

fn usual() -> Vec<(&'static str, &'static str)> {
    vec![("grant_type", "client_credentials"), ("token", "x")]
}

fn in_header(browser: &TestBrowser, path: &str, client: &Value, secret: &str) -> Answer {
    let request = browser.request("POST", path).without_same_origin();
    let request = request.form(&usual());
    request.basic(text(client, "client_id"), secret).send()
}

fn in_body(browser: &TestBrowser, path: &str, client: &Value, secret: &str) -> Answer {
    let mut fields = usual();
    fields.extend([
        ("client_id", text(client, "client_id")),
        ("client_secret", secret),
    ]);
    let request = browser.request("POST", path).without_same_origin();
    request.form(&fields).send()
}

/// Returns which of the two methods works, the same at every endpoint.
fn accepted(browser: &TestBrowser, client: &Value) -> (bool, bool) {
    let secret = text(client, "client_secret");
    let ways: Vec<(bool, bool)> = PATHS
        .into_iter()
        .map(|path| {
            (
                in_header(browser, path, client, secret).status == 200,
                in_body(browser, path, client, secret).status == 200,
            )
        })
        .collect();
    assert!(ways.iter().all(|way| *way == ways[0]), "{ways:?}");
    ways[0]
}

fn change(root: &TestUser, client: &Value, version: i64, body: &Value) -> Answer {
    let path = format!("/v1/clients/{}", text(client, "client_id"));
    let request = root.browser.request("PATCH", &path);
    let request = request.header("If-Match", &format!("\"{version}\""));
    request.json(body).send()
}

on_both! {
    fn a_secret_is_accepted_in_header_and_body_unless_a_method_was_registered(server) {
        let root = server.administrator();
        let browser = server.browser();
        let usual = service(&root, &json!({}));
        // RFC 7591 §3.2.1: the response contains a registered method.
        assert_eq!(usual["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(usual["accepts_either_secret_method"], json!(true));
        assert_eq!(accepted(&browser, &usual), (true, true));
        let by_header = service(&root, &json!({ "token_endpoint_auth_method": "client_secret_basic" }));
        assert_eq!(by_header["accepts_either_secret_method"], json!(false));
        assert_eq!(accepted(&browser, &by_header), (true, false));
        let by_body = service(&root, &json!({ "token_endpoint_auth_method": "client_secret_post" }));
        assert_eq!(accepted(&browser, &by_body), (false, true));
        let left_open = service(&root, &json!({ "token_endpoint_auth_method": null }));
        assert_eq!(accepted(&browser, &left_open), (true, true));
        // A change registers a method, and `null` removes it; the secret stays.
        assert_eq!(change(&root, &usual, 1, &json!({ "token_endpoint_auth_method": "client_secret_post" })).status, 200);
        assert_eq!(accepted(&browser, &usual), (false, true));
        let back = change(&root, &usual, 2, &json!({ "token_endpoint_auth_method": null }));
        assert_eq!((back.status, back.json()["token_endpoint_auth_method"].clone()), (200, json!("client_secret_basic")));
        assert_eq!(accepted(&browser, &usual), (true, true));
        // Another change leaves the method unchanged.
        assert_eq!(change(&root, &usual, 3, &json!({ "client_name": "Another name" })).status, 200);
        assert_eq!(accepted(&browser, &usual), (true, true));
        let events = root.browser.get("/v1/audit-events?action=client.authentication_changed").json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(2), "{events}");
    }

    fn a_wrong_secret_and_a_combination_of_methods_are_refused(server) {
        let root = server.administrator();
        let browser = server.browser();
        let client = service(&root, &json!({}));
        let other = service(&root, &json!({}));
        let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
        for path in PATHS {
            for wrong in ["A".repeat(43), text(&other, "client_secret").to_owned(), secret[1..].to_owned()] {
                let by_header = in_header(&browser, path, &client, &wrong);
                assert_eq!((by_header.status, error_of(&by_header)), (401, "invalid_client".into()));
                let by_body = in_body(&browser, path, &client, &wrong);
                assert_eq!((by_body.status, error_of(&by_body)), (400, "invalid_client".into()));
            }
            let none = in_body(&browser, path, &client, "");
            assert_eq!((none.status, error_of(&none)), (400, "invalid_client".into()));
            for body in [[("client_secret", secret), ("client_id", id)], [("client_secret", "x"), ("client_id", id)]] {
                let both = browser.request("POST", path).without_same_origin().form(&body).basic(id, secret).send();
                assert_eq!((both.status, error_of(&both)), (400, "invalid_request".into()), "{path}");
            }
        }
    }

    fn a_public_client_may_send_basic_with_an_empty_secret(server) {
        let root = server.administrator();
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        let secret = server.relying_party(|_| {});
        let basic = |app: &RelyingParty, secret: &str| format!("Basic {}", STANDARD.encode(format!("{}:{secret}", app.id)));
        let send = |path: &str, header: &str, fields: &[(&str, &str)]| server.browser().request("POST", path)
            .without_same_origin().form(fields).header("Authorization", header).send();
        let redeem = |header: &str, code: &str| send("/oauth2/token", header, &[
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER),
        ]);
        let code = public.code(&root.browser, &[]);
        // Neither another client's empty secret nor an invented one is accepted.
        for header in [basic(&secret, ""), basic(&public, &"A".repeat(43)), basic(&public, "x")] {
            let refused = redeem(&header, &code);
            assert_eq!((refused.status, error_of(&refused)), (401, "invalid_client".into()), "{header}");
        }
        let issued = TokenSet::read(&redeem(&basic(&public, ""), &code));
        let asked = send("/oauth2/introspect", &basic(&public, ""), &[("token", &issued.access)]);
        assert_eq!((asked.status, error_of(&asked)), (400, "unauthorized_client".into()));
        for field in [("client_secret", "x"), ("client_id", secret.id.as_str())] {
            let refused = send("/oauth2/revoke", &basic(&public, ""), &[("token", &issued.access), field]);
            assert_eq!((refused.status, error_of(&refused)), (400, "invalid_request".into()));
        }
        let revoked = send("/oauth2/revoke", &basic(&public, ""), &[("token", &issued.access), ("client_id", &public.id)]);
        assert_eq!(revoked.status, 200, "{revoked:?}");
        assert_eq!(public.user_info(&issued.access).status, 401);
        // At Doorward's own API an empty secret authenticates nothing.
        for app in [&public, &secret] {
            let own = server.browser().request("GET", "/v1/users").header("Authorization", &basic(app, "")).send();
            assert_eq!(own.status, 401, "{own:?}");
        }
    }

    fn a_code_refused_with_one_method_can_still_be_redeemed_with_the_other(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::ClientSecretPost);
        let code = app.code(&root.browser, &[]);
        // Libraries that guess the method try the header first, then the body with the same code.
        assert_eq!(app.redeem(&code).status, 401);
        let secret = app.secret.clone().expect("a secret");
        let answer = app.server.request("POST", "/oauth2/token").without_same_origin().form(&[
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER),
            ("client_id", &app.id), ("client_secret", &secret),
        ]).send();
        TokenSet::read(&answer);
    }
}
