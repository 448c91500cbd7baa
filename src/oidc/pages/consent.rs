//! The pages of an authorization request that ask the user: account selection, reauthentication and consent.

use actix_web::HttpRequest;
use askama::Template;

use super::response::host_of;
use crate::clients::{Client, Scope, Scopes};
use crate::oidc::request::AuthorizationRequest;
use crate::sessions::{Acr, SignedIn};
use crate::web::{Answer, FormActionPolicy, Frame, Visitor, Web, page};

/// The app, as the pages show it.
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
    /// What the app gets, one sentence each.
    gets: Vec<String>,
    /// Whether the app requests scopes of the API, which permit no more than the user's own permissions.
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
    /// Whether the app expects another user.
    is_other: bool,
    action: String,
}

#[derive(Template)]
#[template(path = "reauthenticate.html")]
struct ReauthenticatePage {
    frame: Frame,
    title: String,
    app: AppPart,
    visitor: Visitor,
    /// Whether only a device-bound passkey is strong enough.
    asks_stronger: bool,
    action: String,
}

/// Input of the pages for one request.
pub struct InteractionPage<'a> {
    pub web: &'a Web,
    pub http: &'a HttpRequest,
    pub client: &'a Client,
    pub request: &'a AuthorizationRequest,
    pub person: &'a SignedIn,
    pub action: String,
}

impl InteractionPage<'_> {
    fn frame(&self) -> Frame {
        Frame::new(self.web, self.http, Some(self.person.visitor()))
    }

    fn title(&self, frame: &Frame, key: &str) -> String {
        frame.text_with(key, &[("app", self.client.name.as_str())])
    }

    fn form_action_policy(&self) -> FormActionPolicy {
        FormActionPolicy::for_redirect_to(&self.request.to.redirect_uri)
    }

    /// Whether the sign-in is too weak, whatever its age.
    fn asks_stronger(&self) -> bool {
        let least = self.client.metadata.least_acr.as_deref();
        let has = Acr::rank(&self.person.session.acr).unwrap_or(0);
        self.request
            .acr
            .min_rank(least)
            .is_ok_and(|least| has < least)
    }
}

/// Renders the consent page. `services` are the requested resources and their names, `registrar` the
/// service that registered the app.
pub fn ask_consent(
    interaction: &InteractionPage<'_>,
    services: &[(String, Option<String>)],
    registrar: Option<String>,
) -> Answer {
    let frame = interaction.frame();
    let scopes = &interaction.request.consent;
    let mut gets = scope_descriptions(&frame, scopes);
    let is_limited = Scope::ALL
        .iter()
        .any(|scope| scope.as_str().contains(':') && scopes.contains(*scope));
    gets.extend(services.iter().map(|(uri, name)| match name {
        Some(name) => frame.text_with("consent.service", &[("name", name), ("uri", uri)]),
        None => frame.text_with("consent.unnamed_service", &[("uri", uri)]),
    }));
    let answer = page(&ConsentPage {
        title: interaction.title(&frame, "consent.title"),
        app: AppPart::new(interaction.client, interaction.request),
        visitor: interaction.person.visitor(),
        gets,
        is_limited,
        registrar,
        action: interaction.action.clone(),
        frame,
    })?;
    Ok(interaction.form_action_policy().allow(answer))
}

/// Renders the account selection page.
pub fn ask_account(interaction: &InteractionPage<'_>) -> Answer {
    let frame = interaction.frame();
    let subject = interaction.request.subject;
    let answer = page(&ChooseAccountPage {
        title: interaction.title(&frame, "choose_account.title"),
        app: AppPart::new(interaction.client, interaction.request),
        visitor: interaction.person.visitor(),
        is_other: subject.is_some_and(|subject| subject != interaction.person.session.user),
        action: interaction.action.clone(),
        frame,
    })?;
    Ok(interaction.form_action_policy().allow(answer))
}

/// Renders the reauthentication page.
pub fn ask_reauthentication(interaction: &InteractionPage<'_>) -> Answer {
    let frame = interaction.frame();
    let answer = page(&ReauthenticatePage {
        title: interaction.title(&frame, "reauthenticate.title"),
        app: AppPart::new(interaction.client, interaction.request),
        visitor: interaction.person.visitor(),
        asks_stronger: interaction.asks_stronger(),
        action: interaction.action.clone(),
        frame,
    })?;
    Ok(interaction.form_action_policy().allow(answer))
}

/// Returns a sentence for each scope: first for Doorward's own scopes, then for names that only the app's services understand.
pub fn scope_descriptions(frame: &Frame, scopes: &Scopes) -> Vec<String> {
    let sentence = |name: &str| frame.find_text(&format!("scope.{name}"));
    let known = Scope::ALL
        .iter()
        // Another name of `roles`, whose sentence covers it.
        .filter(|scope| scopes.contains(**scope) && **scope != Scope::Groups)
        .filter_map(|scope| sentence(scope.as_str()))
        .map(str::to_owned);
    let other = scopes
        .names()
        .filter(|name| sentence(name).is_none())
        .map(|name| frame.text_with("consent.other", &[("scope", name)]));
    known.chain(other).collect()
}
