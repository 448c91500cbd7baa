//! OpenID Connect, through HTTP only, each behaviour on both back ends.

mod codes;
mod interaction;
mod refresh;
