//! OpenID Connect, through HTTP only, each behaviour on both back ends.

mod authorizations;
mod backchannel;
mod bad_input;
mod bearer;
mod codes;
mod consent;
mod cors;
mod discovery;
mod faults;
mod interaction;
mod introspection;
mod lifetimes;
mod logout;
mod refresh;
mod refusals;
mod revocation;
mod rotation;
mod token_contents;
mod tokens;
mod userinfo;
