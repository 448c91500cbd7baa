//! Journeys through HTTP only, each on both back ends.

mod login;
mod registration;
mod revocation;
