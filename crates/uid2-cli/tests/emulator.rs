//! `uid2 emulator`, run as a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use support::{EmulatorProcess, run, run_with_input, uid2};

#[test]
fn default_credentials_are_the_well_known_ones() {
    let emulator = EmulatorProcess::start(&[]);
    assert_eq!(
        emulator.api_key,
        "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo="
    );
    assert_eq!(
        emulator.client_secret,
        "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk="
    );
    assert!(emulator.url.starts_with("http://127.0.0.1:"));
}

#[cfg(unix)]
#[test]
fn ends_in_order_when_it_is_told_to() {
    assert_eq!(EmulatorProcess::start(&[]).terminate(), Some(0));
}

#[test]
fn lifetimes_are_as_asked_for() {
    let emulator = EmulatorProcess::start(&[
        "--token-lifetime=10s",
        "--refresh-after=3s",
        "--refresh-lifetime=1m",
    ]);
    let ran = run(emulator.uid2(&["token", "generate", "--email", "user@example.com"]));
    let json = ran.json();
    let time = |name: &str| json["identity"][name].as_i64().unwrap();
    assert_eq!(time("identity_expires") - time("refresh_from"), 7000);
    assert_eq!(time("refresh_expires") - time("refresh_from"), 57_000);
}

#[cfg(unix)]
#[test]
fn tokens_of_one_run_are_good_in_the_next() {
    let first = EmulatorProcess::start(&[]);
    let generated = run(first.uid2(&["token", "generate", "--email", "user@example.com"]));
    assert_eq!(first.terminate(), Some(0));
    let second = EmulatorProcess::start(&[]);
    let refresh = second.uid2(&["token", "refresh", "--identity", "-"]);
    assert_eq!(run_with_input(refresh, generated.stdout).status, 0);
}

/// For people it prints what to paste into a shell; without an address, a second
/// one finds a port of its own.
#[test]
fn for_people_and_several_at_once() {
    let mut running = Vec::new();
    for _ in 0..2 {
        let mut child = uid2(&["emulator"]).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let text: Vec<String> = stdout
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.starts_with("Press"))
            .collect();
        running.push((child, text));
    }
    let urls: Vec<String> = running
        .iter()
        .map(|(_, text)| {
            let export = text
                .iter()
                .find_map(|line| line.trim().strip_prefix("export UID2_BASE_URL="));
            export.expect("no base URL").to_owned()
        })
        .collect();
    for (child, text) in &mut running {
        child.kill().unwrap();
        child.wait().unwrap();
        let text = text.join("\n");
        assert!(
            text.contains("export UID2_API_KEY='UID2-C-L-999-"),
            "{text}"
        );
        assert!(text.contains("export UID2_SECRET_KEY='"), "{text}");
        assert!(
            text.contains("valid for 1h, to be refreshed after 15m, and can be for 1d"),
            "{text}"
        );
    }
    assert_ne!(urls[0], urls[1]);
}

#[test]
fn an_address_that_is_taken_or_is_none() {
    let emulator = EmulatorProcess::start(&[]);
    let address = emulator.url.strip_prefix("http://").unwrap();
    let told = run(uid2(&["emulator", "--json", "--listen", address]));
    assert_eq!((told.status, told.stderr.as_str()), (1, ""));
    assert_eq!(told.json()["kind"], "not_started");
    let ran = run(uid2(&["emulator", "--listen", address]));
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.starts_with("error: cannot listen"),
        "{}",
        ran.stderr
    );

    let ran = run(uid2(&["emulator", "--listen", "8080"]));
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("127.0.0.1:8080"), "{}", ran.stderr);

    let ran = run(uid2(&["emulator", "--token-lifetime", "1 week"]));
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("30d"), "{}", ran.stderr);

    let ran = run(uid2(&["emulator", "--refresh-after", "2h"]));
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("out of order"), "{}", ran.stderr);
}

#[test]
fn a_file_configures_it_and_options_come_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let toml = dir.path().join("emulator.toml");
    std::fs::write(
        &toml,
        "[lifetimes]\nrefresh_from = 10\nidentity = 20\nrefresh = 90\n",
    )
    .unwrap();
    let file = format!("--config={}", toml.display());
    for (option, until_refresh_expires) in
        [(None, 80_000), (Some("--refresh-lifetime=30s"), 20_000)]
    {
        let args: Vec<&str> = [file.as_str()].into_iter().chain(option).collect();
        let emulator = EmulatorProcess::start(&args);
        let ran = run(emulator.uid2(&["token", "generate", "--email", "user@example.com"]));
        let json = ran.json();
        let time = |name: &str| json["identity"][name].as_i64().unwrap();
        assert_eq!(time("identity_expires") - time("refresh_from"), 10_000);
        assert_eq!(
            time("refresh_expires") - time("refresh_from"),
            until_refresh_expires
        );
    }
}

#[test]
fn clients_of_ones_own_are_told_of_without_the_usual_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("emulator.json");
    std::fs::write(&json, r#"{"clients":[]}"#).unwrap();
    let args = [
        "emulator",
        "--json",
        "--listen=127.0.0.1:0",
        "--admin=127.0.0.1:0",
    ];
    let mut child = uid2(&args)
        .arg("--config")
        .arg(&json)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> = told.as_object().unwrap().keys().collect();
    assert_eq!(names, ["admin_url", "url"]);
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let toml = dir.path().join("emulator.toml");
    let start = || run(uid2(&["emulator", "--config", toml.to_str().unwrap()]));
    let ran = start();
    assert_ne!(ran.status, 0);
    assert!(ran.stderr.contains("cannot read"), "{}", ran.stderr);
    std::fs::write(&toml, "scope = 'uid3'").unwrap();
    let ran = start();
    assert_ne!(ran.status, 0);
    assert!(ran.stderr.contains("configuration"), "{}", ran.stderr);
    std::fs::write(&toml, "").unwrap();
    let ran = run(uid2(&["emulator", "--admin", "0.0.0.0:0"]));
    assert_ne!(ran.status, 0);
}
