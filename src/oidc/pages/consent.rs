//! The two questions: whether it is you, and whether the app may.

use actix_web::HttpRequest;
use askama::Template;

use super::answer::host_of;
use crate::clients::{Client, Scopes};
use crate::oidc::request::AuthorizationRequest;
use crate::sessions::SignedIn;
use crate::web::{Answer, FormTargets, Frame, StepUpPage, Visitor, Web, page};

/// An app, as people see it.
pub struct AppPart {
    name: String,
    host: String,
    client_uri: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
}

impl AppPart {
    fn new(client: &Client, request: &AuthorizationRequest) -> Self {
        Self {
            name: client.name.clone(),
            host: host_of(&request.to.redirect_uri),
            client_uri: client.metadata.client_uri.clone(),
            policy_uri: client.metadata.policy_uri.clone(),
            tos_uri: client.metadata.tos_uri.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage {
    frame: Frame,
    app: AppPart,
    visitor: Visitor,
    /// What the app gets, a sentence each.
    gets: Vec<String>,
    /// Names of scopes that only the app's own services understand.
    other: Vec<String>,
    action: String,
}

#[derive(Template)]
#[template(path = "choose_account.html")]
struct ChooseAccountPage {
    frame: Frame,
    app: AppPart,
    visitor: Visitor,
    /// The app expects somebody else.
    is_other: bool,
    action: String,
}

/// What a page of the request is made of.
pub struct Asked<'a> {
    /// The frame's own.
    pub web: &'a Web,
    /// The visit.
    pub http: &'a HttpRequest,
    /// The app.
    pub client: &'a Client,
    /// What it asks.
    pub request: &'a AuthorizationRequest,
    /// Who is there.
    pub person: &'a SignedIn,
    /// Where the answer is posted to.
    pub action: String,
}

impl Asked<'_> {
    fn frame(&self) -> Frame {
        Frame::new(self.web, self.http, Some(self.person.visitor()))
    }

    fn onward(&self) -> FormTargets {
        FormTargets::onward(&self.request.to.redirect_uri)
    }
}

/// May the app have that?
pub fn ask_consent(asked: &Asked<'_>) -> Answer {
    let frame = asked.frame();
    let (gets, other) = sentences(&frame, &asked.request.consent);
    let answer = page(&ConsentPage {
        frame,
        app: AppPart::new(asked.client, asked.request),
        visitor: asked.person.visitor(),
        gets,
        other,
        action: asked.action.clone(),
    })?;
    Ok(asked.onward().allow(answer))
}

/// Is it you?
pub fn ask_account(asked: &Asked<'_>) -> Answer {
    let subject = asked.request.subject;
    let answer = page(&ChooseAccountPage {
        frame: asked.frame(),
        app: AppPart::new(asked.client, asked.request),
        visitor: asked.person.visitor(),
        is_other: subject.is_some_and(|subject| subject != asked.person.session.user),
        action: asked.action.clone(),
    })?;
    Ok(asked.onward().allow(answer))
}

/// Prove it once more.
pub fn ask_ceremony(asked: &Asked<'_>) -> Answer {
    let frame = asked.frame();
    let name = asked.client.name.as_str();
    let answer = page(&StepUpPage {
        what: frame.text_with("authorize.step_up", &[("name", name)]),
        frame,
        action: asked.action.clone(),
        hidden: Vec::new(),
        cancel_url: format!("{}?cancel=1", asked.action),
    })?;
    Ok(asked.onward().allow(answer))
}

/// A sentence for each scope that has one; the names of the others.
pub fn sentences(frame: &Frame, scopes: &Scopes) -> (Vec<String>, Vec<String>) {
    let mut gets = Vec::new();
    let mut other = Vec::new();
    for name in scopes.names() {
        match frame.find_text(&format!("scope.{name}")) {
            Some(sentence) => gets.push(sentence.to_owned()),
            None => other.push(name.to_owned()),
        }
    }
    (gets, other)
}
