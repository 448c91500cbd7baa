//! Attacks: forged proxy headers, conflicting headers, ambiguous URLs, open redirects.

use doorward::base::config::{Config, Network};

use super::{HTML, Visitor, ada, location, on_both_with_forward_auth, protected};
use crate::support::http::Request;
use crate::support::http::form_encoded;
use crate::support::test_server::TestServer;

on_both_with_forward_auth! {
    fn ambiguous_urls_are_denied(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let long = format!("/news/{}", "a".repeat(8_192));
        for uri in [
            "/orders/../news/1", "/./news/1", "/news/./1", "//news/1", "/news//1", "/news/%2e%2e/1", "/news/%2E%2E", "/news/1%2F..", "/news/%2f",
            "/news\\1", "/news/%5C", "/news/%5c1", "/news/%00", "/news/%0A", "/news/%FF", "/news/%C0%AF", "/news/%6Eews", "/news/%", "/news/%zz",
            "/news/..;/1", "/news;x/1", "/news/1;x", "/news/1#x", "/news/%252e%252e", "/news/ä", "/news/a b", "news/1", "", "*", "https://shop.example.com/news/1", &long,
        ] {
            let traefik = visitor.traefik("GET", uri).header("Accept", HTML).send();
            assert_eq!(traefik.status, 400, "{uri}");
            assert!(traefik.header("location").is_none() && !traefik.text().contains("news"), "{uri}");
            assert_eq!(visitor.nginx("GET", uri).send().status / 100, 4, "{uri}");
        }
        for url in ["https://ada@shop.example.com/news/1", "https://shop.example.com@other.example.com/", "http://shop.example.com/news/1", "//shop.example.com/news/1", "shop.example.com/news/1"] {
            let answer = visitor.nginx("GET", "/").header("X-Original-URL", url).send();
            assert_eq!(answer.status / 100, 4, "{url}");
        }
    }

    fn cross_origin_pages_change_nothing(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let own = "https://shop.example.com";
        let asks: [for<'v> fn(&'v Visitor, &str, &str) -> Request<'v>; 3] = [Visitor::traefik, Visitor::nginx, Visitor::envoy];
        for ask in asks {
            let status = |method: &str, uri: &str, headers: &[(&str, &str)]| {
                let asked = ask(&visitor, method, uri);
                headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value)).send().status
            };
            let socket = ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==");
            for (name, value) in [("Origin", "https://wiki.example.com"), ("Origin", "null"), ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Site", "cross-site")] {
                assert_eq!(status("POST", "/news/1", &[(name, value)]), 403, "{name}: {value}");
                assert_eq!(status("GET", "/news/1", &[(name, value), socket]), 403, "{name}: {value}");
                assert_eq!(status("GET", "/news/1", &[(name, value), ("Sec-Fetch-Mode", "websocket")]), 403, "{name}: {value}");
                // A link from there, and routes that allow requests from other origins.
                assert_eq!(status("GET", "/news/1", &[(name, value)]), 200, "{name}: {value}");
                assert_eq!(status("POST", "/hooks/1", &[(name, value)]), 200, "{name}: {value}");
            }
            assert_eq!(status("POST", "/news/1", &[("Origin", own), ("Sec-Fetch-Site", "same-origin")]), 200);
            assert_eq!(status("GET", "/news/1", &[("Origin", own), socket]), 200);
            assert_eq!(status("POST", "/news/1", &[]), 200, "a program");
            // What anonymous visitors may do is done anonymously.
            let open = ask(&visitor, "POST", "/api/1").header("Origin", "null").send();
            assert_eq!((open.status, open.header("remote-id")), (200, Some("")));
        }
    }

    fn a_preflight_passes_by_route_and_origin_without_a_cookie(server) {
        let (_, ada) = ada(server);
        let (signed_in, signed_out) = (Visitor::of(server, &ada), Visitor::new(server));
        signed_in.enter("/news/1");
        let origin = ("Origin", "https://wiki.example.com");
        let wanted = ("Access-Control-Request-Method", "POST");
        let asks: [for<'v> fn(&'v Visitor, &str, &str) -> Request<'v>; 3] = [Visitor::traefik, Visitor::nginx, Visitor::envoy];
        for ask in asks {
            let answer = |visitor: &Visitor, uri: &str, headers: &[(&str, &str)]| {
                let asked = ask(visitor, "OPTIONS", uri);
                headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value)).send()
            };
            for visitor in [&signed_out, &signed_in] {
                let passed = answer(visitor, "/hooks/1", &[origin, wanted]);
                assert_eq!((passed.status, passed.header("remote-id")), (200, Some("")), "without a user: {passed:?}");
            }
            assert_eq!(answer(&signed_out, "/hooks/1", &[("Origin", "null"), wanted]).status, 200);
            // Neither another route, nor a request that is not a preflight.
            for (uri, headers) in [
                ("/news/1", &[origin, wanted][..]),
                ("/orders/17", &[origin, wanted]),
                ("/nothing", &[origin, wanted]),
                ("/hooks/1", &[]),
                ("/hooks/1", &[origin]),
                ("/hooks/1", &[wanted]),
                ("/hooks/1", &[("Origin", ""), wanted]),
                ("/hooks/1", &[("Origin", "wiki.example.com"), wanted]),
                ("/hooks/1", &[("Origin", "https://wiki.example.com/"), wanted]),
                ("/hooks/1", &[origin, ("Access-Control-Request-Method", "")]),
                ("/hooks/1", &[origin, ("Access-Control-Request-Method", "post")]),
            ] {
                let refused = answer(&signed_out, uri, headers).status;
                assert!([401, 403].contains(&refused), "{uri} {headers:?}: {refused}");
            }
            let twice = ask(&signed_out, "OPTIONS", "/hooks/1").header(origin.0, origin.1).another_header(origin.0, origin.1);
            assert_eq!(twice.header(wanted.0, wanted.1).send().status, 401);
            // Only OPTIONS, and only for a method of the route.
            assert_eq!(ask(&signed_out, "POST", "/hooks/1").header(origin.0, origin.1).header(wanted.0, wanted.1).send().status, 401);
            assert_eq!(answer(&signed_out, "/inbox/1", &[origin, wanted]).status, 200);
            let other = answer(&signed_out, "/inbox/1", &[origin, ("Access-Control-Request-Method", "DELETE")]);
            assert_eq!(other.status, 403);
        }
    }

    fn a_websocket_upgrade_is_checked_like_any_other_request(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        for ask in [Visitor::traefik as for<'v> fn(&'v Visitor, &str, &str) -> Request<'v>, Visitor::nginx, Visitor::envoy] {
            let open = |visitor: &Visitor, origin: &str| ask(visitor, "GET", "/news/1")
                .header("Connection", "Upgrade").header("Upgrade", "websocket").header("Origin", origin)
                .header("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==").header("Sec-WebSocket-Version", "13").send();
            let passed = open(&visitor, "https://shop.example.com");
            assert_eq!((passed.status, passed.header("remote-id")), (200, Some(ada.id.as_str())));
            assert_eq!(passed.header("connection"), Some("close"), "the connection is closed");
            assert_eq!(open(&visitor, "https://wiki.example.com").status, 403);
            assert_eq!(open(&Visitor::new(server), "https://shop.example.com").status, 403, "there is no redirect to sign in");
        }
    }

    fn the_body_of_a_check_request_is_ignored(server) {
        let visitor = Visitor::new(server);
        let encoded = visitor.traefik("POST", "/api/1").header("Content-Encoding", "gzip").body(vec![7; 100_000], "text/plain");
        assert_eq!(encoded.send().status, 200);
        let encoded = visitor.envoy("POST", "/api/1").header("Content-Encoding", "gzip").body(vec![7; 100_000], "text/plain");
        assert_eq!(encoded.send().status, 200);
        assert_eq!(visitor.nginx("POST", "/api/1").header("Content-Encoding", "gzip").send().status, 200);
    }

    fn the_sign_in_flow_refuses_frames_and_scripts(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let sign_in_path = visitor.begin("/api/1");
        for destination in ["iframe", "empty", "serviceworker", "image"] {
            let answer = visitor.doorward_browser.request("GET", &sign_in_path).header("Sec-Fetch-Dest", destination).send();
            assert_eq!(answer.status, 403, "{destination}");
            assert!(answer.header("location").is_none());
        }
        let answer = visitor.doorward_browser.request("GET", &sign_in_path).header("Sec-Fetch-Dest", "document").send();
        assert!(location(&answer, 303).starts_with("https://shop.example.com/"));
    }

    fn conflicting_forwarded_headers_are_denied(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let both = || {
            visitor.traefik("GET", "/news/1")
                .header("X-Original-URL", "https://shop.example.com/news/1")
                .header("X-Original-Method", "GET")
        };
        assert_eq!(both().send().status, 200);
        // Many frameworks treat these like the headers spelt with `-`.
        for name in [
            "Remote_User", "Remote_Roles", "remote-jwt_", "X_Forwarded_Host", "X-Original_URL", "Remote.User", "remote~user", "Remote!Id", "REMOTE.ROLES", "Remote`Jwt",
            "Remote-User.", "X.Forwarded.Host", "X-Forwarded.For", "X|Original|URL", "X.Rewrite.URL", "X_HTTP_Method", "X-HTTP.Method-Override", "X~Method~Override",
        ] {
            assert_eq!(both().header(name, "root").send().status, 400, "{name}");
            assert_eq!(visitor.envoy("GET", "/news/1").header(name, "root").send().status, 400, "{name}");
            assert_eq!(visitor.at_host("GET", "/.doorward/logout").header(name, "root").send().status, 400, "{name}");
        }
        for name in ["X_Other", "X.Other", "Remote", "RemoteUser", "X-Remote.User", "X-Forwarded-Port", "X-Forwarded-Tls-Client-Cert", "X-Original-Forwarded-For", "X-HTTP-Method"] {
            assert_eq!(both().header(name, "root").send().status, 200, "{name}");
        }
        for (name, value) in [
            ("X-Original-URL", "https://shop.example.com/news/2"),
            ("X-Original-Method", "POST"),
            ("X-Forwarded-Uri", "/news/2"),
            ("X-Forwarded-Method", "POST"),
            ("X-Forwarded-Host", "docs.example.com"),
            ("X-Forwarded-Proto", "http"),
        ] {
            assert_eq!(both().header(name, value).send().status, 400, "{name}");
            assert_eq!(both().another_header(name, value).send().status, 400, "{name} twice");
            let same = if name == "X-Original-URL" { "https://shop.example.com/news/1" } else { "GET" };
            if name == "X-Original-URL" || name == "X-Original-Method" {
                assert_eq!(both().another_header(name, same).send().status, 400, "{name} repeated with the same value");
            }
            let without = visitor.traefik("GET", "/news/1").without_header(name).send();
            assert!(name.starts_with("X-Original") || without.status == 400, "{name}");
        }
        let half = visitor.traefik("GET", "/news/1").header("X-Original-Method", "GET").send();
        assert_eq!(half.status, 400);
        for method in ["get", "", "GET POST", "G\u{c9}T"] {
            assert_eq!(visitor.traefik(method, "/news/1").send().status, 400, "{method}");
        }
        assert_eq!(visitor.host_browser.get("/forward-auth").status, 400);
        assert_eq!(visitor.host_browser.request("POST", "/forward-auth").send().status, 405);
    }

    fn redirects_stay_on_the_protected_host(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        for to in [
            "//evil.example/", "/\\evil.example/", "https://evil.example/", "evil.example", "\\\\evil.example", "/%2F/evil.example", "/%5Cevil",
            "/.//evil", "javascript:alert(1)", "/a\r\nLocation: https://evil.example/", "/\t/evil.example", " /", "/news/1#@evil", "",
        ] {
            let answer = visitor.at_host("GET", &format!("/.doorward/login?to={}", form_encoded(to))).send();
            assert_eq!(answer.status, 400, "{to:?}");
            assert!(answer.header("location").is_none(), "{to:?}");
        }
        for query in ["?to=/news/1&to=/news/2", "?to=/news/1&next=x", "?id=x"] {
            assert_eq!(visitor.at_host("GET", &format!("/.doorward/login{query}")).send().status, 400, "{query}");
        }
        // Redirects lead only to a path of the host, or to Doorward's own page.
        assert!(location(&visitor.at_host("GET", "/.doorward/login?to=/news/1").send(), 303).starts_with(server.origin()));
        let conflict = visitor.at_host("GET", "/.doorward/login?to=/news/1").header("X-Forwarded-Host", "docs.example.com").send();
        assert_eq!(conflict.status, 400);
        let plain = visitor.at_host("GET", "/.doorward/login?to=/news/1").header("X-Forwarded-Proto", "http").send();
        assert_eq!(plain.status, 400);
    }

    fn the_application_never_sees_doorwards_cookies(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        let session_cookie = visitor.host_browser.cookie("__Host-doorward-forward-auth").expect("a forward-auth cookie");
        let shown = format!("cart=7; __Host-doorward-forward-auth={session_cookie}; __Host-doorward-session=x; doorward-browser=y; theme=dark");
        for ask in [Visitor::traefik, Visitor::nginx, Visitor::envoy] {
            let answer = ask(&visitor, "GET", "/news/1").header("Cookie", &shown).send();
            assert_eq!((answer.status, answer.headers_named("cookie")), (200, vec!["cart=7; theme=dark"]));
        }
        let nothing_left = visitor.traefik("GET", "/news/1").send();
        assert_eq!(nothing_left.headers_named("cookie"), [""]);
    }

    fn identity_headers_of_the_client_are_overwritten(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/news/1");
        for visitor in [visitor, Visitor::new(server)] {
            let answer = visitor.traefik("GET", "/")
                .header("Remote-User", "root").header("Remote-Id", "0").header("Remote-Email", "root@example.com")
                .header("Remote-Name", "Root").header("Remote-Roles", "admin").header("Remote-Jwt", "x").send();
            assert_eq!(answer.status, 200);
            for name in ["remote-id", "remote-user", "remote-email", "remote-name", "remote-roles", "remote-jwt"] {
                assert_eq!(answer.headers_named(name).len(), 1, "{name}");
                assert!(!["root", "0", "root@example.com", "Root", "admin", "x"].contains(&answer.header(name).expect("a header")), "{name}");
            }
        }
    }
}

fn without_proxies(config: &mut Config) {
    protected(config);
    config.server.trusted_proxies = vec![Network::parse("192.0.2.0/24").expect("a network")];
}

fn only_configured_proxies_are_trusted(server: &TestServer) {
    let visitor = Visitor::new(server);
    let spoofed = |request: crate::support::http::Request<'_>, accept: &str| {
        let request = request.header("X-Forwarded-For", "192.0.2.1");
        request.header("Accept", accept).send()
    };
    // A proxy passes the refusal on to a browser, which gets a page.
    for accept in ["application/json", "text/html"] {
        for answer in [
            spoofed(visitor.traefik("GET", "/"), accept),
            spoofed(visitor.nginx("GET", "/"), accept),
            spoofed(visitor.envoy("GET", "/"), accept),
            spoofed(visitor.at_host("GET", "/.doorward/login?to=/"), accept),
            spoofed(visitor.at_host("GET", "/.doorward/callback?code=x"), accept),
            spoofed(visitor.at_host("GET", "/.doorward/logout"), accept),
        ] {
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.header("remote-id").is_none());
            let kind = answer.header("content-type").unwrap_or_default();
            if accept == "text/html" {
                assert!(kind.starts_with("text/html"), "{answer:?}");
                assert!(
                    answer.text().contains("server.trusted_proxies"),
                    "{answer:?}"
                );
            } else {
                let problem = "urn:doorward:problem:untrusted-proxy";
                assert_eq!(answer.problem_type(), problem);
            }
        }
    }
}

#[test]
fn only_configured_proxies_are_trusted_embedded() {
    only_configured_proxies_are_trusted(&TestServer::embedded_with(without_proxies));
}

#[test]
fn only_configured_proxies_are_trusted_clustered() {
    only_configured_proxies_are_trusted(&TestServer::clustered_with(without_proxies));
}
