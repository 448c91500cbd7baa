//! Access tokens: their claims and their formats. A token is a JWT (RFC 9068) that services can verify, or an encrypted text that
//! only Doorward can read; both have the same claims. Data that only Doorward's own check needs is sealed in both.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::issuance::{Issuance, TokenRef, UserIssuance};
use super::keys::{Ring, SignError, Signer};
use super::{ConsumedGrant, Tokens};
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, ClientId, SessionId};
use crate::base::public_client_id::PublicClientId;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::clients::{
    AccessTokenFormat, AccessTokenHeaderType, Client, ClientRecord, Scope, Scopes,
};
use crate::standing::Standing;

/// The `typ`s of JWT access tokens. `JWT` is also that of ID tokens: what tells them apart is `AccessClaims::sealed_issuance`,
/// which every access token has and no other token.
pub const TYPES: [&str; 2] = [
    AccessTokenHeaderType::AtJwt.as_str(),
    AccessTokenHeaderType::Jwt.as_str(),
];
/// How a sealed one begins: scanners for leaked secrets find it.
const SEALED: &str = "doorward_at_";
const CONTEXT: &[u8] = b"access-token";
/// Longer than any token of ours.
const LONGEST: usize = 16_384;

/// The sealers of access tokens. Cheap to clone.
///
/// Each purpose has a key of its own: should a random nonce of one ever repeat, the other is not affected.
#[derive(Clone, Debug)]
pub struct AccessTokenSealers {
    /// Encrypts opaque tokens.
    opaque: Sealer,
    /// Encrypts the [`Issuance`] within a token.
    issuance: Sealer,
}

impl AccessTokenSealers {
    /// Under keys derived from the master keys.
    pub fn new(master: &MasterKey, previous: Option<&MasterKey>) -> Self {
        Self {
            opaque: Sealer::new(master, previous, "access-tokens"),
            issuance: Sealer::new(master, previous, "access-token-issuance"),
        }
    }
}

/// The claims of an access token (RFC 9068 §2.2), which anyone who has the token can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// The person, or the client on its own behalf.
    pub sub: String,
    /// Audience: URIs of the services that it is for.
    pub aud: Vec<String>,
    /// Client that the token was issued to.
    pub client_id: PublicClientId,
    /// Scopes of the token.
    pub scope: Scopes,
    /// Since when, in seconds since 1970.
    pub iat: i64,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
    /// ID of the token.
    pub jti: AccessTokenId,
    /// When the person last proved themself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// `acr` of the sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// ID of the user's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Their roles (RFC 9068 §2.2.3.1), with the scope `roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The same, under the name by which most software looks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// The sealed [`Issuance`]: a claim with a collision-resistant name (RFC 7519 §4.2).
    #[serde(rename = "urn:doorward:issuance")]
    pub(super) sealed_issuance: String,
}

impl AccessClaims {
    /// The state under which the token was issued; `None` if it was sealed for another token, or not by us.
    pub fn issuance(&self, sealer: &Sealer) -> Option<Issuance> {
        Issuance::open(&self.sealed_issuance, &self.token_ref(), sealer)
    }

    fn token_ref(&self) -> TokenRef<'_> {
        TokenRef {
            id: self.jti,
            client: self.client_id.id(),
            subject: &self.sub,
        }
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        seconds(now) >= self.exp
    }

    /// Expiry of the token.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.exp.saturating_mul(1_000_000))
    }
}

/// Seconds since 1970, as tokens write instants (RFC 7519 §2, NumericDate).
pub fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// What the services that a token is for decide about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTarget {
    /// The services: `aud`.
    pub audience: Vec<String>,
    /// The `typ` in the header of a JWT.
    pub header_type: AccessTokenHeaderType,
}

/// A token that was made.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token itself.
    pub text: String,
    /// For how long it is good.
    pub lifetime: Duration,
}

impl Tokens {
    /// A token for a user's authorization of a client, with at most the authorized scopes. Needs no store.
    ///
    /// # Errors
    /// When the signer refuses.
    pub fn issue_for_user(
        &self,
        (client, signer): (&Client, &Signer),
        grant: &ConsumedGrant,
        standing: &Standing,
        scopes: &Scopes,
        target: TokenTarget,
    ) -> Result<IssuedToken, SignError> {
        let authorization = grant.authorization();
        let roles = scopes.contains(Scope::Roles);
        let roles = roles.then(|| standing.roles.clone());
        let claims = AccessClaims {
            sub: authorization.user.to_string(),
            auth_time: Some(seconds(authorization.auth_time)),
            acr: Some(authorization.acr.clone()),
            amr: Some(authorization.amr.0.clone()),
            sid: Some(authorization.sid),
            groups: roles.clone(),
            roles,
            ..self.blank(client, scopes, target.audience)
        };
        let issuance = Issuance::User(UserIssuance {
            authorization: authorization.id,
            epoch: authorization.epoch,
            client_epoch: authorization.client_epoch,
            passkeys: authorization.passkeys.0.clone(),
        });
        let signer = is_jwt(client).then_some((signer, target.header_type));
        self.write(claims, &issuance, signer)
    }

    /// A token for a client on its own behalf.
    ///
    /// # Errors
    /// When no key signs.
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
        let claims = self.blank(client, scopes, target.audience);
        let issuance = Issuance::Client {
            epoch: record.token_epoch,
        };
        let signer = signer.as_ref().map(|signer| (signer, target.header_type));
        self.write(claims, &issuance, signer)
    }

    fn blank(&self, client: &Client, scopes: &Scopes, audience: Vec<String>) -> AccessClaims {
        let now = self.clock.now();
        let own = client.metadata.access_token_lifetime;
        AccessClaims {
            iss: self.issuer.to_string(),
            // RFC 9068 §2.2: without a person the subject is the client.
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
            sealed_issuance: String::new(),
        }
    }

    /// A JWT where there is a signer, a sealed text otherwise.
    fn write(
        &self,
        mut claims: AccessClaims,
        issuance: &Issuance,
        signer: Option<(&Signer, AccessTokenHeaderType)>,
    ) -> Result<IssuedToken, SignError> {
        claims.sealed_issuance = issuance.seal(&claims.token_ref(), &self.sealers.issuance);
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

    /// As [`peek`], under the key of opaque tokens.
    pub(super) fn peek(&self, presented: &str) -> Option<(ClientId, String)> {
        peek(presented, &self.sealers.opaque)
    }

    /// Verifies a presented token. Returns its claims and the state under which it was issued.
    pub(super) fn read(&self, presented: &str, ring: &Ring) -> Option<(AccessClaims, Issuance)> {
        let claims = read(presented, &self.sealers.opaque, ring, self.clock.now())?;
        let issuance = claims.issuance(&self.sealers.issuance)?;
        Some((claims, issuance))
    }
}

fn is_jwt(client: &Client) -> bool {
    client.metadata.access_token_format == AccessTokenFormat::Jwt
}

/// A sealed token of these claims.
pub fn seal(plain: &[u8], sealer: &Sealer) -> String {
    let ciphertext = sealer.seal(plain, CONTEXT);
    format!("{SEALED}{}", URL_SAFE_NO_PAD.encode(ciphertext))
}

/// Whom a token seems to concern, before anybody checked it: only good for knowing which records to read. `None`: no token of
/// ours looks like that.
pub fn peek(presented: &str, sealer: &Sealer) -> Option<(ClientId, String)> {
    #[derive(Deserialize)]
    struct Peeked {
        client_id: PublicClientId,
        sub: String,
    }
    if presented.len() > LONGEST {
        return None;
    }
    let payload = match presented.strip_prefix(SEALED) {
        Some(encoded) => sealer
            .open(&URL_SAFE_NO_PAD.decode(encoded).ok()?, CONTEXT)
            .ok()?,
        None => URL_SAFE_NO_PAD.decode(presented.split('.').nth(1)?).ok()?,
    };
    let Peeked { client_id, sub } = serde_json::from_slice(&payload).ok()?;
    Some((client_id.id(), sub))
}

/// The claims of a presented token, if its signature or its encryption is ours. The gate decides whether it is still good.
pub fn read(presented: &str, sealer: &Sealer, ring: &Ring, now: Timestamp) -> Option<AccessClaims> {
    match presented.strip_prefix(SEALED) {
        Some(encoded) => {
            let ciphertext = URL_SAFE_NO_PAD.decode(encoded).ok()?;
            let plain = sealer.open(&ciphertext, CONTEXT).ok()?;
            serde_json::from_slice(&plain).ok()
        }
        None => ring.verify_current(presented, &TYPES, now).ok(),
    }
}
