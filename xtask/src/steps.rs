//! Steps, and what came of them.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What came of a step.
pub(crate) enum Outcome {
    /// It did what it should.
    Passed,
    /// It could not run here, for this reason.
    Skipped(String),
}

/// Runs steps one after the other, all of them, and keeps a table.
pub(crate) struct Steps {
    only: Vec<String>,
    /// All that there are, run or not.
    names: Vec<&'static str>,
    /// On CI everything can be had, so what could not run has failed.
    skip_is_failure: bool,
    done: Vec<Done>,
}

struct Done {
    name: &'static str,
    time: Duration,
    result: std::result::Result<Outcome, String>,
}

impl Steps {
    pub(crate) fn new(only: &[String]) -> Self {
        Self {
            only: only.to_vec(),
            names: Vec::new(),
            skip_is_failure: std::env::var_os("CI").is_some_and(|ci| ci == "true"),
            done: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, name: &'static str, body: impl FnOnce() -> Result<Outcome>) {
        self.names.push(name);
        if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
            return;
        }
        say(&format!("\n=== {name}"));
        let start = Instant::now();
        let result = body().map_err(|error| format!("{error:#}"));
        let result = match result {
            Ok(Outcome::Skipped(why)) if self.skip_is_failure => {
                Err(format!("could not run, and CI=true: {why}"))
            }
            result => result,
        };
        self.done.push(Done {
            name,
            time: start.elapsed(),
            result,
        });
    }

    /// A step that either passes or fails.
    pub(crate) fn check(&mut self, name: &'static str, body: impl FnOnce() -> Result<()>) {
        self.step(name, || body().map(|()| Outcome::Passed));
    }

    /// Those asked for by a name that none has.
    fn unknown(&self) -> impl Iterator<Item = &String> {
        let is_known = |only: &str| self.names.contains(&only);
        self.only.iter().filter(move |only| !is_known(only))
    }

    /// Prints the table. Whether nothing failed, and all ran that was asked for.
    pub(crate) fn finish(self) -> bool {
        say("\n=== summary");
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for step in &self.done {
            let (word, why) = match &step.result {
                Ok(Outcome::Passed) => {
                    passed += 1;
                    ("ok", "")
                }
                Ok(Outcome::Skipped(why)) => {
                    skipped += 1;
                    ("skipped", why.as_str())
                }
                Err(why) => {
                    failed += 1;
                    ("FAILED", why.as_str())
                }
            };
            let secs = step.time.as_secs_f32();
            say(&format!("{:<15} {word:<8} {secs:>6.1} s  {why}", step.name));
        }
        say(&format!(
            "steps: {passed} passed, {failed} failed, {skipped} skipped"
        ));
        for unknown in self.unknown() {
            failed += 1;
            let names = self.names.join(", ");
            say(&format!("there is no step {unknown}; there are: {names}"));
        }
        failed == 0 && passed > 0
    }
}

/// Prints a line; this is a program for people.
#[expect(clippy::print_stderr, reason = "xtask talks to people")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(only: &[&str]) -> bool {
        let only: Vec<_> = only.iter().map(ToString::to_string).collect();
        let mut steps = Steps::new(&only);
        steps.check("good", || Ok(()));
        steps.check("bad", || anyhow::bail!("it is"));
        steps.finish()
    }

    #[test]
    fn what_was_asked_for_must_be_there_and_pass() {
        assert!(passes(&["good"]));
        for fails in [&["bad"][..], &["good", "bad"], &[], &["good", "mistyped"]] {
            assert!(!passes(fails), "{fails:?}");
        }
    }
}
