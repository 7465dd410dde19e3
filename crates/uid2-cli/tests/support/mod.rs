//! Running the `uid2` binary.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
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

/// `uid2 emulator --json`, on a free port, ended when dropped.
pub(crate) struct EmulatorProcess {
    child: Child,
    pub(crate) url: String,
    pub(crate) api_key: String,
    pub(crate) client_secret: String,
}

impl EmulatorProcess {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = uid2(&["emulator", "--json", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let hello: serde_json::Value = serde_json::from_str(&line).expect(&line);
        let names: Vec<&String> = hello.as_object().unwrap().keys().collect();
        assert_eq!(names, ["api_key", "client_secret", "url"]);
        let text = |name: &str| hello[name].as_str().unwrap().to_owned();
        Self {
            url: text("url"),
            api_key: text("api_key"),
            client_secret: text("client_secret"),
            child,
        }
    }

    /// `uid2` with this operator and the credentials for it in its environment.
    pub(crate) fn uid2(&self, args: &[&str]) -> Command {
        let mut command = uid2(args);
        command
            .env("UID2_BASE_URL", &self.url)
            .env("UID2_API_KEY", &self.api_key)
            .env("UID2_SECRET_KEY", &self.client_secret);
        command
    }

    /// Ends it as `kill` does, and gives its exit status.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let killed = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
