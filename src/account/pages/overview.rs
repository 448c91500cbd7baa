//! `GET /account`: everything on one page. A form that was refused is answered with it, too.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::super::http::user_handle;
use crate::base::ids::PasskeyId;
use crate::passkeys::{PasskeyEntry, Passkeys};
use crate::sessions::{PageVisitor, SessionEntry, Sessions};
use crate::web::{Answer, FieldProblem, Frame, only, page_with_status};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/account")
            .route(web::get().to(show_account))
            .default_service(only("GET")),
    );
}

/// A name for a passkey that can't be used, as it was typed.
#[derive(Debug)]
pub(super) struct TypedName {
    pub(super) passkey: PasskeyId,
    pub(super) name: String,
}

/// What the page shows besides what is so.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// A notice's text key.
    pub(super) notice: Option<String>,
    /// Why a form was refused.
    pub(super) problem: Option<FieldProblem>,
    /// The display name that was typed.
    pub(super) display_name: Option<String>,
    /// The address that was typed.
    pub(super) email: Option<String>,
    /// The passkey's name that was typed.
    pub(super) typed_name: Option<TypedName>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    notice: Option<String>,
    problem: Option<FieldProblem>,
    rp_id: String,
    user_handle: String,
    username: String,
    display_name: String,
    typed_display_name: String,
    email: String,
    is_email_verified: bool,
    typed_name: Option<TypedName>,
    passkeys: Vec<PasskeyEntry>,
    sessions: Vec<SessionEntry>,
}

#[derive(Deserialize)]
struct Account {
    notice: Option<String>,
}

async fn show_account(
    visitor: PageVisitor,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    query: web::Query<Account>,
) -> Answer {
    let said = Said {
        notice: visitor
            .frame
            .notice("account.notice", query.notice.as_deref()),
        ..Said::default()
    };
    render(visitor, &passkeys, &sessions, said).await
}

/// The page; 400 when it says why a form was refused.
pub(super) async fn render(
    visitor: PageVisitor,
    passkeys: &Passkeys,
    sessions: &Sessions,
    said: Said,
) -> Answer {
    let user = visitor.user();
    let session = visitor.session().id;
    let standing = visitor.signed_in.standing;
    let status = match said.problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let template = AccountPage {
        frame: visitor.frame,
        notice: said.notice,
        problem: said.problem,
        rp_id: passkeys.rp_id().to_owned(),
        user_handle: user_handle(user),
        username: standing.username,
        typed_display_name: said
            .display_name
            .unwrap_or_else(|| standing.display_name.clone()),
        display_name: standing.display_name,
        email: said.email.or(standing.email).unwrap_or_default(),
        is_email_verified: standing.email_verified,
        typed_name: said.typed_name,
        passkeys: passkeys.list_entries(user, false).await?,
        sessions: sessions.list_entries(user, session).await?,
    };
    page_with_status(status, &template)
}
