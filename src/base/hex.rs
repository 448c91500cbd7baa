//! Hexadecimal encoding.

use std::fmt::Write;

/// Encodes bytes as hexadecimal digits in lower case.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing into a string can't fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(to_hex(&[0, 10, 171, 255]), "000aabff");
        assert_eq!(to_hex(&[]), "");
    }
}
