//! Sign-in and sign-out pages of forward-auth, on a host with a long name. The browser acts as its own proxy here: it sends
//! requests to Doorward under that name.

use doorward::base::config::{Config, Network, Route, RouteResource};
use serde_json::json;

use crate::e2e::Visitor;
use crate::e2e::pages::assert_pages_fit_every_screen;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

const NAME: &str =
    "a-rather-long-name-of-a-department.apps.organisation-with-a-name.example.localhost";
/// An invalid handoff code.
const HANDOFF_CODE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const POLICIES: &str = r#"
permit (principal is User, action == Action::"view", resource == vault::"strong")
when { context has auth && context.auth has acr_level && context.auth.acr_level >= 2 };
"#;

fn host(config: &Config) -> String {
    format!("{NAME}:{}", config.server.listen.port())
}

fn protect(config: &mut Config) {
    let policies = config.server.data_dir.with_file_name("policies");
    std::fs::create_dir(&policies).expect("a folder");
    std::fs::write(policies.join("vault.cedar"), POLICIES).expect("a file");
    config.access.policies = Some(policies);
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").expect("a network")];
    config.access.routes = vec![Route {
        host: host(config),
        path: "/vault/{id}".into(),
        methods: Vec::new(),
        action: "view".into(),
        resource: RouteResource {
            kind: "vault".into(),
            id: "{id}".into(),
        },
        sign_in: true,
        jwt: false,
        cross_origin: false,
    }];
}

fn every_page_of_a_protected_host_fits_the_screen(server: &TestServer) {
    let at_host = |path: &str| format!("http://{}{path}", host(&server.config));
    let visitor = Visitor::new(&Chromium::launch());
    visitor.set_up(server);
    visitor.page.evaluate(
        "fetch('/v1/me', {method: 'PATCH', headers: {'content-type': 'application/json'}, body: JSON.stringify(
            {display_name: 'Maximiliane-Friederike von und zu Hohenlohe-Waldenburg-Schillingsfürst'})}).then(() => true)",
    );
    // Through the sign-in and back: there is a session, but no application.
    visitor
        .page
        .goto(&at_host("/.doorward/login?to=/vault/empty"));
    let path = visitor.page.evaluate("location.pathname");
    assert_eq!(path, json!("/vault/empty"), "{}", visitor.page.url());
    // A request that waits for a step-up can be opened repeatedly.
    visitor
        .page
        .goto(&at_host("/.doorward/login?to=/vault/strong"));
    visitor
        .page
        .wait_for_text("requires a device-bound passkey");
    let prove = visitor.page.evaluate("location.pathname + location.search");
    let prove = prove.as_str().expect("a path").to_owned();
    assert!(prove.starts_with("/forward-auth/login?id="), "{prove}");
    let refused = at_host("/.doorward/login?to=/vault/empty");
    let gone = at_host(&format!("/.doorward/callback?code={HANDOFF_CODE}"));
    for (address, says) in [
        (&refused, "You don't have access"),
        (&gone, "Sign-in expired"),
    ] {
        visitor.page.goto(address);
        visitor.page.wait_for_text(says);
    }
    let pages = [
        ("door-prove-again".to_owned(), prove),
        ("door-refused".into(), refused),
        ("door-gone".into(), gone),
        ("door-logout".into(), at_host("/.doorward/logout")),
    ];
    assert_pages_fit_every_screen(&visitor, server, &pages);
    // The page after the button has no URL of its own.
    for (width, height) in [(320, 640), (1280, 900)] {
        visitor.page.set_viewport(width, height, width < 500);
        visitor.page.goto(&at_host("/.doorward/logout"));
        visitor.page.click_text("Sign out");
        visitor.page.wait_for_text("You've signed out");
        visitor.assert_fits();
    }
    visitor.assert_clean();
}

#[test]
fn every_page_of_a_protected_host_fits_the_screen_embedded() {
    every_page_of_a_protected_host_fits_the_screen(&TestServer::embedded_with(protect));
}

#[test]
fn every_page_of_a_protected_host_fits_the_screen_clustered() {
    every_page_of_a_protected_host_fits_the_screen(&TestServer::clustered_with(protect));
}
