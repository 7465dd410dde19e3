//! What is the same for every command: completions, manual pages, exit statuses,
//! JSON where it is asked for, colours, and readers that go away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;
use support::{EmulatorProcess, run, run_with_input, uid2};

const README: &str = include_str!("../README.md");
const COMMANDS: [&str; 11] = [
    "demo",
    "site",
    "emulator",
    "hash",
    "token",
    "store",
    "inspect",
    "envelope",
    "doctor",
    "completions",
    "man",
];

/// Whether a program is there; what needs it is skipped, aloud, if it is not.
fn is_there(program: &str) -> bool {
    let there = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        println!("skipped: there is no {program}");
    }
    there
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(uid2(&["completions", shell]));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{shell}");
        for command in COMMANDS {
            assert!(ran.stdout.contains(command), "{command} for {shell}");
        }
        assert!(ran.stdout.contains("keep-columns"), "{shell}");
        assert!(
            !ran.stdout.contains("--secret-key\""),
            "hidden ones are not offered"
        );
    }
    assert_eq!(run(uid2(&["completions", "cmd"])).status, 2);
}

#[test]
fn shells_can_read_their_completions() {
    for (shell, program) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        if !is_there(program) {
            continue;
        }
        let script = run(uid2(&["completions", shell])).stdout;
        let mut check = Command::new(program);
        check.arg("-n");
        let ran = run_with_input(check, script);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{shell}");
    }
    if is_there("bash") {
        let script = run(uid2(&["completions", "bash"])).stdout;
        let ask =
            "\nCOMP_WORDS=(uid2 env); COMP_CWORD=1; _uid2 uid2 env uid2; echo ${COMPREPLY[@]}\n";
        let ran = run_with_input(Command::new("bash"), format!("{script}{ask}"));
        assert_eq!(ran.stdout, "envelope\n", "{}", ran.stderr);
    }
}

#[test]
fn there_is_a_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("man1");
    let ran = run(uid2(&["man", "--json", "--out", path.to_str().unwrap()]));
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let mut pages: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    pages.sort();
    assert_eq!(
        ran.json(),
        json!({"status": "success", "pages": pages.len()})
    );
    let names: Vec<String> = pages
        .iter()
        .map(|page| page.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    for name in [
        "uid2.1",
        "uid2-hash.1",
        "uid2-token-validate.1",
        "uid2-envelope-open.1",
    ] {
        assert!(names.iter().any(|page| page == name), "{name} in {names:?}");
    }
    for command in COMMANDS {
        assert!(names.contains(&format!("uid2-{command}.1")), "{command}");
    }
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        assert!(
            text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"),
            "{page:?}"
        );
        assert!(text.len() > 500, "{page:?}");
        if is_there("groff") {
            let mut groff = Command::new("groff");
            groff
                .args(["-K", "utf8", "-man", "-Tutf8", "-ww", "-z"])
                .arg(page);
            let ran = run(groff);
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{page:?}");
        }
    }
    let whole = run(uid2(&["man"]));
    assert!(
        whole.stdout.contains(".TH uid2 1"),
        "{}",
        &whole.stdout[..200]
    );
    let nowhere = run(uid2(&["man", "--out", "/proc/nowhere"]));
    assert_eq!(nowhere.status, 1);
}

/// Every status that the table has, and the table in both places.
#[test]
fn every_exit_status_comes_about() {
    let emulator = EmulatorProcess::start(&["--scope", "euid"]);
    let generate = |email: &str| emulator.uid2(&["token", "generate", "--email", email]);
    let mut no_consent = generate("user@example.com");
    no_consent.args(["--tcf-consent-string", &format!("C{}", "A".repeat(79))]);
    let found = [
        run(uid2(&["hash", "--email", "a@b.c"])).status,
        run(uid2(&["hash", "--email", "nobody"])).status,
        run(uid2(&["hash", "--mail", "a@b.c"])).status,
        run(generate("optout@example.com")).status,
        run(no_consent).status,
    ];
    assert_eq!(found, [0, 1, 2, 3, 4]);
    let help = run(uid2(&["--help"])).stdout;
    for status in 0..5 {
        assert!(
            help.contains(&format!("\n  {status}  ")),
            "{status} in {help}"
        );
        assert!(
            README.contains(&format!("\n| {status} | ")),
            "{status} in the README"
        );
    }
}

#[test]
fn the_readme_names_every_command() {
    for command in COMMANDS {
        assert!(README.contains(&format!("`uid2 {command}")), "{command}");
    }
}

/// Wherever something goes wrong, `--json` has it told as one line of JSON.
#[test]
fn every_failure_can_be_told_as_json() {
    for (args, status, kind) in [
        (&["demo", "--nothing"][..], 2, "usage"),
        (&[], 2, "usage"),
        (&["hash"], 2, "usage"),
        (&["emulator", "--config", "/nowhere.toml"], 1, "not_started"),
        (&["site", "--data", "/proc/nowhere"], 1, "not_started"),
        (&["site", "--origin", "http://a.b"], 2, "usage"),
        (&["site", "--base-url", "http://127.0.0.1:1"], 2, "usage"),
        (&["store", "stats", "/nowhere.db"], 1, "not_found"),
        (&["store", "stats", "a", "b"], 2, "usage"),
        (&["token", "generate", "--email", "a@b.c"], 2, "usage"),
        (&["token", "validate", "--csv", "/nowhere.csv"], 2, "usage"),
        (&["inspect", "nothing"], 1, "not_recognized"),
        (
            &["inspect", "A4AA", "--keys", "/nowhere"],
            1,
            "unreadable_file",
        ),
        (&["envelope", "seal"], 2, "usage"),
        (&["completions", "cmd"], 2, "usage"),
        (&["man", "--out", "/proc/nowhere"], 1, "unwritable_file"),
    ] {
        let ran = run(uid2(&[args, &["--json"]].concat()));
        assert_eq!((ran.status, ran.stderr.as_str()), (status, ""), "{args:?}");
        let told = ran.json();
        assert_eq!(
            (&told["status"], &told["kind"]),
            (&json!("error"), &json!(kind)),
            "{args:?}"
        );
        assert!(told["message"].as_str().unwrap().len() > 10, "{told}");
    }
}

#[test]
fn the_demo_in_json() {
    let ran = run(uid2(&["demo", "--json"]));
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let told = ran.json();
    assert_eq!(told["status"], "success");
    let steps = told["steps"].as_array().unwrap();
    assert!(steps.len() > 4 && steps.iter().all(|step| step["held"].as_u64().unwrap() > 0));
}

/// As `uid2 … | head -0` does.
#[test]
fn a_reader_that_is_gone_is_no_panic() {
    let emulator = EmulatorProcess::start(&[]);
    for args in [
        &["--help"][..],
        &["hash", "--email", "a@b.c"],
        &["hash", "--csv", "/dev/null"],
        &["token", "generate", "--email", "user@example.com"],
        &["inspect", "UID2-C-L-999-x"],
        &["completions", "bash"],
        &["man"],
        &["doctor"],
        &["doctor", "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = emulator.uid2(args);
        let output = command
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_some_and(|code| code < 5),
            "{args:?}: {stderr}"
        );
        assert!(!stderr.contains("panic"), "{args:?}: {stderr}");
    }
}

/// On a terminal there are colours, and with `NO_COLOR` none; in a pipe never.
#[test]
fn colours_are_for_terminals() {
    let piped = run(uid2(&["doctor"])).stdout;
    assert!(!piped.contains('\x1b'), "{piped}");
    if !is_there("script") {
        return;
    }
    let on_terminal = |no_color: Option<&str>| {
        let mut command = Command::new("script");
        let doctor = format!("{} doctor --offline", env!("CARGO_BIN_EXE_uid2"));
        command.args(["-q", "-c", &doctor, "/dev/null"]);
        command
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env_remove("UID2_BASE_URL");
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        run(command).stdout
    };
    let coloured = on_terminal(None);
    assert!(
        coloured.contains("\x1b[") && coloured.contains("UID2_BASE_URL"),
        "{coloured}"
    );
    let plain = on_terminal(Some("1"));
    assert!(
        !plain.contains('\x1b') && plain.contains("UID2_BASE_URL"),
        "{plain}"
    );
}
