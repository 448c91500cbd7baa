//! `/.well-known/security.txt` (RFC 9116): where to report a vulnerability.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::base::clock::Clock;
use crate::web::{Answer, Problem};

const PATH: &str = "/.well-known/security.txt";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// RFC 9116 §2.5.5 recommends less than a year.
const VALID_DAYS: u32 = 180;

/// Fields from the configuration, and the clock for `Expires`, which is computed for each response.
#[derive(Clone, Debug)]
pub(super) struct SecurityTxt {
    /// `None` if no contact is configured.
    fields: Option<Arc<str>>,
    clock: Clock,
}

impl SecurityTxt {
    pub(super) fn new(app: &App) -> Self {
        let section = &app.config.security;
        let mut fields = String::new();
        for contact in &section.contact {
            // Writing to a string can't fail.
            writeln!(fields, "Contact: {contact}").ok();
        }
        let canonical = app.config.server.public_url.with_path(PATH);
        writeln!(fields, "Canonical: {canonical}").ok();
        if !section.languages.is_empty() {
            let languages = section.languages.join(", ");
            writeln!(fields, "Preferred-Languages: {languages}").ok();
        }
        Self {
            fields: (!section.contact.is_empty()).then(|| fields.into()),
            clock: app.clock.clone(),
        }
    }
}

crate::web::routes! {
    PATH => get read_security_txt;
}

async fn read_security_txt(document: web::Data<SecurityTxt>) -> Answer {
    let fields = document.fields.as_ref().ok_or_else(Problem::not_found)?;
    let expires = document.clock.now().after(DAY * VALID_DAYS).to_rfc3339();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(format!("{fields}Expires: {expires}\n")))
}
