//! `/join` without a token: users who come from a client and have no account enter the invitation that they were sent.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::continue_parameter::ContinueParameter;
use crate::base::config::Origin;
use crate::base::secrets::Token;
use crate::sessions::{Browser, Destination, Sessions};
use crate::web::{Answer, Frame, Web, page_with_status, redirect};

#[derive(Template)]
#[template(path = "enter_invitation.html")]
struct EnterInvitationPage {
    frame: Frame,
    app: Option<Destination>,
    continue_id: Option<String>,
    login_path: String,
    /// The entered text, if it is not a valid link.
    refused: Option<String>,
    start: String,
}

pub(super) async fn ask_for_invitation(
    request: HttpRequest,
    web: web::Data<Web>,
    sessions: web::Data<Sessions>,
    browser: Browser,
    continuation: web::Query<ContinueParameter>,
) -> Answer {
    // The response to the form is stored for this browser.
    Ok(browser.set_cookie(show(&request, &web, &sessions, &continuation, None).await?))
}

#[derive(Deserialize)]
pub(super) struct EnteredInvitation {
    invitation: String,
    #[serde(flatten)]
    continuation: ContinueParameter,
}

pub(super) async fn submit_invitation(
    request: HttpRequest,
    web: web::Data<Web>,
    sessions: web::Data<Sessions>,
    form: web::Form<EnteredInvitation>,
) -> Answer {
    let EnteredInvitation {
        invitation,
        continuation,
    } = form.into_inner();
    match parse(&invitation, web.public_url()) {
        Some(token) => Ok(redirect(
            &continuation.to(&format!("/join/{}", token.expose())),
        )),
        None => show(&request, &web, &sessions, &continuation, Some(invitation)).await,
    }
}

/// Returns the token of an invitation link to this server, or a bare token. The form never redirects to another site.
fn parse(text: &str, public_url: &Origin) -> Option<Token> {
    let text = text.trim();
    Token::parse(text.strip_prefix(&link_prefix(public_url)).unwrap_or(text))
}

fn link_prefix(public_url: &Origin) -> String {
    public_url.with_path("/join/")
}

async fn show(
    request: &HttpRequest,
    web: &Web,
    sessions: &Sessions,
    continuation: &ContinueParameter,
    refused: Option<String>,
) -> Answer {
    let target = match continuation.id() {
        Some(id) => sessions.continuation(id).await?,
        None => None,
    };
    let status = match refused {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let template = EnterInvitationPage {
        frame: Frame::new(web, request, None),
        app: target.and_then(|target| target.app),
        continue_id: continuation.id().map(str::to_owned),
        login_path: continuation.to("/login"),
        refused,
        start: link_prefix(web.public_url()),
    };
    page_with_status(status, &template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_link_of_this_installation_or_a_bare_token_is_an_invitation() {
        let place = Origin::parse("https://id.example").expect("an origin");
        let token = Token::generate().expose().to_owned();
        let good = [
            token.clone(),
            format!("https://id.example/join/{token}"),
            format!("  https://id.example/join/{token}\r\n"),
        ];
        for text in good {
            let parsed = parse(&text, &place);
            assert_eq!(parsed.expect(&text).expose(), token);
        }
        let bad = [
            String::new(),
            "x".into(),
            format!("http://id.example/join/{token}"),
            format!("https://evil.example/join/{token}"),
            format!("https://id.example.evil.example/join/{token}"),
            format!("https://id.example@evil.example/join/{token}"),
            format!("https://id.example/setup/{token}"),
            format!("https://id.example/join/{token}/sign-out"),
            format!("https://id.example/join/{token}?x=y"),
            format!("https://id.example/join/../join/{token}"),
            format!("/join/{token}"),
            format!("{token}{token}"),
        ];
        for text in bad {
            assert!(parse(&text, &place).is_none(), "{text}");
        }
    }
}
