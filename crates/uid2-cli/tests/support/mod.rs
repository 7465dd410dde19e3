//! Running the `uid2` binary.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

/// `uid2` with nothing of the environment that could change what it does.
pub(crate) fn uid2(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uid2"));
    command.args(args);
    for name in [
        "UID2_BASE_URL",
        "UID2_API_KEY",
        "UID2_SECRET_KEY",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    command
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().expect("ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Stdout, which is one line of JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.stdout.matches('\n').count(), 1, "{}", self.stdout);
        serde_json::from_str(&self.stdout).expect(&self.stdout)
    }

    /// That none of these texts has come out.
    pub(crate) fn shows_nothing_of(&self, secrets: &[&str]) {
        for secret in secrets {
            assert!(!self.stdout.contains(secret), "on stdout: {}", self.stdout);
            assert!(!self.stderr.contains(secret), "on stderr: {}", self.stderr);
        }
    }
}

/// Runs a command to its end, without input.
pub(crate) fn run(mut command: Command) -> Ran {
    Ran::of(command.stdin(Stdio::null()).output().unwrap())
}

/// Runs a command to its end with this input.
pub(crate) fn run_with_input(mut command: Command, input: impl Into<Vec<u8>>) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.into();
    // Elsewhere, or both ends would wait for each other once the pipes are full.
    let feeder = thread::spawn(move || {
        // A command that ends early has said why.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Ran::of(output)
}
