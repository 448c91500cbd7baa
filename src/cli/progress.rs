//! Progress of a long command on standard error: one line that is overwritten in place, only on a terminal.

use std::io::{IsTerminal, Stderr, Write, stderr};

/// Width of the bar in characters.
const WIDTH: u64 = 30;

/// The progress line. Dropping it ends the line, so that later output starts on a new line.
#[derive(Debug)]
pub(super) struct Progress<W: Write = Stderr> {
    what: &'static str,
    is_terminal: bool,
    is_line_open: bool,
    output: W,
}

impl Progress {
    /// Counts `what`; writes nothing unless standard error is a terminal.
    pub(super) fn on_terminal(what: &'static str) -> Self {
        let output = stderr();
        Self {
            what,
            is_terminal: output.is_terminal(),
            is_line_open: false,
            output,
        }
    }
}

impl<W: Write> Progress<W> {
    /// Shows that `count` items are done. The bar shows `done` of `whole`, for example in bytes, if `whole` is known.
    pub(super) fn show(&mut self, count: u64, done: u64, whole: Option<u64>) {
        if self.is_terminal {
            let line = words(self.what, count, done, whole.filter(|whole| *whole > 0));
            // Write errors are ignored: a closed terminal must not stop the work.
            write!(self.output, "\r\x1b[2K{line}").ok();
            self.is_line_open = true;
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if self.is_line_open {
            writeln!(self.output).ok();
        }
    }
}

fn words(what: &str, count: u64, done: u64, whole: Option<u64>) -> String {
    let Some(whole) = whole else {
        return format!("{count} {what}");
    };
    let width = usize::try_from(WIDTH).unwrap_or_default();
    let long = usize::try_from(share(done, whole, WIDTH)).unwrap_or_default();
    let bar = "=".repeat(long);
    let percent = share(done, whole, 100);
    format!("[{bar:<width$}] {percent:>3} %  {count} {what}")
}

/// Scales the progress to a number from 0 to `of`, rounded down.
fn share(done: u64, whole: u64, of: u64) -> u64 {
    let share = u128::from(done.min(whole)).saturating_mul(u128::from(of));
    let share = share.checked_div(u128::from(whole)).unwrap_or_default();
    u64::try_from(share).unwrap_or(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(is_terminal: bool, steps: &[(u64, u64, Option<u64>)]) -> String {
        let mut output = Vec::new();
        let mut progress = Progress {
            what: "lines stored",
            is_terminal,
            is_line_open: false,
            output: &mut output,
        };
        for (count, done, whole) in steps {
            progress.show(*count, *done, *whole);
        }
        drop(progress);
        String::from_utf8(output).expect("text")
    }

    #[test]
    fn the_bars_length_shows_the_progress() {
        let words = |count, done, whole| words("lines stored", count, done, whole);
        assert_eq!(words(500, 1, None), "500 lines stored");
        assert_eq!(
            words(500, 100, Some(200)),
            "[===============               ]  50 %  500 lines stored"
        );
        assert_eq!(
            words(1000, 900, Some(200)),
            "[==============================] 100 %  1000 lines stored"
        );
    }

    #[test]
    fn an_unfinished_progress_line_is_terminated() {
        let half = printed(true, &[(1, 1, None), (3, 3, None)]);
        assert_eq!(half, "\r\x1b[2K1 lines stored\r\x1b[2K3 lines stored\n");
        let cut = printed(true, &[(3, 3, Some(5))]);
        assert!(cut.contains(" 60 %") && cut.ends_with('\n'), "{cut}");
        assert_eq!(printed(true, &[]), "", "nothing was started");
    }

    #[test]
    fn nothing_is_written_without_a_terminal() {
        assert_eq!(printed(false, &[(3, 3, None), (5, 5, Some(5))]), "");
    }
}
