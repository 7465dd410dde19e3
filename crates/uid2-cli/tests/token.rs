//! `uid2 token`, run as a program against `uid2 emulator`.

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

const MEMBERS: [&str; 6] = [
    "advertising_token",
    "identity_expires",
    "refresh_expires",
    "refresh_from",
    "refresh_response_key",
    "refresh_token",
];
/// Of another client of the emulator.
const OTHER_SECRET: &str = "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=";

/// Asserts an error of this kind, and gives its message.
fn error(ran: &Ran, kind: &str, http_status: Option<u16>) -> String {
    let json = ran.json();
    assert_eq!(ran.status, 1, "{json}");
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(names, ["http_status", "kind", "message", "status"]);
    assert_eq!(json["status"], "error");
    assert_eq!(json["kind"], kind, "{json}");
    assert_eq!(json["http_status"], json!(http_status), "{json}");
    assert_eq!(ran.stderr, "");
    json["message"].as_str().unwrap().to_owned()
}

fn identity(ran: &Ran) -> Value {
    let mut json = ran.json();
    assert_eq!(ran.status, 0, "{json}");
    assert_eq!(json["status"], "success");
    assert_eq!(json.as_object().unwrap().len(), 2, "{json}");
    let identity = json["identity"].take();
    let names: Vec<&String> = identity.as_object().unwrap().keys().collect();
    assert_eq!(names, MEMBERS);
    identity
}

#[test]
fn generate_refresh_and_validate() {
    let emulator = EmulatorProcess::start(&[]);
    let given: [[&str; 2]; 4] = [
        ["--email", " User@Example.com"],
        ["--phone", "+12345678901"],
        [
            "--email-hash",
            "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
        ],
        [
            "--phone-hash",
            "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=",
        ],
    ];
    for [flag, value] in given {
        let generated = run(emulator.uid2(&["token", "generate", flag, value]));
        let first = identity(&generated);

        // What our own command wrote, and what stands on the wire.
        for input in [generated.stdout.clone(), first.to_string()] {
            let refresh = emulator.uid2(&["token", "refresh", "--identity", "-"]);
            let refreshed = identity(&run_with_input(refresh, input));
            assert_ne!(refreshed["advertising_token"], first["advertising_token"]);
            assert_ne!(refreshed["refresh_token"], first["refresh_token"]);
        }

        let token = first["advertising_token"].as_str().unwrap();
        let validate = |flag, value| {
            let ran = run(emulator.uid2(&["token", "validate", "--token", token, flag, value]));
            assert_eq!(ran.status, 0);
            ran.json()
        };
        assert_eq!(
            validate(flag, value),
            json!({"status": "success", "valid": true})
        );
        assert_eq!(
            validate("--email", "somebody@example.com"),
            json!({"status": "success", "valid": false})
        );
    }
}

#[test]
fn an_identity_in_a_file() {
    let emulator = EmulatorProcess::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.json");
    let file = file.to_str().unwrap();
    let generated = run(emulator.uid2(&["token", "generate", "--email", "user@example.com"]));
    std::fs::write(file, &generated.stdout).unwrap();
    identity(&run(emulator.uid2(&[
        "token",
        "refresh",
        "--identity",
        file,
    ])));

    let missing = run(emulator.uid2(&["token", "refresh", "--identity", "/nowhere/identity.json"]));
    assert!(error(&missing, "unreadable_file", None).contains("/nowhere/identity.json"));
    for (input, says) in [
        ("", "not valid JSON"),
        (r#"{"status":"optout"}"#, "'advertising_token' is missing"),
        ("[1]", "an array"),
    ] {
        let refresh = emulator.uid2(&["token", "refresh", "--identity", "-"]);
        let message = error(&run_with_input(refresh, input), "invalid_identity", None);
        assert!(message.contains(says), "{message}");
    }
    let refresh = emulator.uid2(&["token", "refresh", "--identity", "-"]);
    let huge = run_with_input(refresh, vec![b' '; 2 << 20]);
    assert!(error(&huge, "invalid_identity", None).contains("too large"));
}

#[test]
fn opt_outs_have_a_status_of_their_own() {
    let emulator = EmulatorProcess::start(&[]);
    for given in [
        ["--email", "optout@example.com"],
        ["--phone", "+00000000000"],
    ] {
        let ran = run(emulator.uid2(&[&["token", "generate"][..], &given].concat()));
        assert_eq!(ran.status, 3);
        assert_eq!(ran.json(), json!({"status": "optout"}));
    }
    let generate = ["token", "generate", "--email", "refresh-optout@example.com"];
    let generated = run(emulator.uid2(&generate));
    identity(&generated);
    let refresh = emulator.uid2(&["token", "refresh", "--identity", "-"]);
    let ran = run_with_input(refresh, generated.stdout);
    assert_eq!(ran.status, 3);
    assert_eq!(ran.json(), json!({"status": "optout"}));
}

#[test]
fn consent_that_does_not_suffice_has_too() {
    let emulator = EmulatorProcess::start(&["--scope", "euid"]);
    let generate = ["token", "generate", "--email", "user@example.com"];
    identity(&run(emulator.uid2(&generate)));

    // A well-formed string that grants nothing.
    let nothing = format!("C{}", "A".repeat(79));
    let mut command = emulator.uid2(&generate);
    command.args(["--tcf-consent-string", &nothing]);
    let ran = run(command);
    assert_eq!(ran.status, 4);
    assert_eq!(ran.json(), json!({"status": "insufficient_user_consent"}));

    let mut command = emulator.uid2(&generate);
    command.args(["--tcf-consent-string", "?"]);
    error(&run(command), "invalid_consent", Some(400));

    let phone = run(emulator.uid2(&["token", "generate", "--phone", "+12025550123"]));
    error(&phone, "missing_parameter", Some(400));
}

#[test]
fn wrong_credentials_are_told_apart_and_never_shown() {
    let emulator = EmulatorProcess::start(&[]);
    let generate = ["token", "generate", "--email", "user@example.com"];
    let unknown_key = emulator.api_key.replace("999", "998");
    let own_key = emulator.api_key.as_str();
    let cases = [
        (own_key, OTHER_SECRET, "wrong_secret", Some(400)),
        (
            &unknown_key,
            &emulator.client_secret,
            "unauthorized",
            Some(401),
        ),
        (
            &own_key[..30],
            &emulator.client_secret,
            "invalid_api_key",
            None,
        ),
        (own_key, "c2VjcmV0IHNlY3JldA==", "invalid_secret_key", None),
        (own_key, "not base64 but secret", "invalid_secret_key", None),
    ];
    for (key, secret, kind, http_status) in cases {
        let mut by_environment = emulator.uid2(&generate);
        by_environment
            .env("UID2_API_KEY", key)
            .env("UID2_SECRET_KEY", secret);
        let mut by_stdin = emulator.uid2(&generate);
        by_stdin
            .args(["--secret-key-file", "-"])
            .env("UID2_API_KEY", key);
        for ran in [run(by_environment), run_with_input(by_stdin, secret)] {
            error(&ran, kind, http_status);
            ran.shows_nothing_of(&[key, secret, "user@example.com"]);
        }
    }
}

#[test]
fn credentials_are_not_taken_from_the_command_line() {
    let emulator = EmulatorProcess::start(&[]);
    for args in [
        ["--api-key", "the-api-key"],
        ["--secret-key", "the-secret"],
        ["--api-key-file", "-"],
    ] {
        let generate = ["token", "generate", "--email", "user@example.com"];
        let mut command = emulator.uid2(&[&generate[..], &args].concat());
        command.args(["--secret-key-file", "-"]);
        let ran = run(command);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
        ran.shows_nothing_of(&["the-api-key", "the-secret"]);
    }
}

#[test]
fn secrets_may_come_from_files_which_go_first() {
    let emulator = EmulatorProcess::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, contents: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = write("key", &format!("{}\n", emulator.api_key));
    let secret = write("secret", &format!("{}\r\n", emulator.client_secret));
    let generate = |key: &str, secret: &str| {
        let mut command = uid2(&["token", "generate", "--email", "user@example.com"]);
        command
            .args(["--base-url", &emulator.url])
            .args(["--api-key-file", key, "--secret-key-file", secret])
            .env("UID2_API_KEY", "of no use")
            .env("UID2_SECRET_KEY", OTHER_SECRET);
        run(command)
    };
    identity(&generate(&key, &secret));

    let nowhere = error(&generate("/nowhere/key", &secret), "unreadable_file", None);
    assert!(nowhere.contains("/nowhere/key"), "{nowhere}");
    let large = write("large", &"k".repeat(5000));
    assert!(error(&generate(&key, &large), "unreadable_file", None).contains("too large"));
    error(
        &generate(&write("empty", "\n"), &secret),
        "invalid_api_key",
        None,
    );
    // A file that is handed in by mistake is not repeated.
    let diary = write("diary", "dear diary, today\n");
    generate(&key, &diary).shows_nothing_of(&["diary, today", OTHER_SECRET]);
}

#[test]
fn what_is_missing_is_a_usage_error_that_says_how_to_give_it() {
    let generate = ["token", "generate", "--email", "user@example.com"];
    for (environment, names) in [
        (&[][..], ["UID2_BASE_URL", "--base-url"]),
        (
            &[("UID2_BASE_URL", "http://127.0.0.1:9")],
            ["UID2_API_KEY", "--api-key-file"],
        ),
        (
            &[
                ("UID2_BASE_URL", "http://127.0.0.1:9"),
                ("UID2_API_KEY", "k"),
            ],
            ["UID2_SECRET_KEY", "--secret-key-file"],
        ),
        (
            &[
                ("UID2_BASE_URL", "http://127.0.0.1:9"),
                ("UID2_API_KEY", " "),
            ],
            ["UID2_API_KEY", "--api-key"],
        ),
    ] {
        let mut command = uid2(&generate);
        command.envs(environment.iter().copied());
        let ran = run(command);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        for name in names {
            assert!(ran.stderr.contains(name), "{}", ran.stderr);
        }
    }
    for args in [
        &["token"][..],
        &["token", "generate"],
        &[
            "token",
            "generate",
            "--email",
            "a@b.c",
            "--phone",
            "+12025550123",
        ],
        &["token", "refresh"],
        &["token", "validate", "--email", "a@b.c"],
        &["token", "generate", "--mail", "a@b.c"],
    ] {
        let ran = run(uid2(args));
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.contains("Usage:"), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn bad_dii_is_refused_before_anything_is_sent() {
    // Nobody listens there: a call would end in another error.
    let base_url = "http://127.0.0.1:9";
    for (flag, value, kind) in [
        ("--email", "jane.example.com", "invalid_email"),
        ("--phone", "202-555-0123", "invalid_phone"),
        ("--email-hash", "jane@example.com", "invalid_hash"),
        ("--phone-hash", "+12025550123", "invalid_hash"),
    ] {
        for mut args in [
            vec!["token", "generate"],
            vec!["token", "validate", "--token", "A4AAAA"],
        ] {
            args.extend(["--base-url", base_url, flag, value]);
            let ran = run(uid2(&args));
            error(&ran, kind, None);
            ran.shows_nothing_of(&[value]);
        }
    }
}

#[test]
fn bad_base_urls() {
    let emulator = EmulatorProcess::start(&[]);
    let generate = |base_url: &str| {
        let args = [
            "token",
            "generate",
            "--email",
            "user@example.com",
            "--base-url",
            base_url,
        ];
        run(emulator.uid2(&args))
    };
    let insecure = error(&generate("http://prod.uidapi.com"), "insecure_url", None);
    assert!(insecure.contains("https"), "{insecure}");
    error(&generate("prod.uidapi.com"), "invalid_base_url", None);
    error(
        &generate("https://user:pass@prod.uidapi.com"),
        "invalid_base_url",
        None,
    );
    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    error(&generate(&format!("http://{closed}")), "connect", None);
    // An operator, but not at this path.
    let elsewhere = error(
        &generate(&format!("{}/elsewhere", emulator.url)),
        "not_found",
        Some(404),
    );
    assert!(elsewhere.contains("base URL"), "{elsewhere}");
    // The port does not speak TLS.
    let tls = emulator.url.replace("http://", "https://");
    error(&generate(&tls), "tls", None);
}

#[test]
fn something_else_than_an_operator() {
    let emulator = EmulatorProcess::start(&[]);
    let answer = |head: &str, body: &str| {
        let length = body.len();
        let (url, server) = serve_once(format!(
            "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let args = [
            "token",
            "generate",
            "--email",
            "user@example.com",
            "--base-url",
            &url,
        ];
        let ran = run(emulator.uid2(&args));
        server.join().unwrap();
        ran
    };
    let page = answer(
        "200 OK\r\nContent-Type: text/html",
        "<html>Sign in to the network</html>",
    );
    error(&page, "not_an_operator", Some(200));
    error(
        &answer("200 OK", r#"{"status":"success"}"#),
        "not_sealed",
        Some(200),
    );
    let redirect = answer("302 Found\r\nLocation: https://example.com/", "");
    error(&redirect, "redirected", Some(302));
    let later = answer("429 Too Many Requests\r\nRetry-After: 3600", "");
    error(&later, "rate_limited", Some(429));
    let drift = answer(
        "400 Bad Request\r\nContent-Type: application/json",
        r#"{"status":"client_error","message":"Invalid timestamp: Request too old or client time drift."}"#,
    );
    assert!(error(&drift, "clock_drift", Some(400)).contains("clock"));
}

/// Gives this answer to the first request that comes, whatever it is.
fn serve_once(response: String) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        stream.write_all(response.as_bytes()).unwrap();
    });
    (url, server)
}

/// To its end: closing before that would reset the connection.
fn read_request(stream: &mut impl Read) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the request is cut off");
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, length)| length.trim().parse::<usize>().unwrap());
        if body.len() >= length.expect("a length") {
            return;
        }
    }
}

#[test]
fn refused_tokens() {
    let emulator = EmulatorProcess::start(&[]);
    let validate = [
        "token",
        "validate",
        "--token",
        "A4AAAA",
        "--email",
        "user@example.com",
    ];
    error(&run(emulator.uid2(&validate)), "invalid_token", Some(400));

    let generate = ["token", "generate", "--email", "user@example.com"];
    let mut foreign = identity(&run(emulator.uid2(&generate)));
    let token = foreign["refresh_token"].as_str().unwrap();
    let altered = format!("{}AAAA{}", &token[..100], &token[104..]);
    foreign["refresh_token"] = json!(altered);
    let refresh = emulator.uid2(&["token", "refresh", "--identity", "-"]);
    let ran = run_with_input(refresh, foreign.to_string());
    let message = error(&ran, "invalid_refresh_token", Some(400));
    assert!(message.contains("sign in again"), "{message}");
    ran.shows_nothing_of(&[&altered, &altered[..60]]);
}
