//! Reads the request that a proxy forwards, in any of the supported protocols. Conflicting headers are rejected.

use super::routes::{AppHost, RouteTable, is_method};
use super::target::{Target, TargetFault, check_scheme};

/// The headers that describe the forwarded request, each with at most one value.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForwardedHeaders<'r> {
    /// `X-Original-URL`, as documented for nginx.
    pub original_url: Option<&'r str>,
    /// `X-Original-Method`.
    pub original_method: Option<&'r str>,
    /// `X-Forwarded-Method`, as sent by Caddy and Traefik.
    pub method: Option<&'r str>,
    /// `X-Forwarded-Proto`.
    pub proto: Option<&'r str>,
    /// `X-Forwarded-Host`.
    pub host: Option<&'r str>,
    /// `X-Forwarded-Uri`.
    pub uri: Option<&'r str>,
}

/// The proxy's protocol, which determines the possible responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// nginx: accepts 401, but not a redirect.
    XOriginal,
    /// Caddy and Traefik: every response other than 2xx is returned to the browser.
    XForwarded,
    /// Envoy: sends the request itself; every response other than 200 is returned to the browser.
    ExtAuthz,
}

/// The forwarded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedRequest {
    /// Protocol in which it was forwarded.
    pub protocol: ProxyProtocol,
    /// Method of the request.
    pub method: String,
    /// Host, path and query of the request.
    pub target: Target,
}

/// Why the forwarded request can't be determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardedRequestError {
    #[error("missing-{0}")]
    Missing(&'static str),
    #[error("conflicting-{0}")]
    Conflict(&'static str),
    #[error("method")]
    Method,
    /// The address is invalid, or no route protects its host.
    #[error(transparent)]
    Target(#[from] TargetFault),
}

impl ForwardedHeaders<'_> {
    /// Reads a request from nginx, Caddy or Traefik.
    pub fn read(&self, table: &RouteTable) -> Result<ForwardedRequest, ForwardedRequestError> {
        let forwarded_request = match (self.original_url, self.original_method) {
            (None, None) => self.read_forwarded_headers(table)?,
            (url, method) => {
                let url = url.ok_or(ForwardedRequestError::Missing("x-original-url"))?;
                let method = method.ok_or(ForwardedRequestError::Missing("x-original-method"))?;
                let forwarded_request = ForwardedRequest {
                    protocol: ProxyProtocol::XOriginal,
                    method: method.to_owned(),
                    target: Target::of_url(url, table)?,
                };
                self.check_consistent(
                    &forwarded_request.target.host,
                    Some(&forwarded_request.method),
                    Some(&forwarded_request.target),
                )?;
                forwarded_request
            }
        };
        if !is_method(&forwarded_request.method) {
            return Err(ForwardedRequestError::Method);
        }
        Ok(forwarded_request)
    }

    fn read_forwarded_headers(
        &self,
        table: &RouteTable,
    ) -> Result<ForwardedRequest, ForwardedRequestError> {
        let missing = ForwardedRequestError::Missing;
        let method = self.method.ok_or(missing("x-forwarded-method"))?;
        let proto = self.proto.ok_or(missing("x-forwarded-proto"))?;
        let host = self.host.ok_or(missing("x-forwarded-host"))?;
        let uri = self.uri.ok_or(missing("x-forwarded-uri"))?;
        let host = table.host(host).ok_or(TargetFault::UnknownHost)?;
        check_scheme(host, proto)?;
        Ok(ForwardedRequest {
            protocol: ProxyProtocol::XForwarded,
            method: method.to_owned(),
            target: Target::at(host, uri)?,
        })
    }

    /// Reads a request from Envoy, which sends the request's own method, host and path.
    pub fn read_ext_authz(
        &self,
        table: &RouteTable,
        method: &str,
        host: &str,
        path_and_query: &str,
    ) -> Result<ForwardedRequest, ForwardedRequestError> {
        let host = table.host(host).ok_or(TargetFault::UnknownHost)?;
        let target = Target::at(host, path_and_query)?;
        if !is_method(method) {
            return Err(ForwardedRequestError::Method);
        }
        if let Some(url) = self.original_url
            && Target::of_url(url, table)? != target
        {
            return Err(ForwardedRequestError::Conflict("x-original-url"));
        }
        if self.original_method.is_some_and(|other| other != method) {
            return Err(ForwardedRequestError::Conflict("x-original-method"));
        }
        self.check_consistent(host, Some(method), Some(&target))?;
        Ok(ForwardedRequest {
            protocol: ProxyProtocol::ExtAuthz,
            method: method.to_owned(),
            target,
        })
    }

    /// Checks that all other forwarded headers describe the same request.
    pub fn check_consistent(
        &self,
        host: &AppHost,
        method: Option<&str>,
        target: Option<&Target>,
    ) -> Result<(), ForwardedRequestError> {
        if let Some(proto) = self.proto {
            check_scheme(host, proto)
                .map_err(|_| ForwardedRequestError::Conflict("x-forwarded-proto"))?;
        }
        if self.host.is_some_and(|other| other != host.authority()) {
            return Err(ForwardedRequestError::Conflict("x-forwarded-host"));
        }
        if let (Some(method), Some(other)) = (method, self.method)
            && method != other
        {
            return Err(ForwardedRequestError::Conflict("x-forwarded-method"));
        }
        if let (Some(target), Some(other)) = (target, self.uri)
            && target.path_and_query() != other
        {
            return Err(ForwardedRequestError::Conflict("x-forwarded-uri"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::{Origin, Route, RouteResource};

    fn table() -> RouteTable {
        let route = Route {
            host: "shop.example.com".into(),
            path: "/*".into(),
            methods: Vec::new(),
            action: "view".into(),
            resource: RouteResource {
                kind: "shop".into(),
                id: "it".into(),
            },
            sign_in: true,
            jwt: false,
            cross_origin: false,
        };
        let place = Origin::parse("https://id.example.com").expect("an origin");
        RouteTable::parse(&[route], &place).expect("a table")
    }

    const NGINX: ForwardedHeaders<'_> = ForwardedHeaders {
        original_url: Some("https://shop.example.com/a?b=c"),
        original_method: Some("POST"),
        method: None,
        proto: None,
        host: None,
        uri: None,
    };
    const TRAEFIK: ForwardedHeaders<'_> = ForwardedHeaders {
        original_url: None,
        original_method: None,
        method: Some("POST"),
        proto: Some("https"),
        host: Some("shop.example.com"),
        uri: Some("/a?b=c"),
    };

    #[test]
    fn both_header_conventions_yield_the_same_request() {
        let (one, other) = (NGINX.read(&table()), TRAEFIK.read(&table()));
        let (one, other) = (one.expect("a request"), other.expect("a request"));
        assert_eq!(
            (one.protocol, other.protocol),
            (ProxyProtocol::XOriginal, ProxyProtocol::XForwarded)
        );
        assert_eq!((&one.method, &one.target), (&other.method, &other.target));
        let both = ForwardedHeaders {
            original_url: NGINX.original_url,
            original_method: NGINX.original_method,
            ..TRAEFIK
        };
        assert_eq!(both.read(&table()), Ok(one));
        let own = ForwardedHeaders::default().read_ext_authz(
            &table(),
            "POST",
            "shop.example.com",
            "/a?b=c",
        );
        assert_eq!(own.expect("a request").target, other.target);
    }

    #[test]
    fn conflicting_forwarded_headers_are_refused() {
        let nginx = |change: fn(&mut ForwardedHeaders<'_>)| {
            let mut forwarded = NGINX;
            change(&mut forwarded);
            forwarded.read(&table()).expect_err("a conflict")
        };
        assert_eq!(
            nginx(|f| f.uri = Some("/a")),
            ForwardedRequestError::Conflict("x-forwarded-uri")
        );
        assert_eq!(
            nginx(|f| f.method = Some("GET")),
            ForwardedRequestError::Conflict("x-forwarded-method")
        );
        assert_eq!(
            nginx(|f| f.host = Some("other.example.com")),
            ForwardedRequestError::Conflict("x-forwarded-host")
        );
        assert_eq!(
            nginx(|f| f.proto = Some("http")),
            ForwardedRequestError::Conflict("x-forwarded-proto")
        );
        assert_eq!(
            nginx(|f| f.original_method = None),
            ForwardedRequestError::Missing("x-original-method")
        );
        assert_eq!(
            nginx(|f| f.original_url = None),
            ForwardedRequestError::Missing("x-original-url")
        );
        let own = |forwarded: ForwardedHeaders<'_>| {
            forwarded
                .read_ext_authz(&table(), "GET", "shop.example.com", "/a?b=c")
                .expect_err("a conflict")
        };
        assert_eq!(
            own(TRAEFIK),
            ForwardedRequestError::Conflict("x-forwarded-method")
        );
        assert_eq!(
            own(NGINX),
            ForwardedRequestError::Conflict("x-original-method")
        );
    }

    #[test]
    fn missing_and_malformed_headers_are_refused() {
        let traefik = |change: fn(&mut ForwardedHeaders<'_>)| {
            let mut forwarded = TRAEFIK;
            change(&mut forwarded);
            forwarded.read(&table()).expect_err("a fault")
        };
        assert_eq!(
            traefik(|f| f.method = None),
            ForwardedRequestError::Missing("x-forwarded-method")
        );
        assert_eq!(
            traefik(|f| f.uri = None),
            ForwardedRequestError::Missing("x-forwarded-uri")
        );
        assert_eq!(
            traefik(|f| f.host = None),
            ForwardedRequestError::Missing("x-forwarded-host")
        );
        assert_eq!(
            traefik(|f| f.proto = None),
            ForwardedRequestError::Missing("x-forwarded-proto")
        );
        assert_eq!(
            traefik(|f| f.method = Some("get")),
            ForwardedRequestError::Method
        );
        for host in [
            "SHOP.example.com",
            "shop.example.com:443",
            "shop.example.com.",
            "x@shop.example.com",
            "",
            "a, shop.example.com",
        ] {
            let forwarded = ForwardedHeaders {
                host: Some(host),
                ..TRAEFIK
            };
            assert_eq!(
                forwarded.read(&table()),
                Err(TargetFault::UnknownHost.into()),
                "{host}"
            );
        }
        for proto in ["http", "ftp", "https,https", "HTTPS", ""] {
            let forwarded = ForwardedHeaders {
                proto: Some(proto),
                ..TRAEFIK
            };
            assert_eq!(
                forwarded.read(&table()),
                Err(TargetFault::Malformed("scheme").into()),
                "{proto}"
            );
        }
        for uri in [
            "",
            "a",
            "//a",
            "/\\a",
            "/a/../b",
            "https://shop.example.com/a",
            "/a#b",
            "/a?b#c",
            "/a?b c",
            "/a?ä",
            "*",
        ] {
            let forwarded = ForwardedHeaders {
                uri: Some(uri),
                ..TRAEFIK
            };
            assert!(forwarded.read(&table()).is_err(), "{uri}");
        }
        for url in [
            "https://shop.example.com",
            "https:/shop.example.com/",
            "//shop.example.com/",
            "https://u:p@shop.example.com/",
            "http://shop.example.com/",
        ] {
            let forwarded = ForwardedHeaders {
                original_url: Some(url),
                ..NGINX
            };
            assert!(forwarded.read(&table()).is_err(), "{url}");
        }
        let socket = ForwardedHeaders {
            proto: Some("wss"),
            ..TRAEFIK
        };
        assert!(socket.read(&table()).is_ok());
    }
}
