//! Programs for Python. Each has the settings that `doorward client create --for` prints.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::program::Client;
use super::user::User;
use crate::support::http::TestBrowser;
use crate::support::process::{free_port, wait_until};
use crate::support::test_server::{TestServer, sends_to_loopback};
use crate::support::third_party::{copy, in_repository, installed};

/// Far longer than a token refresh or a notification takes.
const BOUND: Duration = Duration::from_secs(20);

fn register(server: &TestServer, preset: &str) -> Client {
    Client::register(server, &["A program", "--for", preset, "--url", "ORIGIN"])
}

fn python(program: &str) -> Command {
    Command::new(installed(&format!("{program}/bin/python")))
}

/// Writes a configuration file: first the test's part, then the settings that Doorward prints.
fn configure(client: &Client, preset: &str, source: &str, folder: &Path) {
    let ours = client.configured(source, folder);
    let name = Path::new(source).file_name().expect("a name");
    let both = format!("{ours}\n{}\n", client.settings(preset));
    fs::write(folder.join(name), both).expect("a file");
}

/// Without PKCE: the program sends a nonce, which Authlib checks.
#[test]
fn authlib_signs_a_user_in() {
    let server = TestServer::embedded();
    let mut user = User::new(&server);
    let client = Client::register(&server, &["An app", "--redirect-uri", "ORIGIN/auth"]);
    let app = client.start("/me", |_| {
        let mut command = python("authlib");
        let app = in_repository("tests/relying_parties/authlib/quickstart.py");
        command.arg("-B").arg(app);
        command
    });
    let page = user.open(&app.url("/login")).json();
    for claims in [&page["claims"], &page["userinfo"]] {
        let read = ["sub", "name", "email"].map(|name| &claims[name]);
        assert_eq!(
            read,
            [&user.id, "Ada Lovelace", "ada@example.com"],
            "{page:#}"
        );
        assert_eq!(claims["email_verified"], true);
    }
}

#[test]
fn django_allauth_signs_a_user_in() {
    let server = TestServer::embedded();
    let mut user = User::new(&server);
    let client = register(&server, "django-allauth");
    let site = client.start("/me", |folder| {
        copy(
            &in_repository("tests/relying_parties/django_allauth"),
            folder,
        );
        configure(
            &client,
            "django-allauth",
            "django_allauth/settings.py",
            folder,
        );
        let mut command = python("django_allauth");
        command.arg("run.py");
        command
    });
    let post = |user: &mut User, path: &str| {
        let url = site.url(path);
        user.open(&url);
        let token = user.cookie(&url, "csrftoken");
        user.post(&url, &[("csrfmiddlewaretoken", &token)])
    };
    let signed_in = post(&mut user, "/accounts/oidc/doorward/login/");
    let expected = json!({
        "sub": user.id, "username": "ada", "name": "Ada Lovelace",
        "email": "ada@example.com", "email_verified": true,
    });
    assert_eq!(signed_in.json(), expected);
    let signed_out = post(&mut user, "/accounts/logout/");
    assert!(signed_out.json().is_null());
}

#[test]
fn jupyterhub_signs_a_user_in() {
    let server = TestServer::embedded();
    let mut user = User::new(&server);
    let client = register(&server, "jupyterhub");
    let hub = client.start("/hub/health", |folder| {
        configure(
            &client,
            "jupyterhub",
            "jupyterhub/jupyterhub_config.py",
            folder,
        );
        let proxy = installed(
            "javascript/node_modules/configurable-http-proxy/bin/configurable-http-proxy",
        );
        let mut command = python("jupyterhub");
        command
            .args(["-m", "jupyterhub"])
            .env("HUB_PORT", free_port().to_string())
            .env("PROXY_PORT", free_port().to_string())
            .env("PROXY", proxy)
            .env("API_TOKEN", API_TOKEN)
            .env("JUPYTERHUB_CRYPT_KEY", "11".repeat(32));
        command
    });
    let home = hub.url("/hub/home");
    let sign_in = hub.url("/hub/oauth_login?next=%2Fhub%2Fhome");
    let page = user.open(&sign_in);
    assert!(page.url.as_str() == home && page.answer.text().contains("ada"));
    let known = hub_user(&client);
    assert_eq!(
        (&known["name"], &known["groups"]),
        (&json!("ada"), &json!(["engineers"]))
    );
    let user_info = &known["auth_state"]["oauth_user"];
    super::assert_is_ada(user_info, &user);
    // JupyterHub refreshes its tokens when UserInfo refuses the access token.
    let access_token = |known: &Value| known["auth_state"]["access_token"].clone();
    assert!(access_token(&known).is_string());
    server.advance_clock(3_600);
    wait_until("JupyterHub renews", BOUND, || {
        assert_eq!(user.open(&home).url.as_str(), home);
        access_token(&hub_user(&client)) != access_token(&known)
    });
    // It ends its session when the refresh is refused too.
    user.lose_sessions();
    user.is_willing = false;
    wait_until("JupyterHub asks for a sign-in", BOUND, || {
        user.open(&home).url.path() != "/hub/home"
    });
}

/// Token of a JupyterHub service that may read users.
const API_TOKEN: &str = "known-to-this-test-alone";

fn hub_user(client: &Client) -> Value {
    let api = TestBrowser::new(client.port, &client.origin);
    let request = api.request("GET", "/hub/api/users/ada");
    let answer = request.header("Authorization", &format!("token {API_TOKEN}"));
    answer.send().json()
}

#[test]
fn synapse_signs_a_user_in() {
    let server = TestServer::embedded_with(sends_to_loopback);
    let mut user = User::new(&server);
    let client = register(&server, "synapse");
    let homeserver = client.start("/_matrix/client/versions", |folder| {
        configure(&client, "synapse", "synapse/homeserver.yaml", folder);
        let key = format!("ed25519 a_test {}\n", "A".repeat(43));
        fs::write(folder.join("signing.key"), key).expect("a file");
        let mut command = python("synapse");
        command
            .args([
                "-m",
                "synapse.app.homeserver",
                "--config-path",
                "homeserver.yaml",
            ])
            // Authlib refuses plain HTTP otherwise.
            .env("AUTHLIB_INSECURE_TRANSPORT", "1");
        command
    });
    let login = "/_matrix/client/v3/login/sso/redirect/oidc-doorward";
    let chat = "redirectUrl=https%3A%2F%2Fchat.example%2F";
    let page = user.open(&homeserver.url(&format!("{login}?{chat}")));
    let body = json!({ "type": "m.login.token", "token": login_token(&page.answer.text()) });
    let app = TestBrowser::new(client.port, &client.origin);
    let session = app.post_json("/_matrix/client/v3/login", &body).json();
    assert_eq!(session["user_id"], "@ada:localhost", "{session:#}");
    let profile = app.get("/_matrix/client/v3/profile/@ada:localhost").json();
    assert_eq!(profile["displayname"], "Ada Lovelace");
    let token = session["access_token"].as_str().expect("a token");
    let addresses = || {
        let request = app.request("GET", "/_matrix/client/v3/account/3pid");
        request.bearer(token).send()
    };
    let known = addresses().json();
    assert_eq!(
        known["threepids"][0]["address"], "ada@example.com",
        "{known:#}"
    );
    user.lose_sessions();
    wait_until("Synapse ends the session", BOUND, || {
        addresses().status == 401
    });
}

/// Returns the token in the link that leads back to the app.
fn login_token(page: &str) -> String {
    let (_, rest) = page.split_once("loginToken=").expect("a link");
    let end =
        rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_-.~%".contains(letter));
    rest[..end.expect("an end quote")].to_owned()
}
