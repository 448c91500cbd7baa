//! Tokens read under keys of their own, without any store: for the fuzz targets (`fuzz/`) alone. Each function panics when what
//! this room promises of a token does not hold.

use serde::de::DeserializeOwned;

use super::access_token::{self, TYPES};
use super::issuance::Issuance;
use super::keys::fuzzing::FixedKey;
use super::refresh::{RefreshToken, RefreshTokens};
use crate::base::clock::Timestamp;
use crate::base::ids::RefreshFamilyId;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;

/// Keys, and when they are asked.
pub struct Readers {
    key: FixedKey,
    sealer: Sealer,
    refresh_tokens: RefreshTokens,
    now: Timestamp,
}

impl Readers {
    /// Makes keys. `None` where the library makes none.
    pub fn make() -> Option<Self> {
        let master = MasterKey::generate();
        Some(Self {
            key: FixedKey::make().ok()?,
            sealer: Sealer::new(&master, None, "fuzzing"),
            refresh_tokens: RefreshTokens::new(&master, None),
            now: Timestamp::from_micros(1),
        })
    }

    /// What a stranger presents is never one of ours: they have no key.
    pub fn refuse(&self, presented: &str) {
        access_token::peek(presented, &self.sealer);
        let read = access_token::read(presented, &self.sealer, &self.key.ring, self.now);
        assert!(read.is_none(), "a forged access token is read");
        let verified = self
            .key
            .ring
            .verify::<serde_json::Value>(presented, &["JWT"]);
        assert!(verified.is_err(), "a forged ID token is read");
        assert!(
            self.refresh_tokens.read(presented).is_none(),
            "a forged refresh token is read"
        );
    }

    /// A genuine access token with any claims, signed and sealed: both are read alike, and nobody else's records are looked at than
    /// those of whom it names.
    pub fn read_genuine(&self, claims: &[u8]) {
        let [signed, of_type_jwt] = TYPES.map(|typ| self.key.sign(typ, claims).unwrap_or_default());
        let sealed = access_token::seal(claims, &self.sealer);
        let of_signed = access_token::read(&signed, &self.sealer, &self.key.ring, self.now);
        let of_other = access_token::read(&of_type_jwt, &self.sealer, &self.key.ring, self.now);
        assert_eq!(of_signed, of_other, "read otherwise under another type");
        let of_sealed = access_token::read(&sealed, &self.sealer, &self.key.ring, self.now);
        assert_eq!(of_signed, of_sealed, "read otherwise when sealed");
        if let Some(issuance) = Issuance::decode(claims) {
            assert_eq!(issuance.encode(), claims, "two encodings of one state");
        }
        let Some(read) = of_signed else { return };
        for presented in [&signed, &sealed] {
            if let Some((client, subject)) = access_token::peek(presented, &self.sealer) {
                assert_eq!(
                    (client, subject),
                    (read.client_id.id(), read.sub.clone()),
                    "other records are looked at"
                );
            }
        }
        read.expires_at();
        read.is_over(self.now);
        assert!(
            read.issuance(&self.sealer).is_none(),
            "a forged state of issuance is read"
        );
    }

    /// The claims of a genuine JWT of this type, whatever its payload is.
    pub fn read_signed<C: DeserializeOwned>(&self, typ: &str, payload: &[u8]) -> Option<C> {
        let signed = self.key.sign(typ, payload).ok()?;
        let read = self.key.ring.verify(&signed, &["JWT"]).ok();
        assert!(
            read.is_none() || typ.eq_ignore_ascii_case("JWT"),
            "another type is read"
        );
        read
    }

    /// What was written as a refresh token is read as the same, and nothing else that begins alike is.
    pub fn reread_refresh_token(&self, n: i64, tail: &str) {
        let token = RefreshToken {
            family: RefreshFamilyId::random(),
            n,
        };
        let written = self.refresh_tokens.write(token);
        assert_eq!(self.refresh_tokens.read(&written), Some(token));
        if !tail.is_empty() {
            assert_eq!(self.refresh_tokens.read(&format!("{written}{tail}")), None);
        }
    }
}
