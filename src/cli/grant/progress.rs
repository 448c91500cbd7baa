//! How far an import is, on a terminal's standard error: one line, written over itself.

use std::io::{IsTerminal, Write, stderr};

/// Characters of the bar.
const WIDTH: u64 = 30;

/// How far it is; says nothing where nobody looks.
#[derive(Debug)]
pub(super) struct Progress {
    /// Bytes there are, where that is known.
    total: Option<u64>,
    is_seen: bool,
}

impl Progress {
    /// Of so many bytes.
    pub(super) fn new(total: Option<u64>) -> Self {
        Self {
            total,
            is_seen: stderr().is_terminal(),
        }
    }

    /// Shows that so many lines are stored, which were so many bytes.
    pub(super) fn show(&self, lines: u64, bytes: u64) {
        if self.is_seen {
            let line = words(self.total, lines, bytes);
            // A terminal that went away is no reason to stop.
            write!(stderr(), "\r\x1b[2K{line}").ok();
        }
    }

    /// Clears the line for what is printed next.
    pub(super) fn clear(&self) {
        if self.is_seen {
            write!(stderr(), "\r\x1b[2K").ok();
        }
    }
}

fn words(total: Option<u64>, lines: u64, bytes: u64) -> String {
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{lines} lines stored");
    };
    let share = |of: u64| {
        let done = u128::from(bytes.min(total)).saturating_mul(u128::from(of));
        let share = done.checked_div(u128::from(total)).unwrap_or_default();
        usize::try_from(share).unwrap_or_default()
    };
    let width = usize::try_from(WIDTH).unwrap_or_default();
    let bar = "=".repeat(share(WIDTH));
    format!("[{bar:<width$}] {:>3} %  {lines} lines stored", share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_long_as_the_work_is_done() {
        assert_eq!(words(None, 500, 1), "500 lines stored");
        let half = words(Some(200), 500, 100);
        assert_eq!(
            half,
            "[===============               ]  50 %  500 lines stored"
        );
        let whole = words(Some(200), 1000, 900);
        assert_eq!(
            whole,
            "[==============================] 100 %  1000 lines stored"
        );
        assert_eq!(words(Some(0), 0, 0), "0 lines stored");
    }
}
