//! What a program said.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::rows::{Expected, ROWS, Row, Sdk};

/// What came of one row.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Ok,
    Absent { why: String },
    Deviates { sdk: String, operator: String },
    Failed { why: String },
}

impl Verdict {
    /// Whether it is what must come of the row.
    pub(super) fn is(&self, expected: Expected) -> bool {
        matches!(
            (self, expected),
            (Self::Ok, Expected::Ok)
                | (Self::Absent { .. }, Expected::Absent)
                | (Self::Deviates { .. }, Expected::Deviates)
        )
    }
}

/// A token, or data, that an SDK encrypted.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) text: String,
    pub(super) what: String,
    pub(super) euid: bool,
    /// What must be found in it: names as `read_tokens` gives them.
    pub(super) inside: Vec<(&'static str, Value)>,
}

/// All that a program said.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) sdk: Sdk,
    pub(super) verdicts: Vec<(String, Verdict)>,
    pub(super) sealed: Vec<Sealed>,
}

impl Report {
    pub(super) fn parse(sdk: Sdk, lines: &str) -> Result<Self> {
        let mut report = Self {
            sdk,
            verdicts: Vec::new(),
            sealed: Vec::new(),
        };
        for line in lines.lines() {
            report
                .line(line)
                .with_context(|| format!("{sdk:?} said what cannot be read: {line}"))?;
        }
        Ok(report)
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let line: Value = serde_json::from_str(line)?;
        if line.get("row").is_some() {
            let name = text(&line, "row")?;
            if self.verdict(&name).is_some() {
                bail!("{name} twice");
            }
            self.verdicts.push((name, verdict(&line)?));
        } else {
            self.sealed.push(sealed(&line)?);
        }
        Ok(())
    }

    /// What came of a row, if anything did.
    pub(super) fn verdict(&self, name: &str) -> Option<&Verdict> {
        let mut verdicts = self.verdicts.iter();
        verdicts.find(|(row, _)| row == name).map(|(_, of)| of)
    }

    /// What is other than it must be, in words.
    pub(super) fn unexpected(&self) -> Vec<String> {
        let listed = ROWS.iter().filter_map(|row| self.unexpected_of(row));
        let unlisted = self.verdicts.iter().filter_map(|(name, _)| {
            let known = ROWS.iter().any(|row| row.name == name);
            (!known).then(|| format!("{name}: is not among the rows"))
        });
        listed.chain(unlisted).collect()
    }

    fn unexpected_of(&self, row: &Row) -> Option<String> {
        let expected = row.expected(self.sdk);
        let found = match self.verdict(row.name) {
            None if expected == Expected::Nothing => return None,
            None => "nothing was said".to_owned(),
            Some(verdict) if verdict.is(expected) => return None,
            Some(Verdict::Failed { why }) => format!("failed: {why}"),
            Some(other) => format!("{other:?}"),
        };
        Some(format!("{}: expected {expected:?}, but {found}", row.name))
    }
}

fn verdict(line: &Value) -> Result<Verdict> {
    Ok(match text(line, "outcome")?.as_str() {
        "ok" => Verdict::Ok,
        "absent" => Verdict::Absent {
            why: text(line, "note")?,
        },
        "deviates" => Verdict::Deviates {
            sdk: text(line, "sdk")?,
            operator: text(line, "operator")?,
        },
        "failed" => Verdict::Failed {
            why: text(line, "note")?,
        },
        other => bail!("outcome {other}"),
    })
}

fn sealed(line: &Value) -> Result<Sealed> {
    let field = |name: &'static str| {
        let value = line.get(name).cloned();
        value.ok_or_else(|| anyhow!("{name} is missing"))
    };
    let (text_of, inside) = if line.get("token").is_some() {
        let inside = vec![
            ("raw_uid", field("raw_uid")?),
            ("site_id", field("site_id")?),
        ];
        ("token", inside)
    } else {
        ("data", vec![("data", field("plain")?)])
    };
    Ok(Sealed {
        text: text(line, text_of)?,
        what: text(line, "what")?,
        euid: text(line, "scope")? == "EUID",
        inside,
    })
}

fn text(line: &Value, name: &str) -> Result<String> {
    let text = line.get(name).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| anyhow!("{name} is missing, or no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &str) -> Result<Report> {
        Report::parse(Sdk::Java, lines)
    }

    fn complete() -> Vec<String> {
        let rows = ROWS.iter().filter_map(|row| {
            let fields = match row.expected(Sdk::Java) {
                Expected::Ok => r#""ok""#,
                Expected::Absent => r#""absent","note":"x""#,
                Expected::Deviates => r#""deviates","sdk":"x","operator":"y""#,
                Expected::Nothing => return None,
            };
            Some(format!(r#"{{"row":"{}","outcome":{fields}}}"#, row.name))
        });
        rows.collect()
    }

    #[test]
    fn what_must_come_passes_and_everything_else_does_not() {
        let good = complete();
        let unexpected = |lines: &[String]| report(&lines.join("\n")).unwrap().unexpected();
        assert_eq!(unexpected(&good), [""; 0]);
        for at in 0..good.len() {
            let mut missing = good.clone();
            missing.remove(at);
            assert_eq!(unexpected(&missing).len(), 1, "{}", good[at]);
        }
        for (from, to) in [
            ("\"ok\"", r#""failed","note":"x""#),
            ("\"ok\"", r#""deviates","sdk":"x","operator":"y""#),
            (r#""deviates","sdk":"x","operator":"y""#, "\"ok\""),
            (r#""absent","note":"x""#, "\"ok\""),
        ] {
            let other = good.join("\n").replacen(from, to, 1);
            assert_eq!(report(&other).unwrap().unexpected().len(), 1, "{from} {to}");
        }
        let mut more = good.clone();
        more.push(r#"{"row":"new","outcome":"ok"}"#.into());
        assert_eq!(unexpected(&more).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for line in [
            "Hello",
            r#"{"row":"x"}"#,
            r#"{"row":"x","outcome":"good"}"#,
            r#"{"row":"x","outcome":"failed"}"#,
            r#"{"token":"x","what":"y","scope":"UID2"}"#,
            "{\"row\":\"x\",\"outcome\":\"ok\"}\n{\"row\":\"x\",\"outcome\":\"ok\"}",
        ] {
            assert!(report(line).is_err(), "{line}");
        }
    }
}
