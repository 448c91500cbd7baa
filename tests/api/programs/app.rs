//! What a program that signs users in sends to the endpoints, and what it reads.

use super::verify::{Accepts, RS256};
use super::visit::Visit;
use crate::support::relying_party::Issued;

/// What a program sends and reads while it signs a user in.
pub struct App {
    /// Where it reads the addresses of the endpoints.
    pub discovery: &'static str,
    /// The scopes that it asks for.
    pub scope: &'static str,
    /// Whether it uses PKCE.
    pub pkce: bool,
    /// Whether it sends a nonce, and compares it with the one in the ID token.
    pub nonce: bool,
    /// Whether its documentation's first example has neither: Doorward then refuses the request and says what to change.
    pub starts_without: bool,
    /// Parameters of the authorization request besides `response_type`, `client_id`, `redirect_uri`, `scope` and `state`.
    pub asks_also: &'static [(&'static str, &'static str)],
    /// How it authenticates at the token endpoint.
    pub secret: Secret,
    /// Fields of the token request besides `grant_type`, `code` and `redirect_uri`; `{client_id}` is filled in.
    pub sends_also: &'static [(&'static str, &'static str)],
    /// What it accepts as an ID token.
    pub accepts: Accepts,
    /// What it shows or needs of the user, and from where it reads that.
    pub reads: &'static [(From, &'static str)],
    /// How it authenticates when it renews its access token; `None` if it never does.
    pub renews: Option<Secret>,
    /// Whether it runs in a page, which reads answers by CORS alone.
    pub in_browser: bool,
    /// What it does when the user signs out.
    pub sign_out: SignOut,
    /// The `post_logout_redirect_uri` that it sends; `None`: the registered one.
    pub returns_to: Option<&'static str>,
    /// What else it does, and what else is particular about it.
    pub also: fn(&Visit<'_>, &Issued),
}

/// What most programs do; a row says what is different.
pub const APP: App = App {
    discovery: "/.well-known/openid-configuration",
    scope: "openid profile email",
    pkce: false,
    nonce: false,
    starts_without: false,
    asks_also: &[],
    secret: Secret::Basic,
    sends_also: &[],
    accepts: RS256,
    reads: &[],
    renews: None,
    in_browser: false,
    sign_out: SignOut::Stays,
    returns_to: None,
    also: |_, _| {},
};

/// How a program authenticates its client.
#[derive(Clone, Copy)]
pub enum Secret {
    /// HTTP Basic, both halves form-encoded (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic, as they are.
    PlainBasic,
    /// In the body.
    Body,
    /// HTTP Basic; when that is refused, in the body with the same code.
    BasicThenBody,
    /// None: a public client sends its ID.
    None,
    /// None: a public client sends HTTP Basic with an empty secret.
    EmptyBasic,
}

/// Where a program reads what it knows of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The claims of the ID token.
    IdToken,
    /// The answer of the `UserInfo` endpoint.
    UserInfo,
    /// The claims of the access token, a JWT.
    AccessToken,
}

/// What a program does when the user signs out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// It ends its own session.
    Stays,
    /// It redirects to the end session endpoint with `id_token_hint` and `post_logout_redirect_uri`.
    WithHint,
    /// It redirects there with `id_token_hint`, `client_id` and `post_logout_redirect_uri`.
    WithHintAndClientId,
    /// It redirects there with `client_id` and `post_logout_redirect_uri`; the user confirms.
    WithClientId,
}
