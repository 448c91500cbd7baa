//! Whether an access token is good: genuine, not over, its client enabled, its authorization not revoked, its person's
//! standing good. Every endpoint that takes a token asks here, and nowhere else.

use super::access_token::AccessClaims;
use super::{Tokens, queries};
use crate::base::ids::{ClientId, UserId};
use crate::clients::{Client, Clients};
use crate::standing::{AuthorizationClaim, Standing, Standings, Unavailable, Verdict};

/// A token that is good at this moment.
#[derive(Clone, Debug)]
pub struct GoodToken {
    /// What it says.
    pub claims: AccessClaims,
    /// To whom it was issued.
    pub client: Client,
    /// The person, as of this request; none when the client got it on its own behalf.
    pub standing: Option<Standing>,
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Not ours, over, revoked; with a reason code for the log.
    #[error("the token is not good: {0}")]
    Bad(&'static str),
    /// A store is away: nobody knows.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The copies that judge a token, read in one round trip.
struct Read {
    ring: Option<String>,
    client: Option<String>,
    standing: Option<String>,
}

impl Tokens {
    /// Judges a presented access token.
    ///
    /// # Errors
    /// `Bad`, or nobody knows.
    pub async fn check(&self, presented: &str) -> Result<GoodToken, TokenError> {
        // 1. What decides, in one round trip: the token says whom it concerns.
        let (client, sub) = self.peek(presented).ok_or(TokenError::Bad("not-genuine"))?;
        let read = self.read_copies(client, &sub).await?;
        // 2. Genuine, ours, not over.
        let ring = self.keyring.ring_of_copy(read.ring.as_deref()).await?;
        let claims = self
            .read(presented, &ring)
            .ok_or(TokenError::Bad("not-genuine"))?;
        if claims.iss != *self.issuer {
            return Err(TokenError::Bad("other-issuer"));
        }
        if claims.is_over(self.clock.now()) {
            return Err(TokenError::Bad("expired"));
        }
        // 3. Its client.
        let record = self
            .clients
            .of_copy(claims.client_id, read.client.as_deref())
            .await?;
        let record = record
            .filter(|record| record.client.enabled)
            .ok_or(TokenError::Bad("client-disabled"))?;
        // 4. Its person, or the client itself.
        let standing = match claims.user() {
            Some(_) if claims.client_epoch != record.people_epoch => {
                return Err(TokenError::Bad("client-was-disabled"));
            }
            Some(user) => {
                let standing = self.judge(&claims, user, read.standing.as_deref()).await?;
                if !may_use(&record.client, &standing) {
                    return Err(TokenError::Bad("role-missing"));
                }
                Some(standing)
            }
            None if record.is_own_token_good(claims.jti, claims.epoch) => None,
            None => return Err(TokenError::Bad("token-revoked")),
        };
        Ok(GoodToken {
            claims,
            client: record.client,
            standing,
        })
    }

    async fn read_copies(&self, client: ClientId, sub: &str) -> Result<Read, Unavailable> {
        let user = UserId::parse(sub);
        let keys = [
            self.keyring.key().to_owned(),
            Clients::key(client),
            user.map(Standings::key).unwrap_or_default(),
        ];
        let keys: Vec<&str> = keys
            .iter()
            .map(String::as_str)
            .filter(|key| !key.is_empty())
            .collect();
        let mut copies = self.ephemeral.get(&keys).await?.into_iter();
        Ok(Read {
            ring: copies.next().flatten(),
            client: copies.next().flatten(),
            standing: copies.next().flatten(),
        })
    }

    async fn judge(
        &self,
        claims: &AccessClaims,
        user: UserId,
        copy: Option<&str>,
    ) -> Result<Standing, TokenError> {
        let Some(authorization) = claims.authorization else {
            return Err(TokenError::Bad("no-authorization"));
        };
        let claim = AuthorizationClaim {
            authorization,
            epoch: claims.epoch,
            passkeys: &claims.passkeys,
        };
        let nobody = || TokenError::Bad("no-standing");
        let record = copy.and_then(Standings::record_in);
        let mut standing = self
            .standings
            .of_copy(user, record)
            .await?
            .ok_or_else(nobody)?;
        let mut verdict = standing.judge_authorization(&claim);
        if verdict == Verdict::RecordIsOld {
            standing = self.standings.reload(user).await?.ok_or_else(nobody)?;
            verdict = standing.judge_authorization(&claim);
        }
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

/// Whether a person may use a client at all: they hold one of the roles that it is for.
pub fn may_use(client: &Client, standing: &Standing) -> bool {
    let allowed = &client.metadata.allowed_roles;
    allowed.is_empty() || standing.roles.iter().any(|role| allowed.contains(role))
}
