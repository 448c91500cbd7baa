//! Journeys through HTTP only, each on both back ends.

mod account;
mod administration;
mod apps;
mod authzen;
mod bad_input;
mod clients;
mod cluster;
mod coming_from_an_app;
mod command;
pub mod faults;
mod hostile;
mod https;
mod invitations;
mod login;
mod lookups;
mod master_key;
mod oidc;
mod openapi;
mod operations;
mod races;
mod registration;
mod revocation;
mod sessions;
mod signing_keys;
mod standing;
mod step_up;
mod withdrawn;
