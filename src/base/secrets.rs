//! Randomness, hashes of secrets, and keys derived from the master key.
//!
//! Secret types never print their value: `Debug` is redacted and there is no `Display`. Only hashes of them are stored.

use std::fmt;
use std::io::Write;
use std::path::Path;

use aws_lc_rs::{digest, hkdf, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// Implements `Debug` for types whose values must not be shown.
macro_rules! redacted {
    ($($secret:ident),+) => {
        $(impl std::fmt::Debug for $secret {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($secret), "(redacted)"))
            }
        })+
    };
}
pub(crate) use redacted;

redacted!(Token, TokenHash, MasterKey);

/// A bearer secret of 256 random bits: a session key, the token of a link, a browser binding, a client secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Generates a token.
    pub fn generate() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
    }

    /// Parses a presented token: exactly 43 characters of unpadded base64url.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// Returns the secret, for the code that sends it to its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the hash, which may be stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

/// SHA-256 of a [`Token`]. A fast hash is enough, because the token has 256 random bits. Compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes bytes, which must be as unguessable as a token.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        for (to, from) in hash
            .iter_mut()
            .zip(digest::digest(&digest::SHA256, bytes).as_ref())
        {
            *to = *from;
        }
        Self(hash)
    }

    /// Creates a hash from 32 stored bytes; `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Parses the output of [`TokenHash::to_text`].
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    /// Returns the bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encodes as unpadded base64url, for keys of the ephemeral store and for JSON.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl Eq for TokenHash {}

/// The key from which every other key is derived. If it is lost, all cookies and sealed data are lost with it.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

/// Why a master key could not be read or created.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct MasterKeyError {
    path: String,
    reason: String,
}

impl MasterKeyError {
    fn new(path: &Path, reason: &dyn fmt::Display) -> Self {
        Self {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

impl MasterKey {
    /// Generates a master key.
    pub fn generate() -> Self {
        Self(random_bytes())
    }

    /// Reads a master key from a file: one line, unpadded base64url of 32 bytes.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        const MALFORMED: &str = "not a master key (43 characters of base64url); create one with `doorward keys generate-master`";
        let text =
            std::fs::read_to_string(path).map_err(|cause| MasterKeyError::new(path, &cause))?;
        URL_SAFE_NO_PAD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| MasterKeyError::new(path, &MALFORMED))
    }

    /// Reads the file, or generates a key and creates the file (mode 0600) if there is none. Processes that start concurrently
    /// end up with the same key, because the file is created atomically under its name.
    pub fn read_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        if path.exists() {
            return Self::read(path);
        }
        let as_file_error = |cause: std::io::Error| MasterKeyError::new(path, &cause);
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        Self::generate().write_new(&draft)?;
        // link(2) fails for an existing name, so the loser of a race reads the winner's key.
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft).map_err(as_file_error)?;
        match linked {
            Ok(()) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(as_file_error(cause)),
        }
        Self::read(path)
    }

    /// Writes the key to a new file that only its owner may access (mode 0600).
    pub fn write_new(&self, path: &Path) -> Result<(), MasterKeyError> {
        write_private(path, &self.to_text()).map_err(|cause| MasterKeyError::new(path, &cause))
    }

    /// Returns the content of a key file.
    pub fn to_text(&self) -> String {
        format!("{}\n", URL_SAFE_NO_PAD.encode(self.0))
    }

    /// Derives a key of `N` bytes (at most 255 × 32) for one purpose: HKDF-SHA-256 (RFC 5869) with the purpose as `info`.
    pub fn derive<const N: usize>(&self, purpose: &str) -> [u8; N] {
        struct Length(usize);
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }
        let mut key = [0; N];
        let info = [purpose.as_bytes()];
        let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward")
            .extract(&self.0)
            .expand(&info, Length(N))
            .and_then(|material| material.fill(&mut key));
        // Fails only for more than 255 blocks, and N is a constant of this crate: never return zeros as a key.
        assert!(filled.is_ok(), "HKDF asked for too many bytes");
        key
    }

    /// Returns a value that distinguishes master keys without revealing them: stored in the database and checked at every start.
    pub fn check_value(&self) -> [u8; 16] {
        self.derive("key-check")
    }
}

/// Creates a file that only its owner may access (mode 0600).
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Returns random bytes from the operating system's generator, for keys and salts.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Abort if the generator fails, rather than return a guessable secret.
    assert!(
        rand::fill(&mut bytes).is_ok(),
        "the random number generator failed"
    );
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_parsed_strictly() {
        let token = Token::generate();
        assert_eq!(Token::parse(token.expose()), Some(token.clone()));
        assert_eq!(Token::parse(&format!("{}=", token.expose())), None);
        assert_eq!(Token::parse("short"), None);
        assert_eq!(Token::parse(""), None);
    }

    #[test]
    fn debug_output_hides_secrets() {
        let token = Token::generate();
        assert!(!format!("{token:?} {:?}", token.hash()).contains(token.expose()));
        assert_eq!(
            format!("{:?}", MasterKey::generate()),
            "MasterKey(redacted)"
        );
    }

    #[test]
    fn each_purpose_has_its_own_key() {
        let key = MasterKey::generate();
        assert_eq!(key.derive::<32>("a"), key.derive::<32>("a"));
        assert_ne!(key.derive::<32>("a"), key.derive::<32>("b"));
        assert_ne!(key.check_value(), MasterKey::generate().check_value());
    }

    #[test]
    fn a_second_start_reads_the_key_of_the_first() {
        let folder = std::env::temp_dir().join(Token::generate().expose());
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join("master.key");
        let first = MasterKey::read_or_create(&path).expect("a key");
        let again = MasterKey::read_or_create(&path).expect("the key");
        assert_eq!(first.check_value(), again.check_value());
        std::fs::remove_dir_all(&folder).expect("gone");
    }
}
