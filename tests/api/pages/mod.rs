//! Forms of the pages: the user they were rendered for, the response to a submission, and what happens to the input.

mod expired_sessions;
mod stale;
mod stored_responses;
mod users;
