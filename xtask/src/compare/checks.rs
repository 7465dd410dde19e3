//! Whether all come to the same results, before anything is measured.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::table::Table;
use super::worker::Worker;

/// What people type, and what goes wrong when they do.
const INPUTS: &[&str] = &[
    "user@example.com",
    "USER@Example.COM",
    "  user@example.com  ",
    "jane.doe@example.com",
    "jane+news@example.com",
    "jane.doe@gmail.com",
    "Jane.Doe+news@Gmail.com",
    "janedoe@gmail.com ",
    "jane doe@example.com",
    "jane@exam ple.com",
    "\tuser@example.com",
    "user@example.com\n",
    "j\u{e4}ne@example.com",
    "J\u{c4}NE@example.com",
    "user@sub.example.com",
    "user@localhost",
    "@example.com",
    "user@",
    "user@example@com",
    "+jane@gmail.com",
    "+12345678901",
    "+4915123456789",
    "+123456789",
    "+1234567890",
    "+123456789012345",
    "+1234567890123456",
    "+0123456789",
    "+1-234-567-8901",
    "12345678901",
    "+\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}\u{669}\u{660}",
];

/// What all agree on, to measure with.
pub(super) struct Agreed {
    /// An identity, and the answer to its refresh.
    pub(super) identity: String,
    pub(super) answer: String,
}

pub(super) fn all(workers: &mut [Worker], table: &mut Table) -> Result<Agreed> {
    for worker in workers.iter() {
        table.program(worker.name(), worker.version());
    }
    hashes(workers, table)?;
    sealing(workers)?;
    opening(workers)
}

/// Who refuses what, and who makes another hash of it, is told; for what is
/// measured there must be no difference.
fn hashes(workers: &mut [Worker], table: &mut Table) -> Result<()> {
    let question = json!({ "do": "hash", "inputs": INPUTS });
    let mut all = Vec::new();
    for worker in workers {
        let answer = worker.ask(&question)?;
        let hashes = answer.get("hashes").and_then(Value::as_array).cloned();
        let hashes = hashes.context("no hashes")?;
        ensure!(hashes.len() == INPUTS.len(), "{} hashes", hashes.len());
        all.push(hashes);
    }
    let mut same = 0;
    for (at, input) in INPUTS.iter().enumerate() {
        let each: Vec<_> = all.iter().filter_map(|hashes| hashes.get(at)).collect();
        if each.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            same += 1;
            continue;
        }
        ensure!(
            !super::rows::HASHED.contains(input),
            "{input:?} is to be measured, and is hashed differently: {each:?}"
        );
        table.difference(input, &each);
    }
    table.same(same, INPUTS.len());
    Ok(())
}

/// What each seals, ours opens: the same JSON inside, sealed just now.
fn sealing(workers: &mut [Worker]) -> Result<()> {
    let question = json!({ "do": "seal", "input": super::rows::SEALED });
    let mut inside = Vec::new();
    for at in 0..workers.len() {
        let worker = workers.get_mut(at).context("nobody is here")?;
        let name = worker.name().to_owned();
        let sealed = worker.ask_text(&question, "sealed")?;
        let ours = workers.last_mut().context("nobody is here")?;
        let opened = ours.ask(&json!({ "do": "unseal", "sealed": sealed }))?;
        let age = opened.get("age_ms").and_then(Value::as_i64);
        ensure!(
            age.is_some_and(|age| (0..5000).contains(&age)),
            "{name} sealed with another time: {opened}"
        );
        inside.push((name, opened.get("payload").cloned()));
    }
    for pair in inside.windows(2) {
        if let [(a, one), (b, other)] = pair
            && one != other
        {
            bail!("{a} seals {one:?}, and {b} {other:?}");
        }
    }
    Ok(())
}

/// Each finds the same token in the same answer.
fn opening(workers: &mut [Worker]) -> Result<Agreed> {
    let ours = workers.last_mut().context("nobody is here")?;
    let mut identity = || ours.ask_text(&json!({ "do": "identity" }), "identity");
    let (identity, next) = (identity()?, identity()?);
    let question = json!({ "do": "answer", "identity": identity, "next": next });
    let answer = ours.ask_text(&question, "answer")?;
    let next: Value = serde_json::from_str(&next)?;
    let expected = next.get("advertising_token").and_then(Value::as_str);
    let question = json!({ "do": "open", "identity": identity, "answer": answer });
    for worker in workers {
        let token = worker.ask_text(&question, "token")?;
        ensure!(
            Some(token.as_str()) == expected,
            "{} finds another token in the answer",
            worker.name()
        );
    }
    Ok(Agreed { identity, answer })
}
