//! What is done to the store, and what must be in it then.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, KeyRing, Precondition, StoreError, TokenStore};

use crate::ENOSPC;
use crate::log::{self, Entry};
use crate::shim::Fault;

/// Puts and removals of some users, a compaction, a backup, and a restart.
pub(crate) const LONG: &str = "long";
/// A put, and a removal of the same user.
pub(crate) const REMOVAL: &str = "removal";

const KEYS: u64 = 9;
const STEPS: u64 = 30;
/// Before these steps.
const COMPACT: u64 = 12;
const BACKUP: u64 = 16;
const REOPEN: u64 = 20;

/// The record that a step writes, or `None` where it removes.
fn record(key: u64, step: u64) -> Option<Record> {
    let time = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(step).unwrap());
    let text = format!("{key}-{step}-").repeat(usize::try_from(1 + step * 37 % 500).unwrap());
    match (key + step) % 7 {
        0 => None,
        1 => Some(opt_out(time)),
        2 => Some(logged_out(time, time)),
        _ => Some(identity(&text, time, Timestamp::from_secs(1 << 33)).unwrap()),
    }
}

fn name(key: u64) -> String {
    format!("user-{key}")
}

async fn open(path: &Path, encrypted: bool) -> Result<FileStore, StoreError> {
    // Every read goes to the file.
    let options = FileStore::options().cache(0);
    let options = if encrypted {
        options.encrypt(KeyRing::new([1; 32], 1, [2; 32]))
    } else {
        options
    };
    options.open(path).await
}

/// What must be in the store.
#[derive(Default)]
struct Truth(BTreeMap<u64, Known>);

/// A user is as the last step that was acknowledged left it, or as one that was
/// begun after it and failed, or was cut off.
#[derive(Default)]
struct Known {
    done: Option<u64>,
    begun: Vec<u64>,
}

impl Truth {
    fn at_end_of(log: &[Entry]) -> Self {
        let mut truth = Self::default();
        for entry in log {
            truth.enter(entry.kind, entry.offset, entry.length);
        }
        truth
    }

    fn enter(&mut self, kind: u8, key: u64, step: u64) {
        match kind {
            b'b' => self.0.entry(key).or_default().begun.push(step),
            b'a' => {
                let done = Some(step);
                let begun = Vec::new();
                self.0.insert(key, Known { done, begun });
            }
            _ => {}
        }
    }

    fn allows(&self, key: u64, found: Option<&Record>) -> bool {
        let none = Known::default();
        let known = self.0.get(&key).unwrap_or(&none);
        let done = known.done.and_then(|step| record(key, step));
        let is = |step: &u64| record(key, *step).as_ref() == found;
        done.as_ref() == found || known.begun.iter().any(is)
    }
}

/// Whether this process is the one that the shim is loaded into.
pub(crate) fn is_child() -> bool {
    std::env::var_os("FAULT_FOLDER").is_some()
}

/// Goes through all steps, whatever fails.
pub(crate) fn play() {
    let folder = PathBuf::from(std::env::var_os("FAULT_FOLDER").unwrap());
    let player = Player {
        path: folder.join("store.db"),
        log: std::env::var_os("FAULT_LOG").unwrap().into(),
        encrypted: std::env::var_os("FAULT_ENCRYPTED").unwrap() == "1",
        reads_may_fail: std::env::var("FAULT_KINDS").is_ok_and(|kinds| kinds.contains('r')),
        steps_left: None,
        truth: Truth::default(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(player.play());
}

struct Player {
    path: PathBuf,
    log: PathBuf,
    encrypted: bool,
    reads_may_fail: bool,
    /// Once something has failed: how many are still gone through.
    steps_left: Option<u64>,
    truth: Truth,
}

impl Player {
    async fn play(mut self) {
        if let Err(error) = self.go_through().await {
            self.failed(&error, 0, 0);
        }
        self.say(b'z', "", 0, 0);
    }

    /// Ends early only where the store does not open.
    async fn go_through(&mut self) -> Result<(), StoreError> {
        let mut store = open(&self.path, self.encrypted).await?;
        if std::env::var("FAULT_SCRIPT").unwrap() == REMOVAL {
            self.put_and_remove(&store).await;
        }
        for step in 0..STEPS {
            if step == COMPACT
                && let Err(error) = store.compact().await
            {
                self.failed(&error, 0, step);
            }
            if step == BACKUP {
                match store.backup(backup_of(&self.path)).await {
                    Ok(()) => self.say(b'k', "", 0, step),
                    Err(error) => self.failed(&error, 0, step),
                }
            }
            if step == REOPEN {
                store.close().await;
                store = open(&self.path, self.encrypted).await?;
            }
            self.step(&store, step).await;
            self.check(&store, step).await;
            self.leave_if_time();
        }
        store.close().await;
        Ok(())
    }

    /// And leaves without closing the store.
    async fn put_and_remove(&mut self, store: &FileStore) -> ! {
        // An opt-out, an identity, and its removal.
        for (key, step) in [(0, 1), (2, 2), (2, 5)] {
            self.one(store, key, step).await;
            self.check(store, step).await;
        }
        self.leave();
    }

    /// As if killed: what was not closed stays as it is.
    fn leave_if_time(&mut self) {
        match &mut self.steps_left {
            None => {}
            Some(0) => self.leave(),
            Some(left) => *left -= 1,
        }
    }

    fn leave(&mut self) -> ! {
        self.say(b'z', "", 0, 0);
        std::process::exit(0);
    }

    /// Some steps are of three users, who share a commit.
    async fn step(&mut self, store: &FileStore, step: u64) {
        let key = step % KEYS;
        if step % 4 == 3 {
            let keys = [key, (key + 1) % KEYS, (key + 2) % KEYS];
            keys.iter().for_each(|key| self.say(b'b', "", *key, step));
            let [first, second, third] = keys.map(|key| write(store, key, step));
            let (first, second, third) = tokio::join!(first, second, third);
            for (key, result) in keys.into_iter().zip([first, second, third]) {
                self.answered(key, step, result);
            }
        } else {
            self.one(store, key, step).await;
        }
    }

    async fn one(&mut self, store: &FileStore, key: u64, step: u64) {
        self.say(b'b', "", key, step);
        let result = write(store, key, step).await;
        self.answered(key, step, result);
    }

    fn answered(&mut self, key: u64, step: u64, result: Result<(), StoreError>) {
        match result {
            Ok(()) => self.say(b'a', "", key, step),
            Err(error) => self.failed(&error, key, step),
        }
    }

    /// Whatever has failed, what is read is true.
    async fn check(&mut self, store: &FileStore, step: u64) {
        for key in 0..KEYS {
            match store.get(name(key).as_bytes()).await {
                Ok(entry) => {
                    let found = entry.map(|entry| entry.record);
                    let is_true = self.truth.allows(key, found.as_ref());
                    assert!(is_true, "step {step}: user {key} is {found:?}");
                }
                Err(error) if self.reads_may_fail => self.failed(&error, key, step),
                Err(error) => panic!("step {step}: user {key} cannot be read: {error:?}"),
            }
        }
    }

    fn say(&mut self, kind: u8, name: &str, key: u64, step: u64) {
        self.truth.enter(kind, key, step);
        log::write(&self.log, kind, name, key, step);
    }

    fn failed(&mut self, error: &StoreError, key: u64, step: u64) {
        self.say(b'e', class(error), key, step);
        let leaves_after = std::env::var("FAULT_LEAVES_AFTER").unwrap();
        let left = leaves_after.parse().unwrap();
        self.steps_left.get_or_insert(left);
    }
}

async fn write(store: &FileStore, key: u64, step: u64) -> Result<(), StoreError> {
    let name = name(key);
    match record(key, step) {
        Some(record) => {
            let put = store.put(name.as_bytes(), &record, Precondition::Any);
            put.await.map(drop)
        }
        None => {
            let remove = store.remove(name.as_bytes(), Precondition::Any);
            remove.await.map(drop)
        }
    }
}

fn class(error: &StoreError) -> &'static str {
    match error {
        StoreError::Io(_) => "io",
        StoreError::Full(_) => "full",
        StoreError::ReadOnly(_) => "read-only",
        StoreError::Damaged => "damaged",
        StoreError::Corrupt(_) => "corrupt",
        StoreError::NotAStore(_) => "not a store",
        StoreError::Unavailable(_) => "unavailable",
        error => panic!("an error of another kind: {error:?}"),
    }
}

/// Callers were told what it was.
pub(crate) fn check_errors(log: &[Entry], fault: &Fault) {
    for entry in log.iter().filter(|entry| entry.kind == b'e') {
        let is_right = match &*entry.name {
            "io" => true,
            "full" => fault.errno == ENOSPC,
            // What cannot be read is taken for damaged.
            "damaged" | "corrupt" => fault.kinds == "r",
            _ => false,
        };
        assert!(is_right, "{fault:?}: step {}: {}", entry.length, entry.name);
    }
}

fn backup_of(path: &Path) -> PathBuf {
    path.with_file_name("backup.db")
}

/// Opens the store where nothing fails any more, and its backup if one was made, and
/// looks whether all is there.
pub(crate) fn look(path: &Path, encrypted: bool, log: &[Entry]) -> Result<(), String> {
    look_into(path, encrypted, &Truth::at_end_of(log))?;
    let Some(made) = log.iter().position(|entry| entry.kind == b'k') else {
        return Ok(());
    };
    let truth = Truth::at_end_of(&log[..made]);
    look_into(&backup_of(path), encrypted, &truth).map_err(|wrong| format!("backup: {wrong}"))
}

fn look_into(path: &Path, encrypted: bool, truth: &Truth) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(path, encrypted).await.map_err(|error| say(&error))?;
        let outcome = look_at(&store, truth).await;
        store.close().await;
        outcome
    })
}

fn say(error: &StoreError) -> String {
    format!("{error:?}")
}

async fn look_at(store: &FileStore, truth: &Truth) -> Result<(), String> {
    let mut due = HashSet::new();
    for key in 0..KEYS {
        let entry = store.get(name(key).as_bytes()).await;
        let found = entry
            .map_err(|error| say(&error))?
            .map(|entry| entry.record);
        if !truth.allows(key, found.as_ref()) {
            return Err(format!("user {key} is {found:?}"));
        }
        if found.is_some_and(|record| record.due().is_some()) {
            due.insert(name(key).into_bytes());
        }
    }
    let scanned = store.due(Timestamp::MAX, None, usize::MAX).await;
    let scanned = scanned.map_err(|error| say(&error))?;
    let scanned: HashSet<_> = scanned.into_iter().map(|due| due.key.into_vec()).collect();
    if scanned != due {
        return Err("the due index is not that of the records".to_owned());
    }
    let verified = store.verify().await.map_err(|error| say(&error))?;
    if !verified.is_sound() {
        return Err(format!("{verified:?}"));
    }
    // And it goes on.
    let next = opt_out(Timestamp::EPOCH);
    let put = store.put(b"next", &next, Precondition::Absent).await;
    put.map(drop).map_err(|error| say(&error))
}
