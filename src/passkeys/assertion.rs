//! The WebAuthn part of a sign-in: creates the options, and verifies the response of `navigator.credentials.get` against
//! a stored passkey.

use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};
use webauthn_rs_core::error::WebauthnError;

use super::queries::Passkey;
use super::relying_party::RelyingParty;
use super::well_formed::FormatError;
use super::{client_data, queries, well_formed};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// Why an assertion is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssertionError {
    /// It is malformed or invalid; with a reason code for the log.
    #[error("{0}")]
    Refused(String),
    /// The signature counter went back: the authenticator may have been cloned.
    #[error("counter-went-back")]
    CounterWentBack,
}

impl From<FormatError> for AssertionError {
    fn from(fault: FormatError) -> Self {
        Self::Refused(fault.to_string())
    }
}

/// An assertion that is well-formed and was created on our pages. Its signature is not verified yet.
#[derive(Debug)]
pub(super) struct Assertion {
    credential: PublicKeyCredential,
    /// The user that the user handle names, if there is one.
    claimed_user: Option<UserId>,
}

/// A verified assertion, and the passkey as updated by it.
#[derive(Debug)]
pub(super) struct VerifiedAssertion {
    pub(super) passkey: Passkey,
    counter_before: i64,
}

impl RelyingParty {
    /// Creates the options for `navigator.credentials.get`, for any passkey that the user chooses, and the state that the response
    /// is verified with.
    pub(super) fn request_options(
        &self,
    ) -> Result<(Value, DiscoverableAuthentication), AssertionError> {
        let (options, state) = self
            .webauthn
            .start_discoverable_authentication()
            .map_err(|error| AssertionError::Refused(format!("{error:?}")))?;
        // The library always asks for conditional mediation, in a member beside `publicKey` that is dropped here: the route adds
        // it if the page asked for it.
        let options = serde_json::to_value(options.public_key)
            .map_err(|error| AssertionError::Refused(error.to_string()))?;
        Ok((options, state))
    }

    /// Parses the assertion of a sign-in, and checks its format, its origin, and that it names a user.
    pub(super) fn read_assertion(&self, credential: Value) -> Result<Assertion, AssertionError> {
        let assertion = self.read_assertion_of_known_user(credential)?;
        // WebAuthn Level 3 §7.2 step 6: if the user is not known beforehand, the user handle is required.
        if assertion.claimed_user.is_none() {
            return Err(AssertionError::Refused("user-handle-missing".into()));
        }
        Ok(assertion)
    }

    /// Like [`RelyingParty::read_assertion`], for a user who is known beforehand: the user handle may be absent (§7.2 step 6).
    pub(super) fn read_assertion_of_known_user(
        &self,
        mut credential: Value,
    ) -> Result<Assertion, AssertionError> {
        let refused = |reason: &str| AssertionError::Refused(reason.to_owned());
        well_formed::take_credential_id(&mut credential)?;
        let credential: PublicKeyCredential =
            serde_json::from_value(credential).map_err(|_| refused("malformed"))?;
        well_formed::read_authenticator_data(&credential.response.authenticator_data)?;
        client_data::check(&credential.response.client_data_json, &self.origins)?;
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

    /// Verifies an assertion against the passkey with its credential ID.
    pub(super) fn verify_assertion(
        &self,
        assertion: &Assertion,
        state: &DiscoverableAuthentication,
        mut passkey: Passkey,
    ) -> Result<VerifiedAssertion, AssertionError> {
        // The library doesn't check that the user handle is the credential owner's, which Web Authentication §7.2 requires.
        if assertion
            .claimed_user
            .is_some_and(|user| user != passkey.user)
        {
            return Err(AssertionError::Refused("user-handle-mismatch".into()));
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
                WebauthnError::CredentialPossibleCompromise => AssertionError::CounterWentBack,
                other => AssertionError::Refused(format!("{other:?}")),
            })?;
        // WebAuthn Level 3 §6.1.3: backup eligibility never changes for a credential.
        if result.backup_eligible() != passkey.backup_eligible {
            return Err(AssertionError::Refused("backup-eligibility-changed".into()));
        }
        if !result.user_verified() {
            return Err(AssertionError::Refused("user-not-verified".into()));
        }
        let counter_before = passkey.sign_count;
        let mut stored = stored;
        stored.update_credential(&result);
        passkey.credential = stored.into();
        passkey.sign_count = i64::from(passkey.credential.counter);
        passkey.backup_state = passkey.credential.backup_state;
        Ok(VerifiedAssertion {
            passkey,
            counter_before,
        })
    }
}

impl Assertion {
    /// The ID of the credential that it names.
    pub(super) fn credential_id(&self) -> Vec<u8> {
        self.credential.get_credential_id().to_vec()
    }
}

impl VerifiedAssertion {
    /// Stores the counter and the backup state, if the counter is still the one that was verified against (compare-and-set).
    /// Returns `false` if it isn't, or if the passkey was revoked. The use of a passkey doesn't start a new version.
    pub(super) fn record_use(&mut self, conn: &mut Connection, now: Timestamp) -> db::Result<bool> {
        self.passkey.last_used_at = Some(now);
        queries::update_used(conn, &self.passkey, self.counter_before)
    }
}
