//! May this request pass?

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

/// A denial this soon after a sign-in that was to turn it is not turned by another one.
const IN_VAIN: Duration = Duration::from_secs(60);

/// What is asked: a request, and who shows what.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'r> {
    /// Host, path and query of the request.
    pub target: &'r Target,
    /// Method of the request.
    pub method: &'r str,
    /// The door that the browser shows, if any.
    pub door: Option<&'r DoorKey>,
    /// Whose page sends it.
    pub sender: Sender<'r>,
    /// Where it is a preflight of CORS: the method that another origin's page wants to use.
    pub preflight: Option<&'r str>,
}

/// The answer.
#[derive(Debug)]
pub enum Verdict {
    /// It may.
    Allowed {
        /// Who asks; nobody, where a policy lets everybody.
        person: Option<Box<OpenDoor>>,
        /// Whether what stands behind the proxy gets a signed token.
        jwt: bool,
    },
    /// Nobody is signed in, and somebody might be permitted.
    SignIn,
    /// A fresher or stronger sign-in would be enough.
    StepUp(Wanted),
    /// It may not.
    Refused(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No route fits.
    #[error("no-route")]
    NoRoute,
    /// Nobody is signed in, and nobody is sent to sign in here.
    #[error("signed-out")]
    SignedOut,
    /// No policy permits it to this person.
    #[error("not-permitted")]
    NotPermitted,
    /// Another origin's page would have them change something.
    #[error("cross-origin")]
    CrossOrigin,
    /// They have just signed in anew for it, and it was not enough.
    #[error("step-up-in-vain")]
    StepUpInVain,
}

impl ForwardAuth {
    /// Judges a request: its route, who is there, what the policies say. One round trip tells of the person and the thing.
    pub async fn ask(&self, visit: Visit<'_>) -> Result<Verdict, Unavailable> {
        let parts = visit.target.parts();
        if self.is_allowed_preflight(&visit, &parts) {
            return Ok(Verdict::Allowed {
                person: None,
                jwt: false,
            });
        }
        // 1. The action and resource of the request.
        let found = self.routes.find(&visit.target.host, visit.method, &parts);
        let Some(found) = found else {
            return Ok(Verdict::Refused(Refusal::NoRoute));
        };
        // 2. Who is there?
        let Some(key) = visit.door else {
            return self.judge_nobody(found).await;
        };
        let host = &visit.target.host;
        if !found.cross_origin && visit.sender.is_foreign(host, visit.method) {
            // Another origin's page acts for nobody. What anybody may, it may.
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
        // 3. What do the policies say?
        let at_hand = AtHand {
            held: Some(held),
            attributes: thing?.map(attributes),
        };
        let decision = self.decide_for(&open, at_hand, &found).await?;
        Ok(self.judge_person(open, &decision, &found))
    }

    /// A preflight carries no cookie (Fetch §4.8), so it passes if the route of the actual request allows it: the application behind
    /// the proxy responds to it, and decides about the origin.
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
        // Never round and round: what a new sign-in has just not turned, the next one would not turn either.
        let door = &open.door;
        if door.after_step_up && self.clock.now().since(door.opened_at) < IN_VAIN {
            return Verdict::Refused(Refusal::StepUpInVain);
        }
        Verdict::StepUp(wanted)
    }

    /// Policies may permit something to everybody: then nobody need be signed in. Where none does, a stranger's questions cost no
    /// look into any store.
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
