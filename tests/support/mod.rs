//! Support code of the integration tests: servers, an HTTP client that acts in place of a page, authenticators, and a real
//! browser. All calls are blocking, every wait has a timeout, and nothing outlives the test process.

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
