//! A code becomes tokens, once (RFC 6749 §4.1.3). Its second use revokes the authorization, whichever use commits first.

use serde_json::json;

use super::error::Refusal;
use super::parameters::Parameters;
use super::token::{Granted, TokenRefused};
use super::{Oidc, pkce};
use crate::base::secrets::{Token, TokenHash};
use crate::clients::{Client, GrantType, Scope};
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};
use crate::standing::{self, Standing, Verdict};
use crate::tokens::{self, Authorization, may_use, refresh, revoke};
use crate::users;

/// How a redemption ended. Both are committed: a refusal burns the code.
enum Redemption {
    Granted(Box<Granted>),
    Refused {
        authorization: Box<Authorization>,
        refusal: Refusal,
    },
    Unknown,
}

impl Oidc {
    pub(super) async fn redeem_code(
        &self,
        client: &Client,
        parameters: &Parameters,
        author: Author,
    ) -> Result<Granted, TokenRefused> {
        let code = parameters
            .get("code")
            .ok_or_else(|| Refusal::invalid_request("code is missing"))?;
        let unknown = || Refusal::invalid_grant("this code is not known, or was used, or is over");
        let code = Token::parse(code).ok_or_else(unknown)?.hash();
        let redemption = Redeeming {
            oidc: self.clone(),
            client: client.clone(),
            redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
            verifier: parameters.get("code_verifier").map(str::to_owned),
            author: author.acting_as(Actor::Client(client.id)),
        };
        let redeemed = self
            .database
            .write(move |conn| redemption.run(conn, &code))
            .await?;
        match redeemed {
            Redemption::Granted(granted) => Ok(*granted),
            Redemption::Unknown => Err(unknown().into()),
            Redemption::Refused {
                authorization,
                refusal,
            } => {
                self.standings.publish(authorization.user).await?;
                Err(refusal.into())
            }
        }
    }
}

struct Redeeming {
    oidc: Oidc,
    client: Client,
    redirect_uri: Option<String>,
    verifier: Option<String>,
    author: Author,
}

impl Redeeming {
    fn run(&self, conn: &mut Connection, code: &TokenHash) -> db::Result<Redemption> {
        // 1. Whose code; everything about a person is decided under their lock.
        let Some(found) = tokens::find_by_code(conn, code)? else {
            return Ok(Redemption::Unknown);
        };
        standing::lock(conn, found.user)?;
        // 2. Once.
        let now = self.oidc.clock.now();
        if !tokens::use_code(conn, found.id, now)? {
            return self.refuse(conn, found, "code-replayed", "this code was used before");
        }
        // 3. By its own client, from where it was sent, in time, by whoever began.
        let Some(authorization) = tokens::find(conn, found.id)? else {
            return Ok(Redemption::Unknown);
        };
        if let Err((reason, refusal)) = self.judge(&authorization) {
            return self.refuse(conn, authorization, reason, &refusal.description);
        }
        // 4. The gate.
        let standing = standing::find_record(conn, authorization.user)?;
        let user = users::find(conn, authorization.user)?;
        let (Some(standing), Some(user)) = (standing, user) else {
            return self.refuse(
                conn,
                authorization,
                "no-standing",
                "nobody is there any more",
            );
        };
        if let Err(reason) = judge_standing(&authorization, &standing, &self.client) {
            return self.refuse(
                conn,
                authorization,
                reason,
                "what was granted has been withdrawn",
            );
        }
        // 5. Refresh tokens, where the client may use them.
        let scopes = authorization.scopes();
        let refresh_token = if self.client.metadata.allows(GrantType::RefreshToken) {
            let ends = if scopes.contains(Scope::OfflineAccess) {
                now.after(self.oidc.tokens.lifetimes.offline_lifetime)
            } else {
                authorization.session_end
            };
            Some(refresh::begin(conn, authorization.id, ends, now)?)
        } else {
            None
        };
        Ok(Redemption::Granted(Box::new(Granted {
            authorization,
            standing,
            user,
            scopes,
            refresh_token,
        })))
    }

    fn judge(&self, authorization: &Authorization) -> Result<(), (&'static str, Refusal)> {
        let refused = |reason, text: &str| Err((reason, Refusal::invalid_grant(text)));
        if authorization.client != self.client.id {
            return refused(
                "code-of-other-client",
                "this code was given to another client",
            );
        }
        if self.oidc.clock.now() >= authorization.code_expires_at {
            return refused("code-expired", "this code is over");
        }
        if self.redirect_uri.as_deref() != Some(authorization.redirect_uri.as_str()) {
            return refused(
                "other-redirect-uri",
                "redirect_uri must be the one of the authorization request",
            );
        }
        pkce::verify(
            authorization.code_challenge.as_deref(),
            self.verifier.as_deref(),
        )
        .map_err(|refusal| ("pkce", refusal))
    }

    /// Revokes what the code belongs to, in the same transaction, and leaves its audit event.
    fn refuse(
        &self,
        conn: &mut Connection,
        authorization: Authorization,
        reason: &'static str,
        description: &str,
    ) -> db::Result<Redemption> {
        end(
            &self.oidc,
            conn,
            &authorization,
            (reason, "code.redeemed"),
            &self.author,
        )?;
        Ok(Redemption::Refused {
            authorization: Box::new(authorization),
            refusal: Refusal::invalid_grant(description),
        })
    }
}

/// Revokes an authorization because somebody misused what belongs to it.
pub(super) fn end(
    oidc: &Oidc,
    conn: &mut Connection,
    authorization: &Authorization,
    (reason, action): (&'static str, &'static str),
    author: &Author,
) -> db::Result<()> {
    let now = oidc.database.now(conn)?;
    standing::raise(conn, authorization.user, now)?;
    let was_live = revoke::end_one(conn, authorization.id, now, reason)?;
    let event = Event::refused(action, reason)
        .subject(authorization.user)
        .client(authorization.client)
        .details(json!({ "authorization": authorization.id, "revoked": was_live }));
    history::record(conn, now, author, event)
}

/// Whether an authorization is good at this moment, as far as its person and their roles decide.
pub(super) fn judge_standing(
    authorization: &Authorization,
    standing: &Standing,
    client: &Client,
) -> Result<(), &'static str> {
    if authorization.revoked_at.is_some() {
        return Err("authorization-revoked");
    }
    match standing.judge_authorization(&authorization.claim()) {
        // The row was just read: it says nothing of a revocation.
        Verdict::Good | Verdict::AskTheRow => {}
        Verdict::Refused(reason) => return Err(reason),
        Verdict::RecordIsOld => return Err("unknown-epoch"),
    }
    if may_use(client, standing) {
        Ok(())
    } else {
        Err("role-missing")
    }
}
