//! The result table, in Markdown.

/// Results of one workload: medians of its runs.
pub struct Row {
    /// Name of the workload.
    pub name: &'static str,
    /// Requests (or flows) per second.
    pub rate: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99: f64,
    /// CPU time of the service, in seconds for 1000 requests (or flows).
    pub cpu: f64,
    /// Ratio of `cpu` to that of the health check.
    pub health_check_ratio: f64,
    /// Maximum of `cpu`, in words.
    pub target_cpu: String,
    /// Ratio of the rate to the baseline's; `None` for flows, which have no comparable baseline.
    pub baseline_ratio: Option<f64>,
    /// Minimum of `baseline_ratio`.
    pub target_ratio: Option<f64>,
    /// The baseline's requests per second.
    pub baseline: f64,
    /// Resident memory of the service afterwards, in MB.
    pub memory: f64,
}

/// Prints the head of the table.
pub fn print_head() {
    println!(
        "\n| workload | requests/s | p50 ms | p99 ms | CPU s/1000 | × health check | CPU target | × baseline | target | memory MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
}

impl Row {
    /// Prints the row.
    pub fn print(&self) {
        let ratio = self.baseline_ratio.map(|ratio| format!("{ratio:.2}"));
        let target_ratio = self.target_ratio.map(|ratio| format!("≥ {ratio:.2}"));
        println!(
            "| {} | {:.0} | {:.2} | {:.2} | {:.4} | {:.2} | {} | {} | {} | {:.0} |",
            self.name,
            self.rate,
            self.p50,
            self.p99,
            self.cpu,
            self.health_check_ratio,
            Some(self.target_cpu.as_str())
                .filter(|target| !target.is_empty())
                .unwrap_or("–"),
            ratio.as_deref().unwrap_or("–"),
            target_ratio.as_deref().unwrap_or("–"),
            self.memory
        );
    }
}
