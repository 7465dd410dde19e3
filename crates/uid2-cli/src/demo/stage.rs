//! What is told, and what was checked.

use std::io::{Stdout, Write};
use std::time::{Duration, Instant};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::output::print_json;

const TITLE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const NUMBER: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

const NEXT: [&str; 2] = [
    "Next: `uid2 emulator` runs such an operator for as long as you like, and",
    "`uid2 token --help` says how to call it.",
];

/// Tells a story on stdout, step by step, and keeps the books.
pub(super) struct Stage {
    /// Nowhere, if there is only JSON at the end.
    out: Option<AutoStream<Stdout>>,
    started: Instant,
    steps: Vec<Step>,
}

struct Step {
    guide: &'static str,
    title: &'static str,
    started: Instant,
    took: Duration,
    held: usize,
    failed: usize,
    failures: Vec<String>,
}

impl Stage {
    /// On stdout: with colours if that is a terminal, and `NO_COLOR` is not set.
    pub(super) fn new() -> Self {
        Self::on(Some(anstream::stdout()))
    }

    /// Keeps the books and tells nothing but their sum, as JSON.
    pub(super) fn silent() -> Self {
        Self::on(None)
    }

    fn on(out: Option<AutoStream<Stdout>>) -> Self {
        let started = Instant::now();
        Self {
            out,
            started,
            steps: Vec::new(),
        }
    }

    /// Begins a step of the guide.
    pub(super) fn step(&mut self, guide: &'static str, title: &'static str) {
        self.end_step();
        self.line(format_args!(
            "\n{NUMBER}{guide}{NUMBER:#}  {TITLE}{title}{TITLE:#}"
        ));
        self.steps.push(Step {
            guide,
            title,
            started: Instant::now(),
            took: Duration::ZERO,
            held: 0,
            failed: 0,
            failures: Vec::new(),
        });
    }

    /// Tells something.
    pub(super) fn say(&mut self, text: impl std::fmt::Display) {
        self.line(format_args!("   {text}"));
    }

    /// Leaves a line empty.
    pub(super) fn pause(&mut self) {
        self.line(format_args!(""));
    }

    /// Shows a value under a label.
    pub(super) fn show(&mut self, label: &str, value: impl std::fmt::Display) {
        self.line(format_args!("     {QUIET}{label:<13}{QUIET:#} {value}"));
    }

    /// Notes, and tells, whether something is as it should be.
    pub(super) fn check(&mut self, holds: bool, what: impl std::fmt::Display) {
        if holds {
            self.line(format_args!("   {GOOD}✓{GOOD:#} {what}"));
        } else {
            self.line(format_args!("   {BAD}✗ {what}{BAD:#}"));
        }
        if let Some(step) = self.steps.last_mut() {
            if holds {
                step.held += 1;
            } else {
                step.failed += 1;
                step.failures.push(what.to_string());
            }
        }
    }

    /// Notes that the story could not go on.
    pub(super) fn fail(&mut self, why: &str) {
        if self.steps.is_empty() {
            self.step("0", "Begin");
        }
        self.check(false, why);
    }

    /// Tells how it went, and says whether all of it went well.
    pub(super) fn summarize(mut self) -> bool {
        self.end_step();
        let took = self.started.elapsed();
        let steps = std::mem::take(&mut self.steps);
        self.line(format_args!("\n{TITLE}Summary{TITLE:#}"));
        self.line(format_args!(
            "   {QUIET}{:<10} {:<36} {:>7} {:>8}{QUIET:#}",
            "guide", "step", "checks", "time"
        ));
        for step in &steps {
            self.row(step.guide, step.title, step.held, step.failed, step.took);
        }
        let (held, failed) = steps.iter().fold((0, 0), |(held, failed), step| {
            (held + step.held, failed + step.failed)
        });
        self.row("", "in all", held, failed, took);
        let well = failed == 0 && held > 0;
        if self.out.is_none() {
            print_json(&in_json(&steps, well));
        }
        if well {
            self.pause();
            NEXT.iter().for_each(|text| self.say(text));
        }
        well
    }

    fn row(&mut self, guide: &str, title: &str, held: usize, failed: usize, took: Duration) {
        let (style, mark) = if failed == 0 {
            (GOOD, "✓")
        } else {
            (BAD, "✗")
        };
        let checks = format!("{held}/{}", held + failed);
        let seconds = took.as_secs_f64();
        self.line(format_args!(
            "   {guide:<10} {title:<36} {checks:>7} {seconds:>6.1} s {style}{mark}{style:#}"
        ));
    }

    fn end_step(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.took = step.started.elapsed();
        }
    }

    /// That nobody reads it does not change how it goes.
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        if let Some(out) = &mut self.out {
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        }
    }
}

fn in_json(steps: &[Step], well: bool) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "guide": step.guide,
                "step": step.title,
                "held": step.held,
                "failed": step.failures,
                "millis": step.took.as_millis() as u64,
            })
        })
        .collect();
    let status = if well { "success" } else { "failed" };
    json!({ "status": status, "steps": steps })
}

/// The beginning of a long text, enough to tell it from others.
pub(super) fn begin(text: &str) -> String {
    const SHOWN: usize = 28;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_check_that_fails_is_a_failure() {
        let mut stage = Stage::new();
        stage.step("1", "First");
        stage.check(true, "holds");
        stage.step("2", "Second");
        stage.check(false, "does not");
        stage.step("3", "Third");
        stage.check(true, "holds");
        assert!(!stage.summarize());
    }

    #[test]
    fn nothing_checked_is_no_success() {
        assert!(!Stage::new().summarize());
        let mut stage = Stage::new();
        stage.step("1", "First");
        assert!(!stage.summarize());
        let mut stage = Stage::new();
        stage.fail("could not begin");
        assert!(!stage.summarize());
    }

    #[test]
    fn checks_that_hold_are_a_success() {
        let mut stage = Stage::new();
        stage.step("1", "First");
        stage.check(true, "holds");
        assert!(stage.summarize());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(begin("short"), "short");
        assert_eq!(begin(&"ä".repeat(100)), format!("{}…", "ä".repeat(28)));
    }
}
