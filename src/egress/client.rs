//! The HTTP client: each call uses a new connection and reads one response.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use url::form_urlencoded;

use super::destination_rules::{Rules, Scheme};
use super::failure::EgressError;
use super::resolver::Resolver;
use super::trust;
use crate::base::config;

/// How much of a response's body is read, so that the server can finish sending; the rest is not waited for.
const MAX_DISCARDED_BYTES: usize = 64 * 1024;

/// Sends outgoing requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Egress {
    rules: Rules,
    http: Client,
    https: Client,
}

impl Egress {
    /// Creates the client from the section `[egress]`.
    pub fn new(config: &config::Egress) -> Result<Self, EgressError> {
        let rules = Rules::new(&config.allowed_networks);
        let trust = trust::client_config(config.extra_ca_file.as_deref())?;
        let client = |scheme| {
            let resolver = Resolver::new(rules.clone(), scheme);
            build(resolver, trust.clone(), config.timeout)
        };
        Ok(Self {
            http: client(Scheme::Http)?,
            https: client(Scheme::Https)?,
            rules,
        })
    }

    /// Sends a form (`application/x-www-form-urlencoded`) by POST and returns the status of the response, also of a redirect.
    pub async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<u16, EgressError> {
        let (url, scheme) = self.rules.check(url)?;
        let client = match scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let response = request
            .send()
            .await
            .map_err(|error| EgressError::of_call(&error))?;
        let status = response.status().as_u16();
        discard_body(response).await;
        Ok(status)
    }
}

fn build(
    resolver: Resolver,
    trust: ClientConfig,
    timeout: Duration,
) -> Result<Client, EgressError> {
    Client::builder()
        .tls_backend_preconfigured(trust)
        .dns_resolver(resolver)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .http1_only()
        .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout)
        .timeout(timeout)
        // An address is checked for one call; a reused connection would outlive the check.
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never())
        .build()
        .map_err(|error| EgressError::Client(error.to_string()))
}

/// Discards the body. Only the status counts, so a body that breaks off, trickles or never ends is no error.
async fn discard_body(mut response: Response) {
    let mut read = 0;
    while read < MAX_DISCARDED_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
}
