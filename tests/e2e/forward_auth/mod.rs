//! Forward-auth behind real proxies: an application without sign-in code, an order, and the users who may see it.

mod pages;
mod proxy;

use doorward::base::config::{Config, Network};
use doorward::users::{Permit, UserChange};
use serde_json::{Value, json};

use super::{Visitor, invitation};
use crate::api::forward_auth::IDENTITIES;
use crate::support::browser::Chromium;
use crate::support::process::free_port;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::test_server::TestServer;
use proxy::{Kind, Proxy};

const ORDER: &str = "9a4f3c5e-6f0d-4c53-8b0e-1f2d3c4b5a69";
/// Headers that some frameworks use in place of the request's URL or method.
const MISLEADING: [&str; 6] = [
    "X-Original-URL",
    "X-Original-Method",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
];

/// Starts the application: it responds to every request with the order, or opens a WebSocket.
fn application() -> Receiver {
    let page = "<!doctype html><title>Order</title><p>One order of tea</p>";
    Receiver::http(Behaviour::Sockets(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\nSet-Cookie: cart=7; Path=/\r\n\r\n{page}",
        page.len()
    )))
}

/// Configures the routes and policies of the guide, for a host on this machine.
fn protect(config: &mut Config, host: &str) {
    let policies = config.server.data_dir.with_file_name("policies");
    std::fs::create_dir(&policies).expect("a folder");
    std::fs::write(policies.join("shop.cedar"), proxy::recipe("shop.cedar")).expect("a file");
    let routes = config.server.data_dir.with_file_name("routes.toml");
    std::fs::write(&routes, proxy::recipe("routes.toml")).expect("a file");
    let guide = Config::load(Some(&routes)).expect("the guide's routes");
    config.access.policies = Some(policies);
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").expect("a network")];
    config.access.routes = guide.access.routes;
    for route in &mut config.access.routes {
        assert_eq!(route.host, "shop.example.com");
        route.host = host.to_owned();
        route.jwt = true;
    }
}

impl Visitor {
    /// Opens a page of the shop, signing in if necessary; returns the final status.
    fn open(&self, proxy: &Proxy, path: &str) -> u64 {
        self.page.evaluate("window.left = false");
        self.page
            .call("Page.navigate", json!({ "url": proxy.url(path) }));
        let (host, path) = (json!(proxy.host()), json!(path));
        self.page.wait_for(&format!(
            "window.left === undefined && location.host === {host} && location.pathname === {path} && document.readyState === 'complete'"
        ));
        let status = "performance.getEntriesByType('navigation')[0].responseStatus";
        self.page.evaluate(status).as_u64().expect("a status")
    }
}

impl Visitor {
    /// Opens a WebSocket from the current page, sends a message, and returns the reply.
    fn socket(&self, proxy: &Proxy, path: &str) -> Value {
        let address = json!(format!("ws://{}{path}", proxy.host()));
        self.page.evaluate(&format!(
            "new Promise(answer => {{
                const socket = new WebSocket({address});
                socket.onopen = () => socket.send('hello');
                socket.onmessage = ({{ data }}) => {{ answer(data); socket.close(); }};
                socket.onerror = () => answer('refused');
            }})"
        ))
    }
}

/// Returns one header of the last request that the application received.
fn received_headers(application: &Receiver, name: &str) -> Vec<String> {
    let requests = application.requests();
    let last = requests.last().expect("a request");
    let head = last.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

/// Returns headers with which a browser tries to act as another user and to read another resource.
fn spoofed_headers() -> Value {
    let mut headers = json!({ "Remote-User": "root", "Remote-Roles": "admin", "Remote-Jwt": "x" });
    for name in MISLEADING {
        headers[name] = json!(if name.ends_with("URL") {
            "http://other/"
        } else {
            "POST"
        });
    }
    for name in IDENTITIES
        .into_iter()
        .chain(["X-Real-IP", "X-Forwarded-For"])
    {
        headers[name] = json!("for=192.0.2.7");
    }
    json!({ "headers": headers })
}

/// A header that the application could mistake for one of Doorward's is removed, or the request is refused.
fn assert_spoofed_headers_are_removed(visitor: &Visitor, application: &Receiver, path: &str) {
    for name in [
        "remote_user",
        "remote.user",
        "remote~roles",
        "x.rewrite.url",
        "x_http_method_override",
    ] {
        let fetch = format!(
            "fetch({}, {{ headers: {{ {}: 'root' }} }}).then(answer => answer.status)",
            json!(path),
            json!(name)
        );
        let status = visitor.page.evaluate(&fetch);
        let line = format!("\n{name}:");
        for request in application.requests() {
            let request = request.to_ascii_lowercase();
            assert!(!request.contains(&line), "{name}: {status}");
        }
    }
}

fn journey(kind: Kind, make: impl FnOnce(&dyn Fn(&mut Config)) -> TestServer) {
    let port = free_port();
    let host = format!("shop.localhost:{port}");
    let mut server = make(&|config| protect(config, &host));
    // The proxy sends its requests to one instance; roles are assigned and deleted at another.
    let asked = server.another_instance();
    let application = application();
    let proxy = Proxy::start(kind, port, server.port(asked), application.port());
    let path = format!("/orders/{ORDER}");
    let visitor = Visitor::new(&Chromium::launch());
    let root = server.administrator();
    let ada = json!({ "username": "ada", "display_name": "Ada Ł", "email": "ada@example.com" });
    visitor.join(&invitation(&root, &ada));
    let ada = server.run(server.app.users.find("ada")).expect("ada");
    let vouched = UserChange {
        email_verified: Some(true),
        ..UserChange::default()
    };
    let users = &server.app.users;
    let vouched = users.update(ada.id, vouched, None, Permit::command());
    server.run(vouched).expect("verified");
    visitor.page.call("Network.clearBrowserCookies", json!({}));

    // Signed out: redirected to sign-in and back. Signed in without the role: 403.
    assert_eq!(visitor.open(&proxy, &path), 403);
    visitor.page.wait_for_text("Use another account");
    assert_eq!(
        application.requests().len(),
        0,
        "no spoofed header was forwarded"
    );
    // Operator of this order: the application receives the user's identity, regardless of the headers that the browser sends.
    visitor
        .page
        .call("Network.setExtraHTTPHeaders", spoofed_headers());
    server.set_role_assignment(&ada.id.to_string(), ("order", ORDER), &["OPERATOR"]);
    assert_eq!(visitor.open(&proxy, &path), 200);
    visitor.page.wait_for_text("One order of tea");
    assert_eq!(
        received_headers(&application, "remote-id"),
        [ada.id.to_string()]
    );
    assert_eq!(received_headers(&application, "remote-user"), ["ada"]);
    assert_eq!(
        received_headers(&application, "remote-email"),
        ["ada@example.com"]
    );
    assert_eq!(
        received_headers(&application, "remote-name"),
        ["Ada %C5%81"]
    );
    assert_eq!(
        received_headers(&application, "remote-roles"),
        Vec::<String>::new()
    );
    assert_eq!(received_headers(&application, "remote-jwt").len(), 1);
    assert!(received_headers(&application, "remote-jwt")[0].starts_with("ey"));
    assert_eq!(
        received_headers(&application, "cookie"),
        Vec::<String>::new(),
        "none of Doorward's"
    );
    assert_eq!(visitor.open(&proxy, &path), 200);
    assert_eq!(received_headers(&application, "cookie"), ["cart=7"]);
    for name in MISLEADING {
        assert_eq!(
            received_headers(&application, name),
            Vec::<String>::new(),
            "{name}"
        );
    }
    for name in IDENTITIES {
        assert_eq!(
            received_headers(&application, name),
            Vec::<String>::new(),
            "{name}"
        );
    }
    for name in ["x-forwarded-for", "x-real-ip"] {
        let address = received_headers(&application, name);
        assert!(
            !address.concat().contains("192.0.2.7"),
            "{name}: {address:?}"
        );
    }
    assert_spoofed_headers_are_removed(&visitor, &application, &path);
    // A WebSocket for this order is opened, but not for another.
    assert_eq!(visitor.socket(&proxy, &path), json!("hello"));
    assert_eq!(received_headers(&application, "upgrade"), ["websocket"]);
    assert_eq!(
        received_headers(&application, "remote-id"),
        [ada.id.to_string()]
    );
    assert_eq!(visitor.socket(&proxy, "/orders/another"), json!("refused"));
    // Another order is refused, and ambiguous URLs don't reach the application.
    let passed = application.requests().len();
    assert_eq!(visitor.open(&proxy, "/orders/another"), 403);
    assert_eq!(visitor.open(&proxy, "/"), 403);
    for path in ["/orders/%2e%2e%2fx", "/orders//x", "/orders/x%2fy"] {
        let fetch = format!("fetch({}).then(answer => answer.status)", json!(path));
        let status = visitor.page.evaluate(&fetch).as_u64().expect("a status");
        assert!(status >= 400, "{path}: {status}");
    }
    assert_eq!(application.requests().len(), passed);
    // A deleted role has an effect on the next request; assigned and deleted once more.
    for (roles, status) in [(&[][..], 403), (&["OPERATOR"], 200), (&[], 403)] {
        server.set_role_assignment(&ada.id.to_string(), ("order", ORDER), roles);
        assert_eq!(visitor.open(&proxy, &path), status);
    }
    // All sessions ended: the next request is redirected to sign-in and back.
    server.set_role_assignment(&ada.id.to_string(), ("order", ORDER), &["OPERATOR"]);
    let ended = root.browser.delete("/v1/users/ada/sessions");
    assert_eq!(ended.status, 200, "{ended:?}");
    let before = visitor.passkeys();
    assert_eq!(
        visitor.page.evaluate(&format!(
            "fetch({}).then(answer => answer.status)",
            json!(path)
        )),
        json!(401)
    );
    assert_eq!(visitor.open(&proxy, &path), 200);
    assert_eq!(visitor.passkeys(), before);
    // Signing out on the shop's sign-out page.
    assert_eq!(visitor.open(&proxy, "/.doorward/logout"), 200);
    visitor.page.click_text("Sign out");
    visitor.page.wait_for_text("You've signed out");
    assert_eq!(
        visitor.page.evaluate(&format!(
            "fetch({}).then(answer => answer.status)",
            json!(path)
        )),
        json!(401)
    );
}

macro_rules! journeys {
    ($($name:ident: $kind:expr;)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn embedded() {
                journey($kind, |protect| TestServer::embedded_with(protect));
            }

            #[test]
            fn clustered() {
                journey($kind, |protect| TestServer::clustered_with(protect));
            }
        })+
    };
}

journeys! {
    nginx_protects_an_order: Kind::Nginx;
    caddy_protects_an_order: Kind::Caddy;
    traefik_protects_an_order: Kind::Traefik;
}
