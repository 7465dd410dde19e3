//! What it was measured on.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::run::capture;

/// The date, the machine and how busy it was, a line each.
pub(super) fn describe() -> Result<Vec<String>> {
    let date = capture(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let system = capture(Command::new("uname").args(["-srm"]))?;
    let cpu = value_of("/proc/cpuinfo", "model name");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = value_of("/proc/meminfo", "MemTotal");
    Ok(vec![
        format!("date: {}", date.unwrap_or_default().trim()),
        format!("machine: {cpu}, {cores} cores, {memory}"),
        format!("system: {}", system.unwrap_or_default().trim()),
        format!("load before: {}", load()),
    ])
}

/// How many processes have wanted to run, in the last 1, 5 and 15 minutes.
pub(super) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<_> = text.split(' ').take(3).collect();
    three.join(" ")
}

fn value_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| "?".into(), |(_, value)| value.trim().to_owned())
}

/// What a program says of its version, in its first line.
pub(super) fn version(program: &str) -> String {
    let said = capture(Command::new(program).arg("--version"));
    let said = said.ok().and_then(Result::ok).unwrap_or_default();
    said.lines().next().unwrap_or("?").to_owned()
}
