//! Programs for Node.js.

use std::time::Duration;

use serde_json::{Value, json};

use super::assert_is_ada;
use super::program::{Client, Program};
use super::user::User;
use crate::on_both;
use crate::support::binary;
use crate::support::process::wait_until;
use crate::support::relying_party::claims_of;
use crate::support::test_server::{TestServer, sends_to_loopback};

/// Signs in, refreshes tokens and signs out in an app that returns JSON at `/me`.
fn signs_in_renews_and_signs_out(server: &TestServer, script: &str) {
    let mut user = User::new(server);
    let addresses = [
        "An app",
        "--redirect-uri",
        "ORIGIN/callback",
        "--post-logout-redirect-uri",
        "ORIGIN/me",
    ];
    let app = Client::register(server, &addresses).start_node(script, "");
    let signed_in = user.open(&app.url("/login")).json();
    assert_is_ada(&signed_in["claims"], &user);
    assert_is_ada(&signed_in["userinfo"], &user);
    let renewed = user.open(&app.url("/renew")).json();
    assert_is_ada(&renewed["userinfo"], &user);
    for token in ["accessToken", "refreshToken"] {
        assert_ne!(signed_in[token], renewed[token], "{token}");
    }
    assert!(user.is_signed_in());
    let page = user.open(&app.url("/logout"));
    assert_eq!(page.url.as_str(), app.url("/me"));
    assert!(page.json().is_null() && !user.is_signed_in());
}

/// Checks the claims of a program with the scopes `profile` and `email`.
fn assert_is_ada_by_name(claims: &Value, user: &User) {
    let read = ["sub", "name", "email", "email_verified"].map(|name| &claims[name]);
    let expected = [user.id.as_str(), "Ada Lovelace", "ada@example.com"];
    assert!(
        read[..3] == expected && read[3] == true,
        "{claims:#} instead of {expected:?}"
    );
}

/// Returns the session of Auth.js; null if signed out.
fn auth_js_session(user: &mut User, app: &Program) -> Value {
    user.open(&app.url("/auth/session")).json()
}

fn post_to_auth_js(user: &mut User, app: &Program, path: &str) {
    let token = user.open(&app.url("/auth/csrf")).json();
    let token = token["csrfToken"].as_str().expect("a token");
    let back = app.url("/me");
    let fields = [("csrfToken", token), ("callbackUrl", &back)];
    let page = user.post(&app.url(path), &fields);
    assert_eq!(page.url.as_str(), back, "{page:?}");
}

on_both! {
    fn oauth4webapi_signs_a_user_in(server) {
        signs_in_renews_and_signs_out(server, "oauth4webapi.js");
    }

    fn openid_client_signs_in_with_its_secret_as_a_string(server) {
        signs_in_renews_and_signs_out(server, "openid-client.js");
    }

    fn express_openid_connect_signs_a_user_in(server) {
        let mut user = User::new(server);
        let client = Client::register(server, &["An app", "--for", "express-openid-connect", "--url", "ORIGIN"]);
        let settings = client.settings("express-openid-connect");
        let app = client.start_node("express-openid-connect.js", &settings);
        let signed_in = user.open(&app.url("/")).json();
        assert_is_ada_by_name(&signed_in["claims"], &user);
        assert_is_ada_by_name(&signed_in["userinfo"], &user);
        let renewed = user.open(&app.url("/renew")).json();
        assert_is_ada_by_name(&renewed["userinfo"], &user);
        assert_ne!(signed_in["accessToken"], renewed["accessToken"]);
        // The app redirects to the sign-in page, also after the sign-out, and the redirects end there.
        user.is_willing = false;
        let page = user.open(&app.url("/logout"));
        assert!(page.url.path() == "/login" && !user.is_signed_in(), "{page:?}");
    }

    fn auth_js_signs_a_user_in(server) {
        let mut user = User::new(server);
        let client = Client::register(server, &["An app", "--redirect-uri", "ORIGIN/auth/callback/doorward"]);
        let app = client.start_node("auth-js.js", &client.settings("authjs"));
        post_to_auth_js(&mut user, &app, "/auth/signin/doorward");
        let session = auth_js_session(&mut user, &app);
        let read = ["name", "email"].map(|name| &session["user"][name]);
        assert_eq!(read, ["Ada Lovelace", "ada@example.com"], "{session:#}");
        post_to_auth_js(&mut user, &app, "/auth/signout");
        assert!(auth_js_session(&mut user, &app).is_null());
    }

    /// The client discovers Doorward from the server's metadata, and gets tokens that are valid only for the server (RFC 8707).
    fn the_mcp_sdk_gets_a_token_for_its_user(server) {
        let mut user = User::new(server);
        let registration = ["An MCP client", "--public", "--redirect-uri", "ORIGIN/callback", "--resource", "ORIGIN/mcp"];
        let app = Client::register(server, &registration).start_node("mcp.js", "");
        let called = user.open(&app.url("/login")).json();
        let token = |answer: &Value| answer["access_token"].as_str().expect("a token").to_owned();
        assert_eq!(called["caller"], user.id.as_str());
        assert_eq!(claims_of(&token(&called))["aud"], json!([app.url("/mcp")]));
        let renewed = user.open(&app.url("/renew")).json();
        assert_eq!(renewed["caller"], user.id.as_str());
        assert_ne!(token(&called), token(&renewed));
        assert_eq!(claims_of(&token(&renewed))["aud"], json!([app.url("/mcp")]));
    }
}

/// Uses the store that its documentation requires for Back-Channel Logout.
#[test]
fn express_openid_connect_is_notified_of_ended_sessions() {
    const STORE: &str = "const kept = new Map();
const store = {
  get: (id, done) => done(null, kept.get(id)),
  set: (id, value, done) => done(null, kept.set(id, value)),
  destroy: (id, done) => done(null, kept.delete(id)),
};";
    let server = TestServer::embedded_with(sends_to_loopback);
    let mut user = User::new(&server);
    let preset = "express-openid-connect";
    let registration = ["An app", "--for", preset, "--url", "ORIGIN"];
    let listens = ["--backchannel-logout-uri", "ORIGIN/backchannel-logout"];
    let client = Client::register(&server, &[&registration[..], &listens].concat());
    let settings = client.settings(preset);
    let before = "idpLogout: true,";
    assert!(settings.contains(before), "{settings}");
    let settings = settings.replace(before, &format!("{before} backchannelLogout: {{ store }},"));
    let app = client.start_node("express-openid-connect.js", &format!("{STORE}\n{settings}"));
    let home = app.url("/");
    assert_is_ada_by_name(&user.open(&home).json()["claims"], &user);
    user.lose_sessions();
    user.is_willing = false;
    let bound = Duration::from_secs(5);
    wait_until("the app's session ends", bound, || {
        user.open(&home).url.path() == "/login"
    });
}

/// The first example of its README requests an ID token without a code. The app's page hides the reason of the failure, but
/// Doorward shows it.
#[test]
fn client_check_explains_a_response_type_other_than_code() {
    let server = TestServer::embedded();
    let mut user = User::new(&server);
    let client = Client::register(&server, &["An app", "--redirect-uri", "ORIGIN/callback"]);
    let readme = "const { auth } = require('express-openid-connect');
app.use(auth({
  issuerBaseURL: process.env.ISSUER,
  baseURL: process.env.ORIGIN,
  clientID: process.env.CLIENT_ID,
  secret: 'LONG_RANDOM_STRING',
  idpLogout: true,
}));";
    let app = client.start_node("express-openid-connect.js", readme);
    let page = user.open(&app.url("/"));
    assert_eq!(page.url.as_str(), app.url("/callback"));
    assert_eq!(page.answer.status, 400);
    let told = binary::run(&server.config, &["client", "check", &client.id]).output;
    assert!(told.contains("response_type must be code"), "{told}");
}
