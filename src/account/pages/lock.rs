//! `/account/lock`: users lock their own account, for example after a device was stolen.

use actix_session::Session;
use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::visitor::SignedInVisitor;
use crate::sessions::{Cookies, PageVisitor, sign_out};
use crate::users::{LastAdministrator, Permit, Users};
use crate::web::{Answer, ConfirmPage, Problem, page, redirect, require_rendered_version};

/// Fields of the confirmation form.
#[derive(Deserialize)]
pub(super) struct Rendered {
    #[serde(default)]
    version: String,
}

async fn own_version(users: &Users, visitor: &PageVisitor) -> Result<i64, Problem> {
    Ok(users.find(&visitor.user().to_string()).await?.version)
}

pub(super) async fn ask_to_lock(
    SignedInVisitor(visitor): SignedInVisitor,
    users: web::Data<Users>,
) -> Answer {
    if users.is_last_administrator(visitor.user()).await? {
        return Err(LastAdministrator.into());
    }
    let version = own_version(&users, &visitor).await?;
    let frame = visitor.frame;
    page(&ConfirmPage {
        effects: vec![
            frame.text("confirm.lock.effect_sessions").to_owned(),
            frame.text("confirm.lock.effect_passkeys").to_owned(),
        ],
        version: Some(version),
        asks_reason: false,
        ..ConfirmPage::new(frame, "lock", &[], "/account".into())
    })
}

pub(super) async fn lock_account(
    request: HttpRequest,
    session: Session,
    SignedInVisitor(visitor): SignedInVisitor,
    users: web::Data<Users>,
    cookies: web::Data<Cookies>,
    form: web::Form<Rendered>,
) -> Answer {
    let version = own_version(&users, &visitor).await?;
    require_rendered_version(&form.version, version)?;
    let acting = visitor.acting(&request);
    let (reason, permit) = ("requested-by-user".into(), Permit::own_account(acting));
    users.suspend(visitor.user(), Some(reason), permit).await?;
    let gone = redirect("/login?notice=locked");
    Ok(sign_out(&session, &cookies, gone))
}
