//! What is printed: a table in Markdown, so that it can be put into a page as it is.

/// One kind of work.
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// Requests in a second.
    pub rate: f64,
    /// Half of them took no longer, in milliseconds.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// Seconds of CPU for 1000.
    pub cpu: f64,
    /// Of the baseline's rate; `None` for journeys, which no one request is measured against.
    pub ratio: Option<f64>,
    /// The baseline's rate.
    pub baseline: f64,
    /// Resident memory afterwards, in MB.
    pub memory: f64,
    /// The least ratio wanted.
    pub wanted_ratio: Option<f64>,
    /// The most CPU wanted.
    pub wanted_cpu: Option<f64>,
}

/// The head of the table.
pub fn head() {
    println!(
        "\n| workload | requests/s | p50 ms | p99 ms | CPU s/1000 | wanted | ratio | wanted | memory MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
}

impl Line {
    /// A line of the table.
    pub fn print(&self) {
        let most = self
            .wanted_cpu
            .map_or("–".to_owned(), |cpu| format!("≤ {cpu:.3}"));
        let least = self
            .wanted_ratio
            .map_or("–".to_owned(), |ratio| format!("≥ {ratio:.2}"));
        let ratio = self
            .ratio
            .map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        println!(
            "| {} | {:.0} | {:.2} | {:.2} | {:.4} | {most} | {ratio} | {least} | {:.0} |",
            self.name, self.rate, self.p50, self.p99, self.cpu, self.memory
        );
    }
}
