//! Checks the format of credentials from the browser, as far as the WebAuthn library leaves it to the relying party.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_cbor_2::Value as Cbor;
use serde_json::Value;
use uuid::Uuid;

/// Maximum length of a credential ID, in bytes (WebAuthn Level 3 §7.1 step 25).
const MAX_CREDENTIAL_ID_LEN: usize = 1023;

/// Flags of authenticator data (§6.1).
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKUP_STATE: u8 = 0x10;
const ATTESTED_CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Why a credential is refused, as a reason code for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct FormatError(pub(super) &'static str);

/// The credential of authenticator data (§6.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttestedCredential {
    pub(super) aaguid: Uuid,
    pub(super) credential_id: Vec<u8>,
}

/// Checks `type`, `id` and `rawId` (§5.1) and returns the credential ID. Removes the client extension outputs: none of them decides
/// anything, and outputs that were not asked for are ignored, whatever their form (§7.1, §7.2).
pub(super) fn take_credential_id(credential: &mut Value) -> Result<Vec<u8>, FormatError> {
    let members = credential.as_object_mut().ok_or(FormatError("malformed"))?;
    members.remove("clientExtensionResults");
    members.remove("extensions");
    if members.get("type") != Some(&Value::from("public-key")) {
        return Err(FormatError("credential-type"));
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let (id, raw_id) = text("id")
        .zip(text("rawId"))
        .ok_or(FormatError("malformed"))?;
    if id != raw_id {
        return Err(FormatError("raw-id-mismatch"));
    }
    let id = URL_SAFE_NO_PAD.decode(id);
    let id = id.map_err(|_| FormatError("malformed"))?;
    if (1..=MAX_CREDENTIAL_ID_LEN).contains(&id.len()) {
        Ok(id)
    } else {
        Err(FormatError("credential-id-length"))
    }
}

/// Checks an attestation object: `none` has an empty statement (§8.7), and its authenticator data has a credential and nothing left
/// over.
pub(super) fn read_attestation_object(bytes: &[u8]) -> Result<AttestedCredential, FormatError> {
    #[derive(Deserialize)]
    struct AttestationObject {
        fmt: String,
        #[serde(rename = "attStmt")]
        statement: Cbor,
        #[serde(rename = "authData")]
        authenticator_data: Cbor,
    }
    let malformed = FormatError("attestation-object-malformed");
    let object: AttestationObject = serde_cbor_2::from_slice(bytes).map_err(|_| malformed)?;
    let Cbor::Map(statement) = object.statement else {
        return Err(malformed);
    };
    if object.fmt == "none" && !statement.is_empty() {
        return Err(FormatError("none-with-statement"));
    }
    let Cbor::Bytes(data) = object.authenticator_data else {
        return Err(malformed);
    };
    let credential = read_authenticator_data(&data)?;
    credential.ok_or(FormatError("no-attested-credential"))
}

/// Checks that authenticator data consists of exactly the parts that its flags announce (§6.1), and that only a backup-eligible
/// credential is backed up (§7.1 step 17, §7.2 step 18). Returns the credential in it, if there is one.
pub(super) fn read_authenticator_data(
    data: &[u8],
) -> Result<Option<AttestedCredential>, FormatError> {
    let parsed = parse(data);
    let (flags, credential) = parsed.ok_or(FormatError("authenticator-data-malformed"))?;
    if flags & BACKUP_STATE != 0 && flags & BACKUP_ELIGIBLE == 0 {
        return Err(FormatError("backup-state-without-eligibility"));
    }
    Ok(credential)
}

fn parse(data: &[u8]) -> Option<(u8, Option<AttestedCredential>)> {
    // The hash of the RP ID, the flags, the signature counter.
    let (head, mut rest) = data.split_at_checked(37)?;
    let flags = *head.get(32)?;
    let mut credential = None;
    if flags & ATTESTED_CREDENTIAL != 0 {
        let (aaguid, after) = rest.split_at_checked(16)?;
        let (length, after) = after.split_at_checked(2)?;
        let length = u16::from_be_bytes(length.try_into().ok()?);
        let (id, after) = after.split_at_checked(usize::from(length))?;
        credential = Some(AttestedCredential {
            aaguid: Uuid::from_slice(aaguid).ok()?,
            credential_id: id.to_vec(),
        });
        rest = after_cbor(after)?;
    }
    if flags & EXTENSIONS != 0 {
        rest = after_cbor(rest)?;
    }
    rest.is_empty().then_some((flags, credential))
}

/// Returns the bytes after the first CBOR item.
fn after_cbor(bytes: &[u8]) -> Option<&[u8]> {
    let mut deserializer = serde_cbor_2::Deserializer::from_slice(bytes);
    Cbor::deserialize(&mut deserializer).ok()?;
    bytes.get(deserializer.byte_offset()..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data(flags: u8, rest: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 0, 1], rest].concat()
    }

    fn attested(id: &[u8]) -> Vec<u8> {
        let length = u16::try_from(id.len()).expect("a length");
        // An AAGUID, the ID with its length, and an empty CBOR map in place of the key.
        [&[9; 16][..], &length.to_be_bytes(), id, &[0xa0]].concat()
    }

    #[test]
    fn authenticator_data_contains_exactly_the_parts_its_flags_announce() {
        assert_eq!(read_authenticator_data(&data(0x05, &[])), Ok(None));
        let credential = AttestedCredential {
            aaguid: Uuid::from_bytes([9; 16]),
            credential_id: vec![1, 2, 3],
        };
        let id = attested(&[1, 2, 3]);
        let read = read_authenticator_data(&data(0x45, &id));
        assert_eq!(read, Ok(Some(credential.clone())));
        let with_extensions = [&id[..], &[0xa0]].concat();
        let read = read_authenticator_data(&data(0xc5, &with_extensions));
        assert_eq!(read, Ok(Some(credential)));
        assert_eq!(read_authenticator_data(&data(0x85, &[0xa0])), Ok(None));
        let malformed = Err(FormatError("authenticator-data-malformed"));
        for (flags, rest) in [
            (0x05, vec![0]),
            (0x05, vec![0xa0]),
            (0x05, id.clone()),
            (0x45, with_extensions.clone()),
            (0x45, vec![]),
            (0x45, attested(&[1; 8])[..20].to_vec()),
            (0x85, vec![]),
            (0x85, vec![0xa0, 0xa0]),
            (0xc5, id.clone()),
        ] {
            let read = read_authenticator_data(&data(flags, &rest));
            assert_eq!(read, malformed, "{flags:x} {rest:?}");
        }
        assert_eq!(read_authenticator_data(&[0; 36]), malformed);
        let fault = FormatError("backup-state-without-eligibility");
        assert_eq!(read_authenticator_data(&data(0x15, &[])), Err(fault));
        assert_eq!(read_authenticator_data(&data(0x1d, &[])), Ok(None));
    }

    #[test]
    fn a_credential_names_its_type_and_one_id() {
        let good = json!({ "type": "public-key", "id": "AQID", "rawId": "AQID" });
        assert_eq!(take_credential_id(&mut good.clone()), Ok(vec![1, 2, 3]));
        let long = URL_SAFE_NO_PAD.encode([1; 1024]);
        let longest = URL_SAFE_NO_PAD.encode([1; 1023]);
        let with = |id: &str| json!({ "type": "public-key", "id": id, "rawId": id });
        assert!(take_credential_id(&mut with(&longest)).is_ok());
        for (mut bad, reason) in [
            (with(&long), "credential-id-length"),
            (with(""), "credential-id-length"),
            (with("AQID="), "malformed"),
            (with("AQJD"), "credential-type"),
            (
                json!({ "type": "public-key", "id": "AQID", "rawId": "AQIE" }),
                "raw-id-mismatch",
            ),
            (
                json!({ "type": "public-key", "id": 1, "rawId": 1 }),
                "malformed",
            ),
            (json!([]), "malformed"),
        ] {
            if reason == "credential-type" {
                bad["type"] = "password".into();
            }
            assert_eq!(take_credential_id(&mut bad), Err(FormatError(reason)));
        }
    }

    #[test]
    fn client_extension_outputs_are_always_removed() {
        for outputs in [
            json!(null),
            json!(5),
            json!({ "appid": "yes", "credProps": [] }),
        ] {
            let mut credential = json!({
                "type": "public-key", "id": "AQID", "rawId": "AQID",
                "clientExtensionResults": outputs, "extensions": outputs,
            });
            assert!(take_credential_id(&mut credential).is_ok());
            assert_eq!(credential.as_object().map(serde_json::Map::len), Some(3));
        }
    }
}
