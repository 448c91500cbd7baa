//! Forms of the pages: for whom they were rendered, what answers them, and what happens to what was typed.

mod answers;
mod interrupted;
mod people;
mod stale;
