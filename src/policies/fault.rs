//! An error in a set of policies, and its location.

use std::fmt;

use miette::Diagnostic;

/// An error in a set of policies, which makes the set unusable.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PolicyFault {
    /// Name of the file or folder.
    pub file: String,
    /// Line, counted from 1; `None` if the error concerns the whole file.
    pub line: Option<usize>,
    /// Column in characters, counted from 1.
    pub column: Option<usize>,
    /// Description of the error.
    pub reason: String,
}

impl PolicyFault {
    /// An error that concerns a whole file.
    pub(super) fn of_file(file: &str, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            reason: one_line(&reason.into()),
        }
    }

    /// An error at a byte offset of a file's text.
    pub(super) fn at(file: &str, text: &str, offset: usize, reason: impl Into<String>) -> Self {
        let (line, column) = position(text, offset);
        Self {
            line: Some(line),
            column: Some(column),
            ..Self::of_file(file, reason)
        }
    }

    /// An error that Cedar reported, at the location that Cedar states.
    pub(super) fn of_diagnostic(file: &str, text: &str, found: &dyn Diagnostic) -> Self {
        let mut reason = found.to_string();
        let label = found.labels().and_then(|mut labels| labels.next());
        if let Some(help) = found.help() {
            reason = format!("{reason} ({help})");
        }
        match label {
            Some(label) => {
                if let Some(what) = label.label() {
                    reason = format!("{reason}: {what}");
                }
                Self::at(file, text, label.offset(), reason)
            }
            None => Self::of_file(file, reason),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, ":{line}:{column}")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// Returns the line and the column, both counted from 1, of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut before = offset.min(text.len());
    while !text.is_char_boundary(before) {
        before = before.saturating_sub(1);
    }
    let before = text.get(..before).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(start..).unwrap_or_default().chars().count();
    (line, column.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_in_a_text_is_a_line_and_a_column() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("ab\ncd", 4), (2, 2));
        assert_eq!(position("ä\nöx", 5), (2, 2));
        assert_eq!(position("ä", 1), (1, 1));
        assert_eq!(position("ab", 99), (1, 3));
    }
}
