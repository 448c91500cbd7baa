//! `GET /join/{token}`: the page of an invitation for a new user, or of a link with which an existing user adds a passkey. Opening
//! it consumes nothing. If another user is signed in, the page asks them to sign out first. A user who comes from a client
//! continues to it.

use actix_session::Session;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::link_gone::{self, Gone};
use super::on_the_way::OnTheWay;
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::sessions::{Browser, Cookies, Sessions, SignedIn, end_in_browser, sign_out};
use crate::standing::ADMINISTRATOR;
use crate::users::{OpenInvitation, Purpose, User, Username, Users};
use crate::web::{Answer, Frame, Moment, Problem, Web, author, only, page, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/join/{token}")
                .route(web::get().to(show_join))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/join/{token}/sign-out")
                .route(web::post().to(sign_out_first))
                .default_service(only("POST")),
        );
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    token: String,
    is_enrolment: bool,
    invited_by: Option<String>,
    as_administrator: bool,
    username: String,
    is_username_fixed: bool,
    display_name: String,
    valid_until: Moment,
    signed_in_as_other: Option<String>,
    continue_id: Option<String>,
}

impl JoinPage {
    fn new(frame: Frame, link: &Token, opened: OpenInvitation, person: Option<&SignedIn>) -> Self {
        let OpenInvitation {
            invitation,
            user,
            invited_by,
        } = opened;
        let is_enrolment = match invitation.purpose {
            Purpose::Join => false,
            Purpose::Recover | Purpose::AddDevice => true,
        };
        // A signed-in user may use a link to their own account.
        let other = person.filter(|person| {
            !is_enrolment
                || invitation
                    .user
                    .is_none_or(|user| user != person.session.user)
        });
        Self {
            frame,
            token: link.expose().to_owned(),
            is_enrolment,
            invited_by,
            as_administrator: match &user {
                Some(user) => user.is_administrator(),
                None => invitation.roles.iter().any(|role| role == ADMINISTRATOR),
            },
            username: match &user {
                Some(user) => user.username.clone(),
                None => suggested_username(invitation.email.as_deref()),
            },
            is_username_fixed: user.is_some(),
            display_name: match user {
                Some(user) => chosen_display_name(user),
                None => invitation.display_name.unwrap_or_default(),
            },
            valid_until: invitation.expires_at.into(),
            signed_in_as_other: other.map(|other| other.standing.display_name.clone()),
            continue_id: None,
        }
    }
}

/// The part of the email address before the `@`, if it is a valid username.
fn suggested_username(email: Option<&str>) -> String {
    let local = email.and_then(|email| email.split('@').next());
    local
        .and_then(|local| Username::parse(local).ok())
        .map(|username| username.as_str().to_owned())
        .unwrap_or_default()
}

/// The display name that the inviter chose. If they chose none, it is the username, which is not suggested as a display name.
fn chosen_display_name(user: User) -> String {
    if user.display_name == user.username {
        String::new()
    } else {
        user.display_name
    }
}

async fn show_join(
    request: HttpRequest,
    web: web::Data<Web>,
    users: web::Data<Users>,
    browser: Browser,
    token: web::Path<String>,
    way: web::Query<OnTheWay>,
) -> Answer {
    let person = SignedIn::find(&request).await?;
    let Some(link) = Token::parse(&token) else {
        return link_gone::show(&web, &request, person.as_ref(), Gone::Unknown);
    };
    let opened = match users.open_invitation(&link).await {
        Ok(opened) => opened,
        Err(error) => {
            let gone = Gone::try_from(error)?;
            return link_gone::show(&web, &request, person.as_ref(), gone);
        }
    };
    let frame = Frame::new(&web, &request, person.as_ref().map(SignedIn::visitor));
    let mut template = JoinPage::new(frame, &link, opened, person.as_ref());
    template.continue_id = way.id().map(str::to_owned);
    let answer = page(&template)?;
    Ok(browser.mark(answer))
}

/// Ends the session of the signed-in user, and redirects back to the link.
async fn sign_out_first(
    request: HttpRequest,
    session: Session,
    sessions: web::Data<Sessions>,
    cookies: web::Data<Cookies>,
    token: web::Path<String>,
    way: web::Form<OnTheWay>,
) -> Answer {
    let link = Token::parse(&token).ok_or_else(Problem::not_found)?;
    let back = redirect(&way.to(&format!("/join/{}", link.expose())));
    let Some(person) = SignedIn::find(&request).await? else {
        return Ok(back);
    };
    let author = author(&request, Actor::Person(person.session.user));
    sessions.leave(&person.session, author).await?;
    // The pending request of a client is bound to the browser cookie, which is therefore retained.
    Ok(match way.id() {
        Some(_) => end_in_browser(&session, &cookies, back),
        None => sign_out(&session, &cookies, back),
    })
}
