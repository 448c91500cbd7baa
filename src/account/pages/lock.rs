//! `/account/lock`: locking one's own account, when a device was stolen.

use actix_session::Session;
use actix_web::{HttpRequest, web};

use super::visitor::Owner;
use crate::sessions::{Cookies, sign_out};
use crate::users::{Authority, LastAdministrator, Users};
use crate::web::{Answer, ConfirmPage, only, page, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/account/lock")
            .route(web::get().to(ask_to_lock))
            .route(web::post().to(lock_account))
            .default_service(only("GET, POST")),
    );
}

async fn ask_to_lock(Owner(visitor): Owner, users: web::Data<Users>) -> Answer {
    if users.is_last_administrator(visitor.user()).await? {
        return Err(LastAdministrator.into());
    }
    let frame = visitor.frame;
    page(&ConfirmPage {
        title: frame.text("confirm.lock.title").to_owned(),
        what: frame.text("confirm.lock.what").to_owned(),
        effects: vec![
            frame.text("confirm.lock.effect_sessions").to_owned(),
            frame.text("confirm.lock.effect_passkeys").to_owned(),
        ],
        undo: Some(frame.text("confirm.lock.undo").to_owned()),
        action: frame.path.clone(),
        hidden: Vec::new(),
        asks_reason: false,
        confirm_label: frame.text("confirm.lock.button").to_owned(),
        is_destructive: true,
        cancel_url: "/account".into(),
        frame,
    })
}

async fn lock_account(
    request: HttpRequest,
    session: Session,
    Owner(visitor): Owner,
    users: web::Data<Users>,
    cookies: web::Data<Cookies>,
) -> Answer {
    let acting = visitor.acting(&request);
    users
        .suspend(
            visitor.user(),
            Some("own-wish".into()),
            Authority::Administrator,
            acting,
        )
        .await?;
    let gone = redirect("/login?notice=locked");
    Ok(sign_out(&session, &cookies, gone))
}
