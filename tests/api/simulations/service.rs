//! Services that accept access tokens: how each verifies a token, and which claims it reads.

use serde_json::Value;

use super::app::{APP, App, ClaimSource, ClientAuth};
use super::program_session::{ProgramSession, expected};
use super::verify::{Accepts, verify};
use super::{Client, Program, create};
use crate::support::relying_party::{TokenSet, VERIFIER};
use crate::support::test_server::TestServer;

/// What a service does with access tokens that it receives from apps.
pub struct Service {
    /// How the service verifies a token.
    pub checks: Checks,
    /// Audience that the service requires.
    pub audience: &'static str,
    /// Claims that the service reads, from the token or from the response about it.
    pub reads: &'static [&'static str],
}

/// How a service verifies a token.
pub enum Checks {
    /// Locally, with the issuer's public keys.
    Keys(Accepts),
    /// By introspection, as a client of its own.
    Introspection(ClientAuth),
    /// By using the token at the `UserInfo` endpoint.
    UserInfo,
}

/// URL of the service.
pub const API: &str = "https://api.example.com";

/// The app that calls the service; like most apps, it sends no `resource`.
static CALLER: App = App {
    scope: "openid profile email groups",
    pkce: true,
    secret: ClientAuth::None,
    reads: &[(ClaimSource::UserInfo, "name")],
    ..APP
};

/// Runs the simulation of a service.
pub fn run(server: &TestServer, program: &Program, service: &Service) {
    let own = match program.client {
        Client::With(_) => program.register(server),
        _ => Value::Null,
    };
    let program_session =
        ProgramSession::begin(server, &CALLER, || create(server, &service.caller()));
    let issued = call(&program_session, "");
    let known = service
        .check(&program_session, &own, &issued.access)
        .expect("a good token");
    for claim in service.reads {
        assert_eq!(
            known[*claim],
            expected(&program_session.ada, claim),
            "{claim}: {known}"
        );
    }
    // The app can use the same token at UserInfo.
    program_session.read(&issued);
    // A token for Doorward's own API, or a text that is not an access token.
    let other = match service.checks {
        Checks::UserInfo => issued.refresh,
        _ => call(&program_session, server.origin()).access,
    };
    let refused = service.check(&program_session, &own, &other);
    assert!(
        refused.is_err(),
        "a token for another audience: {refused:?}"
    );
}

/// Signs the user in to the app, which redeems its code for this resource.
fn call(program_session: &ProgramSession<'_>, resource: &str) -> TokenSet {
    let code = program_session.authorize(&[])["code"].clone();
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", program_session.redirect_uri()),
        ("code_verifier", VERIFIER),
    ];
    if !resource.is_empty() {
        fields.push(("resource", resource));
    }
    TokenSet::read(&program_session.token(&fields))
}

impl Service {
    /// Returns the command that registers an app which calls the service.
    pub fn caller(&self) -> Vec<&'static str> {
        let app = [
            "client",
            "create",
            "an app",
            "--public",
            "--redirect-uri",
            "https://app.example.com/",
        ];
        match self.checks {
            Checks::UserInfo => app.to_vec(),
            _ => [&app[..], &["--resource", API, "--userinfo-audience"]].concat(),
        }
    }

    /// Returns the service's data about a token; an error if it refuses the token.
    fn check(
        &self,
        program_session: &ProgramSession<'_>,
        own: &Value,
        token: &str,
    ) -> Result<Value, String> {
        match &self.checks {
            Checks::Keys(accepts) => {
                let keys = program_session.get(program_session.path("jwks_uri"));
                verify(
                    token,
                    &keys,
                    accepts,
                    program_session.server.origin(),
                    self.audience,
                )
            }
            Checks::Introspection(secret) => {
                let text = |name: &str| own[name].as_str().unwrap_or_default().to_owned();
                let (id, own_secret) = (text("client_id"), text("client_secret"));
                let mut fields = vec![("token", token)];
                if matches!(secret, ClientAuth::Body) {
                    fields.extend([
                        ("client_id", id.as_str()),
                        ("client_secret", own_secret.as_str()),
                    ]);
                }
                let server = program_session.server.browser();
                let request =
                    server.request("POST", program_session.path("introspection_endpoint"));
                let request = request.without_same_origin().form(&fields);
                let told = match secret {
                    ClientAuth::Body => request.send(),
                    _ => request.basic(&id, &own_secret).send(),
                };
                assert_eq!(told.status, 200, "{told:?}");
                let told = told.json();
                if told["active"] == true {
                    Ok(told)
                } else {
                    Err(told.to_string())
                }
            }
            Checks::UserInfo => {
                let server = program_session.server.browser();
                let request = server.request("GET", program_session.path("userinfo_endpoint"));
                let told = request.bearer(token).send();
                if told.status == 200 {
                    Ok(told.json())
                } else {
                    Err(told.text())
                }
            }
        }
    }
}
