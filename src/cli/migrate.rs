//! `doorward migrate`. The schema was already migrated when the stores were opened.

use serde_json::json;

use super::Failure;
use super::output::Output;

#[expect(clippy::unnecessary_wraps, reason = "commands share one shape")]
pub(super) fn run(output: &Output) -> Result<(), Failure> {
    output.show(
        &json!({ "schema": "up to date" }),
        "the schema is up to date",
    );
    Ok(())
}
