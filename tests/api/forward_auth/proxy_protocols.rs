//! The requests of each proxy, and the responses to them.

use super::{HTML, IDENTITIES, Visitor, ada, location, on_both_with_forward_auth};
use crate::support::authenticator::Overrides;
use crate::support::test_user::sign_in;

on_both_with_forward_auth! {
    fn nginx_gets_401_and_redirects_to_sign_in_itself(server) {
        let visitor = Visitor::new(server);
        for method in ["GET", "POST"] {
            let answer = visitor.nginx(method, "/orders/17").header("Accept", HTML).send();
            assert!([401, 403].contains(&answer.status), "{answer:?}");
            assert!(answer.header("location").is_none());
        }
        assert_eq!(visitor.nginx("GET", "/orders/17").send().status, 401);
        // The named location of nginx's recipe.
        let sign_in_redirect = |method: &str, accept: &str| {
            visitor.at_host("GET", "/.doorward/login")
                .header("Accept", accept)
                .header("X-Original-URL", "https://shop.example.com/orders/17?a=b&c=d")
                .header("X-Original-Method", method)
                .send()
        };
        let answer = sign_in_redirect("GET", HTML);
        assert!(location(&answer, 303).starts_with(&format!("{}/forward-auth/login?id=", server.origin())));
        assert_eq!(sign_in_redirect("GET", "application/json").status, 401);
        assert_eq!(sign_in_redirect("POST", HTML).status, 403, "no route matches");
        let named = include_str!("../../proxies/nginx-doorward.conf");
        assert!(named.contains("error_page 401 403 = @doorward_sign_in;"));
        let elsewhere = visitor.at_host("GET", "/.doorward/login").header("X-Original-URL", "https://docs.example.com/");
        assert_eq!(elsewhere.send().status, 403);
    }

    fn caddy_traefik_and_envoy_redirect_browsers_and_challenge_programs(server) {
        let visitor = Visitor::new(server);
        let sign_in_redirect = "https://shop.example.com/.doorward/login?to=%2Forders%2F17";
        for ask in [Visitor::traefik, Visitor::envoy] {
            let navigation = ask(&visitor, "GET", "/orders/17").header("Accept", HTML).send();
            assert_eq!(location(&navigation, 302), sign_in_redirect);
            let navigation = ask(&visitor, "GET", "/orders/17").header("Sec-Fetch-Mode", "navigate").send();
            assert_eq!(location(&navigation, 302), sign_in_redirect);
            for (name, value) in [("Accept", "application/json"), ("Sec-Fetch-Mode", "cors")] {
                let answer = ask(&visitor, "GET", "/orders/17").header("Accept", HTML).header(name, value).send();
                assert_eq!(answer.status, 401, "{name}");
                assert_eq!(answer.problem_type(), "urn:doorward:problem:signed-out");
                assert!(answer.header("www-authenticate").is_some());
            }
            let post = ask(&visitor, "POST", "/vault/fresh").header("Accept", HTML).send();
            assert_eq!((post.status, post.problem_type().as_str()), (401, "urn:doorward:problem:signed-out"));
        }
    }

    fn a_signed_out_user_signs_in_and_returns(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::new(server);
        let sign_in_path = visitor.begin("/news/1?a=b&c=%20d");
        let login = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        assert!(login.starts_with("/login?continue="), "{login}");
        assert!(visitor.doorward_browser.get(&login).text().contains("shop.example.com"));
        assert_eq!(sign_in(&visitor.doorward_browser, &mut ada.device, &Overrides::default()).status, 200);
        assert_eq!(location(&visitor.doorward_browser.get(&login), 303), sign_in_path);
        let back = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        let opened = visitor.at_host("GET", path).send();
        assert_eq!(location(&opened, 303), "/news/1?a=b&c=%20d");
        let cookie = opened.headers_named("set-cookie").into_iter().find(|cookie| cookie.starts_with("__Host-doorward-forward-auth="));
        let cookie = cookie.expect("a cookie");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert_eq!(visitor.status("/news/1"), 200);
        // A visitor who is already signed in is redirected immediately.
        let there = visitor.at_host("GET", "/.doorward/login?to=/news/2").send();
        assert_eq!(location(&there, 303), "/news/2");
    }

    fn a_refused_user_switches_accounts_and_returns(server) {
        let (root, ada) = ada(server);
        let mut bob = server.create_user(&root, "bob");
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        let refused = visitor.traefik("GET", "/orders/17?a=b&c=d").header("Accept", HTML).send();
        assert_eq!(refused.status, 403, "{refused:?}");
        let switch = "/.doorward/login?to=%2Forders%2F17%3Fa%3Db%26c%3Dd&switch=1";
        assert!(refused.text().contains(&switch.replace('&', "&#38;")), "{}", refused.text());
        // As nginx requests it after its own 403.
        let named = visitor.at_host("GET", "/.doorward/login").header("Accept", HTML)
            .header("X-Original-URL", "https://shop.example.com/orders/17?a=b&c=d").header("X-Original-Method", "GET");
        let named = named.send();
        assert_eq!(named.status, 403);
        assert!(named.text().contains("Use another account"), "{}", named.text());

        let sign_in_path = visitor.switch("/news/1");
        let login = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        assert!(login.starts_with("/login?continue=") && login.ends_with("&switch=1"), "{login}");
        let page = visitor.doorward_browser.get(&login);
        assert_eq!(page.status, 200, "even though ada is signed in");
        // The user can keep the account and return.
        let stay = sign_in_path.strip_suffix("&switch=1").expect("the address");
        assert!(page.text().contains(stay), "{}", page.text());
        let back = location(&visitor.doorward_browser.get(stay), 303);
        let opened = visitor.at_host("GET", back.strip_prefix("https://shop.example.com").expect("the host")).send();
        assert_eq!(opened.status, 303);
        assert_eq!(visitor.traefik("GET", "/news/1").send().header("remote-user"), Some("ada"));
        // Another passkey signs in, and the host's old session is replaced.
        let sign_in_path = visitor.switch("/news/1");
        let login = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        assert_eq!(sign_in(&visitor.doorward_browser, &mut bob.device, &Overrides::default()).status, 200);
        let plain = login.strip_suffix("&switch=1").expect("a URL");
        let sign_in_path = location(&visitor.doorward_browser.get(plain), 303);
        let back = location(&visitor.doorward_browser.get(&sign_in_path), 303);
        let opened = visitor.at_host("GET", back.strip_prefix("https://shop.example.com").expect("the host")).send();
        assert_eq!(location(&opened, 303), "/news/1");
        assert_eq!(visitor.traefik("GET", "/news/1").send().header("remote-user"), Some("bob"));
    }

    fn switching_accounts_returns_only_to_the_host_and_needs_a_browser(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        for elsewhere in ["//evil.example/", "https://evil.example/", "/\\evil.example", "news"] {
            let to: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
            let answer = visitor.at_host("GET", &format!("/.doorward/login?to={to}&switch=1")).header("Accept", HTML).send();
            assert!(answer.status >= 400 && answer.header("location").is_none(), "{elsewhere}: {answer:?}");
        }
        let nowhere = visitor.at_host("GET", "/.doorward/login?to=/nowhere/at/all&switch=1").header("Accept", HTML).send();
        assert_eq!(nowhere.status, 403, "no route: {nowhere:?}");
        let program = visitor.at_host("GET", "/.doorward/login?to=/orders/17&switch=1").header("Accept", "application/json").send();
        assert_eq!(program.status, 403);
        // A write sent by another origin's page is refused, and not turned into a navigation.
        let cross_origin = visitor.at_host("GET", "/.doorward/login").header("Accept", HTML)
            .header("X-Original-URL", "https://shop.example.com/").header("X-Original-Method", "POST")
            .header("Origin", "https://evil.example").header("Sec-Fetch-Site", "cross-site");
        let cross_origin = cross_origin.send();
        assert!([401, 403].contains(&cross_origin.status) && cross_origin.header("location").is_none(), "{cross_origin:?}");
    }

    fn envoy_sends_the_original_method_and_path(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            assert_eq!(visitor.envoy(method, "/news/1").send().status, 200, "{method}");
        }
        assert_eq!(visitor.envoy("POST", "/").send().status, 200);
        for path in ["//", "/news//1", "/news/%2E%2E", "/news/%2F", "/news/%41", ""] {
            assert!([400, 404].contains(&visitor.envoy("GET", path).send().status), "{path}");
        }
        let elsewhere = visitor.envoy("GET", "/news/1").header("Host", "other.example.com");
        assert_eq!(elsewhere.send().status, 403);
        let conflict = visitor.envoy("GET", "/news/1").header("X-Forwarded-Uri", "/news/2");
        assert_eq!(conflict.send().status, 400);
    }

    fn pages_at_the_host_inline_their_styles(server) {
        let visitor = Visitor::new(server);
        let style = visitor.at_host("GET", "/.doorward/style.css").send();
        assert_eq!((style.status, style.header("content-type")), (200, Some("text/css")));
        let page = visitor.at_host("GET", "/.doorward/logout").send();
        assert!(page.text().contains("href=\"/.doorward/style.css\"") && !page.text().contains("/assets/"));
    }
}

#[test]
fn every_proxy_configuration_removes_headers_that_override_url_or_method() {
    type Line = fn(&str) -> String;
    let written: [(&str, Line); 4] = [
        (include_str!("../../proxies/nginx-doorward.conf"), |name| {
            format!("    proxy_set_header {name} \"\";\n")
        }),
        (include_str!("../../proxies/doorward.caddyfile"), |name| {
            format!("\t\trequest_header -{name}\n")
        }),
        (
            include_str!("../../proxies/traefik-doorward.yaml"),
            |name| format!("          {name}: \"\"\n"),
        ),
        (include_str!("../../proxies/envoy.yaml"), |name| {
            format!("        - {}\n", name.to_ascii_lowercase())
        }),
    ];
    for (file, line) in written {
        for name in [
            "X-Original-URL",
            "X-Original-Method",
            "X-Rewrite-URL",
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
        ] {
            assert!(file.contains(&line(name)), "{name}: {file}");
        }
        for name in IDENTITIES {
            // Caddy removes all Remote-* headers.
            let is_removed = file.contains(&line(name))
                || file.contains("request_header -Remote*") && name.starts_with("Remote");
            assert!(is_removed, "{name}: {file}");
        }
    }
}

/// Envoy doesn't run in this test, so its configuration is compared with the headers that are sent and set.
#[test]
fn envoys_configuration_lists_every_header() {
    let file = include_str!("../../proxies/envoy.yaml");
    let (asked, service) = file
        .split_once("http_service:")
        .expect("the filter's own list, and the service");
    assert!(asked.contains("allowed_headers:\n"));
    let (service, told) = service
        .split_once("authorization_response:")
        .expect("the header list");
    for name in [
        "cookie",
        "accept",
        "sec-fetch-mode",
        "sec-fetch-site",
        "origin",
        "access-control-request-method",
        "sec-websocket-key",
        "upgrade",
        "x-forwarded-proto",
        "x-forwarded-for",
    ] {
        assert!(asked.contains(&format!("- exact: {name}\n")), "{name}");
    }
    // Headers with other spellings are passed to Doorward, so that it can refuse them; HTTP/2 pseudo-headers are not.
    assert!(asked.contains("- safe_regex: { regex: \"[^:]*[^a-z0-9:-][^:]*\" }\n"));
    for name in [
        "remote-id",
        "remote-user",
        "remote-email",
        "remote-name",
        "remote-roles",
        "remote-jwt",
        "cookie",
    ] {
        assert!(told.contains(&format!("- exact: {name}\n")), "{name}");
    }
    assert!(
        service.contains("path_prefix: /forward-auth/envoy\n")
            && asked.contains("failure_mode_allow: false\n")
    );
    assert!(!service.contains("allowed_headers:"), "deprecated");
}
