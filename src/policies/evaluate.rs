//! Evaluates a request against the policies in force, and finds the sign-in that would turn a denial into a permission.

use std::collections::BTreeSet;
use std::time::Duration;

use cedar_policy::{AuthorizationError, Authorizer, Decision as CedarDecision};

use super::Policies;
use super::decision_input::{Decision, DecisionInput, StepUpRequirement, Subject};
use super::input::CedarRequest;
use super::table::Names;
use crate::base::clock::Timestamp;
use crate::sessions::{Acr, SessionAuthentication};

/// Maximum age, in seconds, that is tested when the age of the present sign-in is unknown; usually the maximum
/// lifetime of a session.
const MAX_SIGN_IN_AGE: u64 = 30 * 86_400;

/// Whether a denial states the sign-in that would be sufficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUpSearch {
    /// Search for it, which needs further evaluations.
    Search,
    /// Don't search; searches for entities don't need it.
    Skip,
}

impl Policies {
    /// Decides a request. Denies everything if no policies are in force, and everything that a schema doesn't declare.
    pub fn decide(&self, input: &DecisionInput, step_up_search: StepUpSearch) -> Decision {
        let Some(table) = self.table() else {
            return refused("no policies are loaded");
        };
        let cedar_request = Names::of(&table, input).and_then(|names| {
            table.check(&names)?;
            let selection = table.select(&names);
            CedarRequest::new(&table, names, selection, input)
        });
        match cedar_request {
            Ok(cedar_request) => cedar_request.decide(input, step_up_search),
            Err(reason) => refused(reason),
        }
    }

    /// Whether any policy could permit this action to an external subject, on any resource. If not, a denial needs no reads.
    pub fn may_permit_external_subjects(&self, action: &str) -> bool {
        self.table()
            .is_some_and(|table| table.permits_external_subjects(action))
    }
}

fn refused(reason: impl Into<String>) -> Decision {
    Decision {
        errors: vec![reason.into()],
        ..Decision::default()
    }
}

fn tell(error: &AuthorizationError) -> String {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    format!("{}: {}", error.policy_id(), error.inner())
}

impl CedarRequest<'_> {
    fn decide(&self, input: &DecisionInput, step_up_search: StepUpSearch) -> Decision {
        let auth = match &input.subject {
            Subject::Person { auth, .. } => auth.as_ref(),
            Subject::Client(_) | Subject::ExternalSubject { .. } => None,
        };
        let mut decision = self.evaluate(auth);
        let is_person = matches!(input.subject, Subject::Person { .. });
        let may_search = self.uses_auth && step_up_search == StepUpSearch::Search;
        if is_person && !decision.is_allowed && may_search {
            decision.step_up = self.step_up(auth, input.now);
        }
        decision
    }

    /// Denies the request if any matching policy fails, because it may have been a `forbid`.
    fn evaluate(&self, auth: Option<&SessionAuthentication>) -> Decision {
        let request = match self.request(auth) {
            Ok(request) => request,
            Err(reason) => return refused(reason),
        };
        let (mut permits, mut forbids) = (BTreeSet::new(), BTreeSet::new());
        let mut errors = BTreeSet::new();
        for policies in &self.sets {
            let answer = Authorizer::new().is_authorized(&request, policies, &self.entities);
            let decided = match answer.decision() {
                CedarDecision::Allow => &mut permits,
                CedarDecision::Deny => &mut forbids,
            };
            decided.extend(answer.diagnostics().reason().map(ToString::to_string));
            errors.extend(answer.diagnostics().errors().map(tell));
        }
        let is_allowed = forbids.is_empty() && !permits.is_empty() && errors.is_empty();
        let policies = if forbids.is_empty() { permits } else { forbids };
        Decision {
            is_allowed,
            policies: policies.into_iter().collect(),
            errors: errors.into_iter().collect(),
            step_up: None,
        }
    }

    /// Finds the least sign-in that would be sufficient: the lowest `acr` at which a sign-in of this moment is permitted, and the
    /// maximum age at that `acr`. A user whose sign-in already has that `acr` keeps it (RFC 9470 §3).
    fn step_up(
        &self,
        auth: Option<&SessionAuthentication>,
        now: Timestamp,
    ) -> Option<StepUpRequirement> {
        let present = auth.map(|auth| auth.acr.as_str());
        let from = present
            .and_then(|acr| Acr::REACHABLE.iter().position(|rung| *rung == acr))
            .unwrap_or(0);
        let rungs = Acr::REACHABLE.get(from..)?;
        let permits = |acr: &str, age: u64| {
            let auth_time = now.before(Duration::from_secs(age));
            let sign_in = if auth.is_some_and(|auth| auth.acr == acr) {
                let present = auth.cloned();
                SessionAuthentication {
                    auth_time,
                    ..present.unwrap_or_else(|| SessionAuthentication::assumed(acr, auth_time))
                }
            } else {
                SessionAuthentication::assumed(acr, auth_time)
            };
            self.evaluate(Some(&sign_in)).is_allowed
        };
        let acr_values = rungs.iter().copied().filter(|acr| permits(acr, 0));
        let acr_values: Vec<String> = acr_values.map(str::to_owned).collect();
        let least = acr_values.first()?.clone();
        let oldest = auth.map_or(MAX_SIGN_IN_AGE, |auth| now.since(auth.auth_time).as_secs());
        let max_age =
            (!permits(&least, oldest)).then(|| greatest(oldest, |age| permits(&least, age)));
        let step_up = StepUpRequirement {
            acr_values: if present == Some(&least) {
                Vec::new()
            } else {
                acr_values
            },
            max_age,
        };
        (step_up != StepUpRequirement::default()).then_some(step_up)
    }
}

/// Returns the greatest age below `bound` that is permitted, where 0 is permitted and `bound` is not (binary search).
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
