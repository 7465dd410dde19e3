//! `uid2 store` as a script sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../../uid2-publisher/tests/shared_store/redis_server.rs"]
mod redis_server;
mod support;

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use redis_server::{RedisServer, is_installed};
use support::{Ran, run, uid2};
use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, opt_out};
use uid2_store::{FileStore, KeyRing, Precondition, RedisStore, TokenStore};

const NAMES: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn keys() -> String {
    format!("names {NAMES}\nkey 1 {KEY}\n")
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// Identities that expire far in the future, or that expired long ago, and opt-outs.
fn record(number: usize) -> Record {
    let (soon, far) = (Timestamp::from_secs(1 << 33), Timestamp::from_secs(1 << 34));
    match number % 3 {
        0 => identity(&format!("{number:0200}"), soon, far).unwrap(),
        1 => identity("old", Timestamp::from_secs(1), Timestamp::from_secs(2)).unwrap(),
        _ => opt_out(Timestamp::from_secs(1)),
    }
}

fn user(number: usize) -> String {
    format!("usecret-user-{number}")
}

async fn fill(store: &impl TokenStore, count: usize) {
    for number in 0..count {
        let (key, record) = (user(number), record(number));
        let put = store.put(key.as_bytes(), &record, Precondition::Any);
        put.await.unwrap();
    }
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A plain store of so many records.
    fn store(&self, name: &str, count: usize) -> String {
        block_on(async {
            let store = FileStore::open(self.path(name)).await.unwrap();
            fill(&store, count).await;
            store.close().await;
        });
        self.text(name)
    }

    fn keys(&self) -> String {
        std::fs::write(self.path("keys"), keys()).unwrap();
        self.text("keys")
    }
}

fn store(args: &[&str]) -> Ran {
    let ran = run(uid2(&[&["store"], args].concat()));
    // Neither keys nor users nor passwords, whatever happens.
    ran.shows_nothing_of(&[NAMES, KEY, "hunter22", "secret-user"]);
    ran
}

fn check_contents(store: &impl TokenStore, count: usize) {
    block_on(async {
        for number in 0..count {
            let entry = store.get(user(number).as_bytes()).await.unwrap();
            assert_eq!(entry.expect("copied").record, record(number), "{number}");
        }
    });
}

/// Damages the values of so many records.
fn damage(path: &Path, count: usize) {
    let file = rusqlite::Connection::open(path).unwrap();
    let changed = file.execute(
        "UPDATE records SET value = x'00112233' WHERE id IN (SELECT id FROM records ORDER BY id LIMIT ?1)",
        [i64::try_from(count).unwrap()],
    );
    assert_eq!(changed.unwrap(), count);
}

/// Runs a line of Lua with the name of the key in Redis that holds a user's record.
fn damage_in_redis(server: &RedisServer, user: &str, line: &str) {
    // Redis takes commands as lines of text.
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let script = format!("local name = redis.call('keys', '*:r:{user}')[1]; {line}; return 'OK'");
    writeln!(connection, "EVAL \"{script}\" 0\r").unwrap();
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"$2\r\n");
}

#[test]
fn a_plain_store_becomes_an_encrypted_one_and_plain_again() {
    let files = Files::new();
    let (plain, keys) = (files.store("plain.db", 700), files.keys());
    let (sealed, again) = (files.text("sealed.db"), files.text("again.db"));

    let ran = store(&["copy", &plain, &sealed, "--to-key-file", &keys]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("700 records copied from"),
        "{}",
        ran.stdout
    );
    // In a pipe there is no bar.
    assert_eq!(ran.stderr, "");
    let bytes = std::fs::read(files.path("sealed.db")).unwrap();
    assert!(!bytes.windows(11).any(|bytes| bytes == b"secret-user"));

    let mut back = uid2(&[
        "store",
        "copy",
        &sealed,
        &again,
        "--from-key-env",
        "KEYS",
        "--json",
    ]);
    back.env("KEYS", self::keys());
    let ran = run(back);
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let expected = serde_json::json!({"status": "success", "copied": 700, "kept": 0, "failed": 0});
    assert_eq!(ran.json(), expected);
    ran.shows_nothing_of(&[NAMES, KEY]);

    let opened = block_on(FileStore::open(&again)).unwrap();
    check_contents(&opened, 700);

    // Once more: nothing is left to do.
    let ran = store(&["copy", &plain, &sealed, "--to-key-file", &keys, "--json"]);
    assert_eq!(ran.json()["kept"], 700);
    assert_eq!(ran.status, 0);
}

#[test]
fn a_file_goes_to_redis_and_back() {
    if !is_installed("a_file_goes_to_redis_and_back") {
        return;
    }
    let files = Files::new();
    let (plain, keys) = (files.store("plain.db", 600), files.keys());
    let server = RedisServer::start(&["--requirepass", "hunter22"]);
    let url = format!("redis://:hunter22@127.0.0.1:{}", server.port());

    let ran = store(&[
        "copy",
        &plain,
        &url,
        "--to-key-file",
        &keys,
        "--to-prefix",
        "new",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let place = format!("to Redis at 127.0.0.1:{}", server.port());
    assert!(ran.stdout.contains(&place), "{}", ran.stdout);
    let ring: KeyRing = self::keys().parse().unwrap();
    block_on(async {
        let options = RedisStore::options().prefix("new").encrypt(ring);
        let redis = options.connect(&url).await.unwrap();
        assert_eq!(redis.stats().await.unwrap().opt_outs, 200);
        let entry = redis.get(user(3).as_bytes()).await.unwrap();
        assert_eq!(entry.unwrap().record, record(3));
    });

    let here = ["--key-file", &keys, "--prefix", "new", "--json"];
    let ran = store(&[&["stats", &url], &here[..]].concat());
    let expected = serde_json::json!(
        {"status": "success", "records": 600, "opt_outs": 200, "refreshable": 400}
    );
    assert_eq!(ran.json(), expected);
    let ran = store(&[&["purge", &url], &here[..]].concat());
    assert_eq!(
        ran.json(),
        serde_json::json!({"status": "success", "purged": 200})
    );
    let ran = store(&[&["verify", &url], &here[..]].concat());
    let sound = serde_json::json!({"status": "success", "records": 400, "damaged": 0, "newer": 0});
    assert_eq!((ran.status, ran.json()), (0, sound));

    // The URL from the environment, which `ps` does not show.
    let back = files.text("back.db");
    let mut copy = uid2(&[
        "store",
        "copy",
        "env:THE_URL",
        &back,
        "--from-prefix",
        "new",
    ]);
    copy.args(["--from-key-file", &keys, "--json"])
        .env("THE_URL", &url);
    let ran = run(copy);
    assert_eq!(ran.json()["copied"], 400, "{}", ran.stdout);
    let opened = block_on(FileStore::open(&back)).unwrap();
    let entry = block_on(opened.get(user(599).as_bytes())).unwrap();
    assert_eq!(entry.unwrap().record, record(599));
}

#[test]
fn who_only_looks_leaves_redis_as_it_is() {
    if !is_installed("who_only_looks_leaves_redis_as_it_is") {
        return;
    }
    let server = RedisServer::start(&[]);
    for command in ["stats", "verify"] {
        let ran = store(&[command, &server.url(), "--json"]);
        let found = (ran.status, &ran.json()["kind"]);
        assert_eq!(found, (1, &"not_a_store".into()), "{command}");
    }
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection.write_all(b"DBSIZE\r\n").unwrap();
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b":0\r\n");
}

#[test]
fn a_damaged_record_in_redis_is_found() {
    if !is_installed("a_damaged_record_in_redis_is_found") {
        return;
    }
    let server = RedisServer::start(&[]);
    let url = server.url();
    block_on(async {
        let redis = RedisStore::connect(&url).await.unwrap();
        fill(&redis, 30).await;
    });
    // One has another value than was written, the other none at all.
    damage_in_redis(
        &server,
        &user(7),
        "redis.call('hset', name, 'd', 'rubbish')",
    );
    damage_in_redis(&server, &user(8), "redis.call('hdel', name, 'd')");

    let ran = store(&["verify", &url, "--json"]);
    assert_eq!((ran.status, &ran.json()["damaged"]), (1, &2.into()));
    let ran = run(uid2(&["store", "verify", &url, "--json", "--show-keys"]));
    let mut named: Vec<String> = serde_json::from_value(ran.json()["keys"].clone()).unwrap();
    named.sort();
    assert_eq!(named, [user(7), user(8)]);
    let ran = store(&["copy", &url, &Files::new().text("copy.db"), "--json"]);
    assert_eq!(ran.status, 1);
    let expected =
        serde_json::json!({"status": "incomplete", "copied": 28, "kept": 0, "failed": 2});
    assert_eq!(ran.json(), expected);
}

#[test]
fn stats_of_a_file_also_while_it_is_open() {
    let files = Files::new();
    let path = files.store("a.db", 30);
    let open = block_on(FileStore::open(&path)).unwrap();
    let ran = store(&["stats", &path, "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let json = ran.json();
    for (name, count) in [("records", 30), ("opt_outs", 10), ("refreshable", 20)] {
        assert_eq!(json[name], count, "{name}");
    }
    assert!(json["file_bytes"].as_u64().unwrap() > 0);
    let ran = store(&["stats", &path]);
    assert!(
        ran.stdout.contains("opt-outs") && ran.stdout.contains("10"),
        "{}",
        ran.stdout
    );
    // What would change it has to wait.
    let ran = store(&["purge", &path, "--json"]);
    assert_eq!(
        (ran.status, &ran.json()["kind"]),
        (1, &"already_open".into())
    );
    block_on(open.close());
}

#[test]
fn purge_takes_what_has_long_expired_and_nothing_else() {
    let files = Files::new();
    let path = files.store("a.db", 30);
    let ran = store(&["purge", &path, "--expired-for", "40000d", "--json"]);
    assert_eq!(ran.json()["purged"], 0);
    let ran = store(&["purge", &path, "--compact"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "10 records purged\n")
    );
    let ran = store(&["stats", &path, "--json"]);
    assert_eq!(ran.json()["opt_outs"], 10);
    assert_eq!(ran.json()["records"], 20);
    assert_eq!(ran.json()["free_bytes"], 0);
}

#[test]
fn verify_counts_what_is_damaged_and_names_it_only_when_asked() {
    let files = Files::new();
    let path = files.store("a.db", 30);
    let ran = store(&["verify", &path]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "30 records read, all as they were written\n")
    );
    damage(&files.path("a.db"), 3);

    let ran = store(&["verify", &path]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("3 damaged"), "{}", ran.stdout);
    let ran = store(&["verify", &path, "--json"]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.json()["status"], "damaged");
    assert_eq!(
        (&ran.json()["damaged"], &ran.json()["records"]),
        (&3.into(), &30.into())
    );
    assert_eq!(ran.json()["keys"], serde_json::Value::Null);

    let ran = run(uid2(&["store", "verify", &path, "--json", "--show-keys"]));
    assert_eq!(
        ran.json()["keys"],
        serde_json::json!([user(0), user(1), user(2)])
    );
    let ran = run(uid2(&["store", "verify", &path, "--show-keys"]));
    assert!(
        ran.stdout.contains(&format!("\n  {}\n", user(2))),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn in_an_encrypted_store_only_hashes_can_be_named() {
    let files = Files::new();
    let (plain, keys, sealed) = (files.store("a.db", 9), files.keys(), files.text("b.db"));
    let ran = store(&["copy", &plain, &sealed, "--to-key-file", &keys]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    damage(&files.path("b.db"), 1);
    let ran = store(&[
        "verify",
        &sealed,
        "--key-file",
        &keys,
        "--json",
        "--show-keys",
    ]);
    let named = ran.json()["keys"][0].as_str().unwrap().to_owned();
    assert!(
        named.starts_with("hex:") && named.len() == 4 + 64,
        "{named}"
    );
}

#[test]
fn each_failure_has_its_kind() {
    let files = Files::new();
    let (plain, keys) = (files.store("a.db", 3), files.keys());
    let (missing, other) = (files.text("missing.db"), files.text("other.db"));
    std::fs::write(files.path("text"), "names hunter22\n").unwrap();
    let text = files.text("text");
    let cases: [(&[&str], &str); 8] = [
        (&["stats", &missing], "not_found"),
        (&["purge", &missing], "not_found"),
        (&["copy", &missing, &other], "not_found"),
        (&["verify", &text], "not_a_store"),
        (&["stats", &plain, "--key-file", &keys], "not_encrypted"),
        (&["stats", &plain, "--key-file", &text], "invalid_keys"),
        (
            &["stats", &plain, "--key-env", "NOT_SET_AT_ALL"],
            "invalid_keys",
        ),
        (&["stats", "redis://:hunter22@"], "refused"),
    ];
    for (args, kind) in cases {
        let ran = store(&[args, &["--json"]].concat());
        assert_eq!(ran.status, 1, "{args:?}");
        assert_eq!(ran.json()["kind"], kind, "{args:?}: {}", ran.stdout);
        let ran = store(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{args:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    // Nothing was made on the way.
    assert!(!files.path("missing.db").exists() && !files.path("other.db").exists());
}

#[test]
fn a_wrong_command_line_is_told_without_repeating_it() {
    let files = Files::new();
    let path = files.store("a.db", 1);
    let url = "redis://user:hunter22@localhost";
    let cases: [&[&str]; 7] = [
        &["stats"],
        &["stats", &path, url],
        &["copy", &path, url, url],
        &["copy", url, url],
        &["copy", &path, &path],
        &["stats", "https://user:hunter22@localhost"],
        &["stats", "env:NOT_SET_AT_ALL"],
    ];
    for args in cases {
        let ran = store(args);
        assert_eq!(
            (ran.status, ran.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            ran.stderr
        );
    }
}
