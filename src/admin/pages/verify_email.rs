//! `/admin/users/{user}/verify-email`: an administrator vouches for a user's email address.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm, person_url};
use super::administrator::Administrator;
use crate::users::{Authority, UpdateError, User, UserChange, Users};
use crate::web::{Answer, Problem, only, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/verify-email")
            .route(web::get().to(ask_to_verify))
            .route(web::post().to(verify))
            .default_service(only("GET, POST")),
    );
}

async fn find(users: &Users, name: &str) -> Result<(User, String), Problem> {
    let user = users.find(name).await?;
    let email = user.email.clone().ok_or(UpdateError::NoAddress)?;
    Ok((user, email))
}

async fn ask_to_verify(
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let (user, email) = find(&users, &name).await?;
    let frame = administrator.0.frame;
    Act::VerifyEmail(&email).confirm(frame, &user, Vec::new())
}

async fn verify(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let (user, email) = find(&users, &name).await?;
    form.require_version(user.version)?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        return Act::VerifyEmail(&email).step_up(frame, &user);
    }
    let acting = administrator.acting(&request);
    let authority = Authority::Delegate(administrator.0.user());
    let change = UserChange {
        email_verified: Some(true),
        ..UserChange::default()
    };
    users
        .update(user.id, change, Some(user.version), authority, acting)
        .await?;
    let url = person_url(&user);
    Ok(redirect(&format!("{url}?notice=email_verified")))
}
