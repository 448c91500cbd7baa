//! `GET /login`, and `GET /`, which redirects to the sign-in page or to the user's account page.

use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use crate::base::secrets::Token;
use crate::sessions::{Browser, Continuation, Destination, Sessions, SignedIn};
use crate::web::{Answer, Frame, Visitor, Web, page, redirect};

/// Where users go who have no other destination.
const HOME: &str = "/account";

pub(super) async fn show_home(request: HttpRequest) -> Answer {
    let signed_in = SignedIn::find(&request).await?;
    Ok(redirect(if signed_in.is_some() { HOME } else { "/login" }))
}

#[derive(Deserialize)]
pub(super) struct Login {
    /// ID of the continuation to redirect to after the sign-in.
    r#continue: Option<String>,
    /// Set if a signed-in user wants to sign in as another user.
    switch: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    app: Option<Destination>,
    continue_id: Option<String>,
    username: String,
    signed_in: Option<Visitor>,
    stay_path: String,
}

pub(super) async fn show_login(
    request: HttpRequest,
    web: web::Data<Web>,
    sessions: web::Data<Sessions>,
    browser: Browser,
    query: web::Query<Login>,
) -> Answer {
    let Login {
        r#continue: id,
        switch,
    } = query.into_inner();
    let continue_id = id.filter(|id| Token::parse(id).is_some());
    let target = match &continue_id {
        Some(id) => sessions.continuation(id).await?,
        None => None,
    };
    let person = SignedIn::find(&request).await?;
    let target = target.unwrap_or_else(|| Continuation::to(HOME));
    if switch.is_none() && person.is_some() {
        return Ok(redirect(&target.path));
    }
    let answer = page(&LoginPage {
        frame: Frame::new(&web, &request, None),
        app: target.app,
        continue_id,
        username: target.login_hint.unwrap_or_default(),
        signed_in: person.map(|person| person.visitor()),
        stay_path: target.path,
    })?;
    Ok(browser.set_cookie(answer))
}
