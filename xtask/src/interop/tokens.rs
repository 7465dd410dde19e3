//! The reverse: what SDKs encrypted, read by `uid2-token`.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::operators::Operators;
use super::report::{Report, Sealed, Verdict};
use super::rows::READ_BY_US;
use crate::built;

/// Reads all that a program handed over, and adds the row that tells of it.
pub(super) fn read(report: &mut Report, operators: &Operators) -> Result<()> {
    let mut wrong = Vec::new();
    for euid in [false, true] {
        let all = report.sealed.iter();
        let of_scope: Vec<_> = all.filter(|sealed| sealed.euid == euid).collect();
        wrong.extend(compare(&of_scope, &decode(&of_scope, operators, euid)?));
    }
    let (found, wanted) = (report.sealed.len(), report.sdk.tokens());
    if found != wanted {
        wrong.push(format!("{found} tokens were handed over, not {wanted}"));
    }
    let verdict = if wrong.is_empty() {
        Verdict::Ok
    } else {
        Verdict::Failed {
            why: wrong.join("; "),
        }
    };
    report.verdicts.push((READ_BY_US.to_owned(), verdict));
    Ok(())
}

/// What is inside, by the `read_tokens` example, which gets its keys from the
/// operator as the SDKs do.
fn decode(sealed: &[&Sealed], operators: &Operators, euid: bool) -> Result<Vec<Value>> {
    let mut command = Command::new(built::program("read_tokens")?);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    operators.of_scope(euid).tell(&mut command);
    let mut process = command.spawn().context("cannot start read_tokens")?;
    let lines: String = sealed.iter().map(|one| format!("{}\n", one.text)).collect();
    // A few kilobytes: less than a pipe holds, so neither waits for the other.
    let mut stdin = process.stdin.take().context("no input")?;
    stdin.write_all(lines.as_bytes())?;
    drop(stdin);
    let output = process.wait_with_output()?;
    if !output.status.success() {
        bail!("read_tokens: {}", output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

fn compare(sealed: &[&Sealed], found: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    if sealed.len() != found.len() {
        wrong.push(format!("{} were read of {}", found.len(), sealed.len()));
    }
    for (sealed, found) in sealed.iter().zip(found) {
        for (name, wanted) in &sealed.inside {
            if found.get(name) != Some(wanted) {
                wrong.push(format!("{}: another {name}: {found}", sealed.what));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn other_contents_are_noticed() {
        let sealed = Sealed {
            text: "token".into(),
            what: "shared".into(),
            euid: false,
            inside: vec![("site_id", json!(999))],
        };
        let of = |found: &[Value]| compare(&[&sealed], found).len();
        assert_eq!(of(&[json!({"site_id": 999, "kind": "email"})]), 0);
        assert_eq!(of(&[json!({"site_id": 998})]), 1);
        assert_eq!(of(&[json!({"error": "not base64"})]), 1);
        assert_eq!(of(&[]), 1);
    }
}
