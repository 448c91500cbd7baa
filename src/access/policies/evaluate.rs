//! A question put to the policies in force, and what another sign-in would have changed.

use std::time::Duration;

use cedar_policy::{Authorizer, Decision as Verdict};

use super::Policies;
use super::facts::{Asked, Facts};
use super::table::Slice;
use crate::access::question::{Auth, Decision, Subject, Wanted};
use crate::base::clock::Timestamp;
use crate::sessions::Acr;

/// The oldest sign-in that is looked at where nobody knows how old the present one is: the longest life of a session, as a rule.
const OLDEST: u64 = 30 * 86_400;

/// The rungs that a sign-in can reach, the least first. The highest of the ladder is not among them: no attestation is asked for.
const RUNGS: [&str; 2] = [Acr::Synced.as_str(), Acr::DeviceBound.as_str()];

/// Whether a denial says what would have been enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Look for it: some further evaluations.
    Look,
    /// A search has no use for it.
    Skip,
}

impl Policies {
    /// Decides. Without policies in force nothing is permitted.
    pub fn decide(&self, facts: &Facts, challenge: Challenge) -> Decision {
        let Some(table) = self.table() else {
            return refused("no policies are in force");
        };
        let slice = table.about(&facts.action);
        match Asked::new(&table, slice, facts) {
            Ok(asked) => Trial {
                slice,
                asked: &asked,
            }
            .decide(facts, challenge),
            Err(reason) => refused(reason),
        }
    }
}

fn refused(reason: impl Into<String>) -> Decision {
    Decision {
        errors: vec![reason.into()],
        ..Decision::default()
    }
}

struct Trial<'t> {
    slice: &'t Slice,
    asked: &'t Asked,
}

impl Trial<'_> {
    fn decide(&self, facts: &Facts, challenge: Challenge) -> Decision {
        let auth = match &facts.subject {
            Subject::Person { auth, .. } => auth.as_ref(),
            Subject::Client(_) | Subject::Outsider { .. } => None,
        };
        let mut decision = self.evaluate(auth);
        let is_person = matches!(facts.subject, Subject::Person { .. });
        if is_person
            && !decision.is_allowed
            && self.slice.reads_auth
            && challenge == Challenge::Look
        {
            decision.wanted = self.wanted(auth, facts.now);
        }
        decision
    }

    /// An error in any policy that was reached is a no: a policy that fails may have been one that forbids.
    fn evaluate(&self, auth: Option<&Auth>) -> Decision {
        let request = match self.asked.request(auth) {
            Ok(request) => request,
            Err(reason) => return refused(reason),
        };
        let policies = &self.slice.policies;
        let answer = Authorizer::new().is_authorized(&request, policies, &self.asked.entities);
        let errors: Vec<String> = answer
            .diagnostics()
            .errors()
            .map(ToString::to_string)
            .collect();
        let mut ids: Vec<String> = answer
            .diagnostics()
            .reason()
            .map(ToString::to_string)
            .collect();
        ids.sort_unstable();
        Decision {
            is_allowed: answer.decision() == Verdict::Allow && errors.is_empty(),
            policies: ids,
            errors,
            wanted: None,
        }
    }

    /// The least that would be enough: the lowest rung of the ladder at which a sign-in of this moment is permitted, and how old
    /// it may be there. A person who is on a rung already keeps it (RFC 9470 §3).
    fn wanted(&self, auth: Option<&Auth>, now: Timestamp) -> Option<Wanted> {
        let present = auth.map(|auth| auth.acr.as_str());
        let from = present
            .and_then(|acr| RUNGS.iter().position(|rung| *rung == acr))
            .unwrap_or(0);
        let rungs = RUNGS.get(from..)?;
        let permits = |acr: &str, age: u64| {
            let auth_time = now.before(Duration::from_secs(age));
            let sign_in = if auth.is_some_and(|auth| auth.acr == acr) {
                Auth {
                    auth_time,
                    ..auth.cloned().unwrap_or_else(|| sign_in(acr, auth_time))
                }
            } else {
                sign_in(acr, auth_time)
            };
            self.evaluate(Some(&sign_in)).is_allowed
        };
        let acr_values: Vec<&'static str> = rungs
            .iter()
            .copied()
            .filter(|acr| permits(acr, 0))
            .collect();
        let least = *acr_values.first()?;
        let oldest = auth.map_or(OLDEST, |auth| now.since(auth.auth_time).as_secs());
        let max_age =
            (!permits(least, oldest)).then(|| greatest(oldest, |age| permits(least, age)));
        Some(Wanted {
            acr_values: if present == Some(least) {
                Vec::new()
            } else {
                acr_values
            },
            max_age,
        })
    }
}

/// The greatest age below `bound` that permits, where 0 does and `bound` does not.
fn greatest(bound: u64, permits: impl Fn(u64) -> bool) -> u64 {
    let (mut good, mut bad) = (0, bound);
    while bad.saturating_sub(good) > 1 {
        let middle = good.midpoint(bad);
        if permits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// What a sign-in of this strength proves.
fn sign_in(acr: &str, auth_time: Timestamp) -> Auth {
    let strength = if acr == Acr::Synced.as_str() {
        Acr::Synced
    } else {
        Acr::DeviceBound
    };
    Auth {
        acr: acr.to_owned(),
        amr: strength.amr().map(str::to_owned).to_vec(),
        auth_time,
    }
}
