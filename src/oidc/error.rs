//! OAuth and OpenID Connect errors: the code, and a description for the developer of the client.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::ids::ClientId;
use crate::base::text_folding::is_unprintable;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// An OAuth or OpenID Connect error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $variant,)+ }

        impl ErrorCode {
            /// Returns the code as it is sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// A parameter is missing or invalid (RFC 6749 §4.1.2.1, §5.2).
    InvalidRequest = "invalid_request",
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient = "invalid_client",
    /// The code or refresh token is invalid, expired or revoked (RFC 6749 §5.2).
    InvalidGrant = "invalid_grant",
    /// The client is not registered for this grant type (RFC 6749 §4.1.2.1, §5.2).
    UnauthorizedClient = "unauthorized_client",
    /// The grant type is not supported (RFC 6749 §5.2).
    UnsupportedGrantType = "unsupported_grant_type",
    /// The response type is not supported (RFC 6749 §4.1.2.1).
    UnsupportedResponseType = "unsupported_response_type",
    /// A scope is malformed, or exceeds what may be granted (RFC 6749 §4.1.2.1, §5.2).
    InvalidScope = "invalid_scope",
    /// The user or the server denied the request (RFC 6749 §4.1.2.1).
    AccessDenied = "access_denied",
    /// An unexpected error of the server (RFC 6749 §4.1.2.1).
    ServerError = "server_error",
    /// A store is unavailable, or a change is not yet in force (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable",
    /// A resource can't be requested (RFC 8707 §2).
    InvalidTarget = "invalid_target",
    /// The user must sign in (OpenID Connect Core §3.1.2.6).
    LoginRequired = "login_required",
    /// The user must consent (OpenID Connect Core §3.1.2.6).
    ConsentRequired = "consent_required",
    /// The user must select an account (OpenID Connect Core §3.1.2.6).
    AccountSelectionRequired = "account_selection_required",
    /// The parameter `request` is not supported (OpenID Connect Core §3.1.2.6).
    RequestNotSupported = "request_not_supported",
    /// The parameter `request_uri` is not supported (OpenID Connect Core §3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported",
    /// The parameter `registration` is not supported (OpenID Connect Core §3.1.2.6).
    RegistrationNotSupported = "registration_not_supported",
    /// No passkey of the user is strong enough (OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0).
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// The access token is missing, invalid, expired or revoked (RFC 6750 §3.1).
    InvalidToken = "invalid_token",
    /// The access token lacks a scope (RFC 6750 §3.1).
    InsufficientScope = "insufficient_scope",
    /// Tokens of this type can't be revoked (RFC 7009 §2.2.1).
    UnsupportedTokenType = "unsupported_token_type",
}

/// A refused request: the error code, and what the developer of the client can do about it. The description is ASCII without
/// quotes and backslashes (RFC 6749 §4.1.2.1), and never repeats values from requests that anyone can send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// The error code.
    pub code: ErrorCode,
    /// What is wrong and what to do (`error_description`).
    pub description: String,
    /// The rule and the values that led to the refusal, for the log and for the developer who connects the client.
    #[serde(skip)]
    pub details: Option<Box<RefusalDetails>>,
}

/// The rule and the values that led to a refusal. May repeat what was sent, but never a code, a token or a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalDetails {
    /// Reason code of the rule.
    pub rule: String,
    /// The value that the client sent.
    pub presented: Option<String>,
    /// The values that are registered.
    pub registered: Option<String>,
    /// The command that changes the registration so that the request is allowed.
    pub remedy: Option<String>,
}

/// Maximum length of `presented` and `registered`, in characters.
const MAX_DETAIL_LEN: usize = 300;

impl OAuthError {
    /// Creates a refusal. Characters that a description must not contain are removed.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let description: String = description.into();
        Self {
            code,
            description: description
                .chars()
                .filter(|letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\'))
                .collect(),
            details: None,
        }
    }

    /// Adds the rule, the value that was sent, and the registered values.
    #[must_use]
    pub fn with_rule(mut self, rule: &str, presented: &str, registered: &str) -> Self {
        let truncated_detail = |text: &str| {
            let printable = text.chars().filter(|letter| !is_unprintable(*letter));
            Some(printable.take(MAX_DETAIL_LEN).collect::<String>()).filter(|text| !text.is_empty())
        };
        self.details = Some(Box::new(RefusalDetails {
            rule: rule.to_owned(),
            presented: truncated_detail(presented),
            registered: truncated_detail(registered),
            remedy: None,
        }));
        self
    }

    /// Adds the command that allows the request, also to the description. The command may contain values that an authenticated
    /// client sent, quoted by `shell_word`; never values from requests that anyone can send.
    #[must_use]
    pub fn with_remedy(mut self, command: String) -> Self {
        let told = Self::new(
            self.code,
            format!("{}. To allow it: {command}", self.description),
        );
        self.description = told.description;
        if let Some(details) = &mut self.details {
            details.remedy = Some(command);
        }
        self
    }

    /// Writes the refusal to the log.
    pub fn log(&self, client: Option<ClientId>) {
        let details = self.details.as_deref();
        tracing::info!(
            client_id = client.map(tracing::field::display),
            reason = self.code.as_str(),
            rule = details.map(|details| details.rule.as_str()),
            presented = details.and_then(|details| details.presented.as_deref()),
            registered = details.and_then(|details| details.registered.as_deref()),
            detail = %self.description,
            "refused"
        );
    }

    /// Creates an `invalid_request` error.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// Creates an `invalid_grant` error: a code or refresh token is not, or no longer, valid.
    pub fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }
}

/// Quotes a URI or a scope as one shell word. Returns `None` for a value that is too long, does not start with a letter or digit,
/// or contains characters that URIs don't have (RFC 3986 §2).
pub(super) fn shell_word(value: &str) -> Option<String> {
    // The apostrophe is excluded, because it would end the word.
    let is_literal =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte);
    let is_word = (1..=MAX_DETAIL_LEN).contains(&value.len())
        && value.bytes().all(is_literal)
        && value.starts_with(|first: char| first.is_ascii_alphanumeric());
    is_word.then(|| format!("'{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_commands_contain_only_single_shell_words() {
        let word = |value: &str| shell_word(value);
        let uri = "https://app.example/cb?a=1&b=$x;(y)";
        assert_eq!(word(uri), Some(format!("'{uri}'")));
        let long = format!("https://app.example/{}", "x".repeat(300));
        for bad in [
            "",
            "--no-pkce",
            "https://app.example/'; rm -rf ~; '",
            "https://app.example/ --no-consent",
            "https://app.example/\n",
            "https://app.example/`id`",
            "https://app.example/\"",
            "https://app.example/\\",
            "https://app.example/\u{202e}",
            &long,
        ] {
            assert_eq!(word(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_description_is_plain_ascii() {
        let refusal = OAuthError::invalid_request("a\"b\\c\r\nd\tä <x>");
        assert_eq!(refusal.description, "abcd <x>");
    }
}
