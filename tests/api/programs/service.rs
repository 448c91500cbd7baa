//! Services that accept access tokens: how each checks a token, and what it reads of it.

use serde_json::Value;

use super::app::{APP, App, Secret};
use super::verify::{Accepts, verify};
use super::visit::{Visit, expected};
use super::{Program, create};
use crate::support::house::House;
use crate::support::relying_party::Issued;

/// What a service does with the access tokens that apps send to it.
pub struct Service {
    /// How it checks a token.
    pub checks: Checks,
    /// What it reads of the token or of the answer about it.
    pub reads: &'static [&'static str],
}

/// How a service checks a token.
pub enum Checks {
    /// By itself, with the issuer's public keys; it demands its own address as the audience.
    Keys(Accepts),
    /// By introspection, as a client of its own.
    Introspection(Secret),
    /// With the token at the `UserInfo` endpoint.
    UserInfo,
}

/// The address of the service, as apps ask for it and as the service demands it.
pub const API: &str = "https://api.example.com";

/// The command that registers an app which calls the service.
pub const CALLER: &[&str] = &[
    "client",
    "create",
    "an app",
    "--public",
    "--redirect-uri",
    "https://app.example.com/",
    "--resource",
    API,
];

/// The app that calls the service.
static APP_OF_SERVICE: App = App {
    scope: "openid profile email groups",
    pkce: true,
    secret: Secret::None,
    ..APP
};

/// The imitation of a service.
pub fn run(house: &House, program: &Program, service: &Service) {
    let visit = Visit::begin(house, &APP_OF_SERVICE, || create(house, CALLER));
    let own = match service.checks {
        Checks::Introspection(_) => program.register(house),
        _ => Value::Null,
    };
    let for_itself = !matches!(service.checks, Checks::UserInfo);
    let issued = call(&visit, if for_itself { API } else { "" });
    let known = service
        .check(&visit, &own, &issued.access)
        .expect("a good token");
    for claim in service.reads {
        assert_eq!(
            known[*claim],
            expected(&visit.ada, claim),
            "{claim}: {known}"
        );
    }
    // A token that the app got for Doorward itself, or no good one.
    let other = if for_itself {
        call(&visit, "").access
    } else {
        issued.refresh
    };
    assert!(
        service.check(&visit, &own, &other).is_err(),
        "a token for somebody else"
    );
}

/// Signs the user in to an app, which asks for a token for this resource.
fn call(visit: &Visit<'_>, resource: &str) -> Issued {
    let code = visit.authorize(&[("resource", resource)])["code"].clone();
    Issued::read(&visit.redeem(&code))
}

impl Service {
    /// What the service knows of a token; an error if it refuses it.
    fn check(&self, visit: &Visit<'_>, own: &Value, token: &str) -> Result<Value, String> {
        match &self.checks {
            Checks::Keys(accepts) => {
                let keys = visit.get(visit.path("jwks_uri"));
                verify(token, &keys, accepts, visit.house.origin(), API)
            }
            Checks::Introspection(secret) => {
                let text = |name: &str| own[name].as_str().unwrap_or_default().to_owned();
                let (id, own_secret) = (text("client_id"), text("client_secret"));
                let mut fields = vec![("token", token)];
                if matches!(secret, Secret::Body) {
                    fields.extend([
                        ("client_id", id.as_str()),
                        ("client_secret", own_secret.as_str()),
                    ]);
                }
                let server = visit.house.browser();
                let request = server.request("POST", visit.path("introspection_endpoint"));
                let request = request.without_same_origin().form(&fields);
                let told = match secret {
                    Secret::Body => request.send(),
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
                let server = visit.house.browser();
                let request = server.request("GET", visit.path("userinfo_endpoint"));
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
