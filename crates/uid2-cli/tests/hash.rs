//! `uid2 hash`, run as a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use serde_json::{Value, json};
use support::{run, run_with_input, uid2};

const VECTORS: &str = include_str!("../../uid2-core/tests/vectors/normalization.json");
const HASH: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";

#[test]
fn every_vector_through_jsonl() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() > 50, "where have the vectors gone?");
    let input: String = vectors
        .iter()
        .map(|vector| {
            let kind = vector["kind"].as_str().unwrap();
            format!("{}\n", json!({ kind: vector["input"] }))
        })
        .collect();
    let refused = vectors
        .iter()
        .filter(|vector| vector["normalized"].is_null())
        .count();

    let ran = run_with_input(uid2(&["hash", "--jsonl"]), input);

    assert_eq!(ran.status, i32::from(refused > 0));
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), vectors.len());
    let mut hashes = 0;
    for (line, vector) in lines.iter().zip(&vectors) {
        let names: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["error", "hash", "normalized"], "{vector}");
        assert_eq!(line["normalized"], vector["normalized"], "{vector}");
        assert_eq!(
            line["error"].is_null(),
            !vector["normalized"].is_null(),
            "{vector}"
        );
        assert_eq!(
            line["hash"].is_null(),
            vector["normalized"].is_null(),
            "{vector}"
        );
        if let Some(hash) = vector.get("sha256_base64") {
            assert_eq!(&line["hash"], hash, "{vector}");
            hashes += usize::from(hash.is_string());
        }
    }
    assert!(hashes > 20, "only {hashes} vectors have told a hash");
}

#[test]
fn bad_lines_yield_errors_in_their_place_and_the_rest_goes_on() {
    let good = r#"{"email":"User@Example.com"}"#;
    let too_long = format!(r#"{{"email":"{}@example.com"}}"#, "a".repeat(70_000));
    let mut input = Vec::new();
    for line in [
        good.as_bytes(),
        b"not json",
        good.as_bytes(),
        b"{\"email\":\"\xff\xfe@example.com\"}",
        b"",
        too_long.as_bytes(),
        br#"{"email":"a@b.c","phone":"+12025550123"}"#,
        br#"{"phone":"(202) 555-0123"}"#,
        good.as_bytes(),
    ] {
        input.extend_from_slice(line);
        input.push(b'\n');
    }

    let ran = run_with_input(uid2(&["hash", "--jsonl"]), input);

    assert_eq!(ran.status, 1);
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_good = |line: &Value| {
        *line == json!({"normalized": "user@example.com", "hash": HASH, "error": null})
    };
    let expected = [
        None,
        Some("not JSON"),
        None,
        Some("not UTF-8"),
        Some("empty"),
        Some("longer than"),
        Some("both"),
        Some("E.164"),
        None,
    ];
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(expected) {
        match expected {
            None => assert!(is_good(line), "{line}"),
            Some(why) => {
                assert!(line["error"].as_str().unwrap().contains(why), "{line}");
                assert!(
                    line["hash"].is_null() && line["normalized"].is_null(),
                    "{line}"
                );
            }
        }
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_single_address_or_number() {
    let ran = run(uid2(&["hash", "--email", " User @Example.com"]));
    assert_eq!(ran.status, 0);
    assert_eq!(
        ran.json(),
        json!({"normalized": "user@example.com", "hash": HASH, "error": null})
    );

    let ran = run(uid2(&["hash", "--phone", "+12345678901"]));
    assert_eq!(ran.status, 0);
    assert_eq!(
        ran.json()["hash"],
        "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4="
    );

    let ran = run(uid2(&["hash", "--phone", "202-555-0123"]));
    assert_eq!(ran.status, 1);
    assert!(ran.json()["error"].as_str().unwrap().contains("'+'"));
    ran.shows_nothing_of(&["555"]);
}

#[test]
fn exactly_one_kind_of_input() {
    for args in [
        &["hash"][..],
        &["hash", "--email", "a@b.c", "--phone", "+12025550123"],
        &["hash", "--jsonl", "--email", "a@b.c"],
        &["hash", "--email"],
        &["hash", "a@b.c"],
    ] {
        let ran = run(uid2(args));
        assert_eq!(ran.status, 2, "{args:?}");
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(ran.stderr.contains("--help"), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn one_can_talk_with_it_line_by_line() {
    let mut child = uid2(&["hash", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        stdin
            .write_all(b"{\"email\":\"user@example.com\"}\n")
            .unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(HASH), "{line}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_complain() {
    let mut child = uid2(&["hash", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let line = b"{\"email\":\"user@example.com\"}\n";
    stdin.write_all(line).unwrap();
    let mut first = [0; 10];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    for _ in 0..10_000 {
        if stdin.write_all(line).is_err() {
            break;
        }
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// What it takes does not grow with its input: not with the number of lines, nor
/// with the length of one.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    let mut child = uid2(&["hash", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    // One line of 64 MiB, and then many of them.
    for _ in 0..64 {
        stdin.write_all(&megabyte).unwrap();
    }
    let many = "\n{\"email\":\"user@example.com\"}".repeat(20_000);
    for _ in 0..8 {
        stdin.write_all(many.as_bytes()).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a peak");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(peak < 24 * 1024, "{peak} KiB");
}
