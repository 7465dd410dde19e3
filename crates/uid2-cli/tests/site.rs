//! `uid2 site`, run as a program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::uid2;

/// A site, and what it said of itself.
struct Running(Child, Value);

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = uid2(&[&["site", "--json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        Self(child, serde_json::from_str(&line).unwrap())
    }

    fn url(&self) -> &str {
        self.1["url"].as_str().unwrap()
    }

    fn page(&self) -> String {
        let mut response = ureq::get(self.url()).call().unwrap();
        response.body_mut().read_to_string().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn serves_on_the_next_free_port_and_keeps_its_data_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let site = Running::start(&["--port", &port.to_string(), "--data", data]);
    let found: u16 = site.url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(found > port, "{found}");
    assert!(site.page().contains("Sign in, and watch what UID2 does"));
    assert_eq!(site.1["data"], data);
    assert!(folder.path().join("embedded/identities.db").is_file());
}

#[cfg(unix)]
#[test]
fn ends_in_order_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--port", "0", "--data", folder.path().to_str().unwrap()];
    let mut site = Running::start(&args);
    let mut kill = Command::new("kill");
    assert!(
        kill.arg(site.0.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(site.0.wait().unwrap().code(), Some(0));
    // What it held is free again.
    assert!(Running::start(&args).page().contains("Sign in"));
}
