//! Encrypts secrets at rest under keys derived from the master key.
//!
//! Sealed data names its master key, so that data sealed under the previous key stays readable while the key is being replaced.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::secrets::MasterKey;

/// Version of the layout: version, key ID, nonce, ciphertext with its tag.
const VERSION: u8 = 1;
const ID_LENGTH: usize = 8;
/// Version and key ID, which are authenticated but not encrypted.
const HEADER_LENGTH: usize = 1 + ID_LENGTH;

/// Encrypts for one purpose under the current master key; decrypts data sealed under the current or the previous one.
/// Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    current: Arc<SealingKey>,
    previous: Option<Arc<SealingKey>>,
}

struct SealingKey {
    id: [u8; ID_LENGTH],
    key: RandomizedNonceKey,
}

/// Why sealed data could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The data is too short, or has an unknown version.
    #[error("not sealed by Doorward")]
    Malformed,
    /// The data was sealed under neither the current nor the previous master key.
    #[error("sealed with another master key; set secrets.previous_master_key_file to that key")]
    UnknownKey,
    /// The data was altered, or sealed for another purpose or context.
    #[error("altered, or sealed for another purpose")]
    Altered,
}

impl Sealer {
    /// Creates a sealer for one purpose; data sealed for one purpose can't be opened for another.
    pub fn new(master: &MasterKey, previous: Option<&MasterKey>, purpose: &str) -> Self {
        Self {
            current: Arc::new(SealingKey::derive(master, purpose)),
            previous: previous.map(|master| Arc::new(SealingKey::derive(master, purpose))),
        }
    }

    /// Encrypts `plaintext` for `context`, such as the ID of the row that stores it. Opening requires the same context.
    pub fn seal(&self, plaintext: &[u8], context: &[u8]) -> Vec<u8> {
        let header = self.current.header();
        let mut ciphertext = plaintext.to_vec();
        let nonce = self
            .current
            .key
            .seal_in_place_append_tag(Aad::from(bound(&header, context)), &mut ciphertext);
        // Without random numbers there is no safe way on: abort instead of returning the plaintext as a ciphertext.
        #[expect(
            clippy::expect_used,
            reason = "fails only with the random number generator"
        )]
        let nonce = nonce.expect("a nonce");
        [&header[..], nonce.as_ref(), &ciphertext].concat()
    }

    /// Decrypts data that was sealed for this `context`.
    ///
    /// # Errors
    /// The data was sealed for another context, was altered, or its key isn't available.
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (header, rest) = split(sealed)?;
        let key = self.key_of(header).ok_or(OpenError::UnknownKey)?;
        let (nonce, ciphertext) = rest
            .split_at_checked(NONCE_LEN)
            .ok_or(OpenError::Malformed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Malformed)?;
        let mut buffer = ciphertext.to_vec();
        let plaintext = key
            .key
            .open_in_place(nonce, Aad::from(bound(header, context)), &mut buffer)
            .map_err(|_| OpenError::Altered)?;
        Ok(plaintext.to_vec())
    }

    /// Whether the data is sealed under the current master key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        split(sealed).is_ok_and(|(header, _)| header == self.current.header())
    }

    /// Whether the master key that sealed the data is available.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn has_key_of(&self, sealed: &[u8]) -> bool {
        split(sealed).is_ok_and(|(header, _)| self.key_of(header).is_some())
    }

    fn key_of(&self, header: &[u8]) -> Option<&SealingKey> {
        let previous = self.previous.as_deref();
        std::iter::once(&*self.current)
            .chain(previous)
            .find(|key| key.header() == header)
    }
}

impl SealingKey {
    fn derive(master: &MasterKey, purpose: &str) -> Self {
        let bytes: [u8; 32] = master.derive(&format!("seal:{purpose}"));
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes);
        #[expect(clippy::expect_used, reason = "32 bytes are a key of AES-256")]
        let key = key.expect("a key of 32 bytes");
        Self {
            id: master.derive("seal-key-id"),
            key,
        }
    }

    fn header(&self) -> [u8; HEADER_LENGTH] {
        let mut header = [VERSION; HEADER_LENGTH];
        for (to, from) in header.iter_mut().skip(1).zip(self.id) {
            *to = from;
        }
        header
    }
}

fn split(sealed: &[u8]) -> Result<(&[u8], &[u8]), OpenError> {
    match sealed.split_at_checked(HEADER_LENGTH) {
        Some((header, rest)) if header.first() == Some(&VERSION) => Ok((header, rest)),
        Some(_) | None => Err(OpenError::Malformed),
    }
}

/// Returns the authenticated data. The header has a fixed length, so two different pairs never have the same encoding.
fn bound(header: &[u8], context: &[u8]) -> Vec<u8> {
    [header, context].concat()
}

crate::base::secrets::redacted!(Sealer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_data_decrypts_only_with_its_context_and_purpose() {
        let master = MasterKey::generate();
        let ours = Sealer::new(&master, None, "tests");
        let sealed = ours.seal(b"secret", b"row 1");
        assert_eq!(ours.open(&sealed, b"row 1").as_deref(), Ok(&b"secret"[..]));
        assert_eq!(ours.open(&sealed, b"row 2"), Err(OpenError::Altered));
        let other = Sealer::new(&master, None, "others");
        assert_eq!(other.open(&sealed, b"row 1"), Err(OpenError::Altered));
        assert_ne!(ours.seal(b"secret", b"row 1"), sealed, "a new nonce");
    }

    #[test]
    fn a_changed_or_missing_byte_is_refused() {
        let ours = Sealer::new(&MasterKey::generate(), None, "tests");
        let sealed = ours.seal(b"secret", b"");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(ours.open(&altered, b"").is_err(), "byte {at}");
            assert!(ours.open(&sealed[..at], b"").is_err(), "{at} bytes");
        }
        let long = [&sealed[..], &[0]].concat();
        assert_eq!(ours.open(&long, b""), Err(OpenError::Altered));
    }

    #[test]
    fn the_previous_key_decrypts_but_no_longer_encrypts() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let before = Sealer::new(&old, None, "tests");
        let moving = Sealer::new(&new, Some(&old), "tests");
        let after = Sealer::new(&new, None, "tests");
        let sealed = before.seal(b"secret", b"row");
        assert!(before.is_current(&sealed) && !moving.is_current(&sealed));
        assert_eq!(moving.open(&sealed, b"row").as_deref(), Ok(&b"secret"[..]));
        assert_eq!(after.open(&sealed, b"row"), Err(OpenError::UnknownKey));
        assert!(moving.has_key_of(&sealed) && !after.has_key_of(&sealed));
        let again = moving.seal(b"secret", b"row");
        assert!(after.is_current(&again));
        assert_eq!(after.open(&again, b"row").as_deref(), Ok(&b"secret"[..]));
    }

    #[test]
    fn debug_output_of_a_sealer_hides_its_keys() {
        let ours = Sealer::new(&MasterKey::generate(), None, "tests");
        assert_eq!(format!("{ours:?}"), "Sealer(redacted)");
    }
}
