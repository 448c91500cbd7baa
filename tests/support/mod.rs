//! What the integration tests stand on: servers of their own, a client that plays the page's part, authenticators,
//! and a real browser. Everything blocks, every wait is bounded, and nothing outlives the test process.

pub mod acting;
pub mod authenticator;
pub mod binary;
pub mod browser;
pub mod causes;
pub mod cuts;
pub mod forms;
pub mod grants;
pub mod house;
pub mod http;
pub mod installed;
pub mod person;
pub mod population;
pub mod postgres;
pub mod process;
pub mod race;
pub mod receiver;
pub mod redis;
pub mod relying_party;
