//! `GET /welcome`: the page that a user sees after registering a passkey.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::visitor::SignedInVisitor;
use crate::passkeys::{PasskeyFilter, Passkeys};
use crate::sessions::Sessions;
use crate::web::{Answer, Frame, page, redirect};

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    frame: Frame,
    passkey_name: String,
    icon_name: &'static str,
    synced: bool,
    is_only_passkey: bool,
    continue_to: Option<ContinueTo>,
}

/// The app that the user was on the way to when they registered.
struct ContinueTo {
    name: String,
    path: String,
}

#[derive(Deserialize)]
pub(super) struct Welcome {
    /// ID of the continuation: where the user goes after this page.
    r#continue: Option<String>,
}

pub(super) async fn show_welcome(
    SignedInVisitor(visitor): SignedInVisitor,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    query: web::Query<Welcome>,
) -> Answer {
    let target = match &query.r#continue {
        Some(id) => sessions.continuation(id).await?,
        None => None,
    };
    let continue_to = target.and_then(|target| {
        let path = target.path;
        target.app.map(|app| ContinueTo {
            name: app.name,
            path,
        })
    });
    let entries = passkeys
        .list_entries(visitor.user(), PasskeyFilter::Valid)
        .await?;
    let is_only_passkey = entries.len() == 1;
    // The last passkey of the session is the one that was just registered.
    let made = visitor.session().passkeys.last();
    let Some(passkey) = entries.into_iter().find(|entry| Some(&entry.id) == made) else {
        let elsewhere =
            continue_to.map_or_else(|| "/account".into(), |continue_to| continue_to.path);
        return Ok(redirect(&elsewhere));
    };
    page(&WelcomePage {
        frame: visitor.frame,
        passkey_name: passkey.name,
        icon_name: passkey.icon_name,
        synced: passkey.synced,
        is_only_passkey,
        continue_to,
    })
}
