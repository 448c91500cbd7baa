//! Tokens, read under keys of the harness without any store.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::parsers::{
    ACCESS_TOKEN_TYPES, AccessClaims, IssuedState, KeySet, MasterKey, RefreshFamilyId,
    RefreshToken, RefreshTokens, Sealer, Timestamp, peek_access_token, read_access_token,
    seal_access_token,
};
use serde::de::DeserializeOwned;
use serde_json::json;

/// The `kid` of the signing key, which is the same in every run.
const KID: &str = "11111111-1111-4111-8111-111111111111";

/// Keys, and the time at which tokens are read.
pub struct Readers {
    key: Ed25519KeyPair,
    key_set: KeySet,
    sealer: Sealer,
    refresh_tokens: RefreshTokens,
    now: Timestamp,
}

impl Readers {
    /// Generates the keys.
    pub fn new() -> Self {
        let key = Ed25519KeyPair::generate().expect("a key");
        let at = Timestamp::from_micros(0);
        let copy = json!({ "version": 1, "keys": [{
            "id": KID,
            "algorithm": "EdDSA",
            "generation": 1,
            "public": {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": URL_SAFE_NO_PAD.encode(key.public_key().as_ref()),
            },
            "published_at": at,
            "signs_from": at,
            "retires_at": null,
            "compromised_at": null,
            "created_at": at,
            "version": 1,
            "as_of": at,
        }]});
        let master = MasterKey::generate();
        Self {
            key,
            key_set: KeySet::parse(&copy.to_string()).expect("a ring"),
            sealer: Sealer::new(&master, None, "fuzzing"),
            refresh_tokens: RefreshTokens::new(&master, None),
            now: Timestamp::from_micros(1),
        }
    }

    /// A token that was not issued here is refused.
    pub fn refuse(&self, presented: &str) {
        peek_access_token(presented, &self.sealer);
        assert!(
            self.read(presented).is_none(),
            "a forged access token is read"
        );
        let verified = self
            .key_set
            .verify::<serde_json::Value>(presented, &["JWT"]);
        assert!(verified.is_err(), "a forged ID token is read");
        let read = self.refresh_tokens.read(presented);
        assert!(read.is_none(), "a forged refresh token is read");
    }

    /// An access token with any payload, signed and sealed: both are read alike, and the records that are looked up before the
    /// token is verified are those of the client and subject that it names.
    pub fn read_genuine(&self, payload: &[u8]) {
        let [signed, of_type_jwt] = ACCESS_TOKEN_TYPES.map(|typ| self.sign(typ, payload));
        let sealed = seal_access_token(payload, &self.sealer);
        let of_signed = self.read(&signed);
        let of_other = self.read(&of_type_jwt);
        assert_eq!(of_signed, of_other, "read otherwise under another type");
        let of_sealed = self.read(&sealed);
        assert_eq!(of_signed, of_sealed, "read otherwise when sealed");
        if let Some(issued_state) = IssuedState::decode(payload) {
            assert_eq!(issued_state.encode(), payload, "two encodings of one state");
        }
        let Some(read) = of_signed else { return };
        for presented in [&signed, &sealed] {
            if let Some(peeked) = peek_access_token(presented, &self.sealer) {
                let named = (read.client_id.id(), read.sub.clone());
                assert_eq!(peeked, named, "other records are looked at");
            }
        }
        read.expires_at();
        read.is_over(self.now);
        let issued_state = read.issued_state(&self.sealer);
        assert!(issued_state.is_none(), "a forged state of issuance is read");
    }

    /// The claims of a genuine JWT of this type, whatever its payload is.
    pub fn read_signed<C: DeserializeOwned>(&self, typ: &str, payload: &[u8]) -> Option<C> {
        let read = self.key_set.verify(&self.sign(typ, payload), &["JWT"]).ok();
        let is_jwt = typ.eq_ignore_ascii_case("JWT");
        assert!(read.is_none() || is_jwt, "another type is read");
        read
    }

    /// A refresh token is read as it was written, and nothing else that begins alike is read.
    pub fn reread_refresh_token(&self, generation: i64, tail: &str) {
        let family = RefreshFamilyId::random();
        let token = RefreshToken { family, generation };
        let written = self.refresh_tokens.write(token);
        assert_eq!(self.refresh_tokens.read(&written), Some(token));
        if !tail.is_empty() {
            assert_eq!(self.refresh_tokens.read(&format!("{written}{tail}")), None);
        }
    }

    fn read(&self, presented: &str) -> Option<AccessClaims> {
        read_access_token(presented, &self.sealer, &self.key_set, self.now)
    }

    /// A genuine token whose payload is these very bytes, JSON or not.
    fn sign(&self, typ: &str, payload: &[u8]) -> String {
        let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{KID}\",\"typ\":\"{typ}\"}}");
        let message = [header.as_bytes(), payload].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = message.join(".");
        let signature = self.key.try_sign(message.as_bytes()).expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Default for Readers {
    fn default() -> Self {
        Self::new()
    }
}
