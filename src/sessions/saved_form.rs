//! Saves a form that was submitted after its session had ended: the fields are stored encrypted and filled in again once the same
//! user has signed in in the same browser. The form is never resubmitted automatically.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Browser, Continuation, Sessions, StoredResponses};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::StoreUnavailable;
use crate::web::{Problem, RateLimits, RenderedFor, SubmittedForm};

/// How long a form is stored: as long as a continuation.
const TTL: Duration = Duration::from_secs(3600);

/// Maximum size of a stored form, in bytes.
const MAX_LEN: usize = 16 << 10;

/// Query parameter with the ID of a saved form.
pub(super) const PARAMETER: &str = "form";

/// Form field in which administrators type a client secret.
const SECRET_FIELD: &str = "client_secret";

/// Saved form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedForm {
    /// User for whom the page was rendered.
    user: UserId,
    /// Path that the form was submitted to.
    pub(super) action: String,
    /// Names and values of the form's fields.
    pub(super) fields: Vec<(String, String)>,
    until: Timestamp,
}

fn key(id: &Token) -> String {
    format!("form:{}", id.hash().to_text())
}

/// Stores the form in `request` for the user who filled it in. Returns the ID of a continuation to the page with the form; `None`
/// if the request has no form that can be saved. The sender is not authenticated, so the request counts towards the rate limit.
///
/// # Errors
/// `rate-limited`, or the store is unavailable.
pub(super) async fn save(
    request: &HttpRequest,
    browser: &Browser,
) -> Result<Option<Token>, Problem> {
    let Some(form) = SubmittedForm::of(request).filter(|form| form.0.len() <= MAX_LEN) else {
        return Ok(None);
    };
    let Some(RenderedFor { user, .. }) = RenderedFor::of_form(&form) else {
        return Ok(None);
    };
    let limits: Option<&Data<RateLimits>> = request.app_data();
    limits.ok_or_else(Problem::internal)?.check(request).await?;
    let sessions: Option<&web::Data<Sessions>> = request.app_data();
    let sessions = sessions.ok_or_else(Problem::internal)?;
    let pages: Option<&web::Data<StoredResponses>> = request.app_data();
    let pages = pages.ok_or_else(Problem::internal)?;
    let mut fields = form.fields();
    // Secrets are never stored in plain text: the user types the secret again.
    fields.retain(|(name, _)| name != SECRET_FIELD);
    let page = form.page(request.path());
    let kept = SavedForm {
        user,
        action: request.path().to_owned(),
        fields,
        until: sessions.clock.now().after(TTL),
    };
    let id = pages.put_form(&kept, browser.hash()).await?;
    let before = if page.contains('?') { '&' } else { '?' };
    let page = format!("{page}{before}{PARAMETER}={}", id.expose());
    Ok(Some(
        sessions.put_continuation(&Continuation::to(&page)).await?,
    ))
}

impl StoredResponses {
    async fn put_form(
        &self,
        form: &SavedForm,
        browser: TokenHash,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let text = serde_json::to_vec(form)
            .map_err(|error| StoreUnavailable(format!("a form can't be serialized: {error}")))?;
        let sealed = self
            .sealer
            .seal(&text, context(&id, form.user, browser).as_bytes());
        let sealed = URL_SAFE_NO_PAD.encode(sealed);
        self.ephemeral.put(&key(&id), &sealed, TTL).await?;
        Ok(id)
    }

    /// Returns the saved form with this ID, unless it has expired. It can be decrypted only for the user and browser that
    /// it was stored for.
    pub(super) async fn find_form(
        &self,
        id: &str,
        user: UserId,
        browser: TokenHash,
    ) -> Result<Option<SavedForm>, StoreUnavailable> {
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
        let form: Option<SavedForm> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let now = self.clock.now();
        Ok(form.filter(|form| form.user == user && now < form.until))
    }
}

/// Additional authenticated data of the encryption. It differs from that of every stored response.
fn context(id: &Token, user: UserId, browser: TokenHash) -> String {
    let (id, browser) = (id.hash().to_text(), browser.to_text());
    format!("form:{id}:{user}:{browser}")
}
