//! `uid2 inspect`, `envelope` and `doctor`, run as programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};
use support::{EmulatorProcess, Ran, run, run_with_input, uid2};

const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
const OTHER_SECRET: &str = "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=";
const KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
/// Of an official SDK's tests.
const TOKEN: &str = "AIAAAACkOqJj9VoxXJNnuX3v-ymceRf8_Av0vA5asOj9YBZJc1kV1vHdmb0AIjlzWnFF-gxIlgXqhRFhPo3iXpugPBl3gv4GKnGkw-Zgm2QqMsDPPLpMCYiWrIUqHPm8hQiq9PuTU-Ba9xecRsSIAN0WCwKLwA_EDVdzmnLJu64dQoeYmuu3u1G2EuTkuMrevmP98tJqSUePKwnfK73-0Zdshw";

fn inspect(text: &str) -> Ran {
    run_with_input(uid2(&["inspect", "-", "--json"]), text)
}

#[test]
fn what_the_outside_of_a_token_tells() {
    let told = run(uid2(&["inspect", TOKEN, "--json"])).json();
    let expected = [
        ("status", json!("success")),
        ("what", json!("advertising_token")),
        ("version", json!(4)),
        ("scope", json!("UID2")),
        ("kind", json!("email")),
        ("master_key_id", json!(164)),
        ("bytes", json!(163)),
        ("length", json!(218)),
    ];
    for (name, value) in expected {
        assert_eq!(told[name], value, "{name} of {told}");
    }
    let text = run(uid2(&["inspect", TOKEN])).stdout;
    assert!(text.starts_with("advertising token\n"), "{text}");
    assert!(!text.contains(&TOKEN[..20]), "{text}");
}

#[test]
fn keys_and_other_things_are_told_apart_and_never_repeated() {
    let raw_uid = format!("B{}", "A".repeat(43));
    for (text, what) in [
        (KEY, "api_key"),
        (
            "EUID-C-P-42-abcdef.ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR",
            "api_key",
        ),
        (
            "UID2-O-P-999-dp9Dt0.JVoGpynN4J8nMA7FxmzsavxJa8B9H74y9xdEE=",
            "operator_key",
        ),
        (
            "UID2-X-L-MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            "client_side_public_key",
        ),
        (
            "UID2-Y-L-MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcE",
            "client_side_private_key",
        ),
        ("UID2-C-L-999-tooshort", "malformed_api_key"),
        (SECRET, "32_bytes"),
    ] {
        let ran = inspect(text);
        assert_eq!(
            (ran.status, &ran.json()["what"]),
            (0, &json!(what)),
            "{}",
            ran.stdout
        );
        ran.shows_nothing_of(&[text, &text[13..], &text[text.len() - 8..]]);
    }
    let key = inspect(KEY).json();
    assert_eq!(
        (&key["environment"], &key["site_id"]),
        (&json!("local"), &json!(999))
    );
    let told = inspect(&raw_uid).json();
    assert_eq!(
        (&told["what"], &told["kind"]),
        (&json!("raw_uid"), &json!("phone"))
    );
    let altered = raw_uid.replacen('B', "/", 1);
    assert_eq!(
        inspect(&altered).status,
        1,
        "33 bytes with bits that no raw UID has"
    );
    // On the command line a secret is worth a warning.
    let typed = run(uid2(&["inspect", SECRET]));
    assert!(typed.stdout.contains("history"), "{}", typed.stdout);
    typed.shows_nothing_of(&[SECRET]);
    assert!(!inspect(SECRET).stdout.contains("history"));
}

#[test]
fn what_is_nothing_known_says_what_it_may_be() {
    for (text, says) in [
        ("", "nothing to inspect"),
        ("jane@example.com", "uid2 hash"),
        ("A4AA%2BAAA", "URL-encoded"),
        ("A4AA AAAA", "white space"),
        ("A4AA-AA+", "both base64"),
        ("AAAA", "nothing known"),
        ("{}", "not an identity"),
        (&TOKEN[..80].replace("AIAA", "/4//"), "nothing known"),
    ] {
        let ran = inspect(text);
        assert_eq!(
            (ran.status, &ran.json()["kind"]),
            (1, &json!("not_recognized")),
            "{text}"
        );
        assert!(ran.stdout.contains(says), "{text}: {}", ran.stdout);
        assert!(!ran.stdout.contains("jane"));
    }
    let cut = inspect(&TOKEN[..100]);
    assert!(cut.stdout.contains("cut off"), "{}", cut.stdout);
}

#[test]
fn the_inside_of_a_token_with_the_operators_keys() {
    let emulator = EmulatorProcess::start(&[]);
    let generate = ["token", "generate", "--email", "user@example.com"];
    let generated = run(emulator.uid2(&generate));
    let wire = generated.json()["identity"].clone();
    let token = wire["advertising_token"].as_str().unwrap();
    let refresh_token = wire["refresh_token"].as_str().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let printed = json!({
        "url": emulator.url, "api_key": emulator.api_key, "client_secret": emulator.client_secret,
    });
    let keys = path("emulator.json", printed.to_string());
    let inspect = |args: &[&str], input: &str| {
        let args = [&["inspect", "--keys", &keys, "--json", "-"], args].concat();
        run_with_input(uid2(&args), input)
    };
    let told = inspect(&[], token).json();
    let inside = &told["inside"];
    assert_eq!(
        (&inside["site_id"], &inside["usable_now"]),
        (&json!(999), &json!(true)),
        "{told}"
    );
    assert_eq!(inside["expires"], wire["identity_expires"]);
    assert!(inside["raw_uid"].is_null());
    let shown = inspect(&["--show-raw-uid"], token).json();
    assert!(shown["inside"]["raw_uid"].as_str().unwrap().len() >= 44);

    // All of an identity, as it was written.
    let whole = inspect(&[], &generated.stdout);
    let told = whole.json();
    assert_eq!(
        (&told["what"], &told["state"]),
        (&json!("identity"), &json!("fresh"))
    );
    assert_eq!(told["advertising_token"]["inside"]["site_id"], 999);
    assert_eq!(told["refresh_token"]["what"], "refresh_token");
    assert!(
        told["refresh_token"]["notes"][0]
            .as_str()
            .unwrap()
            .contains("never leave")
    );
    let key = wire["refresh_response_key"].as_str().unwrap();
    whole.shows_nothing_of(&[token, refresh_token, key, &emulator.client_secret]);

    // Altered, and with other keys.
    let altered = format!("{}AAAA{}", &token[..100], &token[104..]);
    assert_eq!(inspect(&[], &altered).json()["kind"], "does_not_open");
    let other = format!(r#"{{"keys":[{{"id":1,"secret":"{SECRET}"}}]}}"#);
    let keys = path("other.json", other);
    let ran = run(uid2(&["inspect", "--keys", &keys, token]));
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("fetch the keys again"),
        "{}",
        ran.stderr
    );
}

fn envelope(args: &[&str], input: impl Into<Vec<u8>>) -> Ran {
    let mut command = uid2(&[&["envelope"], args].concat());
    command.env("UID2_SECRET_KEY", SECRET);
    run_with_input(command, input)
}

const NONCE: &str = "0001020304050607";
const IV: &str = "000102030405060708090a0b";

#[test]
fn a_request_with_everything_given_is_a_known_answer() {
    let args = [
        "seal",
        "--timestamp",
        "1700000000000",
        "--nonce",
        NONCE,
        "--iv",
        IV,
    ];
    let sealed = envelope(&args, "{\"email\":\"user@example.com\"}\n");
    assert_eq!(sealed.status, 0, "{}", sealed.stderr);
    assert_eq!(
        sealed.stderr,
        format!("nonce {NONCE} timestamp 1700000000000\n")
    );
    assert!(
        sealed.stdout.starts_with("AQABAgMEBQYHCAkKC"),
        "{}",
        sealed.stdout
    );
    assert_eq!(
        sealed.stdout,
        envelope(&args, "{\"email\":\"user@example.com\"}").stdout
    );

    let opened = envelope(&["open", "--request", "--json"], sealed.stdout.clone());
    let told = opened.json();
    assert_eq!(told["payload"], json!({"email": "user@example.com"}));
    assert_eq!(
        (&told["nonce"], &told["timestamp"]),
        (&json!(NONCE), &json!(1_700_000_000_000_i64))
    );
    assert!(
        told["warning"].as_str().unwrap().contains("too old"),
        "{told}"
    );
    let plain = envelope(&["open", "--request"], sealed.stdout);
    assert_eq!(plain.stdout, "{\"email\":\"user@example.com\"}\n");
    assert!(
        plain.stderr.contains(&format!("nonce {NONCE}")),
        "{}",
        plain.stderr
    );
    // Drawn anew where nothing is given.
    let twice = [envelope(&["seal"], "{}"), envelope(&["seal"], "{}")];
    assert_ne!(twice[0].stdout, twice[1].stdout);
}

#[test]
fn responses_and_their_nonces() {
    let seal = ["seal", "--response", "--nonce", NONCE];
    let response = envelope(&seal, "{\"status\":\"success\"}").stdout;
    let open = |args: &[&str]| envelope(&[&["open"], args].concat(), response.clone());
    assert_eq!(
        open(&["--nonce", NONCE]).stdout,
        "{\"status\":\"success\"}\n"
    );
    assert_eq!(
        open(&["--nonce", "AAECAwQFBgc="]).stdout,
        "{\"status\":\"success\"}\n"
    );
    assert_eq!(open(&["--any-nonce", "--json"]).json()["nonce"], NONCE);
    let other = open(&["--nonce", "ffffffffffffffff", "--json"]);
    assert_eq!(
        (other.status, &other.json()["kind"]),
        (1, &json!("nonce_mismatch"))
    );
    for args in [
        &[][..],
        &["--nonce", "00"],
        &["--request", "--nonce", NONCE],
    ] {
        assert_eq!(open(args).status, 2, "{args:?}");
    }
}

#[test]
fn what_does_not_open_is_explained() {
    let sealed = envelope(&["seal"], "{}").stdout;
    let sealed = sealed.trim_end();
    let wrapped = format!("{}\n{}", &sealed[..20], &sealed[20..]);
    for (args, input, kind, says) in [
        (
            &["--request"][..],
            "{\"email\":\"jane@example.com\"}",
            "not_base64",
            "envelope seal",
        ),
        (&["--request"], wrapped.as_str(), "not_base64", "wrapping"),
        (&["--request"], "AQAA", "too_short", "cut off"),
        (&["--any-nonce"], sealed, "does_not_open", "--request"),
        (
            &["--any-nonce"],
            "{\"status\":\"unauthorized\"}",
            "not_base64",
            "not sealed",
        ),
        (&["--any-nonce"], "<html>", "not_base64", "web page"),
    ] {
        let ran = envelope(&[&["open", "--json"], args].concat(), input);
        assert_eq!(
            (ran.status, &ran.json()["kind"]),
            (1, &json!(kind)),
            "{input}"
        );
        assert!(ran.stdout.contains(says), "{}", ran.stdout);
        ran.shows_nothing_of(&["jane", SECRET]);
    }
    let mut other = uid2(&["envelope", "open", "--request"]);
    other.env("UID2_SECRET_KEY", OTHER_SECRET);
    let ran = run_with_input(other, sealed);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("Check encryption key (ClientSecret)"),
        "{}",
        ran.stderr
    );
    ran.shows_nothing_of(&[OTHER_SECRET]);
    let not_json = envelope(&["seal", "--json"], "{\"email\": jane}");
    assert_eq!(
        (not_json.status, &not_json.json()["kind"]),
        (1, &json!("not_json"))
    );
    not_json.shows_nothing_of(&["jane"]);
    let without = run_with_input(uid2(&["envelope", "seal"]), "{}");
    assert_eq!(without.status, 2);
    assert!(
        without.stderr.contains("UID2_SECRET_KEY"),
        "{}",
        without.stderr
    );
}

/// As somebody does who writes an integration by hand: seal, post, open.
#[test]
fn a_call_by_hand_in_both_encodings() {
    let emulator = EmulatorProcess::start(&[]);
    let payload = "{\"email\":\"user@example.com\"}";
    let text = envelope(&["seal", "--json"], payload).json();
    let nonce = text["nonce"].as_str().unwrap();
    let answer = post(
        &emulator,
        "text/plain",
        text["envelope"].as_str().unwrap().as_bytes(),
    );
    let opened = envelope(&["open", "--nonce", nonce, "--json"], answer);
    assert_eq!(
        opened.json()["payload"]["status"],
        "success",
        "{}",
        opened.stdout
    );

    let mut binary = uid2(&["envelope", "seal", "--binary", "--nonce", NONCE]);
    binary.env("UID2_SECRET_KEY", SECRET);
    let binary = raw_output(binary, payload.as_bytes());
    assert_eq!(binary[0], 1);
    let answer = post(&emulator, "application/octet-stream", &binary);
    let opened = envelope(&["open", "--binary", "--nonce", NONCE], answer);
    let told: Value = serde_json::from_str(&opened.stdout).unwrap();
    assert_eq!(told["status"], "success");
}

fn raw_output(mut command: std::process::Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn post(emulator: &EmulatorProcess, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut response = ureq::post(format!("{}/v2/token/generate", emulator.url))
        .header("Authorization", format!("Bearer {}", emulator.api_key))
        .header("Content-Type", content_type)
        .send(body)
        .unwrap();
    response.body_mut().read_to_vec().unwrap()
}

/// What the doctor says of each thing.
fn states(ran: &Ran) -> Vec<(String, String)> {
    let told = ran.json();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = told["checks"].as_array().unwrap();
    for check in checks {
        let needs_one = ["warn", "fail"].contains(&text(check, "status").as_str());
        assert_eq!(check["remedy"].is_string(), needs_one, "{check}");
    }
    let state = |check| (text(check, "name"), text(check, "status"));
    checks.iter().map(state).collect()
}

fn state(ran: &Ran, name: &str) -> String {
    let found = states(ran).into_iter().find(|(check, _)| check == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {}", ran.stdout))
        .1
}

#[test]
fn a_sound_setup_is_well() {
    let emulator = EmulatorProcess::start(&[]);
    let ran = run(emulator.uid2(&["doctor", "--json"]));
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    assert_eq!(ran.json()["status"], "ok");
    for (name, state) in states(&ran) {
        let expected = if name == "TLS" { "skip" } else { "ok" };
        // The emulator need not tell the time.
        assert!(
            state == expected || name == "clock",
            "{name}: {}",
            ran.stdout
        );
    }
    ran.shows_nothing_of(&[&emulator.api_key, &emulator.client_secret]);
    let text = run(emulator.uid2(&["doctor"])).stdout;
    assert!(
        text.lines()
            .all(|line| line.starts_with("ok") || line.starts_with("skip")),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn each_fault_is_found_where_it_is() {
    let emulator = EmulatorProcess::start(&[]);
    let with = |changes: &[(&str, &str)]| {
        let mut command = emulator.uid2(&["doctor", "--json"]);
        command.envs(changes.iter().copied());
        let ran = run(command);
        assert_eq!(ran.status, 1, "{changes:?}: {}", ran.stdout);
        ran.shows_nothing_of(&[&emulator.client_secret, OTHER_SECRET]);
        ran
    };
    let unknown = emulator.api_key.replace("999", "998");
    assert_eq!(
        state(&with(&[("UID2_SECRET_KEY", OTHER_SECRET)]), "credentials"),
        "fail"
    );
    assert_eq!(
        state(&with(&[("UID2_API_KEY", &unknown)]), "credentials"),
        "fail"
    );
    let exchanged = with(&[
        ("UID2_API_KEY", &emulator.client_secret),
        ("UID2_SECRET_KEY", &emulator.api_key),
    ]);
    assert_eq!(state(&exchanged, "client secret"), "fail");
    assert!(
        exchanged.stdout.contains("exchanged"),
        "{}",
        exchanged.stdout
    );
    let production = emulator.api_key.replace("-L-", "-P-");
    assert_eq!(
        state(&with(&[("UID2_API_KEY", &production)]), "environment"),
        "fail"
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = with(&[("UID2_BASE_URL", &format!("http://{closed}"))]);
    assert_eq!(state(&nobody, "connection"), "fail");
    assert_eq!(state(&nobody, "credentials"), "skip");
    let tls = with(&[("UID2_BASE_URL", &emulator.url.replace("http:", "https:"))]);
    assert_eq!(
        (state(&tls, "connection"), state(&tls, "TLS")),
        ("ok".into(), "fail".into())
    );
    let nowhere = with(&[("UID2_BASE_URL", "https://nowhere.invalid")]);
    assert_eq!(
        (state(&nowhere, "DNS"), state(&nowhere, "TLS")),
        ("fail".into(), "skip".into())
    );
    let insecure = with(&[("UID2_BASE_URL", "http://prod.uidapi.com")]);
    assert_eq!(state(&insecure, "base URL"), "fail");
    let path = with(&[("UID2_BASE_URL", &format!("{}/v2", emulator.url))]);
    assert_eq!(
        (state(&path, "operator"), state(&path, "credentials")),
        ("warn".into(), "fail".into())
    );
}

/// A server whose clock is an hour ahead.
#[test]
fn a_clock_that_is_wrong_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(later);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let mut command = uid2(&["doctor", "--json"]);
    command.env("UID2_BASE_URL", &url);
    let ran = run(command);
    assert_eq!(
        (ran.status, state(&ran, "clock").as_str()),
        (1, "fail"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("s behind the operator's"),
        "{}",
        ran.stdout
    );
}

#[test]
fn offline_it_looks_at_the_settings_only() {
    let mut command = uid2(&["doctor", "--offline", "--json"]);
    command
        .env("UID2_BASE_URL", "https://prod.uidapi.com")
        .env("UID2_API_KEY", KEY)
        .env("UID2_SECRET_KEY", SECRET);
    let ran = run(command);
    assert_eq!(
        (ran.status, state(&ran, "environment").as_str()),
        (1, "fail")
    );
    assert_eq!(
        (state(&ran, "DNS"), state(&ran, "client secret")),
        ("skip".into(), "ok".into())
    );
}
