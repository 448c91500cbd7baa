//! `GET /lost`: the passkey is lost.

use actix_web::{HttpRequest, web};
use askama::Template;

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
}

async fn show_lost(request: HttpRequest, web: web::Data<Web>) -> Answer {
    let signed_in = SignedIn::find(&request).await?;
    page(&LostPage {
        frame: Frame::new(&web, &request, signed_in.map(|person| person.visitor())),
    })
}
