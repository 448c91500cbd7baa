//! What relying parties hold: tokens, and the keys under which they are signed.

pub mod keys;
