//! Encodes the CBOR (RFC 8949) that authenticators write: integers, byte and text strings, maps of known length.

/// A CBOR encoder; every method appends one item. A map is followed by its keys and values, alternating.
#[derive(Default)]
pub struct Cbor(Vec<u8>);

impl Cbor {
    /// Appends a signed integer (major types 0 and 1).
    pub fn integer(self, value: i64) -> Self {
        match u64::try_from(value) {
            Ok(value) => self.head(0, value),
            Err(_) => self.head(1, value.unsigned_abs() - 1),
        }
    }

    /// Appends a byte string (major type 2).
    pub fn bytes(self, value: &[u8]) -> Self {
        self.head(2, value.len() as u64).raw(value)
    }

    /// Appends a text string (major type 3).
    pub fn text(self, value: &str) -> Self {
        self.head(3, value.len() as u64).raw(value.as_bytes())
    }

    /// Appends the head of a map of `pairs` keys and values (major type 5).
    pub fn map(self, pairs: u64) -> Self {
        self.head(5, pairs)
    }

    /// Returns the encoded bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a major type with its argument in the shortest form.
    fn head(self, major_type: u8, argument: u64) -> Self {
        let kind = major_type << 5;
        let bytes = argument.to_be_bytes();
        match argument {
            0..=23 => self.raw(&[kind | bytes[7]]),
            24..=0xff => self.raw(&[kind | 24, bytes[7]]),
            0x100..=0xffff => self.raw(&[kind | 25]).raw(&bytes[6..]),
            0x1_0000..=0xffff_ffff => self.raw(&[kind | 26]).raw(&bytes[4..]),
            _ => self.raw(&[kind | 27]).raw(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949, appendix A.
    #[test]
    fn items_are_encoded_as_the_specification_shows() {
        let hex = |cbor: Cbor| {
            cbor.finish()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(hex(Cbor::default().integer(23)), "17");
        assert_eq!(hex(Cbor::default().integer(100)), "1864");
        assert_eq!(hex(Cbor::default().integer(1000)), "1903e8");
        assert_eq!(hex(Cbor::default().integer(1_000_000)), "1a000f4240");
        assert_eq!(
            hex(Cbor::default().integer(1_000_000_000_000)),
            "1b000000e8d4a51000"
        );
        assert_eq!(hex(Cbor::default().integer(-1000)), "3903e7");
        assert_eq!(hex(Cbor::default().bytes(&[1, 2, 3, 4])), "4401020304");
        assert_eq!(
            hex(Cbor::default().map(1).text("a").integer(-1)),
            "a1616120"
        );
    }
}
