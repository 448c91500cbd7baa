//! A user's own account: users see it, change it, end its sessions and revoke the access of apps. Every operation here concerns
//! the signed-in user only. Owns no data.

pub mod http;
pub mod pages;
