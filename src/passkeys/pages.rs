//! The pages set-up, join and sign-in.

use actix_web::{HttpRequest, web};
use askama::Template;

use crate::web::{Answer, Frame, Web, only, page};

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/lost")
            .route(web::get().to(lost))
            .default_service(only("GET")),
    );
}

#[derive(Template)]
#[template(path = "lost.html")]
struct LostPage {
    frame: Frame,
}

async fn lost(request: HttpRequest, web: web::Data<Web>) -> Answer {
    page(&LostPage {
        frame: Frame::new(&web, &request, None),
    })
}
