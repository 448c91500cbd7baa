//! Why a client was not registered or changed, in the words of the admin pages.

use super::form::sentence;
use crate::clients::ClientError;
use crate::web::{FieldProblem, Frame, Problem};

/// Why the form was refused, for its page; other problems are nobody's to correct there.
///
/// # Errors
/// Those problems.
pub(super) fn explain(frame: &Frame, error: ClientError) -> Result<FieldProblem, Problem> {
    match error {
        ClientError::Field(fault) => {
            let key = format!("client_fault.{}", fault.fault.key());
            let value = fault.value.as_deref().unwrap_or_default();
            let mut text = frame.text_with(&key, &[("value", value)]);
            if let Some(entry) = fault.entry {
                let line = entry.saturating_add(1).to_string();
                let values = [("line", line.as_str()), ("fault", text.as_str())];
                text = frame.text_with("client_fault.line", &values);
            }
            let label = sentence(frame, &format!("client_field.{}", fault.field));
            Ok(FieldProblem::new(fault.field, &format!("{label}: {text}")))
        }
        ClientError::AudienceTaken(audience) => {
            let values = [("audience", audience.as_str())];
            let text = frame.text_with("client_fault.audience_taken", &values);
            Ok(FieldProblem::new("audiences", &text))
        }
        other => Err(other.into()),
    }
}
