//! Checks whether an access token is valid: authentic, not expired, its client enabled, its authorization not revoked, its user's
//! account active. Every endpoint that accepts an access token uses this check.

use std::sync::Arc;

use super::access_token::{AccessClaims, peek_unverified};
use super::issued_state::{IssuedState, UserIssuedState};
use super::{Tokens, queries};
use crate::account_state::{AccountState, AccountStates, CheckResult, Unavailable};
use crate::base::ids::{AuthorizationId, ClientId, UserId};
use crate::clients::{Client, Credential, RevokedToken, UserToken};

/// A token that was valid when it was checked.
#[derive(Clone, Debug)]
pub struct ValidToken {
    pub claims: AccessClaims,
    /// The client that the token was issued to.
    pub client: Arc<Client>,
    /// The user's account state, as of this request; `None` if the client got the token on its own behalf.
    pub account_state: Option<AccountState>,
    issued_state: IssuedState,
}

impl ValidToken {
    /// Returns the user of the token and the authorization that it was issued under; `None` for a client's own token.
    pub fn authorization(&self) -> Option<(UserId, AuthorizationId)> {
        match (&self.account_state, &self.issued_state) {
            (Some(user), IssuedState::User(issued)) => Some((user.user_id, issued.authorization)),
            _ => None,
        }
    }

    /// Whether the authorization request asked for individual UserInfo claims.
    pub fn requests_userinfo_claims(&self) -> bool {
        matches!(&self.issued_state, IssuedState::User(issued) if issued.requests_userinfo_claims)
    }

    /// The credential that is checked again in the transaction of a change that the token's holder makes.
    pub fn credential(&self) -> Credential {
        match &self.issued_state {
            IssuedState::User(issued) => Credential::UserToken(UserToken {
                authorization: issued.authorization,
                epoch: issued.epoch,
                client_epoch: issued.client_epoch,
                passkeys: issued.passkeys.clone(),
                is_revoked: queries::is_revoked,
            }),
            IssuedState::Client { epoch } => Credential::ClientToken {
                id: self.claims.jti,
                epoch: *epoch,
            },
        }
    }
}

/// A token that Doorward issued. It may have been revoked.
#[derive(Clone, Debug)]
pub struct IdentifiedToken {
    pub client: ClientId,
    /// On whose behalf the client got the token.
    pub holder: TokenHolder,
}

/// On whose behalf a client got a token.
#[derive(Clone, Debug)]
pub enum TokenHolder {
    /// This user, under this authorization. The token has not expired.
    User(UserId, AuthorizationId),
    /// The client itself. The token may have expired, because what was created with it can outlive it.
    Client {
        /// The token, as it is listed once it is revoked.
        token: RevokedToken,
        /// The client's token epoch when it was issued.
        epoch: i64,
    },
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is not authentic, expired or revoked. Contains a reason code for the log.
    #[error("invalid token: {0}")]
    Bad(&'static str),
    /// A store is unavailable, so the token could not be checked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The cached records that a token is checked against, all read in one round trip.
#[derive(Clone, Debug)]
pub struct CachedTokenState {
    key_set: Option<String>,
    client: Option<String>,
    account_state: Option<String>,
}

impl Tokens {
    /// Checks a presented access token.
    pub async fn check(&self, presented: &str) -> Result<ValidToken, TokenError> {
        // 1. Read the records in one round trip; the unverified claims say which.
        let whom = peek_unverified(presented, &self.sealers.opaque)
            .ok_or(TokenError::Bad("not-genuine"))?;
        let (_, read) = self.read_cached(whom, None).await?;
        self.check_with_cached(presented, &read).await
    }

    /// Checks a presented access token, and reads another entry of its user in the same round trip. `key` returns the entry's key.
    /// The entry is that of the user of the returned token.
    pub async fn check_and_read(
        &self,
        presented: &str,
        key: fn(UserId) -> String,
    ) -> Result<(ValidToken, Option<String>), TokenError> {
        let whom = peek_unverified(presented, &self.sealers.opaque)
            .ok_or(TokenError::Bad("not-genuine"))?;
        let other = UserId::parse(&whom.1).map(key);
        let (copy, read) = self.read_cached(whom, other.as_deref()).await?;
        Ok((self.check_with_cached(presented, &read).await?, copy))
    }

    /// Reads the cached records that [`Tokens::check_with_cached`] needs for a token, and another entry with them, in one round trip.
    /// Returns no records if the text doesn't have the form of an access token.
    pub async fn read_cached_with(
        &self,
        presented: &str,
        other: &str,
    ) -> Result<(Option<String>, Option<CachedTokenState>), Unavailable> {
        match peek_unverified(presented, &self.sealers.opaque) {
            Some(whom) => {
                let (other, copies) = self.read_cached(whom, Some(other)).await?;
                Ok((other, Some(copies)))
            }
            None => Ok((self.ephemeral.get_one(other).await?, None)),
        }
    }

    /// Checks a token as [`Tokens::check`] does, against cached records that were just read for this token.
    pub async fn check_with_cached(
        &self,
        presented: &str,
        read: &CachedTokenState,
    ) -> Result<ValidToken, TokenError> {
        // 2. Check that the token is authentic, issued by this installation, and not expired.
        let key_set = self
            .keyring
            .key_set_with_cached(read.key_set.as_deref())
            .await?;
        let (claims, issued_state) = self
            .read(presented, &key_set)
            .ok_or(TokenError::Bad("not-genuine"))?;
        if claims.iss != *self.issuer {
            return Err(TokenError::Bad("other-issuer"));
        }
        if claims.is_over(self.clock.now()) {
            return Err(TokenError::Bad("expired"));
        }
        // 3. Check its client.
        let record = self
            .clients
            .find_with_cached(claims.client_id.id(), read.client.as_deref())
            .await?;
        let record = record
            .filter(|record| record.client.enabled)
            .ok_or(TokenError::Bad("client-disabled"))?;
        // 4. Check its user, or the client's own token.
        let account_state = match &issued_state {
            IssuedState::User(issued)
                if issued.client_epoch != record.user_authorizations_epoch =>
            {
                return Err(TokenError::Bad("client-was-disabled"));
            }
            IssuedState::User(issued) => {
                let user = UserId::parse(&claims.sub).ok_or(TokenError::Bad("no-user"))?;
                let account_state = self
                    .check_account(issued, user, read.account_state.as_deref())
                    .await?;
                if !record.client.allows_user(&account_state) {
                    return Err(TokenError::Bad("role-missing"));
                }
                Some(account_state)
            }
            IssuedState::Client { epoch } if record.is_own_token_valid(claims.jti, *epoch) => None,
            IssuedState::Client { .. } => return Err(TokenError::Bad("token-revoked")),
        };
        Ok(ValidToken {
            claims,
            client: record.client,
            account_state,
            issued_state,
        })
    }

    /// Identifies a presented access token without checking whether it is valid now. Returns `None` if Doorward did not issue it,
    /// or if it is a user's token and has expired.
    pub async fn identify(&self, presented: &str) -> Result<Option<IdentifiedToken>, Unavailable> {
        let key_set = self.keyring.key_set().await?;
        let read = self.read(presented, &key_set);
        let Some((claims, issued_state)) = read.filter(|(claims, _)| claims.iss == *self.issuer)
        else {
            return Ok(None);
        };
        let is_over = claims.is_over(self.clock.now());
        let holder = match issued_state {
            IssuedState::User(issued) => UserId::parse(&claims.sub)
                .filter(|_| !is_over)
                .map(|user| TokenHolder::User(user, issued.authorization)),
            IssuedState::Client { epoch } => Some(TokenHolder::Client {
                token: RevokedToken {
                    id: claims.jti,
                    expires_at: claims.expires_at(),
                },
                epoch,
            }),
        };
        let client = claims.client_id.id();
        Ok(holder.map(|holder| IdentifiedToken { client, holder }))
    }

    async fn read_cached(
        &self,
        (client, sub): (ClientId, String),
        other: Option<&str>,
    ) -> Result<(Option<String>, CachedTokenState), Unavailable> {
        let user = UserId::parse(&sub).map(AccountStates::key);
        let client = self.clients.key(client);
        let mut keys = vec![self.keyring.key(), client.as_str()];
        keys.extend(user.as_deref());
        keys.extend(other);
        let mut copies = self.ephemeral.get(&keys).await?.into_iter();
        let read = CachedTokenState {
            key_set: copies.next().flatten(),
            client: copies.next().flatten(),
            account_state: user.and_then(|_| copies.next().flatten()),
        };
        Ok((copies.next().flatten(), read))
    }

    async fn check_account(
        &self,
        issued: &UserIssuedState,
        user: UserId,
        copy: Option<&str>,
    ) -> Result<AccountState, TokenError> {
        let (authorization_ref, authorization) = (issued.authorization_ref(), issued.authorization);
        let nobody = || TokenError::Bad("no-account-state");
        let record = copy.and_then(AccountStates::cached_record);
        let account_state = self
            .account_states
            .find_with_cached(user, record)
            .await?
            .ok_or_else(nobody)?;
        let checked = self.account_states.check(account_state, |record| {
            record.check_authorization(&authorization_ref)
        });
        let (account_state, result) = checked.await?.ok_or_else(nobody)?;
        match result {
            CheckResult::Valid => Ok(account_state),
            CheckResult::Refused(reason) => Err(TokenError::Bad(reason)),
            CheckResult::StateIsOutdated => Err(TokenError::Bad("unknown-epoch")),
            CheckResult::ReadRow => {
                let asked = self
                    .database
                    .read(move |conn| queries::is_revoked(conn, authorization))
                    .await;
                if asked.map_err(Unavailable::from)? {
                    return Err(TokenError::Bad("authorization-revoked"));
                }
                Ok(account_state)
            }
        }
    }
}
