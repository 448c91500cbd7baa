//! ID tokens (OpenID Connect Core §2): issued with access tokens, and read when an app sends one as a hint.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::claims_request::ClaimsRequest;
use super::{Oidc, user_claims};
use crate::account_state::Unavailable;
use crate::base::ids::SessionId;
use crate::clients::{Algorithm, Client, Scopes};
use crate::tokens::keys::{SignError, Signer};
use crate::tokens::{ConsumedGrant, seconds};
use crate::users::User;

const TYPE: &str = "JWT";

/// Claims of an ID token that was sent as `id_token_hint` (OpenID Connect Core §3.1.2.1; RP-Initiated Logout §2).
#[derive(Clone, Debug, Deserialize)]
pub struct IdTokenHint {
    iss: String,
    /// ID of the user.
    pub sub: String,
    /// Public ID of the client that it was issued to.
    pub aud: String,
    /// `sid` of the session that it was issued in.
    pub sid: Option<SessionId>,
    /// Present in access tokens, which may have the same `typ`.
    #[serde(rename = "urn:doorward:issuance")]
    issued_state: Option<IgnoredAny>,
}

impl Oidc {
    /// Issues an ID token together with an access token. The claims about the sign-in are those of the authorization, because a
    /// refresh is not a sign-in (OpenID Connect Core §12.2). Needs no store.
    pub(super) fn issue_id_token(
        &self,
        (client, signer): (&Client, &Signer),
        grant: &ConsumedGrant,
        user: &User,
        scopes: &Scopes,
        access_token: &str,
    ) -> Result<String, SignError> {
        let (now, authorization) = (self.clock.now(), grant.authorization());
        let request: ClaimsRequest =
            serde_json::from_value(authorization.claims.0.clone()).unwrap_or_default();
        let mut claims: Map<String, Value> = user_claims::for_id_token(
            user,
            scopes,
            client,
            (&request, &self.tokens.lifetimes.claims),
        );
        let lifetimes = &self.tokens.lifetimes;
        let lifetime = lifetimes.id_lifetime_of(client.metadata.id_token_lifetime);
        let own = [
            ("iss", json!(self.issuer())),
            ("sub", json!(authorization.user)),
            ("aud", json!(client.public_id)),
            ("azp", json!(client.public_id)),
            ("iat", json!(seconds(now))),
            ("exp", json!(seconds(now.after(lifetime)))),
            ("auth_time", json!(seconds(authorization.auth_time))),
            ("acr", json!(authorization.acr)),
            ("amr", json!(authorization.amr.0)),
            ("sid", json!(authorization.sid)),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));
        // For EdDSA the specification names no hash, and libraries disagree, so the optional claim is omitted.
        if signer.algorithm() != Algorithm::EdDSA {
            claims.insert("at_hash".into(), json!(left_half_hash(access_token)));
        }
        if let Some(nonce) = &authorization.nonce {
            claims.insert("nonce".into(), json!(nonce));
        }
        signer.sign(TYPE, &claims)
    }

    /// Verifies an ID token of this issuer, which may have expired; `None` for anything else.
    pub(super) async fn read_id_token(
        &self,
        text: &str,
    ) -> Result<Option<IdTokenHint>, Unavailable> {
        let key_set = self.tokens.keyring.key_set().await?;
        let known: Option<IdTokenHint> = key_set.verify(text, &[TYPE]).ok();
        Ok(known.filter(|known| known.iss == self.issuer() && known.issued_state.is_none()))
    }
}

/// Returns the left half of the token's SHA-256 in base64url (OpenID Connect Core §3.1.3.6).
fn left_half_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    let half = hash.as_ref().iter().take(16).copied().collect::<Vec<u8>>();
    URL_SAFE_NO_PAD.encode(half)
}
