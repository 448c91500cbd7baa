//! Support code of the integration tests: servers, an HTTP client that acts in place of a page, authenticators, and a real
//! browser. All calls are blocking, every wait has a timeout, and nothing outlives the test process.

pub mod authenticator;
pub mod binary;
pub mod browser;
pub mod callers;
pub mod fault_sweep;
pub mod forms;
pub mod http;
pub mod logged_errors;
pub mod population;
pub mod postgres;
pub mod process;
pub mod race;
pub mod receiver;
pub mod redis;
pub mod relying_party;
pub mod role_assignments;
pub mod test_server;
pub mod test_user;
pub mod third_party;
