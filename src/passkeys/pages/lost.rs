//! `GET /lost`: what users can do who lost their passkey.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::continue_parameter::ContinueParameter;
use crate::sessions::SignedIn;
use crate::web::{Answer, Frame, Web, only, page};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/lost")
            .route(web::get().to(show_lost))
            .default_service(only("GET")),
    );
}

#[derive(Template)]
#[template(path = "lost.html")]
struct LostPage {
    frame: Frame,
    login_path: String,
}

async fn show_lost(
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
