//! `POST /account/profile`: changes the user's display name and email address.

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::overview::{AccountData, FormState, render};
use super::visitor::SignedInVisitor;
use crate::users::{DisplayName, Email, Permit, UpdateError, UserChange, Users};
use crate::web::{Answer, FieldProblem, Frame, redirect};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    display_name: String,
    /// Empty to remove the address.
    email: String,
    /// Version of the user that the form was rendered for.
    version: String,
}

impl Profile {
    fn parse(&self, frame: &Frame) -> Result<UserChange, FieldProblem> {
        let display_name = DisplayName::parse(&self.display_name)
            .map_err(|_| FieldProblem::new("display_name", frame.text("field.display_name")))?;
        let email = match self.email.trim() {
            "" => None,
            email => Some(
                Email::parse(email)
                    .map_err(|_| FieldProblem::new("email", frame.text("field.email")))?,
            ),
        };
        Ok(UserChange {
            display_name: Some(display_name),
            email: Some(email),
            ..UserChange::default()
        })
    }
}

pub(super) async fn save_profile(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    users: web::Data<Users>,
    account_data: AccountData,
    form: web::Form<Profile>,
) -> Answer {
    let profile = form.into_inner();
    let change = match profile.parse(&visitor.frame) {
        Ok(change) => change,
        Err(problem) => {
            let form_state = FormState {
                problem: Some(problem),
                display_name: Some(profile.display_name),
                email: Some(profile.email),
                ..FormState::default()
            };
            return render(account_data, visitor, form_state).await;
        }
    };
    let acting = visitor.acting(&request);
    let expected = profile.version.parse::<i64>().unwrap_or_default();
    let (user, permit) = (visitor.user(), Permit::own_account(acting));
    match users.update(user, change, Some(expected), permit).await {
        Ok(_) => Ok(redirect("/account?notice=profile_saved")),
        Err(UpdateError::VersionMismatch(_)) => {
            let form_state = FormState {
                problem: Some(FieldProblem::new("", visitor.frame.text("account.changed"))),
                has_changed_meanwhile: true,
                ..FormState::default()
            };
            render(account_data, visitor, form_state).await
        }
        Err(error) => Err(error.into()),
    }
}
