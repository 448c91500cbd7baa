//! Decides whether a request to a protected host is allowed.

use std::borrow::Cow;
use std::time::Duration;

use super::ForwardAuth;
use super::sender::Sender;
use super::target::Target;
use crate::access::routes::Found;
use crate::access::thing::attributes;
use crate::access::{Access, AtHand, Auth, Claimed, Decision, Held, Question, Subject, Wanted};
use crate::sessions::{DoorError, DoorKey, OpenDoor};
use crate::standing::Unavailable;

/// Within this time after a step-up, a denial isn't answered with another step-up, because the last one made no difference.
const IN_VAIN: Duration = Duration::from_secs(60);

/// A request to check, with the credentials and metadata that the browser sent.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'r> {
    /// Host, path and query of the request.
    pub target: &'r Target,
    /// Method of the request.
    pub method: &'r str,
    /// Key of the forward-auth session from the browser's cookie, if any.
    pub door: Option<&'r DoorKey>,
    /// Fetch metadata of the request.
    pub sender: Sender<'r>,
    /// For a CORS preflight: the method of the actual request.
    pub preflight: Option<&'r str>,
}

/// Outcome of a check.
#[derive(Debug)]
pub enum Verdict {
    /// The request is allowed.
    Allowed {
        /// The signed-in user; `None` if a policy permits the request to everyone.
        person: Option<Box<OpenDoor>>,
        /// Whether the application behind the proxy receives a signed token.
        jwt: bool,
    },
    /// The user isn't signed in, and the route redirects to the sign-in.
    SignIn,
    /// A more recent or stronger sign-in would be sufficient.
    StepUp(Wanted),
    /// The request is denied.
    Refused(Refusal),
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No route matches.
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
    #[error("step-up-in-vain")]
    StepUpInVain,
}

impl ForwardAuth {
    /// Checks a request: finds its route and session, and evaluates the policies. The copies of the user and of the resource are
    /// read in one round trip.
    pub async fn ask(&self, visit: Visit<'_>) -> Result<Verdict, Unavailable> {
        let parts = visit.target.parts();
        if self.is_allowed_preflight(&visit, &parts) {
            return Ok(Verdict::Allowed {
                person: None,
                jwt: false,
            });
        }
        // 1. Find the action and the resource of the request.
        let found = self.routes.find(&visit.target.host, visit.method, &parts);
        let Some(found) = found else {
            return Ok(Verdict::Refused(Refusal::NoRoute));
        };
        // 2. Find the user.
        let Some(key) = visit.door else {
            return self.judge_nobody(found).await;
        };
        let host = &visit.target.host;
        if !found.cross_origin && visit.sender.is_foreign(host, visit.method) {
            // Cross-origin writes are treated as anonymous, so that they can do no more than a signed-out visitor.
            return Ok(match self.judge_nobody(found).await? {
                allowed @ Verdict::Allowed { .. } => allowed,
                _ => Verdict::Refused(Refusal::CrossOrigin),
            });
        }
        let (person, thing) = tokio::join!(
            self.find_person(visit.target, key, &found),
            self.access.glance_at_thing(&found.resource)
        );
        let Some((open, held)) = person? else {
            return self.judge_nobody(found).await;
        };
        // 3. Evaluate the policies.
        let at_hand = AtHand {
            held: Some(held),
            attributes: thing?.map(attributes),
        };
        let decision = self.decide_for(&open, at_hand, &found).await?;
        Ok(self.judge_person(open, &decision, &found))
    }

    /// A preflight carries no cookie (Fetch §4.8), so it passes if the route of the actual request allows cross-origin writes:
    /// the application behind the proxy responds to it, and decides about the origin.
    fn is_allowed_preflight(&self, visit: &Visit<'_>, parts: &[Cow<'_, str>]) -> bool {
        let route = visit
            .preflight
            .and_then(|wanted| self.routes.find(&visit.target.host, wanted, parts));
        route.is_some_and(|route| route.cross_origin)
    }

    async fn find_person(
        &self,
        target: &Target,
        key: &DoorKey,
        found: &Found,
    ) -> Result<Option<(Box<OpenDoor>, Held)>, Unavailable> {
        let grants = Access::grants_key(key.user(), &found.resource);
        let host = target.host.authority();
        match self.sessions.check_door(key, host, &grants).await {
            Ok((open, copy)) => {
                let held = self
                    .access
                    .held_of_copy(&open.standing, &found.resource, copy.as_deref())
                    .await?;
                Ok(Some((Box::new(open), held)))
            }
            Err(DoorError::Closed(reason)) => {
                tracing::debug!(reason, "not signed in at this host");
                Ok(None)
            }
            Err(DoorError::Unavailable(error)) => Err(error),
        }
    }

    async fn decide_for(
        &self,
        open: &OpenDoor,
        at_hand: AtHand,
        found: &Found,
    ) -> Result<Decision, Unavailable> {
        let lent = &open.door.lent;
        let auth = Auth {
            acr: lent.acr.clone(),
            amr: lent.amr.clone(),
            auth_time: lent.auth_time,
        };
        let question = Question {
            subject: Subject::Person {
                standing: Box::new(open.standing.clone()),
                auth: Some(auth),
            },
            action: found.action.clone(),
            resource: found.resource.clone(),
            at_hand,
            claimed: Claimed::default(),
        };
        self.access.decide(question).await
    }

    fn judge_person(&self, open: Box<OpenDoor>, decision: &Decision, found: &Found) -> Verdict {
        if decision.is_allowed {
            return Verdict::Allowed {
                person: Some(open),
                jwt: found.jwt,
            };
        }
        let Some(wanted) = decision.wanted.clone() else {
            return Verdict::Refused(Refusal::NotPermitted);
        };
        // Loop protection: if the last step-up didn't turn the denial into a permission, another one wouldn't either.
        let door = &open.door;
        if door.after_step_up && self.clock.now().since(door.opened_at) < IN_VAIN {
            return Verdict::Refused(Refusal::StepUpInVain);
        }
        Verdict::StepUp(wanted)
    }

    /// Decides an anonymous request, which a policy may permit. If no policy can permit the action to external subjects, nothing
    /// is read from a store.
    async fn judge_nobody(&self, found: Found) -> Result<Verdict, Unavailable> {
        let (sign_in, jwt) = (found.sign_in, found.jwt);
        let is_open = self.access.policies().may_permit_outsiders(&found.action);
        if is_open && self.permits_everybody(found).await? {
            return Ok(Verdict::Allowed { person: None, jwt });
        }
        Ok(if sign_in {
            Verdict::SignIn
        } else {
            Verdict::Refused(Refusal::SignedOut)
        })
    }

    async fn permits_everybody(&self, found: Found) -> Result<bool, Unavailable> {
        let question = Question {
            subject: Subject::Outsider {
                kind: "visitor".into(),
                id: "signed-out".into(),
            },
            action: found.action,
            resource: found.resource,
            at_hand: AtHand::default(),
            claimed: Claimed::default(),
        };
        Ok(self.access.decide(question).await?.is_allowed)
    }
}
