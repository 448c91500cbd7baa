//! How far a long command is, on standard error: one line, written over itself on a terminal.

use std::io::{IsTerminal, Stderr, Write, stderr};

/// Characters of the bar.
const WIDTH: u64 = 30;

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Written over itself.
    InPlace,
    /// One more line for each tenth.
    InTenths,
    /// Not at all.
    Nowhere,
}

/// How far it is. When this goes the line ends, however far it was: what is printed next stands on a line of its own.
#[derive(Debug)]
pub(super) struct Progress<W: Write = Stderr> {
    what: &'static str,
    shown: Shown,
    tenths: u64,
    is_line_open: bool,
    output: W,
}

impl Progress {
    /// Of work that counts `what`; says nothing where nobody looks.
    pub(super) fn on_terminal(what: &'static str) -> Self {
        Self::new(what, Shown::Nowhere)
    }

    /// Of work that counts `what`; where nobody looks, a line for each tenth.
    pub(super) fn everywhere(what: &'static str) -> Self {
        Self::new(what, Shown::InTenths)
    }

    fn new(what: &'static str, elsewhere: Shown) -> Self {
        let output = stderr();
        let shown = if output.is_terminal() {
            Shown::InPlace
        } else {
            elsewhere
        };
        Self {
            what,
            shown,
            tenths: 0,
            is_line_open: false,
            output,
        }
    }
}

impl<W: Write> Progress<W> {
    /// Shows that `count` are done, which is `done` of the whole work, where it is known how much that is.
    pub(super) fn show(&mut self, count: u64, done: u64, whole: Option<u64>) {
        let whole = whole.filter(|whole| *whole > 0);
        match self.shown {
            Shown::InPlace => {
                let line = words(self.what, count, done, whole);
                // Whoever looks may be gone, which is no reason to stop.
                write!(self.output, "\r\x1b[2K{line}").ok();
                self.is_line_open = true;
            }
            Shown::InTenths => {
                let tenths = whole.map_or(0, |whole| share(done, whole, 10));
                if tenths > self.tenths {
                    let line = words(self.what, count, done, whole);
                    writeln!(self.output, "{line}").ok();
                }
                self.tenths = tenths;
            }
            Shown::Nowhere => {}
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

/// How much of `of` is done, rounded down and never more than `of`.
fn share(done: u64, whole: u64, of: u64) -> u64 {
    let share = u128::from(done.min(whole)).saturating_mul(u128::from(of));
    let share = share.checked_div(u128::from(whole)).unwrap_or_default();
    u64::try_from(share).unwrap_or(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(shown: Shown, steps: &[(u64, u64, Option<u64>)]) -> String {
        let mut output = Vec::new();
        let mut progress = Progress {
            what: "lines stored",
            shown,
            tenths: 0,
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
    fn the_bar_is_as_long_as_the_work_is_done() {
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
    fn a_line_ends_wherever_the_work_does() {
        let half = told(Shown::InPlace, &[(1, 1, None), (3, 3, None)]);
        assert_eq!(half, "\r\x1b[2K1 lines stored\r\x1b[2K3 lines stored\n");
        let cut = told(Shown::InPlace, &[(3, 3, Some(5))]);
        assert!(cut.contains(" 60 %") && cut.ends_with('\n'), "{cut}");
        assert_eq!(told(Shown::InPlace, &[]), "", "nothing was begun");
    }

    #[test]
    fn where_nobody_looks_there_is_a_line_for_each_tenth_or_nothing() {
        let steps: Vec<_> = (1..=100).map(|done| (done, done, Some(100))).collect();
        let tenths = told(Shown::InTenths, &steps);
        assert_eq!(tenths.lines().count(), 10, "{tenths}");
        assert!(tenths.ends_with(" 100 %  100 lines stored\n"), "{tenths}");
        assert_eq!(told(Shown::InTenths, &[(7, 7, None), (0, 0, Some(0))]), "");
        assert_eq!(told(Shown::Nowhere, &steps), "");
    }
}
