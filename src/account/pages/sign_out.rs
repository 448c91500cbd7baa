//! `POST /sign-out`: ends the session of this browser.

use actix_session::Session;
use actix_web::{HttpRequest, web};

use crate::history::Actor;
use crate::sessions::{Cookies, Sessions, SignedIn, sign_out};
use crate::web::{Answer, author, redirect};

/// Ends the session and removes its cookie. Also succeeds if no user is signed in.
pub(super) async fn end_this_session(
    request: HttpRequest,
    session: Session,
    sessions: web::Data<Sessions>,
    cookies: web::Data<Cookies>,
) -> Answer {
    if let Some(person) = SignedIn::find(&request).await? {
        let author = author(&request, Actor::User(person.session.user));
        sessions.sign_out(&person.session, author).await?;
    }
    let gone = redirect("/login?notice=signed_out");
    Ok(sign_out(&session, &cookies, gone))
}
