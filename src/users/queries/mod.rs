//! SQL of `users`, `usernames`, `roles`, `user_roles`, `invitations` and `setup`.

mod invitations;
mod roles;
mod setup;
mod users;

pub use {invitations::*, roles::*, setup::*, users::*};
