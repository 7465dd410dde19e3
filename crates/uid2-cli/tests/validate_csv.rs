//! `uid2 token validate --csv`, run as a program against the emulator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{EmulatorProcess, Ran, run};
use tempfile::TempDir;

struct Sheet {
    emulator: EmulatorProcess,
    folder: TempDir,
    token: String,
}

impl Sheet {
    fn new() -> Self {
        let emulator = EmulatorProcess::start(&[]);
        let generate = ["token", "generate", "--email", "user@example.com"];
        let token = run(emulator.uid2(&generate)).json()["identity"]["advertising_token"]
            .as_str()
            .unwrap()
            .to_owned();
        let folder = TempDir::new().unwrap();
        Self {
            emulator,
            folder,
            token,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Rows of which every third does not match.
    fn write(&self, rows: usize) {
        let mut text = String::from("n,token,email\n");
        for number in 0..rows {
            let email = match number % 3 {
                2 => "somebody@example.com",
                _ => "user@example.com",
            };
            text.push_str(&format!("{number},{},{email}\n", self.token));
        }
        fs::write(self.path("in.csv"), text).unwrap();
    }

    fn expected(rows: usize) -> String {
        let mut text = String::from("n,token,email,valid,error\n");
        for number in 0..rows {
            text.push_str(&format!("{number},{}\n", number % 3 != 2));
        }
        text
    }

    /// The output without tokens and addresses.
    fn found(&self) -> String {
        let text = self.text("out.csv");
        let mut lines = text.lines();
        let mut found = format!("{}\n", lines.next().unwrap());
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!((cells.len(), cells[4]), (5, ""), "{line}");
            found.push_str(&format!("{},{}\n", cells[0], cells[3]));
        }
        found
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.emulator.uid2(&["token", "validate", "--csv"]);
        command
            .arg(self.path("in.csv"))
            .arg("--output")
            .arg(self.path("out.csv"))
            .args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(self.command(args))
    }
}

#[test]
fn every_row_has_its_answer_in_order() {
    let sheet = Sheet::new();
    let token = &sheet.token;
    let text = format!(
        "uid2 token,email,phone,email_hash\n\
         {token},user@example.com,,\n\
         {token},,,tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=\n\
         {token},,+12025550123,\n\
         {token},jane.example.com,,\n\
         {token},user@example.com,+12025550123,\n\
         {token},,,nohash\n\
         ,user@example.com,,\n\
         A4AAAA,user@example.com,,\n\
         {token}\n\n\
         {token},,,\n"
    );
    fs::write(sheet.path("in.csv"), text).unwrap();
    let ran = sheet.run(&["--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    let expected = "valid,error\ntrue,\ntrue,\nfalse,\n,email_no_at\n,several_identities\n\
        ,invalid_hash\n,no_token\n,invalid_token\n,ragged\n,empty_line\n,no_identity\n";
    assert_eq!(sheet.text("out.csv"), expected);
    let summary = ran.json();
    assert_eq!(
        (&summary["rows"], &summary["checked"]),
        (&json!(11), &json!(3))
    );
    assert_eq!(
        (&summary["matching"], &summary["not_matching"]),
        (&json!(2), &json!(1))
    );
    assert!(!sheet.path("out.csv.resume").exists());
    ran.shows_nothing_of(&[token, "jane", "user@example.com"]);
}

/// Killed in the midst, and its last row torn: it goes on, and in the end all is
/// as if nothing had been.
#[test]
fn it_goes_on_after_a_kill() {
    const ROWS: usize = 3000;
    let sheet = Sheet::new();
    sheet.write(ROWS);
    let mut child = sheet
        .command(&["--keep-columns", "--in-flight", "4"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let done = || fs::metadata(sheet.path("out.csv")).map_or(0, |file| file.len());
    while done() < 20_000 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut output = fs::read(sheet.path("out.csv")).unwrap();
    let before = output.iter().filter(|byte| **byte == b'\n').count() - 1;
    assert!((1..ROWS).contains(&before), "{before} rows before the kill");
    output.extend_from_slice(b"\"torn, and not closed");
    fs::write(sheet.path("out.csv"), output).unwrap();

    let again = sheet.run(&["--keep-columns"]);
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("--resume"), "{}", again.stderr);
    let other = sheet.run(&["--resume", "--json"]);
    assert_eq!(other.json()["kind"], "resume_mismatch", "other options");

    let ran = sheet.run(&["--keep-columns", "--resume", "--json"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(sheet.found(), Sheet::expected(ROWS));
    let summary = ran.json();
    assert_eq!(summary["done_before"], before);
    assert_eq!(summary["rows"], ROWS);
    assert_eq!(summary["matching"], ROWS / 3 * 2);

    let complete = sheet.run(&["--keep-columns", "--resume", "--json"]);
    assert_eq!(complete.json()["kind"], "resume_mismatch");

    // Killed before the first byte.
    fs::write(sheet.path("out.csv"), "").unwrap();
    assert_eq!(sheet.run(&["--keep-columns", "--resume"]).status, 0);
    assert_eq!(sheet.found(), Sheet::expected(ROWS));
}

#[test]
fn nothing_else_is_gone_on_with() {
    let sheet = Sheet::new();
    sheet.write(5);
    // The operator is not there.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = sheet.command(&["--keep-columns", "--attempts", "1", "--json"]);
    command.env("UID2_BASE_URL", format!("http://{closed}"));
    let stopped = run(command);
    assert_eq!(
        (stopped.status, &stopped.json()["kind"]),
        (1, &json!("connect"))
    );
    let message = stopped.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("line 2") && message.contains("--resume"),
        "{message}"
    );
    assert_eq!(sheet.text("out.csv"), "n,token,email,valid,error\n");

    // Rows that are not ours are not counted, nor told.
    let input = sheet.text("in.csv");
    let begun = sheet.text("out.csv");
    fs::write(
        sheet.path("out.csv"),
        format!("{begun}a,b,c,,jane@example.com\n"),
    )
    .unwrap();
    let foreign = sheet.run(&["--keep-columns", "--resume", "--json"]);
    assert_eq!(foreign.json()["kind"], "resume_mismatch");
    foreign.shows_nothing_of(&["jane"]);
    fs::write(sheet.path("out.csv"), begun).unwrap();

    fs::write(sheet.path("in.csv"), format!("{input}{input}")).unwrap();
    let changed = sheet.run(&["--keep-columns", "--resume", "--json"]);
    assert_eq!(changed.json()["kind"], "resume_mismatch");
    assert!(changed.stdout.contains("changed"), "{}", changed.stdout);

    let anew = sheet.run(&["--keep-columns", "--overwrite"]);
    assert_eq!(anew.status, 1, "the header within is no address");
    assert_eq!(sheet.text("out.csv").lines().count(), 12);
}

/// Bounded, and an operator that fails now and then is asked again.
#[test]
fn calls_under_way_are_bounded_and_repeated() {
    let sheet = Sheet::new();
    sheet.write(60);
    let front = Front::start(
        sheet
            .emulator
            .url
            .trim_start_matches("http://")
            .parse()
            .unwrap(),
    );
    let mut command = sheet.command(&["--keep-columns", "--in-flight", "3"]);
    command.env("UID2_BASE_URL", format!("http://{}", front.address));
    let ran = run(command);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(sheet.found(), Sheet::expected(60));
    let most = front.most.load(Ordering::SeqCst);
    assert!((2..=3).contains(&most), "{most} at once");
    assert!(front.refused.load(Ordering::SeqCst) >= 5);
}

/// Stands before an operator: counts the requests that are under way, and answers
/// every tenth itself, with 503.
struct Front {
    address: SocketAddr,
    most: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Front {
    fn start(operator: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (most, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let told = (Arc::clone(&most), Arc::clone(&refused));
        let now = Arc::new(AtomicUsize::new(0));
        let count = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (most, refused) = (Arc::clone(&told.0), Arc::clone(&told.1));
                let (now, count) = (Arc::clone(&now), Arc::clone(&count));
                thread::spawn(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut stream = stream.unwrap();
                    let request = read_message(&mut stream);
                    let answer = match count.fetch_add(1, Ordering::SeqCst) % 10 {
                        9 => {
                            refused.fetch_add(1, Ordering::SeqCst);
                            b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                .to_vec()
                        }
                        _ => forward(operator, &request),
                    };
                    now.fetch_sub(1, Ordering::SeqCst);
                    let _ = stream.write_all(&answer);
                });
            }
        });
        Self {
            address,
            most,
            refused,
        }
    }
}

/// One exchange a connection, so that connections are requests.
fn forward(operator: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(operator).unwrap();
    stream.write_all(request).unwrap();
    let answer = read_message(&mut stream);
    let (head, body) = split(&answer).unwrap();
    let mut closing = head
        .replacen("\r\n", "\r\nConnection: close\r\n", 1)
        .into_bytes();
    closing.extend_from_slice(b"\r\n\r\n");
    closing.extend_from_slice(body);
    closing
}

fn split(message: &[u8]) -> Option<(String, &[u8])> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((
        String::from_utf8_lossy(&message[..end]).into_owned(),
        &message[end + 4..],
    ))
}

fn read_message(stream: &mut TcpStream) -> Vec<u8> {
    let mut message = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = split(&message) {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse::<usize>().unwrap());
            if body.len() >= length {
                return message;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return message,
            Ok(read) => message.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let sheet = Sheet::new();
    fs::write(sheet.path("in.csv"), "email\nuser@example.com\n").unwrap();
    let ran = sheet.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("--token-column"), "{}", ran.stderr);
    fs::write(sheet.path("in.csv"), "token\nA4AAAA\n").unwrap();
    let ran = sheet.run(&["--json"]);
    assert_eq!(ran.status, 2);
    let told: Value = ran.json();
    assert!(
        told["message"].as_str().unwrap().contains("--email-column"),
        "{told}"
    );
    assert!(!sheet.path("out.csv").exists());
    let mut no_output = sheet.emulator.uid2(&["token", "validate", "--csv"]);
    no_output.arg(sheet.path("in.csv"));
    let ran = run(no_output);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("--output"), "{}", ran.stderr);
}
