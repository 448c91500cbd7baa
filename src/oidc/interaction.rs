//! Decides the next step of an authorization request: sign-in, reauthentication, account selection, consent, an error or the
//! grant. Depends on the request, the client, the signed-in user, and the user's answers so far.

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, OAuthError, shell_word};
use super::refusals::ROLE_NOT_HELD;
use super::request::AuthorizationRequest;
use super::requested_acr::UnsupportedAcr;
use crate::account_state::AccountState;
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::clients::{ApplicationType, Client};
use crate::sessions::{Acr, LiveSession};

/// The user's answers to an authorization request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAnswers {
    /// ID of the session that the user chose to continue with.
    pub chosen: Option<SessionId>,
    /// ID of the user who consented to the request.
    pub consented: Option<UserId>,
}

/// The signed-in user.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser<'a> {
    pub session: &'a LiveSession,
    pub account_state: &'a AccountState,
    /// Whether an earlier consent covers the request; `false` also if the client needs none.
    pub has_consented: bool,
    /// Highest `acr` rank that one of the user's passkeys can reach.
    pub strongest_rank: u8,
    /// The browser's session when the request was bound to the browser.
    pub initial_session: Option<SessionSnapshot>,
}

/// A browser's session when a request was bound to it. Sessions are compared and not times, because two instances have two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSnapshot {
    session: SessionId,
    auth_time: Timestamp,
}

impl SessionSnapshot {
    /// Takes a snapshot of a session.
    pub fn of(session: &LiveSession) -> Self {
        Self {
            session: session.id,
            auth_time: session.auth_time,
        }
    }
}

impl CurrentUser<'_> {
    /// Whether the user signed in after the request arrived.
    fn is_new(&self) -> bool {
        self.initial_session
            .map(|initial_session| initial_session.session)
            != Some(self.session.id)
    }

    /// Whether the user signed in or reauthenticated after the request arrived.
    fn has_reauthenticated(&self) -> bool {
        self.initial_session != Some(SessionSnapshot::of(self.session))
    }
}

/// The next step of an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// No user is signed in: show the sign-in page.
    SignIn,
    /// No user is signed in, and the app requests a new account: ask for an invitation first.
    Join,
    /// The sign-in is too old or too weak: ask for reauthentication.
    Reauthenticate,
    /// Ask which account to continue with.
    ChooseAccount,
    Consent,
    /// Return this error to the app.
    Refuse(OAuthError),
    /// Issue a code.
    Grant,
}

/// Returns the next step: that of the first check that is not met, or the grant.
pub fn next(
    request: &AuthorizationRequest,
    client: &Client,
    current_user: Option<CurrentUser<'_>>,
    answers: UserAnswers,
    now: Timestamp,
) -> NextStep {
    let Some(current_user) = current_user else {
        let step = if request.prompt.create {
            NextStep::Join
        } else {
            NextStep::SignIn
        };
        return ask_or_refuse(request, step, ErrorCode::LoginRequired, "not signed in");
    };
    let checks = [
        check_subject(request, current_user),
        check_roles(client, current_user),
        check_freshness(request, current_user, now),
        check_strength(request, client, current_user),
        check_account(request, current_user, answers),
        check_consent(request, client, current_user, answers),
    ];
    checks
        .into_iter()
        .flatten()
        .next()
        .unwrap_or(NextStep::Grant)
}

/// Returns an interaction with the user, or the error if `prompt=none` forbids any interaction.
fn ask_or_refuse(
    request: &AuthorizationRequest,
    step: NextStep,
    code: ErrorCode,
    description: &str,
) -> NextStep {
    if request.prompt.none {
        NextStep::Refuse(OAuthError::new(code, description))
    } else {
        step
    }
}

/// Checks the user whom the app expects (`id_token_hint`, or `sub` in `claims`).
fn check_subject(
    request: &AuthorizationRequest,
    current_user: CurrentUser<'_>,
) -> Option<NextStep> {
    if request
        .subject
        .is_none_or(|subject| subject == current_user.session.user)
    {
        return None;
    }
    let description = "another user is signed in";
    Some(ask_or_refuse(
        request,
        NextStep::ChooseAccount,
        ErrorCode::LoginRequired,
        description,
    ))
}

fn check_roles(client: &Client, current_user: CurrentUser<'_>) -> Option<NextStep> {
    if client.allows_user(current_user.account_state) {
        return None;
    }
    let allowed = &client.metadata.allowed_roles;
    let held = current_user.account_state.roles.join(" ");
    let user = current_user.session.user;
    let description = "the user has none of the roles that this client is limited to";
    let mut refusal = OAuthError::new(ErrorCode::AccessDenied, description).with_rule(
        ROLE_NOT_HELD,
        &format!("user {user} with the roles: {held}"),
        &allowed.join(" "),
    );
    // The command omits the user's ID: otherwise anyone who tries to sign in could suggest that they get the role. The description
    // is for the app and its user, so it omits the command.
    let role = allowed.first().and_then(|role| shell_word(role));
    if let (Some(details), Some(role)) = (&mut refusal.details, role) {
        details.remedy = Some(format!("doorward user update USER --add-role {role}"));
    }
    Some(NextStep::Refuse(refusal))
}

/// How long a reauthentication satisfies a request that arrived before it, in seconds.
const REAUTHENTICATION_WINDOW: u64 = 300;

/// Checks `prompt=login` and `max_age`; a sign-in after the request was bound to the browser satisfies both, for five minutes.
fn check_freshness(
    request: &AuthorizationRequest,
    current_user: CurrentUser<'_>,
    now: Timestamp,
) -> Option<NextStep> {
    let age = now.since(current_user.session.auth_time).as_secs();
    // The age is checked because a request may be stored for longer than this window.
    if current_user.has_reauthenticated() && age <= REAUTHENTICATION_WINDOW {
        return None;
    }
    let is_too_old = request
        .max_age
        .is_some_and(|max| age > u64::from(max) || max == 0);
    if !is_too_old && !request.prompt.login {
        return None;
    }
    let description = "the sign-in is older than max_age";
    Some(ask_or_refuse(
        request,
        NextStep::Reauthenticate,
        ErrorCode::LoginRequired,
        description,
    ))
}

fn check_strength(
    request: &AuthorizationRequest,
    client: &Client,
    current_user: CurrentUser<'_>,
) -> Option<NextStep> {
    let unmet = || {
        NextStep::Refuse(OAuthError::new(
            ErrorCode::UnmetAuthenticationRequirements,
            "no passkey of this user satisfies the requested acr",
        ))
    };
    let least = match request.acr.min_rank(client.metadata.least_acr.as_deref()) {
        Ok(least) => least,
        Err(UnsupportedAcr) => return Some(unmet()),
    };
    if Acr::rank(&current_user.session.acr).unwrap_or(0) >= least {
        return None;
    }
    if current_user.strongest_rank < least {
        return Some(unmet());
    }
    let description = "a stronger passkey is required";
    Some(ask_or_refuse(
        request,
        NextStep::Reauthenticate,
        ErrorCode::LoginRequired,
        description,
    ))
}

fn check_account(
    request: &AuthorizationRequest,
    current_user: CurrentUser<'_>,
    answers: UserAnswers,
) -> Option<NextStep> {
    let is_asked = request.prompt.select_account || request.prompt.create;
    let is_chosen = current_user.is_new() || answers.chosen == Some(current_user.session.id);
    (is_asked && !is_chosen).then_some(NextStep::ChooseAccount)
}

fn check_consent(
    request: &AuthorizationRequest,
    client: &Client,
    current_user: CurrentUser<'_>,
    answers: UserAnswers,
) -> Option<NextStep> {
    if answers.consented == Some(current_user.session.user) {
        return None;
    }
    // RFC 8252 §8.6: any program on the device can claim to be this app, so the user is asked each time.
    let can_be_impersonated =
        client.metadata.is_public() && client.metadata.application_type == ApplicationType::Native;
    let is_remembered =
        !can_be_impersonated && (!client.metadata.require_consent || current_user.has_consented);
    if is_remembered && !request.prompt.consent {
        return None;
    }
    let description = "the user has not given consent";
    Some(ask_or_refuse(
        request,
        NextStep::Consent,
        ErrorCode::ConsentRequired,
        description,
    ))
}
