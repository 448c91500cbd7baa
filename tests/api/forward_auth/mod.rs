//! Forward-auth, with the headers that proxies send, with both kinds of stores.

mod attacks;
mod configuration;
mod decisions;
mod faults;
mod handoff_codes;
mod proxy_protocols;
mod sessions;
mod token;

use doorward::base::config::{Config, Network, Route, RouteResource};

use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{Answer, Request, TestBrowser};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// A protected host. It uses https, like all hosts that are not localhost.
const HOST: &str = "shop.example.com";
const ORDER: (&str, &str) = ("order", "17");
/// `Accept` header of browsers for pages.
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

const POLICIES: &str = r#"
permit (principal is User, action == Action::"view", resource is order)
when { context.resource_roles.contains("OPERATOR") };
permit (principal, action == Action::"read", resource is page);
permit (principal is User, action == Action::"read", resource is news);
permit (principal is User, action == Action::"open", resource == vault::"fresh")
when { context has auth && context.auth.age <= 300 };
permit (principal is User, action == Action::"open", resource == vault::"instant")
when { context has auth && context.auth.age < 1 };
permit (principal is User, action == Action::"open", resource == vault::"strong")
when { context has auth && context.auth has acr_level && context.auth.acr_level >= 2 };
permit (principal is User, action == Action::"open", resource == vault::"never-old")
when { context has auth && context.auth.age < 0 };
"#;

/// Headers that applications trust for the user's identity or the visited URL.
pub const IDENTITIES: [&str; 13] = [
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
    "X-Remote-User",
    "X-WebAuth-User",
    "Remote-Groups",
    "Forwarded",
];

fn route(path: &str, action: &str, resource: (&str, &str)) -> Route {
    Route {
        host: HOST.into(),
        path: path.into(),
        methods: Vec::new(),
        action: action.into(),
        resource: RouteResource {
            kind: resource.0.into(),
            id: resource.1.into(),
        },
        sign_in: true,
        jwt: false,
        cross_origin: false,
    }
}

/// Configures routes, policies, and this machine as the proxy.
fn protected(config: &mut Config) {
    let policies = config.server.data_dir.with_file_name("policies");
    std::fs::create_dir(&policies).expect("a folder");
    std::fs::write(policies.join("shop.cedar"), POLICIES).expect("a file");
    config.access.policies = Some(policies);
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").expect("a network")];
    config.access.routes = vec![
        Route {
            methods: vec!["GET".into()],
            ..route("/orders/{id}", "view", ("order", "{id}"))
        },
        route("/", "read", ("page", "home")),
        Route {
            sign_in: false,
            ..route("/news/{id}", "read", ("news", "{id}"))
        },
        Route {
            jwt: true,
            ..route("/api/{id}", "read", ("page", "{id}"))
        },
        route("/vault/{id}", "open", ("vault", "{id}")),
        Route {
            cross_origin: true,
            ..route("/hooks/{id}", "read", ("news", "{id}"))
        },
        Route {
            methods: vec!["POST".into()],
            cross_origin: true,
            ..route("/inbox/{id}", "read", ("news", "{id}"))
        },
        Route {
            host: "docs.example.com".into(),
            ..route("/*", "read", ("news", "docs"))
        },
    ];
}

/// Like `on_both!`, with protected hosts.
macro_rules! on_both_with_forward_auth {
    ($($(#[doc = $doc:literal])* fn $name:ident($server:ident) $body:block)+) => {
        $($(#[doc = $doc])* mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn behaviour($server: &mut $crate::support::test_server::TestServer) $body

            #[test]
            fn embedded() {
                behaviour(&mut $crate::support::test_server::TestServer::embedded_with($crate::api::forward_auth::protected));
            }

            #[test]
            fn clustered() {
                behaviour(&mut $crate::support::test_server::TestServer::clustered_with($crate::api::forward_auth::protected));
            }
        })+
    };
}
use on_both_with_forward_auth;

/// A browser: its cookies for Doorward and its cookies for the protected host.
#[derive(Clone)]
struct Visitor {
    doorward_browser: TestBrowser,
    host_browser: TestBrowser,
    host: &'static str,
}

impl Visitor {
    /// A visitor who is signed out.
    fn new(server: &TestServer) -> Self {
        Self {
            doorward_browser: server.browser(),
            host_browser: server.browser(),
            host: HOST,
        }
    }

    /// A user who is signed in at Doorward and has never visited the host.
    fn of(server: &TestServer, person: &TestUser) -> Self {
        Self {
            doorward_browser: person.browser.clone(),
            ..Self::new(server)
        }
    }

    fn at_port(&self, port: u16) -> Self {
        Self {
            doorward_browser: self.doorward_browser.at_port(port),
            host_browser: self.host_browser.at_port(port),
            host: self.host,
        }
    }

    /// The request that Caddy or Traefik send for a page of the host.
    fn traefik<'v>(&'v self, method: &str, uri: &str) -> Request<'v> {
        self.host_browser
            .request("GET", "/forward-auth")
            .without_same_origin()
            .header("X-Forwarded-Method", method)
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-Host", self.host)
            .header("X-Forwarded-Uri", uri)
    }

    /// The request that nginx sends.
    fn nginx<'v>(&'v self, method: &str, uri: &str) -> Request<'v> {
        self.host_browser
            .request("GET", "/forward-auth")
            .without_same_origin()
            .header("X-Original-Method", method)
            .header("X-Original-URL", &format!("https://{}{uri}", self.host))
    }

    /// The request that Envoy sends: the original request, below its prefix.
    fn envoy<'v>(&'v self, method: &str, uri: &str) -> Request<'v> {
        self.host_browser
            .request(method, &format!("/forward-auth/envoy{uri}"))
            .without_same_origin()
            .header("Host", self.host)
            .header("X-Forwarded-Proto", "https")
    }

    fn status(&self, uri: &str) -> u16 {
        self.traefik("GET", uri).send().status
    }

    /// The request that a proxy forwards from below `/.doorward/`, for a page.
    fn at_host<'v>(&'v self, method: &str, path: &str) -> Request<'v> {
        self.host_browser
            .request(method, path)
            .without_same_origin()
            .header("Host", self.host)
            .header("X-Forwarded-Host", self.host)
            .header("X-Forwarded-Proto", "https")
            .header("Accept", HTML)
    }

    /// Starts the sign-in at the host; returns the path at Doorward that it redirects to.
    fn begin(&self, uri: &str) -> String {
        self.begin_with(uri, "")
    }

    /// Like `begin`, with another account.
    fn switch(&self, uri: &str) -> String {
        self.begin_with(uri, "&switch=1")
    }

    fn begin_with(&self, uri: &str, more: &str) -> String {
        let to = crate::support::http::form_encoded(uri);
        let answer = self
            .at_host("GET", &format!("/.doorward/login?to={to}{more}"))
            .send();
        let location = location(&answer, 303);
        let path = location.strip_prefix(self.doorward_browser.origin());
        path.unwrap_or_else(|| panic!("not to Doorward: {location}"))
            .to_owned()
    }

    /// Goes from the host to Doorward, where the user is signed in; returns the path at the host with the handoff code.
    fn handoff_code_path(&self, uri: &str) -> String {
        let sign_in_path = self.begin(uri);
        let location = location(&self.doorward_browser.get(&sign_in_path), 303);
        let path = location.strip_prefix(&format!("https://{}", self.host));
        path.unwrap_or_else(|| panic!("not to the host: {location}"))
            .to_owned()
    }

    /// Deletes the host's session cookie, but keeps the browser-binding cookie.
    fn drop_session(&self) {
        self.host_browser
            .set_cookie("__Host-doorward-forward-auth", "none");
    }

    /// Signs in at the host, and returns to the path.
    fn enter(&self, uri: &str) {
        let back = self.at_host("GET", &self.handoff_code_path(uri)).send();
        assert_eq!(location(&back, 303), uri);
    }
}

fn location(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

/// Creates an administrator and the user Ada, who is signed in at Doorward.
fn ada(server: &TestServer) -> (TestUser, TestUser) {
    let root = server.administrator();
    let invited = serde_json::json!({ "username": "ada", "display_name": "Ада %", "email": "ada@example.com" });
    let device = SoftAuthenticator::synced(server.origin());
    let ada = server.create_user_with(&root, &invited, device);
    (root, ada)
}
