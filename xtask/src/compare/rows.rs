//! What is measured.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Args;
use super::checks::Agreed;
use super::table::Table;
use super::worker::{Program, Worker};
use crate::steps::say;

pub(super) const SEALED: &str = "Jane.Doe@Example.com";
/// All must agree on these.
pub(super) const HASHED: &[&str] = &[PLAIN, GMAIL, PHONE];
const PLAIN: &str = "user@example.com";
const GMAIL: &str = "Jane.Doe+news@Gmail.com";
const PHONE: &str = "+12345678901";

/// A kind of work, and the question that has it measured.
fn rows(agreed: &Agreed) -> Vec<(&'static str, Value)> {
    let hash = |work, input| json!({ "work": work, "input": input });
    let round_trips = |in_flight| json!({ "work": "round-trips", "in_flight": in_flight });
    vec![
        (
            "normalize and hash an e-mail address",
            hash("hash-email", PLAIN),
        ),
        (
            "the same, of Gmail with dots and a tag",
            hash("hash-email", GMAIL),
        ),
        ("check and hash a phone number", hash("hash-phone", PHONE)),
        (
            "seal a generate request from an address",
            json!({ "work": "seal", "input": SEALED }),
        ),
        (
            "open the answer to a refresh and read its identity",
            json!({ "work": "open", "identity": agreed.identity, "answer": agreed.answer }),
        ),
        (
            "generate, then refresh, over loopback, 1 in flight",
            round_trips(1),
        ),
        (
            "generate, then refresh, over loopback, 16 in flight",
            round_trips(16),
        ),
    ]
}

/// Row by row, all SDKs in turn, each after a while to warm up.
pub(super) fn measure(
    workers: &mut [Worker],
    agreed: &Agreed,
    args: &Args,
    table: &mut Table,
) -> Result<()> {
    for (name, mut question) in rows(agreed) {
        say(name);
        if let Some(question) = question.as_object_mut() {
            question.insert("do".into(), "measure".into());
            question.insert("seconds".into(), args.seconds.into());
        }
        let mut best = vec![0.0_f64; workers.len()];
        for _ in 0..args.rounds {
            for (worker, best) in workers.iter_mut().zip(&mut best) {
                rate(worker, &question)?;
                *best = best.max(rate(worker, &question)?);
            }
        }
        table.row(name, &best);
    }
    Ok(())
}

/// How many a second.
fn rate(worker: &mut Worker, question: &Value) -> Result<f64> {
    let answer = worker.ask(question)?;
    let number = |name| answer.get(name).and_then(Value::as_f64);
    let count = number("count").context("no count")?;
    let seconds = number("seconds").context("no time")?;
    ensure!(
        count > 0.0 && seconds > 0.0,
        "{} did nothing",
        worker.name()
    );
    Ok(count / seconds)
}

/// How long it takes from starting the program to its first sealed request: the
/// median of five, after one that has the files read.
pub(super) fn cold_start(program: &Program) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..6 {
        let mut command = (program.command)();
        let start = Instant::now();
        let output = command.arg("first").stdin(Stdio::null()).output()?;
        let time = start.elapsed();
        ensure!(
            output.status.success() && output.stdout.len() > 100,
            "{} sealed nothing: {}",
            program.name,
            String::from_utf8_lossy(&output.stderr)
        );
        times.push(time);
    }
    let mut times: Vec<_> = times.into_iter().skip(1).collect();
    times.sort_unstable();
    times.get(2).copied().context("nothing was measured")
}
