//! Requests of a program that signs users in, and the data that it reads.

use super::program_session::ProgramSession;
use super::verify::{Accepts, RS256};
use crate::support::relying_party::TokenSet;

/// What a program sends and reads when it signs a user in.
pub struct App {
    /// Path where the program reads the endpoints.
    pub discovery: &'static str,
    /// Scopes that the program requests.
    pub scope: &'static str,
    /// Whether the program uses PKCE.
    pub pkce: bool,
    /// Whether the program sends a nonce and checks it in the ID token.
    pub nonce: bool,
    /// Whether the first example in the program's documentation uses neither: Doorward then refuses the request and says
    /// what to change.
    pub starts_without: bool,
    /// Parameters of the authorization request in addition to `response_type`, `client_id`, `redirect_uri`, `scope` and `state`.
    pub asks_also: &'static [(&'static str, &'static str)],
    /// Client authentication at the token endpoint.
    pub secret: ClientAuth,
    /// Fields of the token request in addition to `grant_type`, `code` and `redirect_uri`; `{client_id}` is replaced.
    pub sends_also: &'static [(&'static str, &'static str)],
    /// ID tokens that the program accepts.
    pub accepts: Accepts,
    /// Claims that the program shows or requires, and their source.
    pub reads: &'static [(ClaimSource, &'static str)],
    /// Client authentication when the program refreshes its access token; `None` if it never does.
    pub renews: Option<ClientAuth>,
    /// Whether the program runs in a page, which can read responses only as CORS allows.
    pub in_browser: bool,
    /// What the program does when the user signs out.
    pub sign_out: SignOut,
    /// The `post_logout_redirect_uri` that the program sends; `None`: the registered one.
    pub returns_to: Option<&'static str>,
    /// Further requests and checks for this program.
    pub also: fn(&ProgramSession<'_>, &TokenSet),
}

/// The behaviour of most programs; rows change what is different.
pub const APP: App = App {
    discovery: "/.well-known/openid-configuration",
    scope: "openid profile email",
    pkce: false,
    nonce: false,
    starts_without: false,
    asks_also: &[],
    secret: ClientAuth::Basic,
    sends_also: &[],
    accepts: RS256,
    reads: &[],
    renews: None,
    in_browser: false,
    sign_out: SignOut::Stays,
    returns_to: None,
    also: |_, _| {},
};

/// How a program authenticates as a client.
#[derive(Clone, Copy)]
pub enum ClientAuth {
    /// HTTP Basic with both parts form-encoded (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic without form encoding.
    PlainBasic,
    /// In the request body.
    Body,
    /// HTTP Basic; if it is refused, in the body with the same code.
    BasicThenBody,
    /// None: a public client sends its ID.
    None,
    /// None: a public client sends HTTP Basic with an empty secret.
    EmptyBasic,
}

/// Where a program reads claims about the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    /// Claims of the ID token.
    IdToken,
    /// Response of the `UserInfo` endpoint.
    UserInfo,
    /// Claims of the access token, which is a JWT.
    AccessToken,
}

/// What a program does when the user signs out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// Ends only the program's own session.
    Stays,
    /// Redirects to the end session endpoint with `id_token_hint` and `post_logout_redirect_uri`.
    WithHint,
    /// Redirects there with `id_token_hint`, `client_id` and `post_logout_redirect_uri`.
    WithHintAndClientId,
    /// Redirects there with `client_id` and `post_logout_redirect_uri`; the user confirms.
    WithClientId,
}
