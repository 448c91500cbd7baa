//! Tests of the ceremonies against published test vectors.

mod vectors;
