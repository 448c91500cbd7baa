//! `GET /setup/{token}`: the page on which the first administrator registers. Opening the link consumes nothing.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::link_gone::{self, LinkGoneReason};
use crate::base::clock::Timestamp;
use crate::base::secrets::Token;
use crate::sessions::{Browser, SignedIn};
use crate::users::Users;
use crate::web::{Answer, Frame, Web, page};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    token: String,
    username: &'static str,
    display_name: &'static str,
    valid_until: Timestamp,
}

pub(super) async fn show_setup(
    request: HttpRequest,
    web: web::Data<Web>,
    users: web::Data<Users>,
    browser: Browser,
    token: web::Path<String>,
) -> Answer {
    let signed_in = SignedIn::find(&request).await?;
    let Some(link) = Token::parse(&token) else {
        return link_gone::show(&web, &request, signed_in.as_ref(), LinkGoneReason::Unknown);
    };
    let valid_until = match users.open_set_up(&link).await {
        Ok(valid_until) => valid_until,
        Err(error) => {
            let gone = LinkGoneReason::try_from(error)?;
            return link_gone::show(&web, &request, signed_in.as_ref(), gone);
        }
    };
    let answer = page(&SetupPage {
        frame: Frame::new(&web, &request, signed_in.map(|person| person.visitor())),
        token: link.expose().to_owned(),
        username: "admin",
        display_name: "",
        valid_until,
    })?;
    Ok(browser.set_cookie(answer))
}
