//! `GET /join/{token}`: the page of an invitation for a new user, or of a link with which an existing user adds a passkey. Opening
//! it consumes nothing. If another user is signed in, the page asks them to sign out first. A user who comes from a client
//! continues to it.

use actix_session::Session;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::continue_parameter::ContinueParameter;
use super::link_gone::{self, LinkGoneReason};
use crate::account_state::ADMINISTRATOR;
use crate::base::clock::Timestamp;
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::sessions::{Browser, Cookies, Sessions, SignedIn, remove_session_cookie, sign_out};
use crate::users::{LinkPurpose, OpenInvitation, User, Username, Users};
use crate::web::{Answer, Frame, Problem, Web, author, page, redirect};

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    token: String,
    is_existing_user: bool,
    invited_by: Option<String>,
    as_administrator: bool,
    username: String,
    is_username_fixed: bool,
    display_name: String,
    valid_until: Timestamp,
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
        let is_existing_user = match invitation.purpose {
            LinkPurpose::Join => false,
            LinkPurpose::Recover | LinkPurpose::AddDevice => true,
        };
        // A signed-in user may use a link to their own account.
        let other = person.filter(|person| {
            !is_existing_user
                || invitation
                    .user_id
                    .is_none_or(|user| user != person.session.user)
        });
        Self {
            frame,
            token: link.expose().to_owned(),
            is_existing_user,
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
            valid_until: invitation.expires_at,
            signed_in_as_other: other.map(|other| other.account_state.display_name.clone()),
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

pub(super) async fn show_join(
    request: HttpRequest,
    web: web::Data<Web>,
    users: web::Data<Users>,
    browser: Browser,
    token: web::Path<String>,
    continuation: web::Query<ContinueParameter>,
) -> Answer {
    let person = SignedIn::find(&request).await?;
    let Some(link) = Token::parse(&token) else {
        return link_gone::show(&web, &request, person.as_ref(), LinkGoneReason::Unknown);
    };
    let opened = match users.open_invitation(&link).await {
        Ok(opened) => opened,
        Err(error) => {
            let gone = LinkGoneReason::try_from(error)?;
            return link_gone::show(&web, &request, person.as_ref(), gone);
        }
    };
    let frame = Frame::new(&web, &request, person.as_ref().map(SignedIn::visitor));
    let mut template = JoinPage::new(frame, &link, opened, person.as_ref());
    template.continue_id = continuation.id().map(str::to_owned);
    let answer = page(&template)?;
    Ok(browser.set_cookie(answer))
}

/// Ends the session of the signed-in user, and redirects back to the link.
pub(super) async fn sign_out_first(
    request: HttpRequest,
    session: Session,
    sessions: web::Data<Sessions>,
    cookies: web::Data<Cookies>,
    token: web::Path<String>,
    continuation: web::Form<ContinueParameter>,
) -> Answer {
    let link = Token::parse(&token).ok_or_else(Problem::not_found)?;
    let back = redirect(&continuation.to(&format!("/join/{}", link.expose())));
    let Some(person) = SignedIn::find(&request).await? else {
        return Ok(back);
    };
    let author = author(&request, Actor::User(person.session.user));
    sessions.sign_out(&person.session, author).await?;
    // The pending request of a client is bound to the browser cookie, which is therefore retained.
    Ok(match continuation.id() {
        Some(_) => remove_session_cookie(&session, &cookies, back),
        None => sign_out(&session, &cookies, back),
    })
}
