//! OpenID Connect, through HTTP only, each behaviour on both back ends.

mod authorizations;
mod backchannel;
mod bad_input;
mod bearer;
mod client_methods;
mod codes;
mod consent;
mod cors;
mod discovery;
mod faults;
mod interaction;
mod introspection;
mod lifetimes;
mod logout;
mod pkce;
mod refresh;
mod refusals;
mod response_modes;
mod revocation;
mod rotation;
mod scopes;
mod session_state;
mod token_contents;
mod tokens;
mod userinfo;
mod webfinger;
