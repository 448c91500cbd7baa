//! Explains on the admin pages why a client was not registered or changed.

use super::form::sentence;
use crate::clients::ClientError;
use crate::web::{FieldProblem, Frame, Problem};

/// Asks for a secret again that was typed before, because no page contains it and it is not stored.
pub(super) fn secret_again(frame: &Frame) -> FieldProblem {
    FieldProblem::new("client_secret", frame.text("client_fault.secret_again"))
}

/// The problem to show at the form.
///
/// # Errors
/// Any error that can't be corrected in the form.
pub(super) fn explain(frame: &Frame, error: ClientError) -> Result<FieldProblem, Problem> {
    match error {
        ClientError::Field(fault) => {
            let key = format!("client_fault.{}", fault.kind.key());
            let value = fault.value.as_deref().unwrap_or_default();
            let text = frame.text_with(&key, &[("value", value)]);
            let field = sentence(frame, &format!("client_field.{}", fault.field));
            let line = fault.entry.map(|entry| entry.saturating_add(1).to_string());
            let key = match line {
                Some(_) => "client_fault.on_line",
                None => "client_fault.in_field",
            };
            let line = line.unwrap_or_default();
            let values = [
                ("field", field),
                ("line", line.as_str()),
                ("fault", text.as_str()),
            ];
            Ok(FieldProblem::new(
                fault.field,
                &frame.text_with(key, &values),
            ))
        }
        ClientError::AudienceTaken(audience) => {
            let values = [("audience", audience.as_str())];
            let text = frame.text_with("client_fault.audience_taken", &values);
            Ok(FieldProblem::new("audiences", &text))
        }
        other => Err(other.into()),
    }
}
