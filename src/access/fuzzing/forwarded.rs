//! What strangers send through proxies, read as forward-auth reads it, without any store: for the fuzz targets (`fuzz/`) alone.
//! Panics when something that this room promises does not hold.

use url::Url;

use super::super::forward_auth::{Asked, Dialect, Forwarded};
use super::super::routes::{RouteTable, parts};
use crate::base::config::{Origin, Route, RouteResource};

/// A table of routes of every shape.
pub struct Routes(RouteTable);

impl Routes {
    /// Makes it; `None` where it could not be configured.
    pub fn make() -> Option<Self> {
        let route = |path: &str, id: &str| Route {
            host: "shop.example.com".into(),
            path: path.into(),
            methods: Vec::new(),
            action: "view".into(),
            resource: RouteResource {
                kind: "order".into(),
                id: id.into(),
            },
            sign_in: true,
            jwt: false,
            cross_origin: false,
        };
        let routes = [
            route("/orders/{id}", "{id}"),
            route("/{shop}/orders/{id}", "{shop}/{id}"),
            route("/files/{path...}", "{path}"),
            route("/static/*", "static"),
        ];
        let place = Origin::parse("https://id.example.com").ok()?;
        RouteTable::parse(&routes, &place).ok().map(Self)
    }

    /// The headers of a request, one in each line: `X-Original-URL`, `X-Original-Method`, `X-Forwarded-Method`, `-Proto`, `-Host`,
    /// `-Uri`; an empty one is not sent.
    pub fn read_forwarded(&self, text: &str) {
        let mut lines = text
            .split('\n')
            .map(Some)
            .map(|line| line.filter(|line| !line.is_empty()));
        let mut next = || lines.next().flatten();
        let forwarded = Forwarded {
            original_url: next(),
            original_method: next(),
            method: next(),
            proto: next(),
            host: next(),
            uri: next(),
        };
        if let Ok(asked) = forwarded.read(&self.0) {
            self.check(&asked);
        }
    }

    /// What was read has one reading.
    fn check(&self, asked: &Asked) {
        let host = &asked.target.host;
        let path_and_query = asked.target.path_and_query();
        let path = path_and_query.split('?').next().unwrap_or_default();
        // 1. Browsers, and whoever reads addresses as they do, understand the same by it.
        let address = host.with_path(path_and_query);
        let url = Url::parse(&address);
        assert!(
            url.is_ok_and(|url| url.path() == path && url.host_str() == Some("shop.example.com")),
            "read in two ways"
        );
        assert!(
            !path.starts_with("//") && path.starts_with('/'),
            "another place"
        );
        // 2. Told in the other dialect it is the same request.
        let url = host.with_path(path_and_query);
        let other = match asked.dialect {
            Dialect::Original => Forwarded {
                method: Some(&asked.method),
                proto: Some(host.scheme()),
                host: Some(host.authority()),
                uri: Some(path_and_query),
                ..Forwarded::default()
            },
            Dialect::Forwarded | Dialect::Own => Forwarded {
                original_url: Some(&url),
                original_method: Some(&asked.method),
                ..Forwarded::default()
            },
        };
        let other = other.read(&self.0);
        assert!(
            other.is_ok_and(|other| other.target == asked.target && other.method == asked.method),
            "the other dialect differs"
        );
        // 3. The thing's id holds nothing that the path did not.
        let Ok(parts) = parts(path) else {
            return;
        };
        if let Some(found) = self.0.find(host, &asked.method, &parts) {
            let id = found.resource.id.as_str();
            assert!(!id.chars().any(char::is_control), "a control character");
            assert!(
                id == "static"
                    || id
                        .split('/')
                        .all(|piece| parts.iter().any(|part| part == piece)),
                "another thing"
            );
        }
    }
}
