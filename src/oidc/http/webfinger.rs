//! `/.well-known/webfinger` (RFC 7033): names the OpenID provider of an account. The response is the same for every account of a
//! domain, so it does not reveal which accounts exist.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde_json::json;
use url::form_urlencoded;

use crate::base::config::Server;
use crate::web::Problem;

const PATH: &str = "/.well-known/webfinger";
/// Link relation of an OpenID provider (OpenID Connect Discovery §2).
const ISSUER: &str = "http://openid.net/specs/connect/1.0/issuer";
/// Maximum length of `resource`, in bytes.
const MAX_RESOURCE: usize = 2_048;

/// The domains whose accounts sign in at this issuer.
#[derive(Clone, Debug)]
pub struct WebFinger {
    issuer: String,
    /// Hosts in lower case; the issuer's host also with its port.
    hosts: Vec<String>,
}

impl WebFinger {
    /// Accepts the host of the public URL, and the further domains that the configuration names.
    pub fn new(server: &Server) -> Self {
        let url = &server.public_url;
        let own = [url.host().to_owned(), url.authority().to_owned()];
        Self {
            issuer: url.as_str().to_owned(),
            hosts: own
                .into_iter()
                .chain(server.webfinger_domains.clone())
                .collect(),
        }
    }

    /// Whether the accounts of a host sign in at this issuer.
    fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.hosts.contains(&host)
    }
}

crate::web::routes! {
    PATH => get read_webfinger;
}

async fn read_webfinger(request: HttpRequest, finger: web::Data<WebFinger>) -> HttpResponse {
    let mut answer = match find(&finger, request.query_string()) {
        Ok(answer) => answer,
        Err(problem) => problem.error_response(),
    };
    // RFC 7033 §5: scripts of every origin may read it.
    answer.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::HeaderValue::from_static("*"),
    );
    answer
}

fn find(finger: &WebFinger, query: &str) -> Result<HttpResponse, Problem> {
    let refused = |reason: &str| Problem::invalid_parameter("resource", reason);
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let mut resources = pairs().filter(|(name, _)| name == "resource");
    let (Some((_, resource)), None) = (resources.next(), resources.next()) else {
        return Err(refused("send it once"));
    };
    if resource.len() > MAX_RESOURCE {
        return Err(refused("must have at most 2048 bytes"));
    }
    let host = host_of(&resource).ok_or_else(|| refused("must be acct:user@host or a URL"))?;
    if !finger.knows(host) {
        return Err(Problem::not_found());
    }
    // §4.3: with `rel`, only the requested relations are returned.
    let mut asked = pairs().filter(|(name, _)| name == "rel").peekable();
    let is_wanted = asked.peek().is_none() || asked.any(|(_, rel)| rel == ISSUER);
    let links = if is_wanted {
        json!([{ "rel": ISSUER, "href": finger.issuer }])
    } else {
        json!([])
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type("application/jrd+json")
        .body(json!({ "subject": resource, "links": links }).to_string()))
}

/// Returns the host of an account (`acct:user@host`, RFC 7565) or of a web address; `None` for anything else.
fn host_of(resource: &str) -> Option<&str> {
    if let Some(account) = resource.strip_prefix("acct:") {
        let (user, host) = account.rsplit_once('@')?;
        let is_account = !user.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#']);
        return is_account.then_some(host);
    }
    let rest = resource
        .strip_prefix("https://")
        .or_else(|| resource.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty() && !host.contains('@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_or_url_has_a_host() {
        for (resource, host) in [
            ("acct:ada@example.com", Some("example.com")),
            ("acct:ada%40corp.example@example.com", Some("example.com")),
            ("acct:ada@example.com:8080", Some("example.com:8080")),
            ("https://example.com/ada", Some("example.com")),
            ("http://localhost:8080", Some("localhost:8080")),
            ("https://example.com?x#y", Some("example.com")),
            ("acct:example.com", None),
            ("acct:@example.com", None),
            ("acct:ada@", None),
            ("acct:ada@example.com/x", None),
            ("https://evil.example@example.com/", None),
            ("https:///x", None),
            ("mailto:ada@example.com", None),
            ("ada@example.com", None),
            ("", None),
        ] {
            assert_eq!(host_of(resource), host, "{resource}");
        }
    }
}
