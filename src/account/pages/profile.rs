//! `POST /account/profile`: changes the user's display name and email address.

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::overview::{Overview, Said};
use super::visitor::Owner;
use crate::users::{Authority, DisplayName, Email, UpdateError, UserChange, Users};
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
    Owner(visitor): Owner,
    users: web::Data<Users>,
    overview: Overview,
    form: web::Form<Profile>,
) -> Answer {
    let profile = form.into_inner();
    let change = match profile.parse(&visitor.frame) {
        Ok(change) => change,
        Err(problem) => {
            let said = Said {
                problem: Some(problem),
                display_name: Some(profile.display_name),
                email: Some(profile.email),
                ..Said::default()
            };
            return overview.render(visitor, said).await;
        }
    };
    let acting = visitor.acting(&request);
    let expected = profile.version.parse::<i64>().unwrap_or_default();
    // Users may always change their own display name and email address.
    let (user, authority) = (visitor.user(), Authority::Administrator);
    match users
        .update(user, change, Some(expected), authority, acting)
        .await
    {
        Ok(_) => Ok(redirect("/account?notice=profile_saved")),
        Err(UpdateError::VersionIs(_)) => {
            let said = Said {
                problem: Some(FieldProblem::new("", visitor.frame.text("account.changed"))),
                is_overtaken: true,
                ..Said::default()
            };
            overview.render(visitor, said).await
        }
        Err(error) => Err(error.into()),
    }
}
