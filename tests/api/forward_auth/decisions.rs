//! Access decisions: routes, role assignments, policies, and the headers for the application.

use super::{HTML, ORDER, Visitor, ada, location, on_both_with_forward_auth};
use crate::api::roles::patch;
use crate::support::http::Answer;
use serde_json::json;

fn identity(answer: &Answer) -> Vec<&str> {
    [
        "remote-id",
        "remote-user",
        "remote-email",
        "remote-name",
        "remote-roles",
        "remote-jwt",
    ]
    .iter()
    .map(|name| {
        let values = answer.headers_named(name);
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0]
    })
    .collect()
}

on_both_with_forward_auth! {
    fn access_needs_a_sign_in_and_the_role_on_that_order(server) {
        let (root, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let denied = visitor.traefik("GET", "/orders/17?x=y").header("Accept", HTML).send();
        assert_eq!(location(&denied, 302), "https://shop.example.com/.doorward/login?to=%2Forders%2F17%3Fx%3Dy");
        visitor.enter("/orders/17?x=y");
        // Signed in, but without the role.
        assert_eq!(visitor.status("/orders/17?x=y"), 403);
        server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
        for answer in [
            visitor.traefik("GET", "/orders/17?x=y").send(),
            visitor.traefik("HEAD", "/orders/17").send(),
            visitor.nginx("GET", "/orders/17").send(),
            visitor.envoy("GET", "/orders/17").send(),
        ] {
            assert_eq!(answer.status, 200, "{answer:?}");
            // An administrator entered the email address of the invitation, so it counts as verified.
            let expected = [ada.id.as_str(), "ada", "ada@example.com", "%D0%90%D0%B4%D0%B0 %25", "", ""];
            assert_eq!(identity(&answer), expected);
        }
        // Not for another order, another method or another user.
        assert_eq!(visitor.status("/orders/18"), 403);
        assert_eq!(visitor.traefik("DELETE", "/orders/17").send().status, 403);
        let other = Visitor::of(server, &root);
        other.enter("/orders/17");
        assert_eq!(other.status("/orders/17"), 403);
        server.set_role_assignment(&ada.id, ORDER, &["CLERK"]);
        assert_eq!(visitor.status("/orders/17"), 403);
    }

    fn role_assignments_take_effect_immediately_on_every_instance(server) {
        let second = server.another_instance();
        let (_, ada) = ada(server);
        let here = Visitor::of(server, &ada);
        here.enter("/orders/17");
        let there = here.at_port(server.port(second));
        for _ in 0..3 {
            assert_eq!(there.status("/orders/17"), 403);
            server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
            assert_eq!(there.status("/orders/17"), 200);
            assert_eq!(here.status("/orders/17"), 200);
            server.set_role_assignment(&ada.id, ORDER, &[]);
        }
    }

    fn unrouted_requests_are_denied_without_a_redirect(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        for uri in ["/nothing", "/orders", "/orders/", "/orders/17/", "/Orders/17", "/.doorward/login", "/.doorward/", "/vault/none"] {
            let answer = visitor.traefik("GET", uri).header("Accept", HTML).send();
            assert_eq!(answer.status, 403, "{uri}");
            let answer = Visitor::new(server).nginx("GET", uri).send();
            assert!([401, 403].contains(&answer.status), "{uri}");
        }
        for host in ["other.example.com", "SHOP.example.com", "shop.example.com:443", "shop.example.com.", "localhost"] {
            let answer = visitor.traefik("GET", "/").header("X-Forwarded-Host", host).header("Accept", HTML).send();
            assert_eq!(answer.status, 403, "{host}");
            assert!(answer.header("location").is_none(), "{host}");
            let answer = visitor.at_host("GET", "/.doorward/login?to=/").header("Host", host).header("X-Forwarded-Host", host).send();
            assert_eq!(answer.status, 404, "{host}");
        }
        // No policy applies to this resource.
        assert_eq!(visitor.status("/vault/none"), 403);
    }

    fn public_routes_require_no_sign_in(server) {
        let (_, ada) = ada(server);
        let stranger = Visitor::new(server);
        let answer = stranger.traefik("GET", "/").send();
        assert_eq!((answer.status, identity(&answer)), (200, vec![""; 6]));
        // Signing in is possible all the same.
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        let answer = visitor.traefik("POST", "/").send();
        assert_eq!((answer.status, identity(&answer)[1]), (200, "ada"));
        // On routes without redirects to sign-in, signed-out visitors are refused.
        for answer in [stranger.traefik("GET", "/news/1").header("Accept", HTML).send(), stranger.nginx("GET", "/news/1").send()] {
            assert_eq!(answer.status, 403);
        }
        assert_eq!(visitor.status("/news/1"), 200);
    }

    fn forwarded_roles_follow_changes_of_the_user(server) {
        let (root, _) = ada(server);
        let visitor = Visitor::of(server, &root);
        visitor.enter("/");
        let answer = visitor.traefik("GET", "/").send();
        assert_eq!(answer.header("remote-roles"), Some("admin"));
        assert_eq!(answer.header("remote-email"), Some(""));
        // Only verified email addresses are passed on, not those that users entered.
        let entered = root.browser.request("PATCH", "/v1/me").json(&json!({ "email": "ceo@corp.example" })).send();
        assert_eq!(entered.status, 200, "{}", entered.text());
        assert_eq!(visitor.traefik("GET", "/").send().header("remote-email"), Some(""));
        let vouched = patch(&root.browser, &root.browser, "/v1/users/root", &json!({ "email_verified": true }));
        assert_eq!(vouched.status, 200, "{}", vouched.text());
        assert_eq!(visitor.traefik("GET", "/").send().header("remote-email"), Some("ceo@corp.example"));
    }

    fn an_old_sign_in_is_renewed_without_a_redirect_loop(server) {
        let (_, mut ada) = ada(server);
        let mut visitor = Visitor::of(server, &ada);
        visitor.enter("/vault/fresh");
        assert_eq!(visitor.status("/vault/fresh"), 200);
        server.advance_clock(600);
        // Programs get a challenge that says what is required; browsers are redirected.
        let answer = visitor.traefik("POST", "/vault/fresh").send();
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"insufficient_user_authentication\"") && challenge.contains("max_age=300"), "{challenge}");
        assert_eq!(visitor.nginx("GET", "/vault/fresh").header("Accept", HTML).send().status, 401);
        let led = visitor.traefik("GET", "/vault/fresh").header("Accept", HTML).send();
        assert_eq!(location(&led, 302), "https://shop.example.com/.doorward/login?to=%2Fvault%2Ffresh");
        let sign_in_path = visitor.begin("/vault/fresh");
        let page = visitor.doorward_browser.get(&sign_in_path);
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Confirm with a passkey") && page.text().contains("shop.example.com"), "{page:?}");
        ada.browser = visitor.doorward_browser.clone();
        assert_eq!(ada.step_up().status, 200);
        visitor.doorward_browser = ada.browser.clone();
        let nameless = visitor.doorward_browser.request("POST", &sign_in_path).form(&[]).send();
        assert_eq!(nameless.status, 409, "a form that does not name its user does nothing");
        let back = location(&visitor.doorward_browser.request("POST", &sign_in_path).page_form(&[]).send(), 303);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        assert_eq!(location(&visitor.at_host("GET", path).send(), 303), "/vault/fresh");
        assert_eq!(visitor.status("/vault/fresh"), 200);
    }

    fn a_step_up_that_does_not_change_the_decision_is_refused(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/vault/strong");
        let answer = visitor.traefik("GET", "/vault/strong").send();
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("acr_values=\"urn:doorward:acr:device-bound"), "{challenge}");
        // Ada has no such passkey: a page asks for it, and Ada can try again with a button.
        let sign_in_path = visitor.begin("/vault/strong");
        assert!(visitor.doorward_browser.get(&sign_in_path).text().contains("requires a device-bound passkey"));
        ada.browser = visitor.doorward_browser.clone();
        assert_eq!(ada.step_up().status, 200);
        let again = ada.browser.submit(&sign_in_path, &[]);
        assert_eq!(again.status, 200);
        assert!(again.text().contains("requires a device-bound passkey"));
        // No sign-in could satisfy the policy, so none is requested.
        assert_eq!(visitor.status("/vault/never-old"), 403);
        let refused = visitor.at_host("GET", "/.doorward/login?to=/vault/never-old").send();
        assert_eq!(refused.status, 403);
        assert!(refused.text().contains("have access"));
    }

    fn a_second_denial_within_a_minute_is_403_to_prevent_a_redirect_loop(server) {
        let (_, mut ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/vault/instant");
        server.advance_clock(5);
        assert_eq!(visitor.status("/vault/instant"), 401);
        let sign_in_path = visitor.begin("/vault/instant");
        ada.browser = visitor.doorward_browser.clone();
        assert_eq!(ada.step_up().status, 200);
        let back = location(&ada.browser.request("POST", &sign_in_path).page_form(&[]).send(), 303);
        let path = back.strip_prefix("https://shop.example.com").expect("the host");
        assert_eq!(visitor.at_host("GET", path).send().status, 303);
        assert_eq!(visitor.status("/vault/instant"), 200);
        server.advance_clock(5);
        // The sign-in is too old again, although it was just made for this request: 403, to prevent a redirect loop.
        assert_eq!(visitor.status("/vault/instant"), 403);
        assert_eq!(visitor.at_host("GET", "/.doorward/login?to=/vault/instant").send().status, 403);
        server.advance_clock(60);
        assert_eq!(visitor.status("/vault/instant"), 401);
    }

    fn declining_a_step_up_or_switching_accounts_leaves_the_page(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        server.advance_clock(600);
        let sign_in_path = visitor.begin("/vault/fresh");
        let answer = |answer: &str| visitor.doorward_browser.request("POST", &sign_in_path).page_form(&[("answer", answer)]).send();
        assert_eq!(location(&answer("deny"), 303), "/account");
        let switch = location(&answer("switch"), 303);
        assert!(switch.starts_with("/login?continue=") && switch.ends_with("&switch=1"), "{switch}");
        let forged = visitor.doorward_browser.request("POST", &sign_in_path).without_same_origin().form(&[]).send();
        assert_eq!(forged.status, 403);
    }
}
