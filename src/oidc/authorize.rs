//! The authorization endpoint (RFC 6749 §4.1.1): validates the request, decides the next step, and writes the authorization.

use std::sync::Arc;

use serde_json::json;

use super::dropped_scopes::dropped_scopes;
use super::error::{ErrorCode, OAuthError};
use super::interaction::{self, CurrentUser, NextStep, SessionSnapshot, UserAnswers};
use super::parameters::Parameters;
use super::request::{self, AuthorizationRequest, ResponseTarget};
use super::{Oidc, consent};
use crate::account_state::{self, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::consents::ConsentTerms;
use crate::clients::{self, Client};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::passkeys::PasskeyFilter;
use crate::sessions::{self, Acr, LiveSession, SignedIn};
use crate::tokens::{self, CodeState, NewAuthorization};

/// Why an authorization request is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The client is unknown or disabled, or the redirect URI is not registered: the error is shown to the user instead.
    #[error("{0}")]
    NotRedirectable(OAuthError),
    /// The error is returned to the client.
    #[error("{refusal}")]
    Redirectable {
        to: ResponseTarget,
        refusal: OAuthError,
    },
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why no authorization was granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("the session has ended")]
    SessionOver,
    /// The user's consent does not, or no longer, cover the request.
    #[error("the user's consent does not cover the request")]
    ConsentMissing,
    /// The client was disabled, or is no longer registered for the redirect URI.
    #[error("the client is disabled")]
    ClientGone,
    #[error("the request was already completed")]
    Answered,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Oidc {
    /// Validates an authorization request, and returns it with its client.
    pub async fn read_request(
        &self,
        parameters: &Parameters,
    ) -> Result<(AuthorizationRequest, Arc<Client>), ReadError> {
        // 1. The client, and where the response is sent.
        let client = self.find_client(parameters).await?;
        let to = request::read_response_target(parameters, &client, self.issuer())
            .map_err(ReadError::NotRedirectable)?;
        // 2. The other parameters; their errors are returned to the client.
        let redirectable = |refusal: OAuthError| ReadError::Redirectable {
            to: to.clone(),
            refusal,
        };
        let hint = match parameters.get("id_token_hint") {
            Some(hint) => Some(self.read_hint(hint, &client).await?.map_err(redirectable)?),
            None => None,
        };
        let context = (self.issuer(), self.clock.now(), self.claim_rules());
        let read = request::read(parameters, &client, to.clone(), hint, context);
        let read = read.map_err(redirectable)?;
        if let Some(dropped) = dropped_scopes(parameters, &client, &read.scopes) {
            self.record_dropped_scopes(client.id, &dropped).await;
        }
        Ok((read, client))
    }

    async fn find_client(&self, parameters: &Parameters) -> Result<Arc<Client>, ReadError> {
        let not_redirectable = |description: &str| {
            ReadError::NotRedirectable(OAuthError::new(ErrorCode::InvalidClient, description))
        };
        let id = parameters
            .get("client_id")
            .ok_or_else(|| not_redirectable("client_id is missing"))?;
        let unknown = |rule, registered: &str| {
            let description = "no enabled client has this client_id";
            let refusal = OAuthError::new(ErrorCode::InvalidClient, description);
            ReadError::NotRedirectable(refusal.with_rule(rule, id, registered))
        };
        let parsed = PublicClientId::parse(id).ok_or_else(|| unknown("client-unknown", ""))?;
        let record = self.clients.find(parsed.id()).await?;
        let record = record.ok_or_else(|| unknown("client-unknown", ""))?;
        if record.client.enabled {
            Ok(record.client)
        } else {
            Err(unknown("client-disabled", "disabled"))
        }
    }

    /// Returns the user of an ID token that was issued to this client; the token may have expired (OpenID Connect Core §3.1.2.1).
    async fn read_hint(
        &self,
        hint: &str,
        client: &Client,
    ) -> Result<Result<UserId, OAuthError>, Unavailable> {
        let known = self.read_id_token(hint).await?;
        let is_its = known.filter(|known| known.aud == client.public_id.as_str());
        Ok(is_its
            .and_then(|known| UserId::parse(&known.sub))
            .ok_or_else(|| {
                OAuthError::invalid_request(
                    "id_token_hint is not an ID token of this issuer and client",
                )
            }))
    }

    /// Returns the next step of a request: an interaction with the user, an error or the grant.
    pub async fn next_step(
        &self,
        request: &AuthorizationRequest,
        client: &Client,
        person: Option<&SignedIn>,
        (initial_session, answers): (Option<SessionSnapshot>, UserAnswers),
    ) -> Result<NextStep, Unavailable> {
        let now = self.clock.now();
        let Some(person) = person else {
            return Ok(interaction::next(request, client, None, answers, now));
        };
        let user = person.session.user;
        let has_consented = client.metadata.require_consent && {
            let granted = self.find_consent(user, client.id).await?;
            let terms = request.consent_terms(self.issuer());
            granted.is_some_and(|granted| terms.are_subset_of(&granted))
        };
        let current_user = CurrentUser {
            session: &person.session,
            account_state: &person.account_state,
            has_consented,
            strongest_rank: self.strongest_rank(user).await?,
            initial_session,
        };
        Ok(interaction::next(
            request,
            client,
            Some(current_user),
            answers,
            now,
        ))
    }

    /// Returns the highest `acr` rank that one of the user's active passkeys can reach.
    async fn strongest_rank(&self, user: UserId) -> Result<u8, Unavailable> {
        let passkeys = self.passkeys.list(user, PasskeyFilter::Valid).await?;
        let ranks = passkeys.iter().map(|passkey| {
            let acr = Acr::of(passkey.backup_eligible);
            Acr::rank(acr.as_str()).unwrap_or(0)
        });
        Ok(ranks.max().unwrap_or(0))
    }

    /// Writes the authorization under the lock of the user's account, and returns its code. The code of a stored request is
    /// computed from its ID and is the same until it is redeemed, so that a grant whose response was lost can be repeated.
    pub async fn grant(
        &self,
        (request, stored): (&AuthorizationRequest, Option<&Token>),
        client: &Client,
        person: &SignedIn,
        answers: UserAnswers,
        author: Author,
    ) -> Result<Token, GrantError> {
        let session = person.session.clone();
        let record = self.clients.find(client.id).await?;
        let record = record.filter(|record| record.client.enabled);
        let client_epoch = record
            .ok_or(GrantError::ClientGone)?
            .user_authorizations_epoch;
        let grant = NewAuthorization {
            user: session.user,
            client: client.id,
            session: session.id,
            epoch: session.epoch,
            client_epoch,
            passkeys: session.passkeys.clone(),
            auth_time: session.auth_time,
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            session_end: session.absolute_end,
            scopes: request.scopes.clone(),
            resources: request.resources.clone(),
            claims: json!(request.claims),
            nonce: request.nonce.clone(),
            redirect_uri: request.to.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
        };
        let user = grant.user;
        let transaction = Box::new(AuthorizationTransaction {
            oidc: self.clone(),
            grant,
            session,
            consent_epoch: request.consent_epoch,
            derived_code: stored.map(|id| self.tokens.code_deriver.derive(id)),
            consented: answers.consented == Some(user),
            terms: request.consent_terms(self.issuer()),
            author,
        });
        let written = self.database.write(move |conn| transaction.run(conn));
        let (code, needs_publishing) = written.await?;
        if needs_publishing {
            self.account_states.publish_or_warn(user).await;
        }
        Ok(code)
    }
}

/// Input of the transaction that writes an authorization.
struct AuthorizationTransaction {
    oidc: Oidc,
    grant: NewAuthorization,
    session: LiveSession,
    /// The client's consent epoch when the request was validated.
    consent_epoch: i64,
    /// The code that was computed from a stored request's ID.
    derived_code: Option<Token>,
    consented: bool,
    /// The terms that the user consents to now, or must have consented to before.
    terms: ConsentTerms,
    author: Author,
}

impl AuthorizationTransaction {
    /// Returns the code, and whether the account state must be published because older authorizations ended.
    fn run(&self, conn: &mut Connection) -> Result<(Token, bool), GrantError> {
        let grant = &self.grant;
        let whom = (grant.user, grant.client);
        account_state::lock(conn, grant.user)?;
        let now = self.oidc.database.now(conn)?;
        let today = self.oidc.clock.now();
        // Since the request was checked, the session may have ended or been replaced, or the consent withdrawn.
        let passkeys = sessions::find_valid_passkeys(conn, grant.user, grant.session)?;
        if passkeys.is_none() || !sessions::is_valid(conn, &self.session)? {
            return Err(GrantError::SessionOver);
        }
        let code = match &self.derived_code {
            None => Token::generate(),
            Some(code) => match tokens::find_code_state(conn, whom, &code.hash(), today)? {
                CodeState::NotIssued => code.clone(),
                // An earlier attempt may have ended older authorizations without publishing the account state.
                CodeState::Redeemable => return Ok((code.clone(), true)),
                CodeState::Expired => Token::generate(),
                CodeState::Gone => return Err(GrantError::Answered),
            },
        };
        let client = self.require_consent(conn, now)?;
        let limits = self.oidc.liveness_limits(&client.metadata, today);
        let ended = tokens::enforce_cap(conn, grant, now, &limits)?;
        let lifetimes = &self.oidc.tokens.lifetimes;
        let id = tokens::authorize(conn, grant, &code.hash(), today, lifetimes)?;
        let event = Event::done("client.authorized")
            .subject(grant.user)
            .client(grant.client)
            .details(json!({
                "authorization": id, "session": grant.session, "scope": grant.scopes,
            }));
        history::record(conn, now, &self.author, event)?;
        Ok((code, ended > 0))
    }

    /// Checks the client's current registration and the user's consent. Returns the current client.
    fn require_consent(
        &self,
        conn: &mut Connection,
        now: Timestamp,
    ) -> Result<Arc<Client>, GrantError> {
        let grant = &self.grant;
        let found = clients::find(conn, grant.client)?;
        let record = found.filter(|record| {
            record.client.enabled
                && record.user_authorizations_epoch == grant.client_epoch
                && record
                    .client
                    .metadata
                    .allows_redirect_to(&grant.redirect_uri)
        });
        let client = record.ok_or(GrantError::ClientGone)?.client;
        let needs_consent = client.metadata.require_consent;
        if needs_consent && client.consent_epoch != self.consent_epoch {
            return Err(GrantError::ConsentMissing);
        }
        let whom = (grant.user, grant.client);
        if self.consented {
            consent::store_consent(conn, whom, &self.terms, now, &self.author)?;
        } else if needs_consent && !consent::is_covered(conn, whom, &self.terms)? {
            return Err(GrantError::ConsentMissing);
        }
        Ok(client)
    }
}
