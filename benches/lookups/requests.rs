//! The requests of each workload, and how a correct response looks.

use std::rc::Rc;

use serde_json::json;

use crate::environment::{BenchEnvironment, FORM};
use crate::fixture::PROTECTED_HOST;
use crate::forward_auth_session::{self, SESSION_COOKIE};
use crate::load::{Expected, Request, Requests};
use crate::support::http::TestBrowser;
use crate::support::population::PopulationUser;

/// Number of users for whom the app gets an access token.
const TOKENS: usize = 32;
/// Default length of a page of users.
const PAGE_LEN: usize = 50;
/// Number of IDs in one lookup.
const LOOKUP_IDS: usize = 20;

impl BenchEnvironment {
    /// `GET /v1/session` with the cookies of the signed-in users.
    pub fn session_checks(&self) -> Requests {
        let request = |(browser, user): (&TestBrowser, &PopulationUser)| Request {
            message: self.get("/v1/session", &session_cookie(browser)),
            expected: Expected::ok(user.id),
        };
        self.signed_in().map(request).collect::<Vec<_>>().into()
    }

    /// `POST /oauth2/introspect` by the API client, with access tokens that the app got for users.
    pub fn introspections(&self) -> Requests {
        let request = |token: String| Request {
            message: self.post_form("/oauth2/introspect", &format!("token={token}")),
            expected: Expected::ok("\"active\":true"),
        };
        let browsers = self.browsers.iter().take(TOKENS);
        let tokens = browsers.map(|browser| self.access_token(browser, "openid roles"));
        tokens.map(request).collect::<Vec<_>>().into()
    }

    /// `GET /oauth2/userinfo` with access tokens that the app got for users.
    pub fn user_info(&self) -> Requests {
        let request = |(browser, user): (&TestBrowser, &PopulationUser)| {
            let token = self.access_token(browser, "openid profile email roles");
            let authorization = format!("Authorization: Bearer {token}\r\n");
            Request {
                message: self.get("/oauth2/userinfo", &authorization),
                expected: Expected::ok(format!("\"email\":\"{}\"", user.email())),
            }
        };
        let users = self.signed_in().take(TOKENS);
        users.map(request).collect::<Vec<_>>().into()
    }

    /// `POST /access/v1/evaluation` by the API client: may a user of the sample view a resource on which they have a role?
    pub fn evaluations(&self) -> Requests {
        let request = |user: &PopulationUser| {
            let evaluation = json!({
                "subject": { "type": "user", "id": user.id },
                "action": { "name": "view" },
                "resource": { "type": "order", "id": user.resources[0] },
            });
            Request {
                message: self.post_json("/access/v1/evaluation", &evaluation.to_string()),
                expected: Expected::ok("\"decision\":true"),
            }
        };
        self.sample.iter().map(request).collect::<Vec<_>>().into()
    }

    /// `GET /forward-auth` as Caddy and Traefik send it, with the session cookies of the protected host.
    pub fn forward_auth_checks(&self) -> Requests {
        let request = |(browser, user): (&TestBrowser, &PopulationUser)| {
            let path = format!("/orders/{}", user.resources[0]);
            let session = forward_auth_session::create(browser, &path);
            let headers = format!(
                "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: {PROTECTED_HOST}\r\n\
                 X-Forwarded-Uri: {path}\r\nCookie: {SESSION_COOKIE}={session}\r\n"
            );
            Request {
                message: self.get("/forward-auth", &headers),
                // The service names the user in a response header.
                expected: Expected::ok(&user.username),
            }
        };
        self.signed_in().map(request).collect::<Vec<_>>().into()
    }

    /// `GET /v1/users/{id}` by the API client, for the users of the sample.
    pub fn users(&self) -> Requests {
        let authorization = self.api_client.authorization();
        let request = |user: &PopulationUser| Request {
            message: self.get(&format!("/v1/users/{}", user.id), &authorization),
            expected: Expected::ok(format!("\"username\":\"{}\"", user.username)),
        };
        self.sample.iter().map(request).collect::<Vec<_>>().into()
    }

    /// `POST /v1/users/lookup` by the API client, for [`LOOKUP_IDS`] users of the sample in each request.
    pub fn user_lookups(&self) -> Requests {
        let request = |users: &[PopulationUser]| {
            let ids: Vec<_> = users.iter().map(|user| user.id).collect();
            Request {
                message: self.post_json("/v1/users/lookup", &json!({ "ids": ids }).to_string()),
                expected: Expected {
                    count: users.len(),
                    ..Expected::ok("\"username\":")
                },
            }
        };
        let requests = self.sample.chunks(LOOKUP_IDS).map(request);
        requests.collect::<Vec<_>>().into()
    }

    /// `GET /v1/users/{id}/roles` by the API client, for the users of the sample.
    pub fn user_roles(&self) -> Requests {
        let authorization = self.api_client.authorization();
        let request = |user: &PopulationUser| Request {
            message: self.get(&format!("/v1/users/{}/roles", user.id), &authorization),
            expected: Expected::ok(format!("\"{}\"", user.role)),
        };
        self.sample.iter().map(request).collect::<Vec<_>>().into()
    }

    /// `GET /v1/users` by the API client: the first page, of [`PAGE_LEN`] users.
    pub fn user_list(&self) -> Requests {
        let users = usize::try_from(self.fixture.users).expect("a number of users");
        one(Request {
            message: self.get("/v1/users", &self.api_client.authorization()),
            expected: Expected {
                count: users.min(PAGE_LEN),
                ..Expected::ok("\"username\":")
            },
        })
    }

    /// `GET /v1/users?email=…` by the API client, for the users of the sample.
    pub fn users_by_email(&self) -> Requests {
        let authorization = self.api_client.authorization();
        let request = |user: &PopulationUser| Request {
            message: self.get(&format!("/v1/users?email={}", user.email()), &authorization),
            expected: Expected::ok(format!("\"id\":\"{}\"", user.id)),
        };
        self.sample.iter().map(request).collect::<Vec<_>>().into()
    }

    /// `GET /admin?search=…` by an administrator: the page of users whose name or email address contains the name of one user.
    pub fn user_searches(&self) -> Requests {
        let session = session_cookie(&self.administrator);
        let request = |user: &PopulationUser| Request {
            message: self.get(&format!("/admin?search={}", user.username), &session),
            expected: Expected::ok(format!("/admin/users/{}", user.id)),
        };
        self.sample.iter().map(request).collect::<Vec<_>>().into()
    }

    /// `GET /.well-known/openid-configuration`.
    pub fn discovery(&self) -> Requests {
        let issuer = self.fixture.config.server.public_url.as_str();
        one(Request {
            message: self.get("/.well-known/openid-configuration", ""),
            expected: Expected::ok(format!("\"issuer\":\"{issuer}")),
        })
    }

    /// `GET` of the signing keys (`jwks_uri`).
    pub fn jwks(&self) -> Requests {
        one(Request {
            message: self.get("/oauth2/jwks", ""),
            expected: Expected::ok("\"keys\":[{"),
        })
    }

    /// `GET /healthz`, which reads nothing: the reference for CPU times.
    pub fn health_checks(&self) -> Requests {
        one(Request {
            message: self.get("/healthz", ""),
            expected: Expected::ok("\"alive\""),
        })
    }

    /// `POST /webauthn/login/start` of a browser without cookies.
    pub fn login_challenges(&self) -> Requests {
        one(Request {
            message: self.login_start(),
            expected: Expected::ok("\"challenge\":"),
        })
    }

    /// `POST /oauth2/token` with the client credentials grant.
    pub fn client_credentials(&self) -> Requests {
        one(Request {
            message: self.post_form("/oauth2/token", "grant_type=client_credentials"),
            expected: Expected::ok("\"access_token\":"),
        })
    }

    /// Returns the headers of every request that a page of Doorward sends.
    pub fn browser_headers(&self) -> String {
        let origin = &self.fixture.config.server.public_url;
        format!(
            "Host: {}\r\nOrigin: {}\r\n",
            origin.authority(),
            origin.as_str()
        )
    }

    /// Returns the request by which the sign-in page starts a login.
    pub fn login_start(&self) -> Vec<u8> {
        let headers = self.browser_headers();
        format!(
            "POST /webauthn/login/start HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        )
        .into_bytes()
    }

    /// Returns a `GET` request; each line of `headers` ends with CR LF.
    pub fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        let host = self.fixture.config.server.public_url.authority();
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").into_bytes()
    }

    /// Returns a `POST` request by the API client with a form.
    fn post_form(&self, path: &str, body: &str) -> Vec<u8> {
        let headers = self.api_client.authorization();
        self.post(path, FORM, &headers, body)
    }

    /// Returns a `POST` request by the API client with a JSON body.
    fn post_json(&self, path: &str, body: &str) -> Vec<u8> {
        let headers = self.api_client.authorization();
        self.post(path, "application/json", &headers, body)
    }

    /// Returns a `POST` request; each line of `headers` ends with CR LF.
    pub fn post(&self, path: &str, media_type: &str, headers: &str, body: &str) -> Vec<u8> {
        let host = self.fixture.config.server.public_url.authority();
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    fn signed_in(&self) -> impl Iterator<Item = (&TestBrowser, &PopulationUser)> {
        self.browsers.iter().zip(&self.sample)
    }

    fn access_token(&self, browser: &TestBrowser, scope: &str) -> String {
        let tokens = self.tokens(browser, scope);
        let token = tokens["access_token"].as_str();
        token.expect("an access token").to_owned()
    }
}

fn one(request: Request) -> Requests {
    Rc::new(vec![request])
}

/// Returns the `Cookie` header with a browser's session.
pub fn session_cookie(browser: &TestBrowser) -> String {
    let session = browser.cookie("doorward-session").expect("a session");
    format!("Cookie: doorward-session={session}\r\n")
}
