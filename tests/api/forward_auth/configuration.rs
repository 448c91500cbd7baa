//! Invalid routes: each mistake is reported with its position, and the service doesn't start.

use doorward::base::config::Config;

use crate::support::binary::{self, CommandOutput};

fn check(routes: &str) -> CommandOutput {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("doorward.toml");
    std::fs::write(&file, routes).expect("a file");
    let config = Config::load(None).expect("the defaults");
    let mut command = binary::command(&config);
    command.arg("--config").arg(&file).args(["config", "check"]);
    binary::finish(&mut command)
}

#[test]
fn every_syntax_error_is_reported_with_its_position() {
    let ran = check(
        r#"
        [[access.route]]
        host = "shop.example.com"
        path = "/"
        action = "view"
        resource = { type = "page", id = "home", colour = "red" }
        [[access.route]]
        host = 7
        methods = "GET"
        sign_in = "yes"
        resource = "order"
        colour = "red"
        "#,
    );
    assert_eq!(ran.code, 6, "{}", ran.errors);
    for key in [
        "route[0].resource",
        "route[1].path",
        "route[1].action",
        "route[1].methods",
        "route[1].sign_in",
        "route[1].resource",
        "route[1].colour",
    ] {
        assert!(
            ran.errors.contains(&format!("access.{key}:")),
            "{key}: {}",
            ran.errors
        );
    }
    let ran = check("[access]\nroute = \"/\"");
    assert!(
        ran.code == 6 && ran.errors.contains("access.route:"),
        "{}",
        ran.errors
    );
}

#[test]
fn every_semantic_error_is_reported_with_its_position() {
    let ran = check(
        r#"
        [[access.route]]
        host = "Shop.example.com"
        path = "/{id"
        methods = ["get"]
        action = "view"
        resource = { type = "User", id = "{id}" }
        [[access.route]]
        host = "shop.example.com"
        path = "/{id}"
        action = "view"
        resource = { type = "order", id = "{other}" }
        "#,
    );
    assert_eq!(ran.code, 6, "{}", ran.errors);
    for key in [
        "route[0].host",
        "route[0].path",
        "route[0].methods",
        "route[0].resource.type",
        "route[1].resource.id",
    ] {
        assert!(
            ran.errors.contains(&format!("access.{key}:")),
            "{key}: {}",
            ran.errors
        );
    }
}

#[test]
fn the_guides_routes_are_valid() {
    let routes = include_str!("../../proxies/routes.toml");
    let ran = check(routes);
    assert_eq!(ran.code, 0, "{}", ran.errors);
}

#[test]
fn an_unreachable_route_causes_a_warning_and_is_still_loaded() {
    let route = |path: &str| {
        format!(
            "[[access.route]]\nhost = \"shop.example.com\"\npath = \"{path}\"\naction = \"view\"\nresource = {{ type = \"page\", id = \"x\" }}\n"
        )
    };
    let ran = check(&[route("/*"), route("/orders/{id}")].concat());
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(
        ran.errors
            .contains("access.route[1]: no request reaches it"),
        "{}",
        ran.errors
    );
    assert!(ran.output.contains("is valid"), "{}", ran.output);
    let ran = check(&[route("/orders/{id}"), route("/*")].concat());
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
}
