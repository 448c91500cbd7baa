//! Access tokens: their claims and formats. A token is either a JWT (RFC 9068), which services can verify, or an opaque encrypted
//! text, which only Doorward can read; both have the same claims. Data that only Doorward's own check needs is encrypted in both.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::issued_state::{IssuedState, TokenRef, UserIssuedState};
use super::keys::{KeySet, SignError, Signer};
use super::{ConsumedGrant, Tokens};
use crate::account_state::AccountState;
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, ClientId, SessionId};
use crate::base::public_client_id::PublicClientId;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::clients::{
    AccessTokenFormat, AccessTokenHeaderType, Client, ClientRecord, Scope, Scopes,
};

/// The `typ` values of JWT access tokens. ID tokens also use `JWT`, but only access tokens have `AccessClaims::sealed_issued_state`.
pub const TYPES: [&str; 2] = [
    AccessTokenHeaderType::AtJwt.as_str(),
    AccessTokenHeaderType::Jwt.as_str(),
];
/// Prefix of opaque tokens. It lets scanners find leaked tokens.
const OPAQUE_PREFIX: &str = "doorward_at_";
const CONTEXT: &[u8] = b"access-token";
/// Longer than any token that Doorward issues.
const MAX_LEN: usize = 16_384;

/// Encrypts access tokens and the state within them. Cheap to clone.
///
/// Each purpose has its own key: if a random nonce repeats under one key, the other is not affected.
#[derive(Clone, Debug)]
pub struct AccessTokenSealers {
    /// Encrypts opaque tokens.
    pub(super) opaque: Sealer,
    /// Encrypts the [`IssuedState`] inside a token.
    issued_state: Sealer,
}

impl AccessTokenSealers {
    /// Derives the keys from the current and the previous master key.
    pub fn new(master: &MasterKey, previous: Option<&MasterKey>) -> Self {
        Self {
            opaque: Sealer::new(master, previous, "access-tokens"),
            issued_state: Sealer::new(master, previous, "access-token-issuance"),
        }
    }
}

/// The claims of an access token (RFC 9068 §2.2). If the token is a JWT, anyone who has it can read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer: Doorward's public URL.
    pub iss: String,
    /// Subject: ID of the user, or of the client if the token was issued to it on its own behalf.
    pub sub: String,
    /// Audience: URIs of the services that accept the token.
    pub aud: Vec<String>,
    /// ID of the client that the token was issued to.
    pub client_id: PublicClientId,
    /// Scopes that the token grants.
    pub scope: Scopes,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Time of expiry, in seconds since 1970.
    pub exp: i64,
    /// ID of the token, unique among all tokens.
    pub jti: AccessTokenId,
    /// Time of the user's last authentication, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Authentication context class of the sign-in (`acr`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods of the sign-in (`amr`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// ID of the user's session, as the client knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The user's roles (RFC 9068 §2.2.3.1); present with the scope `roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The same as `roles`, under the name that most software reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// The encrypted [`IssuedState`]: a claim with a collision-resistant name (RFC 7519 §4.2).
    #[serde(rename = "urn:doorward:issuance")]
    pub(super) sealed_issued_state: String,
}

impl AccessClaims {
    /// Decrypts the state under which the token was issued; `None` if it was encrypted for another token, or not by Doorward.
    pub fn issued_state(&self, sealer: &Sealer) -> Option<IssuedState> {
        IssuedState::open(&self.sealed_issued_state, &self.token_ref(), sealer)
    }

    fn token_ref(&self) -> TokenRef<'_> {
        TokenRef {
            id: self.jti,
            client: self.client_id.id(),
            subject: &self.sub,
        }
    }

    /// Returns whether the token has expired.
    pub fn is_over(&self, now: Timestamp) -> bool {
        seconds(now) >= self.exp
    }

    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.exp.saturating_mul(1_000_000))
    }
}

/// Converts a time to seconds since 1970 (NumericDate, RFC 7519 §2).
pub fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// Properties of a token that depend on the services it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTarget {
    /// URIs of the services (`aud`).
    pub audience: Vec<String>,
    /// The `typ` in the header, if the token is a JWT.
    pub header_type: AccessTokenHeaderType,
}

/// A newly issued access token.
#[derive(Clone)]
pub struct IssuedToken {
    pub text: String,
    pub lifetime: Duration,
}

impl Tokens {
    /// Issues an access token for a user, with at most the scopes of the authorization. Reads no store.
    pub fn issue_for_user(
        &self,
        (client, signer): (&Client, &Signer),
        grant: &ConsumedGrant,
        account_state: &AccountState,
        scopes: &Scopes,
        target: TokenTarget,
    ) -> Result<IssuedToken, SignError> {
        let authorization = grant.authorization();
        let roles = scopes.contains(Scope::Roles);
        let roles = roles.then(|| account_state.roles.clone());
        let claims = AccessClaims {
            sub: authorization.user.to_string(),
            auth_time: Some(seconds(authorization.auth_time)),
            acr: Some(authorization.acr.clone()),
            amr: Some(authorization.amr.0.clone()),
            sid: Some(authorization.sid),
            groups: roles.clone(),
            roles,
            ..self.base_claims(client, scopes, target.audience)
        };
        let issued_state = IssuedState::User(UserIssuedState {
            authorization: authorization.id,
            epoch: authorization.epoch,
            client_epoch: authorization.client_epoch,
            passkeys: authorization.passkeys.0.clone(),
            requests_userinfo_claims: authorization.requests_userinfo_claims(),
        });
        let signer = is_jwt(client).then_some((signer, target.header_type));
        self.write(claims, &issued_state, signer)
    }

    /// Issues an access token to a client on its own behalf.
    pub async fn issue_for_client(
        &self,
        record: &ClientRecord,
        scopes: &Scopes,
        target: TokenTarget,
    ) -> Result<IssuedToken, SignError> {
        let client = &record.client;
        let signer = if is_jwt(client) {
            let algorithm = client.metadata.id_token_signed_response_alg;
            Some(self.keyring.signer(algorithm).await?)
        } else {
            None
        };
        let claims = self.base_claims(client, scopes, target.audience);
        let issued_state = IssuedState::Client {
            epoch: record.token_epoch,
        };
        let signer = signer.as_ref().map(|signer| (signer, target.header_type));
        self.write(claims, &issued_state, signer)
    }

    fn base_claims(&self, client: &Client, scopes: &Scopes, audience: Vec<String>) -> AccessClaims {
        let now = self.clock.now();
        let own = client.metadata.access_token_lifetime;
        AccessClaims {
            iss: self.issuer.to_string(),
            // RFC 9068 §2.2: if no user is involved, the subject is the client.
            sub: client.public_id.to_string(),
            aud: audience,
            client_id: client.public_id.clone(),
            scope: scopes.clone(),
            iat: seconds(now),
            exp: seconds(now.after(self.lifetimes.access_lifetime_of(own))),
            jti: AccessTokenId::random(),
            auth_time: None,
            acr: None,
            amr: None,
            sid: None,
            roles: None,
            groups: None,
            sealed_issued_state: String::new(),
        }
    }

    /// Writes a JWT if there is a signer, an opaque token otherwise.
    fn write(
        &self,
        mut claims: AccessClaims,
        issued_state: &IssuedState,
        signer: Option<(&Signer, AccessTokenHeaderType)>,
    ) -> Result<IssuedToken, SignError> {
        claims.sealed_issued_state =
            issued_state.seal(&claims.token_ref(), &self.sealers.issued_state);
        let text = match signer {
            Some((signer, header_type)) => signer.sign(header_type.as_str(), &claims)?,
            None => seal(&serde_json::to_vec(&claims)?, &self.sealers.opaque),
        };
        let lifetime = u64::try_from(claims.exp.saturating_sub(claims.iat)).unwrap_or_default();
        Ok(IssuedToken {
            text,
            lifetime: Duration::from_secs(lifetime),
        })
    }

    /// Verifies a presented token. Returns its claims and the state under which it was issued.
    pub(super) fn read(
        &self,
        presented: &str,
        key_set: &KeySet,
    ) -> Option<(AccessClaims, IssuedState)> {
        let claims = read(presented, &self.sealers.opaque, key_set, self.clock.now())?;
        let issued_state = claims.issued_state(&self.sealers.issued_state)?;
        Some((claims, issued_state))
    }
}

fn is_jwt(client: &Client) -> bool {
    client.metadata.access_token_format == AccessTokenFormat::Jwt
}

/// Encrypts the serialized claims into an opaque token.
pub fn seal(plain: &[u8], sealer: &Sealer) -> String {
    let ciphertext = sealer.seal(plain, CONTEXT);
    format!("{OPAQUE_PREFIX}{}", URL_SAFE_NO_PAD.encode(ciphertext))
}

/// Reads the unverified `client_id` and `sub` of a token, to know which records to read; `None` if it can't be an access token.
pub fn peek_unverified(presented: &str, sealer: &Sealer) -> Option<(ClientId, String)> {
    #[derive(Deserialize)]
    struct UnverifiedClaims {
        client_id: PublicClientId,
        sub: String,
    }
    if presented.len() > MAX_LEN {
        return None;
    }
    let payload = match presented.strip_prefix(OPAQUE_PREFIX) {
        Some(encoded) => sealer
            .open(&URL_SAFE_NO_PAD.decode(encoded).ok()?, CONTEXT)
            .ok()?,
        None => URL_SAFE_NO_PAD.decode(presented.split('.').nth(1)?).ok()?,
    };
    let UnverifiedClaims { client_id, sub } = serde_json::from_slice(&payload).ok()?;
    Some((client_id.id(), sub))
}

/// Returns the claims of a token that Doorward signed or encrypted. Whether it is still valid is checked by `Tokens::check`.
pub fn read(
    presented: &str,
    sealer: &Sealer,
    key_set: &KeySet,
    now: Timestamp,
) -> Option<AccessClaims> {
    match presented.strip_prefix(OPAQUE_PREFIX) {
        Some(encoded) => {
            let ciphertext = URL_SAFE_NO_PAD.decode(encoded).ok()?;
            let plain = sealer.open(&ciphertext, CONTEXT).ok()?;
            serde_json::from_slice(&plain).ok()
        }
        None => key_set.verify_current(presented, &TYPES, now).ok(),
    }
}
