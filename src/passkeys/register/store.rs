//! Stores the new passkey, with its revision and its audit event.

use super::registration_right::RegisteredUser;
use crate::base::clock::Timestamp;
use crate::base::ids::PasskeyId;
use crate::db::Connection;
use crate::history::{self, Author, Event};
use crate::passkeys::attestation::NewCredential;
use crate::passkeys::error::CeremonyError;
use crate::passkeys::passkey::MAX_PASSKEYS;
use crate::passkeys::queries::Passkey;
use crate::passkeys::{authenticators, queries};

pub(super) fn insert(
    conn: &mut Connection,
    enrolled: &RegisteredUser,
    new: NewCredential,
    name: Option<String>,
    now: Timestamp,
    author: &Author,
) -> Result<Passkey, CeremonyError> {
    let user = &enrolled.user;
    // Checked under the lock on the user's account state, so that the limit holds for concurrent ceremonies.
    if queries::count_live_of(conn, user.id)? >= MAX_PASSKEYS {
        return Err(CeremonyError::TooMany);
    }
    let NewCredential {
        passkey,
        aaguid,
        transports,
    } = new;
    let credential = webauthn_rs::prelude::Credential::from(passkey);
    let name = name.unwrap_or_else(|| {
        authenticators::provider(aaguid)
            .unwrap_or("Passkey")
            .to_owned()
    });
    let passkey = Passkey {
        id: PasskeyId::random(),
        user: user.id,
        credential_id: credential.cred_id.clone(),
        name,
        aaguid,
        transports,
        sign_count: i64::from(credential.counter),
        backup_eligible: credential.backup_eligible,
        backup_state: credential.backup_state,
        credential,
        enrolled_session: enrolled.enrolled_session,
        enrolled_passkey: enrolled.enrolled_passkey,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
        revoked_reason: None,
        version: 1,
        as_of: now,
    };
    let inserted = queries::insert(conn, &passkey, author);
    inserted.map_err(|error| error.taken_as(CeremonyError::CredentialTaken))?;
    history::record_revision(conn, author, passkey.revision())?;
    let event = Event::done("passkey.registered")
        .subject(user.id)
        .passkey(passkey.id)
        .details(serde_json::json!({ "name": passkey.name, "aaguid": passkey.aaguid }));
    history::record(conn, now, author, event)?;
    Ok(passkey)
}
