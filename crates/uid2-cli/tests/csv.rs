//! `uid2 hash --csv`, run as a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use support::{Ran, run, run_with_input, uid2};
use uid2_core::{EmailHash, PhoneHash};

const HASH: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
const PHONE_HASH: &str = "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=";

fn hash(args: &[&str], input: impl Into<Vec<u8>>) -> Ran {
    run_with_input(uid2(&[&["hash", "--csv", "-"], args].concat()), input)
}

/// The rows of the output, read with the `csv` crate.
fn rows(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).delimiter(delimiter);
    builder
        .from_reader(text.as_bytes())
        .into_deserialize()
        .map(Result::unwrap)
        .collect()
}

/// The summary that went to stderr as JSON.
fn summary(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stderr).expect(&ran.stderr)
}

#[test]
fn quoting_delimiters_line_ends_and_marks() {
    let quoted = "\"note, with comma\",\"E-Mail\"\n\"a \"\"b\"\"\nc\",\" User@Example.com\"\n";
    for text in [
        quoted.to_owned(),
        format!("\u{feff}{quoted}"),
        quoted.replace("\"\n\"", "\"\r\n\""),
        "x;E-Mail\r\n1;user@example.com\r\n".to_owned(),
        "x\tE-Mail\n1\tuser@example.com".to_owned(),
        "user@example.com,1\n".to_owned(),
    ] {
        let delimiter = [b';', b'\t'];
        let delimiter = delimiter
            .into_iter()
            .find(|one| text.as_bytes().contains(one));
        let ran = hash(&[], text.as_str());
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let mut found = rows(&ran.stdout, delimiter.unwrap_or(b','));
        if text.contains("E-Mail") {
            assert_eq!(found.remove(0), ["email_hash", "error"], "{text:?}");
        }
        assert_eq!(found, [[HASH, ""]], "{text:?}");
        assert_eq!(ran.stderr, "1 rows: 1 hashed, 0 refused\n");
    }
}

#[test]
fn columns_are_kept_as_they_were() {
    let text = "id,\"name, full\",mail,tel\n1,\"Doe, \"\"J\"\"\",User@Example.com,\n2,\"two\nlines\",,+12345678901\n";
    let ran = hash(&["--keep-columns", "--normalized"], text);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let found = rows(&ran.stdout, b',');
    let names = [
        "id",
        "name, full",
        "mail",
        "tel",
        "email_normalized",
        "email_hash",
        "phone_normalized",
        "phone_hash",
        "error",
    ];
    assert_eq!(found[0], names);
    let first = [
        "1",
        "Doe, \"J\"",
        "User@Example.com",
        "",
        "user@example.com",
        HASH,
        "",
        "",
        "",
    ];
    assert_eq!(found[1], first);
    let second = [
        "2",
        "two\nlines",
        "",
        "+12345678901",
        "",
        "",
        "+12345678901",
        PHONE_HASH,
        "",
    ];
    assert_eq!(found[2], second);
}

/// Each is a row with a word for it, and none is lost or ends the others.
#[test]
fn every_fault_is_told_by_row() {
    let long = "x".repeat(300_000);
    let wide = ",".repeat(5000);
    let mut text = Vec::new();
    for line in [
        &b"email,x"[..],
        b"user@example.com,1",
        b"",
        b"jane.example.com,2",
        b"jane@a@b,3",
        b"user@example.com",
        b"user@example.com,1,2",
        b"\xff\xfe@example.com,4",
        b" ,5",
        long.as_bytes(),
        wide.as_bytes(),
        b"user@example.com,\x00\xff",
        b"\"unclosed,6",
        b"swallowed,7",
    ] {
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
    }
    let ran = hash(&["--json"], text);
    assert_eq!(ran.status, 1);
    let found = rows(&ran.stdout, b',');
    let errors: Vec<&str> = found.iter().skip(1).map(|row| row[1].as_str()).collect();
    let expected = [
        "",
        "empty_line",
        "email_no_at",
        "email_several_at",
        "ragged",
        "ragged",
        "not_utf8",
        "no_identity",
        "row_too_long",
        "too_many_columns",
        "",
        "unclosed_quote",
    ];
    assert_eq!(errors, expected);
    for row in found.iter().skip(1) {
        assert_eq!(row[0] == HASH, row[1].is_empty());
    }
    let summary = summary(&ran);
    assert_eq!(summary["status"], "incomplete");
    assert_eq!(
        (&summary["rows"], &summary["hashed"]),
        (&json!(12), &json!(2))
    );
    assert_eq!(summary["rejected"], 10);
    let ragged = json!({"reason": "ragged", "count": 2, "first_lines": [6, 7]});
    assert!(
        summary["rejects"].as_array().unwrap().contains(&ragged),
        "{summary}"
    );
    ran.shows_nothing_of(&["jane", "swallowed"]);
}

#[test]
fn the_order_is_kept_over_many_rows() {
    let mut text = String::from("n,email,phone\n");
    for number in 0..60_000 {
        match number % 3 {
            0 => text.push_str(&format!("{number},User.{number}@Gmail.com,\n")),
            1 => text.push_str(&format!("{number},,+1202{number:07}\n")),
            _ => text.push_str(&format!("{number},nobody,\n")),
        }
    }
    let ran = hash(&["--keep-columns", "--json"], text);
    assert_eq!(ran.status, 1);
    let found = rows(&ran.stdout, b',');
    assert_eq!(found.len(), 60_001);
    for (number, row) in found.iter().skip(1).enumerate() {
        assert_eq!(row[0], number.to_string());
        match number % 3 {
            0 => {
                let email = EmailHash::of(&format!("user{number}@gmail.com")).unwrap();
                assert_eq!(row[3], email.to_base64().as_str());
            }
            1 => {
                let phone = PhoneHash::of(&format!("+1202{number:07}")).unwrap();
                assert_eq!(row[4], phone.to_base64().as_str());
            }
            _ => assert_eq!(row[5], "email_no_at"),
        }
    }
    let summary = summary(&ran);
    assert_eq!(
        (&summary["rows"], &summary["hashed"]),
        (&json!(60_000), &json!(40_000))
    );
    let lines = &summary["rejects"][0]["first_lines"];
    assert_eq!(lines, &json!([4, 7, 10, 13, 16]));
}

#[test]
fn columns_by_name_and_number() {
    let text = "work,home,n\na@b.c,user@example.com,1\n";
    for column in ["home", "HOME", "2"] {
        let ran = hash(&["--email-column", column], text);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(rows(&ran.stdout, b',')[1], [HASH, ""], "{column}");
    }
    let none = hash(&["--email-column", "2", "--no-header"], text);
    assert_eq!(none.status, 1);
    assert_eq!(rows(&none.stdout, b','), [["", "email_no_at"], [HASH, ""]]);
    for (args, says) in [
        (&[][..], "columns 1 and 2"),
        (&["--email-column", "away"], "'away'"),
        (&["--email-column", "7"], "has 3"),
        (&["--phone-column", "2", "--email-column", "2"], "two kinds"),
        (&["--email-column", "home", "--no-header"], "number"),
    ] {
        let ran = hash(args, text);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
        ran.shows_nothing_of(&["a@b.c", "user@example.com"]);
    }
}

#[test]
fn files_that_cannot_be_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("in.csv"), "email\nuser@example.com\n").unwrap();
    let of = |args: &[&str]| run(uid2(&[&["hash", "--csv"], args].concat()));
    let (input, output) = (path("in.csv"), path("out.csv"));

    let first = of(&[&input, "--output", &output, "--json"]);
    assert_eq!(first.status, 0);
    let expected =
        json!({"status": "success", "rows": 1, "hashed": 1, "rejected": 0, "rejects": []});
    assert_eq!(first.json(), expected);
    assert_eq!(first.stderr, "");
    let written = format!("email_hash,error\n{HASH},\n");
    assert_eq!(fs::read_to_string(&output).unwrap(), written);

    for (args, kind) in [
        (&[input.as_str(), "--output", &output][..], "output_exists"),
        (&["/nowhere.csv"], "unreadable_file"),
        (&[folder.path().to_str().unwrap()], "unreadable_file"),
        (&[&input, "-o", "/nowhere/out.csv"], "unwritable_file"),
    ] {
        let plain = of(args);
        assert_eq!((plain.status, plain.stdout.as_str()), (1, ""), "{args:?}");
        assert!(plain.stderr.starts_with("error: "), "{}", plain.stderr);
        let told = of(&[args, &["--json"]].concat());
        assert_eq!((told.status, told.stderr.as_str()), (1, ""));
        assert_eq!(told.json()["kind"], kind, "{args:?}");
    }
    assert_eq!(of(&[&input, "-o", &output, "--overwrite"]).status, 0);
    assert_eq!(fs::read_to_string(&output).unwrap(), written);
    for (bytes, kind) in [
        (&b""[..], "empty_file"),
        (b"\xff\xfee\0m\0", "not_utf8"),
        (b"\nemail\n", "empty_line"),
        (b"\"email", "unclosed_quote"),
    ] {
        let ran = hash(&["--json"], bytes);
        assert_eq!((ran.status, &ran.json()["kind"]), (1, &json!(kind)));
    }
}

#[test]
fn options_for_files_need_a_file() {
    for args in [
        &["hash", "--email", "a@b.c", "--keep-columns"][..],
        &["hash", "--jsonl", "--email-column", "1"],
        &["hash", "--jsonl", "-o", "x"],
        &["hash", "--csv", "-", "--jsonl"],
        &["hash", "--csv", "-", "--delimiter", "ab"],
        &["hash", "--csv", "-", "--email-column", "0"],
    ] {
        let ran = run(uid2(args));
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
    }
}

fn start(args: &[&str]) -> Child {
    uid2(&[&["hash", "--csv", "-"], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// It says what it can before it waits for more.
#[test]
fn one_can_talk_with_it_row_by_row() {
    let mut child = start(&[]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdin.write_all(b"email\n").unwrap();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "email_hash,error\n");
    for _ in 0..3 {
        stdin.write_all(b"user@example.com\n").unwrap();
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{HASH},\n"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_complain() {
    let mut child = start(&[]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.write_all(b"email\n").unwrap();
    let mut first = [0; 10];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let rows = "user@example.com\n".repeat(1000);
    // It ends although its input does not.
    while stdin.write_all(rows.as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// What it takes does not grow with its input: not with the number of rows, nor
/// with the length of one, quoted or not, nor with its cells.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    let mut child = uid2(&["hash", "--csv", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"email,x\n").unwrap();
    let row = "user@example.com,1\n".repeat(50_000);
    let megabyte = vec![b'x'; 1 << 20];
    let commas = vec![b','; 1 << 20];
    for _ in 0..16 {
        stdin.write_all(row.as_bytes()).unwrap();
    }
    for (piece, before, after) in [
        (&megabyte, "", "\n"),
        (&megabyte, "\"", "\"\n"),
        (&commas, "", "\n"),
    ] {
        stdin.write_all(before.as_bytes()).unwrap();
        for _ in 0..64 {
            stdin.write_all(piece).unwrap();
        }
        stdin.write_all(after.as_bytes()).unwrap();
    }
    stdin.write_all(row.as_bytes()).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a peak");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(peak < 48 * 1024, "{peak} KiB");
}
