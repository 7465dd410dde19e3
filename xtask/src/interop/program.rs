//! Running the programs in other languages.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// Far longer than any takes; SDKs have no time limits of their own.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a program to its end and returns what it printed.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let mut stdout = process.stdout.take().context("no output")?;
    let printed = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        if start.elapsed() > LIMIT {
            process.kill()?;
            process.wait()?;
            bail!("hung: it was ended after {LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("{:?}: {status}", command.get_program());
    }
    let printed = printed.join().map_err(|_| anyhow!("reading panicked"))?;
    printed.context("its output is no text")
}
