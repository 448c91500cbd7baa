//! `POST /account/device-link`: creates a link to register a passkey on another device, and shows it once with its QR code.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::visitor::SignedInVisitor;
use crate::base::clock::Timestamp;
use crate::users::Users;
use crate::web::{Answer, Frame, StepUpPage, page_with_secret, qr_svg};

#[derive(Template)]
#[template(path = "device_link.html")]
struct DeviceLinkPage {
    frame: Frame,
    url: String,
    qr_svg: String,
    valid_until: Timestamp,
}

pub(super) async fn create_device_link(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    users: web::Data<Users>,
) -> Answer {
    if visitor.signed_in.require_fresh().is_err() {
        return StepUpPage::show(visitor.frame, "device_link", &[], "/account".into());
    }
    let acting = visitor.acting(&request);
    let link = users
        .invite_own_device(&visitor.signed_in.session, acting)
        .await?;
    page_with_secret(&DeviceLinkPage {
        frame: visitor.frame,
        qr_svg: qr_svg(&link.url)?,
        url: link.url,
        valid_until: link.expires_at,
    })
}
