//! Saves a form that was submitted after its session had ended: the fields are stored encrypted and filled in again once the same
//! user has signed in in the same browser. The form is never resubmitted automatically.

use std::time::Duration;

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

use super::stored_responses::Reader;
use super::{Browser, Continuation, Sessions, StoredResponses};
use crate::base::secrets::Token;
use crate::web::{Problem, RateLimits, RenderedFor, SubmittedForm, app_data};

/// How long a form is stored: as long as a continuation.
const TTL: Duration = Duration::from_secs(3600);

/// Beginning of the store keys of saved forms.
pub(super) const KIND: &str = "form";

/// Maximum size of a stored form, in bytes.
const MAX_LEN: usize = 16 << 10;

/// Query parameter with the ID of a saved form.
pub(super) const PARAMETER: &str = "form";

/// Form field in which administrators type a client secret.
const SECRET_FIELD: &str = "client_secret";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedForm {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

/// Stores the form in `request` for the user who filled it in. Returns the ID of a continuation to the page with the form; `None`
/// if the request has no form that can be saved. The sender is not authenticated, so the request counts towards the rate limit.
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
    app_data::<RateLimits>(request)?.check(request).await?;
    let sessions = app_data::<Sessions>(request)?;
    let pages = app_data::<StoredResponses>(request)?;
    let mut fields = form.fields();
    // Secrets are never stored in plain text: the user types the secret again.
    fields.retain(|(name, _)| name != SECRET_FIELD);
    let page = form.page(request.path());
    let kept = SavedForm {
        action: request.path().to_owned(),
        fields,
    };
    let reader = Reader::Form(user, browser.hash());
    let id = pages.put(KIND, &kept, reader, TTL).await?;
    let before = if page.contains('?') { '&' } else { '?' };
    let page = format!("{page}{before}{PARAMETER}={}", id.expose());
    Ok(Some(
        sessions.put_continuation(&Continuation::to(&page)).await?,
    ))
}
