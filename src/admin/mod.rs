//! Administration of users, roles, clients and resources: by administrators, by users who manage others by a role, and by
//! clients with the scope.
//!
//! Every operation checks the caller's permission first, requires a recent sign-in for a user's changes (except to suspend
//! oneself), and reports what it actually revoked or ended. Owns no data: the rules are in the modules that own the data.

mod assigned_by;
mod commands;
pub mod http;
pub mod pages;
mod versions;
