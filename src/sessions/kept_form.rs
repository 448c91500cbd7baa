//! A form that arrived after its session had ended: kept for the same user in the same browser, and filled in again after they
//! signed in. It is never sent by itself. What is stored is sealed.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Browser, Continuation, Sessions, ShownPages};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::Away;
use crate::web::{Limits, OpenedBy, Problem, SentForm};

/// As long as a continuation.
const LIFE: Duration = Duration::from_secs(3600);

/// A longer form is not kept, in bytes.
const LONGEST: usize = 16 << 10;

/// The parameter of a page's address that names a kept form.
pub(super) const PARAMETER: &str = "form";

/// What is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptForm {
    /// The user for whom the page was rendered.
    user: UserId,
    /// Where the form was sent to.
    pub(super) action: String,
    /// Names and values of its fields.
    pub(super) fields: Vec<(String, String)>,
    /// When it is forgotten.
    until: Timestamp,
}

fn key(id: &Token) -> String {
    format!("form:{}", id.hash().to_text())
}

/// Keeps the form that `request` carries for the user who filled it in. Returns the ID of a continuation to the page that shows
/// it; `None` where there is nothing to keep. The sender may be anyone, so it is counted.
///
/// # Errors
/// `rate-limited`, or the store is away.
pub(super) async fn keep(
    request: &HttpRequest,
    browser: &Browser,
) -> Result<Option<Token>, Problem> {
    let Some(form) = SentForm::of(request).filter(|form| form.0.len() <= LONGEST) else {
        return Ok(None);
    };
    let Some(OpenedBy { user, .. }) = OpenedBy::of_form(&form) else {
        return Ok(None);
    };
    let limits: Option<&Data<Limits>> = request.app_data();
    limits.ok_or_else(Problem::internal)?.admit(request).await?;
    let sessions: Option<&web::Data<Sessions>> = request.app_data();
    let sessions = sessions.ok_or_else(Problem::internal)?;
    let pages: Option<&web::Data<ShownPages>> = request.app_data();
    let pages = pages.ok_or_else(Problem::internal)?;
    let fields = form.fields();
    let page = form.page(request.path());
    let kept = KeptForm {
        user,
        action: request.path().to_owned(),
        fields,
        until: sessions.clock.now().after(LIFE),
    };
    let id = pages.put_form(&kept, browser.hash()).await?;
    let before = if page.contains('?') { '&' } else { '?' };
    let page = format!("{page}{before}{PARAMETER}={}", id.expose());
    Ok(Some(
        sessions.put_continuation(&Continuation::to(&page)).await?,
    ))
}

impl ShownPages {
    async fn put_form(&self, form: &KeptForm, browser: TokenHash) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_vec(form)
            .map_err(|error| Away(format!("a form that is no JSON: {error}")))?;
        let sealed = self
            .sealer
            .seal(&text, context(&id, form.user, browser).as_bytes());
        let sealed = URL_SAFE_NO_PAD.encode(sealed);
        self.ephemeral.put(&key(&id), &sealed, LIFE).await?;
        Ok(id)
    }

    /// The kept form of an ID, for the user who filled it in, in the browser in which they did: for others it can't be decrypted.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub(super) async fn find_form(
        &self,
        id: &str,
        user: UserId,
        browser: TokenHash,
    ) -> Result<Option<KeptForm>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        let sealed = stored.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let text = sealed.and_then(|sealed| {
            let context = context(&id, user, browser);
            self.sealer.open(&sealed, context.as_bytes()).ok()
        });
        let form: Option<KeptForm> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let now = self.clock.now();
        Ok(form.filter(|form| form.user == user && now < form.until))
    }
}

/// What a form is sealed for. It differs from every context of a page that is shown.
fn context(id: &Token, user: UserId, browser: TokenHash) -> String {
    let (id, browser) = (id.hash().to_text(), browser.to_text());
    format!("form:{id}:{user}:{browser}")
}
