//! `/account/passkeys/{passkey}/…`: renames a passkey, and asks for confirmation before one is removed. The removal itself is
//! `DELETE /v1/me/passkeys/{passkey}`, called by a script, because the browser's password manager is notified of the result.

use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::overview::{AccountData, FormState, RejectedPasskeyName, render};
use super::visitor::SignedInVisitor;
use crate::base::ids::PasskeyId;
use crate::passkeys::{ManageError, PasskeyFilter, Passkeys};
use crate::sessions::{SessionEntry, Sessions};
use crate::web::{Answer, FieldProblem, Frame, Problem, page, redirect};

#[derive(Deserialize)]
pub(super) struct RenameForm {
    #[serde(default)]
    name: String,
}

pub(super) async fn rename_passkey(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    passkeys: web::Data<Passkeys>,
    account_data: AccountData,
    id: web::Path<String>,
    form: web::Form<RenameForm>,
) -> Answer {
    let id = PasskeyId::parse(&id).ok_or_else(Problem::not_found)?;
    let name = form.into_inner().name;
    let acting = visitor.acting(&request);
    match passkeys.rename(visitor.user(), id, &name, acting).await {
        Ok(_) => Ok(redirect("/account?notice=renamed")),
        Err(ManageError::Name) => {
            let form_state = FormState {
                problem: Some(FieldProblem::new(
                    "name",
                    visitor.frame.text("field.passkey_name"),
                )),
                rejected_passkey_name: Some(RejectedPasskeyName { passkey: id, name }),
                ..FormState::default()
            };
            render(account_data, visitor, form_state).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "remove_passkey.html")]
struct RemovePasskeyPage {
    frame: Frame,
    id: PasskeyId,
    name: String,
    sessions: Vec<SessionEntry>,
    is_last: bool,
}

pub(super) async fn ask_to_remove(
    SignedInVisitor(visitor): SignedInVisitor,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    id: web::Path<String>,
) -> Answer {
    let id = PasskeyId::parse(&id).ok_or_else(Problem::not_found)?;
    let user = visitor.user();
    let entries = passkeys.list_entries(user, PasskeyFilter::Valid).await?;
    let is_last = entries.len() == 1;
    let passkey = entries
        .into_iter()
        .find(|entry| entry.id == id)
        .ok_or_else(Problem::not_found)?;
    let mut dependent_sessions = sessions.list_entries(user, visitor.session().id).await?;
    dependent_sessions.retain(|session| session.passkeys.contains(&id));
    page(&RemovePasskeyPage {
        frame: visitor.frame,
        id,
        name: passkey.name,
        sessions: dependent_sessions,
        is_last,
    })
}
