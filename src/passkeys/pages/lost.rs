//! `GET /lost`: what users can do who lost their passkey.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::continue_parameter::ContinueParameter;
use crate::sessions::SignedIn;
use crate::web::{Answer, Frame, Web, page};

#[derive(Template)]
#[template(path = "lost.html")]
struct LostPage {
    frame: Frame,
    login_path: String,
}

pub(super) async fn show_lost(
    request: HttpRequest,
    web: web::Data<Web>,
    continuation: web::Query<ContinueParameter>,
) -> Answer {
    let signed_in = SignedIn::find(&request).await?;
    page(&LostPage {
        frame: Frame::new(&web, &request, signed_in.map(|person| person.visitor())),
        login_path: continuation.to("/login"),
    })
}
