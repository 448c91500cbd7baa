//! Tests of the whole route table.

use super::order::ShadowedRoute;
use super::*;

fn entry(path: &str, id: &str) -> config::Route {
    config::Route {
        host: "shop.example.com".into(),
        path: path.into(),
        methods: vec!["GET".into()],
        action: "view".into(),
        resource: config::RouteResource {
            kind: "order".into(),
            id: id.into(),
        },
        sign_in: true,
        jwt: false,
        cross_origin: false,
    }
}

fn place() -> Origin {
    Origin::parse("https://id.example.com").expect("an origin")
}

fn table(routes: &[config::Route]) -> RouteTable {
    RouteTable::parse(routes, &place()).expect("a table")
}

fn find(table: &RouteTable, method: &str, path: &str) -> Option<String> {
    let host = table.host("shop.example.com").expect("a host").clone();
    let found = table.find(&host, method, &parts(path).expect(path))?;
    Some(found.resource.to_string())
}

#[test]
fn the_first_matching_route_decides() {
    let table = table(&[
        entry("/orders/new", "new"),
        entry("/orders/{id}", "{id}"),
        entry("/orders/{id}", "never"),
    ]);
    assert_eq!(
        find(&table, "GET", "/orders/new").as_deref(),
        Some("order:new")
    );
    assert_eq!(
        find(&table, "GET", "/orders/17").as_deref(),
        Some("order:17")
    );
    assert_eq!(
        find(&table, "HEAD", "/orders/17").as_deref(),
        Some("order:17")
    );
    for (method, path) in [
        ("POST", "/orders/17"),
        ("get", "/orders/17"),
        ("GET", "/"),
        ("GET", "/orders/17/x"),
    ] {
        assert_eq!(find(&table, method, path), None, "{method} {path}");
    }
    assert!(table.host("other.example.com").is_none());
    assert!(table.host("SHOP.example.com").is_none());
    assert!(table.host("shop.example.com:443").is_none());
}

#[test]
fn a_route_hidden_by_wider_ones_is_reported() {
    let with = |path: &str, methods: &[&str]| config::Route {
        methods: methods.iter().map(ToString::to_string).collect(),
        ..entry(path, "x")
    };
    let elsewhere = config::Route {
        host: "wiki.example.com".into(),
        ..with("/orders/new", &[])
    };
    let table = table(&[
        with("/orders/{id}", &["GET"]),
        with("/orders/new", &["HEAD"]),
        with("/orders/new", &["GET", "POST"]),
        with("/orders/{id}", &["POST"]),
        with("/orders/old", &["POST", "GET"]),
        with("/orders/all", &[]),
        elsewhere,
        with("/*", &[]),
        with("/orders/all", &["PUT"]),
        with("/orders/all", &[]),
    ]);
    let shadowed = |route, shadowed_by: &[usize]| ShadowedRoute {
        route,
        shadowed_by: shadowed_by.to_vec(),
    };
    assert_eq!(
        table.shadowed(),
        [
            shadowed(1, &[0]),
            shadowed(4, &[0, 3]),
            shadowed(8, &[5]),
            shadowed(9, &[5]),
        ]
    );
    let told = shadowed(4, &[0, 3]).to_string();
    assert!(
        told.contains("access.route[0] or access.route[3]"),
        "{told}"
    );
}

#[test]
fn doorwards_own_paths_are_never_resources() {
    let table = table(&[entry("/*", "all"), entry("/.doorward/{id}", "{id}")]);
    assert_eq!(find(&table, "GET", "/x").as_deref(), Some("order:all"));
    assert_eq!(find(&table, "GET", "/.doorward/login"), None);
    assert_eq!(find(&table, "GET", "/.doorward"), None);
}

#[test]
fn captured_values_must_form_a_valid_resource_name() {
    let table = table(&[entry("/f/{path...}", "{path}")]);
    assert_eq!(find(&table, "GET", "/f/a/b").as_deref(), Some("order:a/b"));
    assert_eq!(find(&table, "GET", "/f/"), None);
    assert_eq!(
        find(&table, "GET", &format!("/f/{}", "a".repeat(257))),
        None
    );
}

#[test]
fn every_error_is_reported_with_its_position() {
    let bad = config::Route {
        host: "Shop".into(),
        path: "orders".into(),
        methods: vec!["get".into()],
        action: String::new(),
        resource: config::RouteResource {
            kind: "User".into(),
            id: "{x}".into(),
        },
        sign_in: true,
        jwt: false,
        cross_origin: false,
    };
    let routes = [entry("/", "one"), bad, entry("/{a}", "{b}")];
    let ConfigError(faults) = RouteTable::parse(&routes, &place()).expect_err("faults");
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "access.route[1].host",
            "access.route[1].methods",
            "access.route[1].action",
            "access.route[1].path",
            "access.route[1].resource.type",
            "access.route[2].resource.id",
        ]
    );
}

proptest::proptest! {
    /// Two paths that match a route with a capture have the same resource only if they are equal.
    #[test]
    fn different_paths_never_name_one_resource(first in "[a-z0-9.%A-F]{1,8}", second in "[a-z0-9.%A-F]{1,8}") {
        let table = table(&[entry("/orders/{id}", "{id}")]);
        let host = table.host("shop.example.com").expect("a host").clone();
        let find = |id: &str| {
            let path = format!("/orders/{id}");
            let parts = parts(&path).ok()?;
            table.find(&host, "GET", &parts)
        };
        if let (Some(one), Some(other)) = (find(&first), find(&second)) {
            proptest::prop_assert_eq!(first == second, one.resource == other.resource);
        }
    }
}
