//! Decides the next step of an authorization request: sign-in, reauthentication, account selection, consent, an error or the
//! grant. Depends on the request, the client, the signed-in user, and the user's answers so far.

use serde::{Deserialize, Serialize};

use super::acr::{self, Unreachable};
use super::error::{ErrorCode, Refusal, shell_word};
use super::refusals::ROLE_NOT_HELD;
use super::request::AuthorizationRequest;
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::clients::{ApplicationType, Client};
use crate::sessions::LiveSession;
use crate::standing::Standing;
use crate::tokens::may_use;

/// The user's answers to an authorization request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// ID of the session that the user chose to continue with.
    pub chosen: Option<SessionId>,
    /// ID of the user who consented to the request.
    pub consented: Option<UserId>,
}

/// The signed-in user.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The user's session.
    pub session: &'a LiveSession,
    /// The user's account state.
    pub standing: &'a Standing,
    /// Whether an earlier consent covers the request.
    pub has_consented: bool,
    /// Highest `acr` rank that one of the user's passkeys can reach.
    pub strongest: u8,
    /// The browser's session when the request arrived.
    pub before: Option<Before>,
}

/// A browser's session when a request arrived. Sessions are compared and not times, because two instances have two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    session: SessionId,
    auth_time: Timestamp,
}

impl Before {
    /// Takes a snapshot of a session.
    pub fn of(session: &LiveSession) -> Self {
        Self {
            session: session.id,
            auth_time: session.auth_time,
        }
    }
}

impl Present<'_> {
    /// Whether the user signed in after the request arrived.
    fn is_new(&self) -> bool {
        self.before.map(|before| before.session) != Some(self.session.id)
    }

    /// Whether the user signed in or reauthenticated after the request arrived.
    fn has_proven(&self) -> bool {
        self.before != Some(Before::of(self.session))
    }
}

/// The next step of an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// No user is signed in: show the sign-in page.
    SignIn,
    /// No user is signed in, and the app requests a new account: ask for an invitation first.
    Join,
    /// The sign-in is too old or too weak: ask for reauthentication.
    ProveAgain,
    /// Ask which account to continue with.
    ChooseAccount,
    /// Ask for consent.
    Consent,
    /// Return this error to the app.
    Refuse(Refusal),
    /// Issue a code.
    Grant,
}

/// Returns the next step: that of the first check that is not met, or the grant.
pub fn next(
    request: &AuthorizationRequest,
    client: &Client,
    present: Option<Present<'_>>,
    answers: Answers,
    now: Timestamp,
) -> Step {
    let Some(present) = present else {
        return silently(request, ErrorCode::LoginRequired, "not signed in").unwrap_or(
            if request.prompt.create {
                Step::Join
            } else {
                Step::SignIn
            },
        );
    };
    let checks = [
        check_subject(request, present),
        check_roles(client, present),
        check_freshness(request, present, now),
        check_strength(request, client, present),
        check_account(request, present, answers),
        check_consent(request, client, present, answers),
    ];
    checks.into_iter().flatten().next().unwrap_or(Step::Grant)
}

/// Returns the error if `prompt=none` forbids any interaction.
fn silently(request: &AuthorizationRequest, code: ErrorCode, description: &str) -> Option<Step> {
    request
        .prompt
        .none
        .then(|| Step::Refuse(Refusal::new(code, description)))
}

/// Checks the user whom the app expects (`id_token_hint`, or `sub` in `claims`).
fn check_subject(request: &AuthorizationRequest, present: Present<'_>) -> Option<Step> {
    if request
        .subject
        .is_none_or(|subject| subject == present.session.user)
    {
        return None;
    }
    let description = "another user is signed in";
    Some(silently(request, ErrorCode::LoginRequired, description).unwrap_or(Step::ChooseAccount))
}

fn check_roles(client: &Client, present: Present<'_>) -> Option<Step> {
    if may_use(client, present.standing) {
        return None;
    }
    let allowed = &client.metadata.allowed_roles;
    let held = present.standing.roles.join(" ");
    let user = present.session.user;
    let description = "the user has none of the roles that this client is limited to";
    let mut refusal = Refusal::new(ErrorCode::AccessDenied, description).because(
        ROLE_NOT_HELD,
        &format!("user {user} with the roles: {held}"),
        &allowed.join(" "),
    );
    // The command omits the user's ID: otherwise anyone who tries to sign in could suggest that they get the role. The description
    // is for the app and its user, so it omits the command.
    let role = allowed.first().and_then(|role| shell_word(role));
    if let (Some(facts), Some(role)) = (&mut refusal.facts, role) {
        facts.remedy = Some(format!("doorward user update USER --add-role {role}"));
    }
    Some(Step::Refuse(refusal))
}

/// How long a reauthentication satisfies a request that arrived before it, in seconds.
const JUST_NOW: u64 = 300;

/// Checks `prompt=login` and `max_age`; a sign-in after the request arrived satisfies both.
fn check_freshness(
    request: &AuthorizationRequest,
    present: Present<'_>,
    now: Timestamp,
) -> Option<Step> {
    let age = now.since(present.session.auth_time).as_secs();
    // The age is checked because a request may be stored for longer than that.
    if present.has_proven() && age <= JUST_NOW {
        return None;
    }
    let is_too_old = request
        .max_age
        .is_some_and(|most| age > u64::from(most) || most == 0);
    if !is_too_old && !request.prompt.login {
        return None;
    }
    let description = "the sign-in is older than max_age";
    Some(silently(request, ErrorCode::LoginRequired, description).unwrap_or(Step::ProveAgain))
}

fn check_strength(
    request: &AuthorizationRequest,
    client: &Client,
    present: Present<'_>,
) -> Option<Step> {
    let unmet = || {
        Step::Refuse(Refusal::new(
            ErrorCode::UnmetAuthenticationRequirements,
            "no passkey of this user satisfies the requested acr",
        ))
    };
    let least = match request.acr.least_rank(client.metadata.least_acr.as_deref()) {
        Ok(least) => least,
        Err(Unreachable) => return Some(unmet()),
    };
    if acr::rank(&present.session.acr).unwrap_or(0) >= least {
        return None;
    }
    if present.strongest < least {
        return Some(unmet());
    }
    let description = "a stronger passkey is required";
    Some(silently(request, ErrorCode::LoginRequired, description).unwrap_or(Step::ProveAgain))
}

fn check_account(
    request: &AuthorizationRequest,
    present: Present<'_>,
    answers: Answers,
) -> Option<Step> {
    let is_asked = request.prompt.select_account || request.prompt.create;
    let is_chosen = present.is_new() || answers.chosen == Some(present.session.id);
    (is_asked && !is_chosen).then_some(Step::ChooseAccount)
}

fn check_consent(
    request: &AuthorizationRequest,
    client: &Client,
    present: Present<'_>,
    answers: Answers,
) -> Option<Step> {
    if answers.consented == Some(present.session.user) {
        return None;
    }
    // RFC 8252 §8.6: any program on the device can claim to be this app, so the user is asked each time.
    let may_be_anybody =
        client.metadata.is_public() && client.metadata.application_type == ApplicationType::Native;
    let is_remembered =
        !may_be_anybody && (!client.metadata.require_consent || present.has_consented);
    if is_remembered && !request.prompt.consent {
        return None;
    }
    let description = "the user has not given consent";
    Some(silently(request, ErrorCode::ConsentRequired, description).unwrap_or(Step::Consent))
}
