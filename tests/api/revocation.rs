//! Cutting off.
