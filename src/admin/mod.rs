//! What administrators, and clients with the scope, do about other people.
//!
//! Promises that every act here asks first whether the caller may, that a person's own act rests on a recent sign-in, and
//! that the answer says what was actually cut. Owns no data: the rules are those of the rooms below.

mod commands;
mod givers;
pub mod http;
pub mod pages;
mod versions;
