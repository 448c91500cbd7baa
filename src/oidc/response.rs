//! Authorization responses and where they are sent (RFC 6749 §4.1.2; Form Post Response Mode; RFC 9207).

use url::form_urlencoded::Serializer;

use super::error::OAuthError;
use super::request::{ResponseMode, ResponseTarget};
use crate::base::secrets::Token;

/// An authorization response, and where the browser sends it.
#[derive(Clone)]
pub struct AuthorizationResponse {
    /// Redirect URI of the client.
    pub redirect_uri: String,
    /// How the response is sent there.
    pub response_mode: ResponseMode,
    /// Parameters of the response, by name.
    pub fields: Vec<(&'static str, String)>,
}

impl AuthorizationResponse {
    /// Creates the response to a request: the code or the error, the `state` of the request, and the issuer (RFC 9207 §2).
    pub fn new(to: &ResponseTarget, outcome: Result<Token, OAuthError>, issuer: &str) -> Self {
        let mut fields = match outcome {
            Ok(code) => vec![("code", code.expose().to_owned())],
            Err(refusal) => vec![
                ("error", refusal.code.as_str().to_owned()),
                ("error_description", refusal.description),
            ],
        };
        if let Some(state) = &to.state {
            fields.push(("state", state.clone()));
        }
        fields.push(("iss", issuer.to_owned()));
        Self {
            redirect_uri: to.redirect_uri.clone(),
            response_mode: to.response_mode,
            fields,
        }
    }

    /// Returns the redirect URI with the parameters in its query, or in its fragment if the app requested that.
    pub fn address(&self) -> String {
        let fields: Vec<(&str, &str)> = self
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        match self.response_mode {
            // A registered redirect URI has no fragment.
            ResponseMode::Fragment => format!("{}#{}", self.redirect_uri, encode(&fields)),
            ResponseMode::Query | ResponseMode::FormPost => with_query(&self.redirect_uri, &fields),
        }
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let mut encoded = Serializer::new(String::new());
    encoded.extend_pairs(fields);
    encoded.finish()
}

/// Adds parameters to the query of an address, which otherwise stays as it is (RFC 6749 §3.1.2: a registered query is retained).
pub(super) fn with_query(address: &str, fields: &[(&str, &str)]) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}", encode(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_query_is_kept() {
        let address = with_query(
            "https://app.example/cb?tenant=1",
            &[("state", "a b&c=d\"<")],
        );
        assert_eq!(
            address,
            "https://app.example/cb?tenant=1&state=a+b%26c%3Dd%22%3C"
        );
        assert_eq!(
            with_query("com.example:/cb", &[("x", "1")]),
            "com.example:/cb?x=1"
        );
    }
}
