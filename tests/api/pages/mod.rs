//! Forms of the pages: the user they were rendered for, the response to a submission, and what happens to the input.

mod answers;
mod interrupted;
mod people;
mod stale;
