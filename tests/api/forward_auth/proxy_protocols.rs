//! The requests of each proxy, and the responses to them.

use super::{HTML, IDENTITIES, Visitor, ada, location, on_both_protected};
use crate::support::authenticator::Overrides;
use crate::support::test_user::sign_in;

on_both_protected! {
    fn nginx_gets_401_and_shows_the_way_in_itself(server) {
        let visitor = Visitor::new(server);
        for method in ["GET", "POST"] {
            let answer = visitor.nginx(method, "/orders/17").header("Accept", HTML).send();
            assert!([401, 403].contains(&answer.status), "{answer:?}");
            assert!(answer.header("location").is_none());
        }
        assert_eq!(visitor.nginx("GET", "/orders/17").send().status, 401);
        // The named location of nginx's recipe.
        let way_in = |method: &str, accept: &str| {
            visitor.door("GET", "/.doorward/login")
                .header("Accept", accept)
                .header("X-Original-URL", "https://shop.example.com/orders/17?a=b&c=d")
                .header("X-Original-Method", method)
                .send()
        };
        let answer = way_in("GET", HTML);
        assert!(location(&answer, 303).starts_with(&format!("{}/forward-auth/login?id=", server.origin())));
        assert_eq!(way_in("GET", "application/json").status, 401);
        assert_eq!(way_in("POST", HTML).status, 403, "no route takes it");
        let named = include_str!("../../proxies/nginx-doorward.conf");
        assert!(named.contains("error_page 401 403 = @doorward_sign_in;"));
        let elsewhere = visitor.door("GET", "/.doorward/login").header("X-Original-URL", "https://docs.example.com/");
        assert_eq!(elsewhere.send().status, 403);
    }

    fn caddy_traefik_and_envoy_lead_people_and_tell_programs(server) {
        let visitor = Visitor::new(server);
        let way_in = "https://shop.example.com/.doorward/login?to=%2Forders%2F17";
        for ask in [Visitor::traefik, Visitor::envoy] {
            let navigation = ask(&visitor, "GET", "/orders/17").header("Accept", HTML).send();
            assert_eq!(location(&navigation, 302), way_in);
            let navigation = ask(&visitor, "GET", "/orders/17").header("Sec-Fetch-Mode", "navigate").send();
            assert_eq!(location(&navigation, 302), way_in);
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

    fn somebody_who_is_signed_out_signs_in_and_comes_back(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::new(server);
        let onward = visitor.begin("/news/1?a=b&c=%20d");
        let login = location(&visitor.place.get(&onward), 303);
        assert!(login.starts_with("/login?continue="), "{login}");
        assert!(visitor.place.get(&login).text().contains("shop.example.com"));
        assert_eq!(sign_in(&visitor.place, &mut ada.device, &Overrides::default()).status, 200);
        assert_eq!(location(&visitor.place.get(&login), 303), onward);
        let back = location(&visitor.place.get(&onward), 303);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        let opened = visitor.door("GET", path).send();
        assert_eq!(location(&opened, 303), "/news/1?a=b&c=%20d");
        let cookie = opened.headers_named("set-cookie").into_iter().find(|cookie| cookie.starts_with("__Host-doorward-forward-auth="));
        let cookie = cookie.expect("a cookie");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert_eq!(visitor.status("/news/1"), 200);
        // A visitor who is already signed in is redirected immediately.
        let there = visitor.door("GET", "/.doorward/login?to=/news/2").send();
        assert_eq!(location(&there, 303), "/news/2");
    }

    fn a_refused_user_uses_another_account_and_comes_back(server) {
        let (root, ada) = ada(server);
        let mut bob = server.create_user(&root, "bob");
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        let refused = visitor.traefik("GET", "/orders/17?a=b&c=d").header("Accept", HTML).send();
        assert_eq!(refused.status, 403, "{refused:?}");
        let switch = "/.doorward/login?to=%2Forders%2F17%3Fa%3Db%26c%3Dd&switch=1";
        assert!(refused.text().contains(&switch.replace('&', "&#38;")), "{}", refused.text());
        // As nginx requests it after its own 403.
        let named = visitor.door("GET", "/.doorward/login").header("Accept", HTML)
            .header("X-Original-URL", "https://shop.example.com/orders/17?a=b&c=d").header("X-Original-Method", "GET");
        let named = named.send();
        assert_eq!(named.status, 403);
        assert!(named.text().contains("Use another account"), "{}", named.text());

        let onward = visitor.switch("/news/1");
        let login = location(&visitor.place.get(&onward), 303);
        assert!(login.starts_with("/login?continue=") && login.ends_with("&switch=1"), "{login}");
        let page = visitor.place.get(&login);
        assert_eq!(page.status, 200, "although ada is signed in");
        // The user can keep the account and return.
        let stay = onward.strip_suffix("&switch=1").expect("the address");
        assert!(page.text().contains(stay), "{}", page.text());
        let back = location(&visitor.place.get(stay), 303);
        let opened = visitor.door("GET", back.strip_prefix("https://shop.example.com").expect("the host")).send();
        assert_eq!(opened.status, 303);
        assert_eq!(visitor.traefik("GET", "/news/1").send().header("remote-user"), Some("ada"));
        // Another passkey signs in, and the host's old session is replaced.
        let onward = visitor.switch("/news/1");
        let login = location(&visitor.place.get(&onward), 303);
        assert_eq!(sign_in(&visitor.place, &mut bob.device, &Overrides::default()).status, 200);
        let plain = login.strip_suffix("&switch=1").expect("an address");
        let onward = location(&visitor.place.get(plain), 303);
        let back = location(&visitor.place.get(&onward), 303);
        let opened = visitor.door("GET", back.strip_prefix("https://shop.example.com").expect("the host")).send();
        assert_eq!(location(&opened, 303), "/news/1");
        assert_eq!(visitor.traefik("GET", "/news/1").send().header("remote-user"), Some("bob"));
    }

    fn switching_leads_nowhere_else_and_is_for_browsers(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        for elsewhere in ["//evil.example/", "https://evil.example/", "/\\evil.example", "news"] {
            let to: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
            let answer = visitor.door("GET", &format!("/.doorward/login?to={to}&switch=1")).header("Accept", HTML).send();
            assert!(answer.status >= 400 && answer.header("location").is_none(), "{elsewhere}: {answer:?}");
        }
        let nowhere = visitor.door("GET", "/.doorward/login?to=/nowhere/at/all&switch=1").header("Accept", HTML).send();
        assert_eq!(nowhere.status, 403, "no route: {nowhere:?}");
        let program = visitor.door("GET", "/.doorward/login?to=/orders/17&switch=1").header("Accept", "application/json").send();
        assert_eq!(program.status, 403);
        // A write sent by another origin's page is refused, and not turned into a navigation.
        let cross_origin = visitor.door("GET", "/.doorward/login").header("Accept", HTML)
            .header("X-Original-URL", "https://shop.example.com/").header("X-Original-Method", "POST")
            .header("Origin", "https://evil.example").header("Sec-Fetch-Site", "cross-site");
        let cross_origin = cross_origin.send();
        assert!([401, 403].contains(&cross_origin.status) && cross_origin.header("location").is_none(), "{cross_origin:?}");
    }

    fn envoy_asks_with_any_method_and_its_very_path(server) {
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

    fn a_page_at_the_host_brings_its_own_style(server) {
        let visitor = Visitor::new(server);
        let style = visitor.door("GET", "/.doorward/style.css").send();
        assert_eq!((style.status, style.header("content-type")), (200, Some("text/css")));
        let page = visitor.door("GET", "/.doorward/logout").send();
        assert!(page.text().contains("href=\"/.doorward/style.css\"") && !page.text().contains("/assets/"));
    }
}

#[test]
fn every_configuration_takes_out_what_names_another_address_or_method() {
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
fn envoys_configuration_names_every_header() {
    let file = include_str!("../../proxies/envoy.yaml");
    let (asked, service) = file
        .split_once("http_service:")
        .expect("the filter's own list, and the service");
    assert!(asked.contains("allowed_headers:\n"));
    let (service, told) = service
        .split_once("authorization_response:")
        .expect("what is told");
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
