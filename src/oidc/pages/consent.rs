//! The questions: whether it is you, whether you can prove it once more, and whether the app may.

use actix_web::HttpRequest;
use askama::Template;

use super::answer::host_of;
use crate::clients::{Client, Scope, Scopes};
use crate::oidc::acr;
use crate::oidc::request::AuthorizationRequest;
use crate::sessions::SignedIn;
use crate::web::{Answer, FormTargets, Frame, Visitor, Web, page};

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

    fn has_links(&self) -> bool {
        self.client_uri.is_some() || self.policy_uri.is_some() || self.tos_uri.is_some()
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage {
    frame: Frame,
    title: String,
    app: AppPart,
    visitor: Visitor,
    /// What the app gets, a sentence each.
    gets: Vec<String>,
    /// Whether it asks for permissions of the API, which reach only as far as the user's own.
    is_limited: bool,
    /// The name of the service that registered the app; `None` if no service did.
    registrar: Option<String>,
    action: String,
}

#[derive(Template)]
#[template(path = "choose_account.html")]
struct ChooseAccountPage {
    frame: Frame,
    title: String,
    app: AppPart,
    visitor: Visitor,
    /// The app expects somebody else.
    is_other: bool,
    action: String,
}

#[derive(Template)]
#[template(path = "prove_again.html")]
struct ProveAgainPage {
    frame: Frame,
    title: String,
    app: AppPart,
    visitor: Visitor,
    /// Only a passkey that stays on one device will do.
    asks_stronger: bool,
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

    fn title(&self, frame: &Frame, key: &str) -> String {
        frame.text_with(key, &[("app", self.client.name.as_str())])
    }

    fn onward(&self) -> FormTargets {
        FormTargets::onward(&self.request.to.redirect_uri)
    }

    /// Whether the sign-in is too weak, whatever its age.
    fn asks_stronger(&self) -> bool {
        let least = self.client.metadata.least_acr.as_deref();
        let has = acr::rank(&self.person.session.acr).unwrap_or(0);
        self.request
            .acr
            .least_rank(least)
            .is_ok_and(|least| has < least)
    }
}

/// The consent page. `services` are the resources that it asks for, with their names; `registrar` is the service that registered
/// the app.
pub fn ask_consent(
    asked: &Asked<'_>,
    services: &[(String, Option<String>)],
    registrar: Option<String>,
) -> Answer {
    let frame = asked.frame();
    let scopes = &asked.request.consent;
    let mut gets = sentences(&frame, scopes);
    let is_limited = Scope::ALL
        .iter()
        .any(|scope| scope.as_str().contains(':') && scopes.contains(*scope));
    gets.extend(services.iter().map(|(uri, name)| match name {
        Some(name) => frame.text_with("consent.service", &[("name", name), ("uri", uri)]),
        None => frame.text_with("consent.unnamed_service", &[("uri", uri)]),
    }));
    let answer = page(&ConsentPage {
        title: asked.title(&frame, "consent.title"),
        app: AppPart::new(asked.client, asked.request),
        visitor: asked.person.visitor(),
        gets,
        is_limited,
        registrar,
        action: asked.action.clone(),
        frame,
    })?;
    Ok(asked.onward().allow(answer))
}

/// Is it you?
pub fn ask_account(asked: &Asked<'_>) -> Answer {
    let frame = asked.frame();
    let subject = asked.request.subject;
    let answer = page(&ChooseAccountPage {
        title: asked.title(&frame, "choose_account.title"),
        app: AppPart::new(asked.client, asked.request),
        visitor: asked.person.visitor(),
        is_other: subject.is_some_and(|subject| subject != asked.person.session.user),
        action: asked.action.clone(),
        frame,
    })?;
    Ok(asked.onward().allow(answer))
}

/// Prove it once more.
pub fn ask_ceremony(asked: &Asked<'_>) -> Answer {
    let frame = asked.frame();
    let answer = page(&ProveAgainPage {
        title: asked.title(&frame, "prove_again.title"),
        app: AppPart::new(asked.client, asked.request),
        visitor: asked.person.visitor(),
        asks_stronger: asked.asks_stronger(),
        action: asked.action.clone(),
        frame,
    })?;
    Ok(asked.onward().allow(answer))
}

/// A sentence for each scope: what they mean here first, then the names that only the app's own services understand.
pub fn sentences(frame: &Frame, scopes: &Scopes) -> Vec<String> {
    let sentence = |name: &str| frame.find_text(&format!("scope.{name}"));
    let known = Scope::ALL
        .iter()
        // Another name of `roles`, which says it already.
        .filter(|scope| scopes.contains(**scope) && **scope != Scope::Groups)
        .filter_map(|scope| sentence(scope.as_str()))
        .map(str::to_owned);
    let other = scopes
        .names()
        .filter(|name| sentence(name).is_none())
        .map(|name| frame.text_with("consent.other", &[("scope", name)]));
    known.chain(other).collect()
}
