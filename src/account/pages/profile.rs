//! `POST /account/profile`: what to call oneself, and where mail goes.

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::overview::{Overview, Said};
use super::visitor::Owner;
use crate::users::{Authority, DisplayName, Email, UserChange, Users};
use crate::web::{Answer, FieldProblem, Frame, only, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/account/profile")
            .route(web::post().to(save_profile))
            .default_service(only("POST")),
    );
}

#[derive(Deserialize)]
struct Profile {
    display_name: String,
    /// Empty: none.
    email: String,
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

async fn save_profile(
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
    // Whoever is signed in may always say what they are called.
    users
        .update(
            visitor.user(),
            change,
            None,
            Authority::Administrator,
            acting,
        )
        .await?;
    Ok(redirect("/account?notice=profile_saved"))
}
