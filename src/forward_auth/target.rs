//! The address that a browser requested: a protected host, and a path with its query in normal form.

use std::borrow::Cow;

use super::routes::{AppHost, MAX_LEN, PathFault, RouteTable, parts};

/// An address at a protected host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: AppHost,
    path_and_query: String,
}

/// Why an address is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    /// The address is malformed or not in normal form; the text is the reason for the log.
    #[error("{0}")]
    Malformed(&'static str),
    #[error("unknown-host")]
    UnknownHost,
}

impl From<PathFault> for TargetFault {
    fn from(fault: PathFault) -> Self {
        Self::Malformed(fault.0)
    }
}

impl Target {
    /// Parses an absolute address, `https://shop.example.com/orders/17?x=y`.
    pub fn of_url(url: &str, table: &RouteTable) -> Result<Self, TargetFault> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or(TargetFault::Malformed("not-absolute"))?;
        let end = rest.find('/').ok_or(TargetFault::Malformed("no-path"))?;
        let (authority, path_and_query) = rest
            .split_at_checked(end)
            .ok_or(TargetFault::Malformed("no-path"))?;
        let host = table.host(authority).ok_or(TargetFault::UnknownHost)?;
        check_scheme(host, scheme)?;
        Self::at(host, path_and_query)
    }

    /// Parses path and query at a host.
    pub fn at(host: &AppHost, path_and_query: &str) -> Result<Self, TargetFault> {
        if path_and_query.len() > MAX_LEN {
            return Err(TargetFault::Malformed("too-long"));
        }
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, query),
            None => (path_and_query, ""),
        };
        parts(path)?;
        // The query is passed on unchanged. A fragment is never sent by browsers.
        if !query
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return Err(TargetFault::Malformed("query"));
        }
        Ok(Self {
            host: host.clone(),
            path_and_query: path_and_query.to_owned(),
        })
    }

    /// Path and query as they were requested.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The decoded segments of the path.
    pub(super) fn parts(&self) -> Vec<Cow<'_, str>> {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        // Can't fail: the path was parsed when the target was created.
        parts(path).unwrap_or_default()
    }
}

/// Checks that the scheme is that of the host; `wss` and `ws` count as `https` and `http`.
pub(super) fn check_scheme(host: &AppHost, scheme: &str) -> Result<(), TargetFault> {
    let is_own = match scheme {
        "https" | "wss" => host.is_https(),
        "http" | "ws" => !host.is_https(),
        _ => false,
    };
    is_own.then_some(()).ok_or(TargetFault::Malformed("scheme"))
}
