//! Decides whether a request to a protected host is allowed.

use std::borrow::Cow;
use std::time::Duration;

use super::ForwardAuth;
use super::fetch_metadata::FetchMetadata;
use super::routes::RouteMatch;
use super::session::{CheckedForwardAuthSession, ForwardAuthSessionError, ForwardAuthSessionKey};
use super::target::Target;
use crate::account_state::Unavailable;
use crate::assignments::{Assignments, HeldRoles, attributes_of};
use crate::policies::{Claimed, Decision, PrefetchedFacts, Question, StepUpRequirement, Subject};
use crate::sessions::SessionAuthentication;

/// Within this time after a step-up, a denial isn't answered with another step-up, because the last one made no difference.
const STEP_UP_RETRY_WINDOW: Duration = Duration::from_secs(60);

/// A request to check, with the credentials and metadata that the browser sent.
#[derive(Clone, Copy, Debug)]
pub struct CheckRequest<'r> {
    pub target: &'r Target,
    pub method: &'r str,
    /// Key of the forward-auth session from the browser's cookie, if any.
    pub forward_auth_session: Option<&'r ForwardAuthSessionKey>,
    pub fetch_metadata: FetchMetadata<'r>,
    /// For a CORS preflight: the method of the actual request.
    pub preflight: Option<&'r str>,
}

#[derive(Debug)]
pub enum CheckOutcome {
    /// The request is allowed.
    Allowed {
        /// The signed-in user; `None` if a policy permits the request to everyone.
        person: Option<Box<CheckedForwardAuthSession>>,
        /// Whether the application behind the proxy receives a signed token.
        jwt: bool,
    },
    /// The user isn't signed in, and the route redirects to the sign-in.
    SignIn,
    /// A more recent or stronger sign-in would be sufficient.
    StepUp(StepUpRequirement),
    /// The request is denied.
    Refused(Denial),
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("no-route")]
    NoRoute,
    /// The user isn't signed in, and the route doesn't redirect to the sign-in.
    #[error("signed-out")]
    SignedOut,
    /// No policy permits the request to this user.
    #[error("not-permitted")]
    NotPermitted,
    /// A write that another origin's page sent.
    #[error("cross-origin")]
    CrossOrigin,
    /// A step-up for this request was just completed and was not sufficient.
    #[error("step-up-insufficient")]
    StepUpInsufficient,
}

impl ForwardAuth {
    /// Checks a request: finds its route and session, and evaluates the policies. The copies of the user and of the resource are
    /// read in one round trip.
    pub async fn check_request(
        &self,
        check: CheckRequest<'_>,
    ) -> Result<CheckOutcome, Unavailable> {
        let parts = check.target.parts();
        if self.is_allowed_preflight(&check, &parts) {
            return Ok(CheckOutcome::Allowed {
                person: None,
                jwt: false,
            });
        }
        // 1. Find the action and the resource of the request.
        let matched = self.routes.find(&check.target.host, check.method, &parts);
        let Some(matched) = matched else {
            return Ok(CheckOutcome::Refused(Denial::NoRoute));
        };
        // 2. Find the user.
        let Some(key) = check.forward_auth_session else {
            return self.decide_anonymous(matched).await;
        };
        let host = &check.target.host;
        if !matched.cross_origin
            && check
                .fetch_metadata
                .is_cross_origin_write(host, check.method)
        {
            // Cross-origin writes are treated as anonymous, so that they can do no more than a signed-out visitor.
            return Ok(match self.decide_anonymous(matched).await? {
                allowed @ CheckOutcome::Allowed { .. } => allowed,
                _ => CheckOutcome::Refused(Denial::CrossOrigin),
            });
        }
        let (person, cached) = tokio::join!(
            self.find_session(check.target, key, &matched),
            self.engine.assignments.cached_resource(&matched.resource)
        );
        let Some((live, held)) = person? else {
            return self.decide_anonymous(matched).await;
        };
        // 3. Evaluate the policies.
        let prefetched = PrefetchedFacts {
            held: Some(held),
            attributes: cached?.map(attributes_of),
        };
        let decision = self.decide_for(&live, prefetched, &matched).await?;
        Ok(self.decide_signed_in(live, &decision, &matched))
    }

    /// A preflight carries no cookie (Fetch §4.8), so it passes if the route of the actual request allows cross-origin writes:
    /// the application behind the proxy responds to it, and decides about the origin.
    fn is_allowed_preflight(&self, check: &CheckRequest<'_>, parts: &[Cow<'_, str>]) -> bool {
        let route = check
            .preflight
            .and_then(|method| self.routes.find(&check.target.host, method, parts));
        route.is_some_and(|route| route.cross_origin)
    }

    async fn find_session(
        &self,
        target: &Target,
        key: &ForwardAuthSessionKey,
        matched: &RouteMatch,
    ) -> Result<Option<(Box<CheckedForwardAuthSession>, HeldRoles)>, Unavailable> {
        let roles_key = Assignments::held_roles_key(key.user, &matched.resource);
        let host = target.host.authority();
        match self.check_session(key, host, &roles_key).await {
            Ok((live, copy)) => {
                let held = self
                    .engine
                    .assignments
                    .held_roles_from_copy(&live.account_state, &matched.resource, copy.as_deref())
                    .await?;
                Ok(Some((Box::new(live), held)))
            }
            Err(ForwardAuthSessionError::Invalid(reason)) => {
                tracing::debug!(reason, "not signed in at this host");
                Ok(None)
            }
            Err(ForwardAuthSessionError::Unavailable(error)) => Err(error),
        }
    }

    async fn decide_for(
        &self,
        live: &CheckedForwardAuthSession,
        prefetched: PrefetchedFacts,
        matched: &RouteMatch,
    ) -> Result<Decision, Unavailable> {
        let parent = &live.forward_auth_session.parent;
        let auth = SessionAuthentication {
            acr: parent.acr.clone(),
            amr: parent.amr.clone(),
            auth_time: parent.auth_time,
        };
        let subject = Subject::Person {
            account_state: Box::new(live.account_state.clone()),
            auth: Some(auth),
        };
        let question = self.question(subject, matched);
        self.engine.decide(question, prefetched).await
    }

    fn decide_signed_in(
        &self,
        live: Box<CheckedForwardAuthSession>,
        decision: &Decision,
        matched: &RouteMatch,
    ) -> CheckOutcome {
        if decision.is_allowed {
            return CheckOutcome::Allowed {
                person: Some(live),
                jwt: matched.jwt,
            };
        }
        let Some(step_up) = decision.step_up.clone() else {
            return CheckOutcome::Refused(Denial::NotPermitted);
        };
        // Loop protection: if the last step-up didn't turn the denial into a permission, another one wouldn't either.
        let forward_auth_session = &live.forward_auth_session;
        if forward_auth_session.after_step_up
            && self.clock.now().since(forward_auth_session.created_at) < STEP_UP_RETRY_WINDOW
        {
            return CheckOutcome::Refused(Denial::StepUpInsufficient);
        }
        CheckOutcome::StepUp(step_up)
    }

    /// Decides an anonymous request, which a policy may permit. If no policy can permit the action to external subjects, nothing
    /// is read from a store.
    async fn decide_anonymous(&self, matched: RouteMatch) -> Result<CheckOutcome, Unavailable> {
        let (sign_in, jwt) = (matched.sign_in, matched.jwt);
        let is_open = self
            .engine
            .policies
            .may_permit_external_subjects(&matched.action);
        if is_open && self.is_public(&matched).await? {
            return Ok(CheckOutcome::Allowed { person: None, jwt });
        }
        Ok(if sign_in {
            CheckOutcome::SignIn
        } else {
            CheckOutcome::Refused(Denial::SignedOut)
        })
    }

    async fn is_public(&self, matched: &RouteMatch) -> Result<bool, Unavailable> {
        let subject = Subject::ExternalSubject {
            kind: "visitor".into(),
            id: "signed-out".into(),
        };
        let question = self.question(subject, matched);
        let decision = self.engine.decide(question, PrefetchedFacts::default());
        Ok(decision.await?.is_allowed)
    }

    fn question(&self, subject: Subject, matched: &RouteMatch) -> Question {
        let (action, resource) = (matched.action.clone(), matched.resource.clone());
        let now = self.clock.now();
        Question::new(subject, action, resource, Claimed::default(), now)
    }
}
