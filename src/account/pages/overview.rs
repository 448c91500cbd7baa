//! `GET /account`: the account page. A refused form is answered with this page, too.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::super::http::user_handle;
use super::apps::AppEntry;
use super::visitor::SignedInVisitor;
use crate::base::ids::PasskeyId;
use crate::oidc::Oidc;
use crate::passkeys::{PasskeyEntry, PasskeyFilter, Passkeys};
use crate::sessions::{PageVisitor, SessionEntry, Sessions};
use crate::users::Users;
use crate::web::{Answer, FieldProblem, Frame, page_with_status};

/// A passkey name that was refused, as it was typed.
#[derive(Debug)]
pub(super) struct RejectedPasskeyName {
    pub(super) passkey: PasskeyId,
    pub(super) name: String,
}

/// What the page shows in addition to the current state of the account.
#[derive(Debug, Default)]
pub(super) struct FormState {
    /// Why a form was refused.
    pub(super) problem: Option<FieldProblem>,
    /// Display name as it was typed.
    pub(super) display_name: Option<String>,
    /// Email address as it was typed.
    pub(super) email: Option<String>,
    /// Passkey name as it was typed.
    pub(super) rejected_passkey_name: Option<RejectedPasskeyName>,
    /// Whether a form was refused because the user was changed after the page was opened.
    pub(super) has_changed_meanwhile: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    problem: Option<FieldProblem>,
    rp_id: String,
    user_handle: String,
    username: String,
    /// Version of the user.
    version: i64,
    display_name: String,
    typed_display_name: String,
    email: String,
    is_email_verified: bool,
    rejected_passkey_name: Option<RejectedPasskeyName>,
    passkeys: Vec<PasskeyEntry>,
    sessions: Vec<SessionEntry>,
    apps: Vec<AppEntry>,
}

pub(super) async fn show_account(
    SignedInVisitor(visitor): SignedInVisitor,
    account_data: AccountData,
) -> Answer {
    render(account_data, visitor, FormState::default()).await
}

/// The modules that the page reads from.
pub(super) type AccountData = (
    web::Data<Users>,
    web::Data<Passkeys>,
    web::Data<Sessions>,
    web::Data<Oidc>,
);

/// Renders the page. The status is 200; for a refused form it is 409 if the user was changed in between, otherwise 400.
pub(super) async fn render(
    (users, passkeys, sessions, oidc): AccountData,
    visitor: PageVisitor,
    form_state: FormState,
) -> Answer {
    let session = visitor.session().id;
    // All from one read: the form must not show an older state than that of its version.
    let shown = users.find(&visitor.user().to_string()).await?;
    let (user, is_email_verified) = (shown.id, shown.is_email_verified());
    let status = match form_state.problem {
        Some(_) if form_state.has_changed_meanwhile => StatusCode::CONFLICT,
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let apps = oidc.list_apps(user).await?.into_iter();
    let apps = apps.map(|access| AppEntry::new(&visitor.frame, access));
    let template = AccountPage {
        apps: apps.collect(),
        frame: visitor.frame,
        problem: form_state.problem,
        rp_id: passkeys.rp_id().to_owned(),
        user_handle: user_handle(user),
        username: shown.username,
        version: shown.version,
        typed_display_name: form_state
            .display_name
            .unwrap_or_else(|| shown.display_name.clone()),
        display_name: shown.display_name,
        email: form_state.email.or(shown.email).unwrap_or_default(),
        is_email_verified,
        rejected_passkey_name: form_state.rejected_passkey_name,
        passkeys: passkeys.list_entries(user, PasskeyFilter::Valid).await?,
        sessions: sessions.list_entries(user, session).await?,
    };
    page_with_status(status, &template)
}
