//! What came of it, as Markdown.

use std::time::Duration;

use serde_json::Value;

/// Columns are in the order in which programs were added; ours is the last.
pub(super) struct Table {
    machine: Vec<String>,
    missing: Vec<String>,
    programs: Vec<(String, String)>,
    rates: Vec<(String, Vec<f64>)>,
    cold_starts: Vec<(String, Duration)>,
    memory: Vec<(String, Option<u64>)>,
    differences: Vec<(String, Vec<String>)>,
    same: String,
}

impl Table {
    pub(super) fn new(machine: Vec<String>, missing: Vec<String>) -> Self {
        Self {
            machine,
            missing,
            programs: Vec::new(),
            rates: Vec::new(),
            cold_starts: Vec::new(),
            memory: Vec::new(),
            differences: Vec::new(),
            same: String::new(),
        }
    }

    pub(super) fn program(&mut self, name: &str, version: &str) {
        self.programs.push((name.into(), version.into()));
    }

    pub(super) fn row(&mut self, name: &str, rates: &[f64]) {
        self.rates.push((name.into(), rates.to_vec()));
    }

    pub(super) fn cold_start(&mut self, name: &str, time: Duration) {
        self.cold_starts.push((name.into(), time));
    }

    pub(super) fn memory(&mut self, name: &str, peak_kib: Option<u64>) {
        self.memory.push((name.into(), peak_kib));
    }

    /// Results that are not the same: hashes, or that there is none.
    pub(super) fn difference(&mut self, input: &str, each: &[&Value]) {
        let shown = each.iter().map(|hash| match hash.as_str() {
            Some(hash) => format!("`{}…`", hash.get(..8).unwrap_or(hash)),
            None => "refused".into(),
        });
        self.differences
            .push((format!("{input:?}"), shown.collect()));
    }

    pub(super) fn same(&mut self, same: usize, of: usize) {
        self.same = format!("{same} of {of} inputs give the same in all");
    }

    pub(super) fn to_markdown(&self, load_after: &str) -> String {
        let mut text = String::from("# The same work by three SDKs\n\n");
        for line in &self.machine {
            text += &format!("- {line}\n");
        }
        text += &format!("- load after: {load_after}\n");
        for (name, version) in &self.programs {
            text += &format!("- {name}: {version}\n");
        }
        for why in &self.missing {
            text += &format!("- left out: {why}\n");
        }
        text += "\nEach row is the best of some rounds, the SDKs in turn, each warmed up before. \
                 The emulator is a process of its own on the same machine.\n\n";
        text += &self.rates();
        text += "\n";
        text += &self.costs();
        text += &format!(
            "\n## Results\n\n{}; what was sealed and opened does.",
            self.same
        );
        text += &self.differences();
        text
    }

    fn header(&self, first: &str, ratios: &str) -> String {
        let names = self.programs.iter().map(|(name, _)| format!(" {name} |"));
        let mut line = format!("| {first} |{}", names.collect::<String>());
        let mut rule = format!("|---|{}", "---:|".repeat(self.programs.len()));
        for (name, _) in self.others() {
            line += &format!(" {ratios} {name} |");
            rule += "---:|";
        }
        format!("{line}\n{rule}\n")
    }

    fn others(&self) -> &[(String, String)] {
        self.programs.split_last().map_or(&[], |(_, others)| others)
    }

    fn rates(&self) -> String {
        let mut text = self.header("a second", "×");
        for (name, rates) in &self.rates {
            let cells = rates.iter().map(|rate| format!(" {} |", thousands(*rate)));
            text += &format!("| {name} |{}", cells.collect::<String>());
            if let Some((ours, others)) = rates.split_last() {
                for other in others {
                    text += &format!(" {} |", ratio(ours / other));
                }
            }
            text += "\n";
        }
        text
    }

    /// Where less is better: theirs over ours.
    fn costs(&self) -> String {
        let millis = |time: &Duration| time.as_secs_f64() * 1000.0;
        let cold: Vec<_> = self
            .cold_starts
            .iter()
            .map(|(_, time)| millis(time))
            .collect();
        let mut text = self.header("less is better", "÷");
        text += &cost("from start to the first sealed request, ms", &cold);
        let peaks = self.memory.iter().map(|(_, peak)| *peak);
        if let Some(peaks) = peaks.collect::<Option<Vec<u64>>>() {
            // Exact up to 2^53 KiB.
            #[expect(clippy::cast_precision_loss, reason = "a memory has fewer bytes")]
            let peaks: Vec<_> = peaks.iter().map(|kib| *kib as f64 / 1024.0).collect();
            text += &cost("peak memory over all of this (VmHWM), MiB", &peaks);
        }
        text
    }

    fn differences(&self) -> String {
        if self.differences.is_empty() {
            return "\n".into();
        }
        let mut text = String::from(
            " Normalization differs; the service does as the last column (protocol, section 1):\n\n",
        );
        let names = self.programs.iter().map(|(name, _)| format!(" {name} |"));
        text += &format!("| typed |{}\n", names.collect::<String>());
        text += &format!("|---|{}\n", "---|".repeat(self.programs.len()));
        for (input, each) in &self.differences {
            text += &format!("| `{input}` | {} |\n", each.join(" | "));
        }
        text
    }
}

fn cost(name: &str, each: &[f64]) -> String {
    let cells = each.iter().map(|value| format!(" {value:.1} |"));
    let mut line = format!("| {name} |{}", cells.collect::<String>());
    if let Some((ours, others)) = each.split_last() {
        for other in others {
            line += &format!(" {} |", ratio(other / ours));
        }
    }
    line + "\n"
}

fn ratio(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.0}")
    }
}

/// A number with its thousands apart.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
