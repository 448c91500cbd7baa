//! The state under which an access token was issued. Only [`Tokens::check`](super::Tokens::check) compares it with the current
//! state, so it is encrypted in the token and bound to it: services that read a token learn no internal ID.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::account_state::AuthorizationRef;
use crate::base::ids::{AccessTokenId, AuthorizationId, ClientId, Id, PasskeyId};
use crate::base::seal::Sealer;

/// First byte of the encoding of [`IssuedState::Client`].
const CLIENT: u8 = 1;
/// First byte of the encoding of [`IssuedState::User`].
const USER: u8 = 2;
/// The same, if `requests_userinfo_claims` is set.
const USER_WITH_CLAIMS: u8 = 3;

/// The state under which an access token was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedState {
    /// Issued to a client on its own behalf.
    Client {
        /// The client's token epoch at the time of issue.
        epoch: i64,
    },
    /// Issued to a client for a user.
    User(UserIssuedState),
}

/// The state under which an access token was issued for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIssuedState {
    /// ID of the authorization that the token belongs to.
    pub authorization: AuthorizationId,
    /// The user's session epoch at the time of issue.
    pub epoch: i64,
    /// The client's epoch for authorizations by users, at the time of issue.
    pub client_epoch: i64,
    /// IDs of the passkeys that the session depended on.
    pub passkeys: Vec<PasskeyId>,
    /// Whether the authorization request asked for individual UserInfo claims, which are stored with the authorization.
    pub requests_userinfo_claims: bool,
}

impl UserIssuedState {
    /// The reference to check against the user's account state.
    pub(super) fn authorization_ref(&self) -> AuthorizationRef<'_> {
        AuthorizationRef {
            authorization: self.authorization,
            epoch: self.epoch,
            passkeys: &self.passkeys,
        }
    }
}

impl IssuedState {
    /// Encrypts the state for one token.
    pub(super) fn seal(&self, token: &TokenRef<'_>, sealer: &Sealer) -> String {
        URL_SAFE_NO_PAD.encode(sealer.seal(&self.encode(), &token.context()))
    }

    /// Decrypts the state in a token. Returns `None` if it was encrypted for another token, or not by Doorward.
    pub(super) fn open(encrypted: &str, token: &TokenRef<'_>, sealer: &Sealer) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(encrypted).ok()?;
        Self::decode(&sealer.open(&bytes, &token.context()).ok()?)
    }

    /// Encodes the state compactly: integers in big-endian order, IDs as their 16 bytes, passkeys last.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Client { epoch } => [&[CLIENT][..], &epoch.to_be_bytes()].concat(),
            Self::User(issued) => {
                let with_claims = issued.requests_userinfo_claims;
                let mut bytes = vec![if with_claims { USER_WITH_CLAIMS } else { USER }];
                bytes.extend_from_slice(issued.authorization.uuid().as_bytes());
                bytes.extend_from_slice(&issued.epoch.to_be_bytes());
                bytes.extend_from_slice(&issued.client_epoch.to_be_bytes());
                for passkey in &issued.passkeys {
                    bytes.extend_from_slice(passkey.uuid().as_bytes());
                }
                bytes
            }
        }
    }

    /// Decodes the result of [`IssuedState::encode`]; returns `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, mut rest) = bytes.split_first()?;
        match *kind {
            CLIENT => {
                let epoch = take_integer(&mut rest)?;
                rest.is_empty().then_some(Self::Client { epoch })
            }
            USER | USER_WITH_CLAIMS => {
                let authorization = take_id(&mut rest)?;
                let epoch = take_integer(&mut rest)?;
                let client_epoch = take_integer(&mut rest)?;
                let mut passkeys = Vec::new();
                while !rest.is_empty() {
                    passkeys.push(take_id(&mut rest)?);
                }
                Some(Self::User(UserIssuedState {
                    authorization,
                    epoch,
                    client_epoch,
                    passkeys,
                    requests_userinfo_claims: *kind == USER_WITH_CLAIMS,
                }))
            }
            _ => None,
        }
    }
}

/// The claims that identify a token. The encrypted state is bound to them.
#[derive(Clone, Copy)]
pub(super) struct TokenRef<'a> {
    /// `jti`.
    pub(super) id: AccessTokenId,
    /// `client_id`.
    pub(super) client: ClientId,
    /// `sub`.
    pub(super) subject: &'a str,
}

impl TokenRef<'_> {
    /// Data that binds the ciphertext to this token. Both IDs have a fixed length, so no two tokens have the same context.
    fn context(&self) -> Vec<u8> {
        let (token, client) = (self.id.uuid(), self.client.uuid());
        [
            &token.as_bytes()[..],
            client.as_bytes(),
            self.subject.as_bytes(),
        ]
        .concat()
    }
}

fn take_integer(rest: &mut &[u8]) -> Option<i64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_be_bytes(*bytes))
}

fn take_id<T>(rest: &mut &[u8]) -> Option<Id<T>> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(Id::from_uuid(Uuid::from_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secrets::MasterKey;

    fn token(subject: &str) -> TokenRef<'_> {
        TokenRef {
            id: AccessTokenId::random(),
            client: ClientId::random(),
            subject,
        }
    }

    fn for_user(passkeys: usize) -> IssuedState {
        IssuedState::User(UserIssuedState {
            authorization: AuthorizationId::random(),
            epoch: 3,
            client_epoch: -1,
            passkeys: (0..passkeys).map(|_| PasskeyId::random()).collect(),
            requests_userinfo_claims: passkeys == 1,
        })
    }

    #[test]
    fn the_encoding_round_trips_and_other_bytes_are_refused() {
        let all = [
            IssuedState::Client { epoch: i64::MAX },
            for_user(0),
            for_user(1),
            for_user(3),
        ];
        for issued_state in all {
            let bytes = issued_state.encode();
            assert_eq!(IssuedState::decode(&bytes), Some(issued_state));
            assert_eq!(IssuedState::decode(&[&bytes[..], &[0]].concat()), None);
        }
        let bytes = for_user(0).encode();
        for length in 0..bytes.len() {
            assert_eq!(
                IssuedState::decode(&bytes[..length]),
                None,
                "{length} bytes"
            );
        }
        assert_eq!(IssuedState::decode(&[0; 9]), None, "an unknown kind");
    }

    #[test]
    fn encrypted_state_decrypts_only_in_its_own_token() {
        let sealer = Sealer::new(&MasterKey::generate(), None, "tests");
        let (own, other, issued_state) = (token("ada"), token("bob"), for_user(1));
        let encrypted = issued_state.seal(&own, &sealer);
        assert_eq!(
            IssuedState::open(&encrypted, &own, &sealer),
            Some(issued_state)
        );
        let transplanted = [
            TokenRef {
                id: other.id,
                ..own
            },
            TokenRef {
                subject: other.subject,
                ..own
            },
            TokenRef {
                client: other.client,
                ..own
            },
        ];
        for token in transplanted {
            assert_eq!(IssuedState::open(&encrypted, &token, &sealer), None);
        }
        for odd in ["", "AA", "%", &encrypted[1..]] {
            assert_eq!(IssuedState::open(odd, &own, &sealer), None, "{odd}");
        }
    }
}
