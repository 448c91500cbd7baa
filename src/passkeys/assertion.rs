//! The WebAuthn half of a sign-in: what `navigator.credentials.get` brought back, judged against a stored passkey.

use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};
use webauthn_rs_core::error::WebauthnError;

use super::passkey::Passkey;
use super::relying_party::RelyingParty;
use super::well_formed::FormFault;
use super::{client_data, queries, well_formed};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// Why an assertion is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssertionFault {
    /// It can't be read, or does not hold; with a reason code for the log.
    #[error("{0}")]
    Refused(String),
    /// The signature counter went back: the authenticator may have been cloned.
    #[error("counter-went-back")]
    CounterWentBack,
}

impl From<FormFault> for AssertionFault {
    fn from(fault: FormFault) -> Self {
        Self::Refused(fault.to_string())
    }
}

/// An assertion that can be read and was made on our pages; nothing is proven yet.
#[derive(Debug)]
pub(super) struct Assertion {
    credential: PublicKeyCredential,
    /// The user that the user handle names, where there is one.
    claimed_user: Option<UserId>,
}

/// An assertion that verified, and the passkey as it is after it.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) passkey: Passkey,
    counter_before: i64,
}

impl RelyingParty {
    /// The options for `navigator.credentials.get`, for whichever passkey the person chooses, and the state that the answer is
    /// judged by.
    pub(super) fn request_options(
        &self,
    ) -> Result<(Value, DiscoverableAuthentication), AssertionFault> {
        let (options, state) = self
            .webauthn
            .start_discoverable_authentication()
            .map_err(|error| AssertionFault::Refused(format!("{error:?}")))?;
        // The library asks for conditional mediation always. That member stands beside `publicKey` and is dropped here: the
        // route adds it where the page asked for it.
        let options = serde_json::to_value(options.public_key)
            .map_err(|error| AssertionFault::Refused(error.to_string()))?;
        Ok((options, state))
    }

    /// Reads the assertion of a sign-in: its format, its origin, and the user that it claims to be of.
    pub(super) fn read_assertion(&self, credential: Value) -> Result<Assertion, AssertionFault> {
        let assertion = self.read_assertion_of_known_user(credential)?;
        // WebAuthn Level 3 §7.2 step 6: where the user was not known before, the user handle must be there.
        if assertion.claimed_user.is_none() {
            return Err(AssertionFault::Refused("user-handle-missing".into()));
        }
        Ok(assertion)
    }

    /// As [`RelyingParty::read_assertion`], for a user who was known before: then the user handle may be absent (§7.2 step 6).
    pub(super) fn read_assertion_of_known_user(
        &self,
        mut credential: Value,
    ) -> Result<Assertion, AssertionFault> {
        let refused = |reason: &str| AssertionFault::Refused(reason.to_owned());
        well_formed::take_credential_id(&mut credential)?;
        let credential: PublicKeyCredential =
            serde_json::from_value(credential).map_err(|_| refused("malformed"))?;
        well_formed::read_authenticator_data(&credential.response.authenticator_data)?;
        client_data::check(&credential.response.client_data_json, &self.origins)
            .map_err(|fault| refused(fault.reason()))?;
        let claimed_user = credential
            .get_user_unique_id()
            .map(|handle| uuid::Uuid::from_slice(handle).map(UserId::from_uuid))
            .transpose()
            .map_err(|_| refused("user-handle-malformed"))?;
        Ok(Assertion {
            credential,
            claimed_user,
        })
    }

    /// Verifies an assertion against the passkey of its credential id.
    pub(super) fn verify_assertion(
        &self,
        assertion: &Assertion,
        state: &DiscoverableAuthentication,
        mut passkey: Passkey,
    ) -> Result<Verified, AssertionFault> {
        // The library does not tie the user handle to the credential's owner, which Web Authentication §7.2 asks for.
        if assertion
            .claimed_user
            .is_some_and(|user| user != passkey.user)
        {
            return Err(AssertionFault::Refused("user-handle-of-another".into()));
        }
        let stored = webauthn_rs::prelude::Passkey::from(passkey.credential.clone());
        let result = self
            .webauthn
            .finish_discoverable_authentication_v2(
                &assertion.credential,
                state.clone(),
                &passkey.credential,
            )
            .map_err(|error| match error {
                WebauthnError::CredentialPossibleCompromise => AssertionFault::CounterWentBack,
                other => AssertionFault::Refused(format!("{other:?}")),
            })?;
        // WebAuthn Level 3 §6.1.3: backup eligibility is fixed for a credential's life.
        if result.backup_eligible() != passkey.backup_eligible {
            return Err(AssertionFault::Refused("backup-eligibility-changed".into()));
        }
        if !result.user_verified() {
            return Err(AssertionFault::Refused("user-not-verified".into()));
        }
        let counter_before = passkey.sign_count;
        let mut stored = stored;
        stored.update_credential(&result);
        passkey.credential = stored.into();
        passkey.sign_count = i64::from(passkey.credential.counter);
        passkey.backup_state = passkey.credential.backup_state;
        Ok(Verified {
            passkey,
            counter_before,
        })
    }
}

impl Assertion {
    /// The credential that it names.
    pub(super) fn credential_id(&self) -> Vec<u8> {
        self.credential.get_credential_id().to_vec()
    }
}

impl Verified {
    /// Writes counter and backup state, on the condition that the counter is still the one that was verified against; `false`
    /// when it is not, or the passkey was revoked meanwhile. A trace of use: it raises no version.
    pub(super) fn record_use(&mut self, conn: &mut Connection, now: Timestamp) -> db::Result<bool> {
        self.passkey.last_used_at = Some(now);
        queries::update_used(conn, &self.passkey, self.counter_before)
    }
}
