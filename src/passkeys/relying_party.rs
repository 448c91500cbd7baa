//! The WebAuthn relying party: its ID, its origins and the WebAuthn library. Uses no store: the results depend on
//! the arguments alone.

use std::sync::Arc;
use std::time::Duration;

use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::base::config::Origin;

/// Creates options and verifies responses (`attestation`, `assertion`). Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct RelyingParty {
    pub(super) webauthn: Arc<Webauthn>,
    pub(super) origins: Arc<[Origin]>,
    pub(super) id: Arc<str>,
}

impl RelyingParty {
    /// Creates a relying party with an RP ID and the origins of its pages, the public URL first.
    pub(super) fn new(
        id: &str,
        name: &str,
        origins: Vec<Origin>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let (first, related) = origins
            .split_first()
            .ok_or("a relying party has an origin")?;
        // Subdomains and other ports are never allowed: whole origins are compared, here and in `client_data`.
        let mut builder = WebauthnBuilder::new(id, first.url())
            .map_err(|error| format!("passkeys.rp_id: {error}"))?
            .rp_name(name)
            .timeout(timeout);
        for origin in related {
            builder = builder.append_allowed_origin(origin.url());
        }
        Ok(Self {
            webauthn: Arc::new(builder.build().map_err(|error| error.to_string())?),
            id: id.into(),
            origins: origins.into(),
        })
    }
}
