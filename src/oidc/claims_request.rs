//! The request parameter `claims` (OpenID Connect Core §5.5), which requests individual claims.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::OAuthError;

/// Names of the individually requested claims, by where they are returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Claims requested for the UserInfo response.
    #[serde(default)]
    pub userinfo: Vec<String>,
    /// Claims requested for the ID token.
    #[serde(default)]
    pub id_token: Vec<String>,
}

/// Values that the parameter requests for the claims `acr` and `sub`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimRequirements {
    /// Acceptable `acr` values, if requested as essential.
    pub essential_acr: Option<Vec<String>>,
    /// Requested `acr` values, if they are voluntary.
    pub voluntary_acr: Vec<String>,
    /// ID of the user who must be signed in.
    pub sub: Option<String>,
}

/// Maximum number of claims in each member of the parameter.
const MAX_CLAIMS: usize = 60;

/// Parses the parameter `claims`.
pub fn parse(text: &str) -> Result<(ClaimsRequest, ClaimRequirements), OAuthError> {
    let malformed = || {
        OAuthError::invalid_request(
            "claims must be a JSON object with the members userinfo and id_token, each an object of claims",
        )
    };
    let value: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    let members = value.as_object().ok_or_else(malformed)?;
    let part = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(claims)) if claims.len() > MAX_CLAIMS => {
            Err(OAuthError::invalid_request(format!(
                "claims.{name} requests too many claims: at most {MAX_CLAIMS}"
            )))
        }
        Some(Value::Object(claims)) => {
            claims.values().try_for_each(check_claim)?;
            Ok(claims.clone())
        }
        Some(_) => Err(malformed()),
    };
    let (userinfo, id_token) = (part("userinfo")?, part("id_token")?);
    let mut requirements = ClaimRequirements::default();
    read_acr(&id_token, &mut requirements)?;
    requirements.sub = read_subject(&id_token, &userinfo)?;
    let names = |part: Map<String, Value>| part.into_iter().map(|(name, _)| name).collect();
    let request = ClaimsRequest {
        userinfo: names(userinfo),
        id_token: names(id_token),
    };
    Ok((request, requirements))
}

/// Checks the request for one claim: `null`, or an object whose known members have the types of §5.5.1. Unknown members, and
/// those that are `null`, are ignored.
fn check_claim(value: &Value) -> Result<(), OAuthError> {
    let is_valid = match value {
        Value::Null => true,
        Value::Object(entry) => {
            let member = |name: &str| entry.get(name).filter(|value| !value.is_null());
            member("essential").is_none_or(Value::is_boolean)
                && member("values").is_none_or(Value::is_array)
        }
        _ => false,
    };
    if is_valid {
        return Ok(());
    }
    Err(OAuthError::invalid_request(
        "claims must request each claim with null, or with an object of the members essential (true or false), value and values (an array)",
    ))
}

/// Returns the requested `sub`. `id_token` and `userinfo` must not name different users (§5.5.1). A malformed `sub` is refused.
fn read_subject(
    id_token: &Map<String, Value>,
    userinfo: &Map<String, Value>,
) -> Result<Option<String>, OAuthError> {
    let mut subject: Option<String> = None;
    for part in [id_token, userinfo] {
        let Some(Value::Object(entry)) = part.get("sub") else {
            continue;
        };
        if entry.contains_key("values")
            || entry.get("value").is_some_and(|value| !value.is_string())
        {
            return Err(OAuthError::invalid_request(
                "claims may request one sub, as a string in value",
            ));
        }
        let wanted = entry.get("value").and_then(Value::as_str);
        let conflicts = subject
            .as_deref()
            .zip(wanted)
            .is_some_and(|(one, other)| one != other);
        if conflicts {
            return Err(OAuthError::invalid_request(
                "claims request two different subs",
            ));
        }
        subject = subject.or_else(|| wanted.map(str::to_owned));
    }
    Ok(subject)
}

/// Reads the requested `acr` values, which are strings (§5.5.1.1).
fn read_acr(
    id_token: &Map<String, Value>,
    requirements: &mut ClaimRequirements,
) -> Result<(), OAuthError> {
    let Some(Value::Object(acr)) = id_token.get("acr") else {
        return Ok(());
    };
    let several = acr.get("values").and_then(Value::as_array);
    let requested = acr
        .get("value")
        .filter(|value| !value.is_null())
        .into_iter()
        .chain(several.into_iter().flatten());
    let values: Option<Vec<String>> = requested
        .map(|value| value.as_str().map(str::to_owned))
        .collect();
    let Some(mut values) = values else {
        return Err(OAuthError::invalid_request(
            "claims may request acr only as strings, in value or values",
        ));
    };
    values.truncate(MAX_CLAIMS);
    if values.is_empty() {
        return Ok(());
    }
    if acr.get("essential") == Some(&Value::Bool(true)) {
        requirements.essential_acr = Some(values);
    } else {
        requirements.voluntary_acr = values;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_names_and_requirements_are_parsed() {
        let text = r#"{"userinfo": {"name": {"essential": true}, "nickname": null},
            "id_token": {"email": null, "acr": {"essential": true, "values": ["phr"]}, "sub": {"value": "x"}}}"#;
        let (request, requirements) = parse(text).expect("claims");
        assert_eq!(request.userinfo, ["name", "nickname"]);
        assert!(request.id_token.contains(&"email".to_owned()));
        assert_eq!(requirements.essential_acr, Some(vec!["phr".to_owned()]));
        assert_eq!(requirements.sub.as_deref(), Some("x"));
    }

    #[test]
    fn a_malformed_claims_parameter_is_refused() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for bad in [
            "",
            "x",
            "[]",
            "1",
            r#"{"userinfo": []}"#,
            r#"{"id_token": 1}"#,
            r#"{"id_token": {"sub": "alice"}}"#,
            r#"{"userinfo": {"sub": "alice"}}"#,
            r#"{"id_token": {"sub": ["alice"]}}"#,
            r#"{"id_token": {"sub": {"value": 1}}}"#,
            r#"{"id_token": {"sub": {"values": ["alice"]}}}"#,
            r#"{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}"#,
            r#"{"id_token": {"acr": "phr"}}"#,
            r#"{"id_token": {"acr": {"essential": "true", "values": ["phr"]}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "values": "phr"}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "values": ["phr", 1]}}}"#,
            r#"{"userinfo": {"email": true}}"#,
            &deep,
        ] {
            assert!(parse(bad).is_err(), "{bad:.20}");
        }
        assert!(parse("{}").is_ok());
        assert!(parse(r#"{"userinfo": null, "other": 1}"#).is_ok());
        for good in [
            r#"{"id_token": {"acr": {"essential": null, "value": null, "values": null}}}"#,
            r#"{"id_token": {"sub": null, "acr": null}, "userinfo": {"email": {}}}"#,
            r#"{"userinfo": {"email": {"essential": true, "value": 1, "of_another_standard": "x"}}}"#,
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }
}
