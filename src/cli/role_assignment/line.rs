//! Parses one line of an import: a JSON object without duplicate or unknown members.

use serde::Deserialize;

use crate::assignments::{
    AssignedRoles, Description, ImportLine, ResourceName, RoleAssignmentTerms, Title, parse_instant,
};
use crate::base::text_type::TextError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    user: String,
    resource_type: String,
    resource_id: String,
    roles: Vec<String>,
    title: Option<String>,
    description: Option<String>,
    valid_until: Option<String>,
}

/// Parses one line of the input.
pub(super) fn parse(number: u64, text: &str) -> Result<ImportLine, String> {
    // Serde would also accept an array of the struct's values.
    if !text.trim_start().starts_with('{') {
        return Err("must be one JSON object per line".to_owned());
    }
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let resource = ResourceName::parse(&line.resource_type, &line.resource_id)
        .map_err(|fault| fault.to_string())?;
    let terms = terms(&line).map_err(|fault| fault.to_string())?;
    Ok(ImportLine {
        number,
        user: line.user,
        resource,
        terms,
    })
}

fn terms(line: &Line) -> Result<Option<RoleAssignmentTerms>, TextError> {
    if line.roles.is_empty() {
        return Ok(None);
    }
    let title = line.title.as_deref().map(Title::parse).transpose()?;
    let description = line.description.as_deref();
    let description = description.map(Description::parse).transpose()?;
    Ok(Some(RoleAssignmentTerms {
        roles: AssignedRoles::parse(&line.roles)?,
        title: title.flatten(),
        description: description.flatten(),
        valid_until: line.valid_until.as_deref().map(parse_instant).transpose()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_without_unknown_members() {
        let good = r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":["B","A"]}"#;
        let line = parse(3, good).expect("a line");
        assert_eq!(line.number, 3);
        assert_eq!(line.terms.expect("terms").roles.into_names(), ["A", "B"]);
        let withdrawn = r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":[]}"#;
        assert!(parse(1, withdrawn).expect("a line").terms.is_none());
        for bad in [
            "",
            "[]",
            r#"["ada","order","1",["A"]]"#,
            r#"{"user":"ada"}"#,
            r#"{"user":"ada","user":"eve","resource_type":"order","resource_id":"1","roles":["A"]}"#,
            r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":["A"],"role":"B"}"#,
            r#"{"user":"ada","resource_type":"User","resource_id":"1","roles":["A"]}"#,
            r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":["a b"]}"#,
            r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":["A"],"valid_until":"soon"}"#,
            r#"{"user":"ada","resource_type":"order","resource_id":"\u0000","roles":["A"]}"#,
        ] {
            assert!(parse(1, bad).is_err(), "{bad}");
        }
    }
}
