//! Checks whether an access token is valid: authentic, not expired, its client enabled, its authorization not revoked, its user's
//! account active. Every endpoint that accepts an access token uses this check.

use std::sync::Arc;

use super::access_token::AccessClaims;
use super::issuance::{Issuance, UserIssuance};
use super::{Tokens, queries};
use crate::base::ids::{AuthorizationId, ClientId, UserId};
use crate::clients::{Client, Credential, RevokedToken, UserToken};
use crate::standing::{Standing, Standings, Unavailable, Verdict};

/// A token that was valid when it was checked.
#[derive(Clone, Debug)]
pub struct GoodToken {
    /// Claims of the token.
    pub claims: AccessClaims,
    /// The client that the token was issued to.
    pub client: Arc<Client>,
    /// The user's account state, as of this request; `None` if the client got the token on its own behalf.
    pub standing: Option<Standing>,
    issuance: Issuance,
}

impl GoodToken {
    /// Returns the user of the token and the authorization that it was issued under; `None` for a client's own token.
    pub fn authorization(&self) -> Option<(UserId, AuthorizationId)> {
        match (&self.standing, &self.issuance) {
            (Some(user), Issuance::User(issued)) => Some((user.user_id, issued.authorization)),
            _ => None,
        }
    }

    /// The credential that is checked again in the transaction of a change that the token's holder makes.
    pub fn credential(&self) -> Credential {
        match &self.issuance {
            Issuance::User(issued) => Credential::UserToken(UserToken {
                authorization: issued.authorization,
                epoch: issued.epoch,
                client_epoch: issued.client_epoch,
                passkeys: issued.passkeys.clone(),
                is_revoked: queries::is_revoked,
            }),
            Issuance::Client { epoch } => Credential::ClientToken {
                id: self.claims.jti,
                epoch: *epoch,
            },
        }
    }
}

/// A token that Doorward issued. It may have been revoked.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// ID of the client that the token was issued to.
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
pub struct TokenCopies {
    ring: Option<String>,
    client: Option<String>,
    standing: Option<String>,
}

impl Tokens {
    /// Checks a presented access token.
    ///
    /// # Errors
    /// `Bad` if the token is not valid; `Unavailable` if that can't be determined.
    pub async fn check(&self, presented: &str) -> Result<GoodToken, TokenError> {
        // 1. Read the records in one round trip; the unverified claims say which.
        let whom = self.peek(presented).ok_or(TokenError::Bad("not-genuine"))?;
        let (_, read) = self.read_copies(whom, None).await?;
        self.check_copies(presented, &read).await
    }

    /// Reads the cached records that [`Tokens::check_copies`] needs for a token, and another entry with them, in one round trip.
    /// Returns no records if the text doesn't have the form of an access token.
    pub async fn read_copies_beside(
        &self,
        presented: &str,
        other: &str,
    ) -> Result<(Option<String>, Option<TokenCopies>), Unavailable> {
        match self.peek(presented) {
            Some(whom) => {
                let (other, copies) = self.read_copies(whom, Some(other)).await?;
                Ok((other, Some(copies)))
            }
            None => {
                let copies = self.ephemeral.get(&[other]).await?;
                Ok((copies.into_iter().next().flatten(), None))
            }
        }
    }

    /// Checks a token as [`Tokens::check`] does, against cached records that were just read for this token.
    ///
    /// # Errors
    /// As [`Tokens::check`].
    pub async fn check_copies(
        &self,
        presented: &str,
        read: &TokenCopies,
    ) -> Result<GoodToken, TokenError> {
        // 2. Check that the token is authentic, issued by this installation, and not expired.
        let ring = self.keyring.ring_of_copy(read.ring.as_deref()).await?;
        let (claims, issuance) = self
            .read(presented, &ring)
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
            .of_copy(claims.client_id.id(), read.client.as_deref())
            .await?;
        let record = record
            .filter(|record| record.client.enabled)
            .ok_or(TokenError::Bad("client-disabled"))?;
        // 4. Check its user, or the client's own token.
        let standing = match &issuance {
            Issuance::User(issued) if issued.client_epoch != record.people_epoch => {
                return Err(TokenError::Bad("client-was-disabled"));
            }
            Issuance::User(issued) => {
                let user = UserId::parse(&claims.sub).ok_or(TokenError::Bad("no-user"))?;
                let standing = self.judge(issued, user, read.standing.as_deref()).await?;
                if !may_use(&record.client, &standing) {
                    return Err(TokenError::Bad("role-missing"));
                }
                Some(standing)
            }
            Issuance::Client { epoch } if record.is_own_token_good(claims.jti, *epoch) => None,
            Issuance::Client { .. } => return Err(TokenError::Bad("token-revoked")),
        };
        Ok(GoodToken {
            claims,
            client: record.client,
            standing,
            issuance,
        })
    }

    /// Identifies a presented access token without checking whether it is valid now. Returns `None` if Doorward did not issue it,
    /// or if it is a user's token and has expired.
    pub async fn identify(&self, presented: &str) -> Result<Option<KnownToken>, Unavailable> {
        let ring = self.keyring.ring().await?;
        let read = self.read(presented, &ring);
        let Some((claims, issuance)) = read.filter(|(claims, _)| claims.iss == *self.issuer) else {
            return Ok(None);
        };
        let is_over = claims.is_over(self.clock.now());
        let holder = match issuance {
            Issuance::User(issued) => UserId::parse(&claims.sub)
                .filter(|_| !is_over)
                .map(|user| TokenHolder::User(user, issued.authorization)),
            Issuance::Client { epoch } => Some(TokenHolder::Client {
                token: RevokedToken {
                    id: claims.jti,
                    expires_at: claims.expires_at(),
                },
                epoch,
            }),
        };
        let client = claims.client_id.id();
        Ok(holder.map(|holder| KnownToken { client, holder }))
    }

    async fn read_copies(
        &self,
        (client, sub): (ClientId, String),
        other: Option<&str>,
    ) -> Result<(Option<String>, TokenCopies), Unavailable> {
        let user = UserId::parse(&sub).map(Standings::key);
        let client = self.clients.key(client);
        let mut keys = vec![self.keyring.key(), client.as_str()];
        keys.extend(user.as_deref());
        keys.extend(other);
        let mut copies = self.ephemeral.get(&keys).await?.into_iter();
        let read = TokenCopies {
            ring: copies.next().flatten(),
            client: copies.next().flatten(),
            standing: user.and_then(|_| copies.next().flatten()),
        };
        Ok((copies.next().flatten(), read))
    }

    async fn judge(
        &self,
        issued: &UserIssuance,
        user: UserId,
        copy: Option<&str>,
    ) -> Result<Standing, TokenError> {
        let (claim, authorization) = (issued.claim(), issued.authorization);
        let nobody = || TokenError::Bad("no-standing");
        let record = copy.and_then(Standings::record_in);
        let standing = self
            .standings
            .of_copy(user, record)
            .await?
            .ok_or_else(nobody)?;
        let judged = self
            .standings
            .judge(standing, |record| record.judge_authorization(&claim));
        let (standing, verdict) = judged.await?.ok_or_else(nobody)?;
        match verdict {
            Verdict::Good => Ok(standing),
            Verdict::Refused(reason) => Err(TokenError::Bad(reason)),
            Verdict::RecordIsOld => Err(TokenError::Bad("unknown-epoch")),
            Verdict::AskTheRow => {
                let asked = self
                    .database
                    .read(move |conn| queries::is_revoked(conn, authorization))
                    .await;
                if asked.map_err(Unavailable::from)? {
                    return Err(TokenError::Bad("authorization-revoked"));
                }
                Ok(standing)
            }
        }
    }
}

/// Returns whether a user may use a client: clients can be restricted to users with certain roles.
pub fn may_use(client: &Client, standing: &Standing) -> bool {
    client.admits(standing)
}
