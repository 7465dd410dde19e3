//! `uid2 store verify`: whether everything is as it was written.

use std::fmt::Write;

use serde::Serialize;
use uid2_store::{FileStore, RedisStore, Scan, StoreError, Unreadable};

use super::opened::{Opened, Purpose};
use super::problem::Problem;
use super::{Report, StoreArgs};
use crate::exit::Exit;

/// How many records are asked for at a time.
const PAGE: usize = 1000;

/// Read every record of a store and check it
///
/// Says how many are damaged, and names no users unless asked to. Only reads: the
/// store may be in use. The remedy for a damaged record is to remove it and let the
/// user sign in again; the others are not affected.
///
/// Exit status 1 if anything is not as it was written.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// Also name the damaged records, which may be personal data
    ///
    /// As they are stored: `u` and a user's id. What is no text, as the names in an
    /// encrypted store, which are keyed hashes, is `hex:` and its bytes.
    #[arg(long)]
    show_keys: bool,
}

const EXAMPLES: &str = "\
Examples:
  uid2 store verify identities.db
  uid2 store verify env:REDIS_URL --json | jq .damaged";

#[derive(Serialize)]
pub(super) struct Verified {
    status: &'static str,
    /// Those that were looked at.
    records: u64,
    damaged: u64,
    newer: u64,
    #[serde(flatten)]
    file: Option<FileFindings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<String>>,
}

/// Of a file only.
#[derive(Serialize)]
struct FileFindings {
    misplaced: u64,
    structure: Vec<String>,
}

impl Args {
    pub(super) async fn run(&self) -> Result<Verified, Problem> {
        let store = self.store.open(Purpose::Read).await?;
        let mut verified = match &store {
            Opened::File(store) => of_file(store).await?,
            Opened::Redis(store) => of_redis(store).await?,
        };
        if !verified.is_sound() {
            verified.status = "damaged";
        }
        if self.show_keys {
            let unreadable = match &store {
                Opened::File(store) => store.unreadable().await?,
                Opened::Redis(store) => store.unreadable().await?,
            };
            verified.keys = Some(unreadable.iter().map(name).collect());
        }
        store.close().await;
        Ok(verified)
    }
}

async fn of_file(store: &FileStore) -> Result<Verified, StoreError> {
    let found = store.verify().await?;
    Ok(Verified {
        status: "success",
        records: found.records,
        damaged: found.damaged,
        newer: found.newer,
        file: Some(FileFindings {
            misplaced: found.misplaced,
            structure: found.structure,
        }),
        keys: None,
    })
}

async fn of_redis(store: &RedisStore) -> Result<Verified, StoreError> {
    let mut found = Verified {
        status: "success",
        records: 0,
        damaged: 0,
        newer: 0,
        file: None,
        keys: None,
    };
    let mut after = None;
    loop {
        let (page, next) = store.scan(after.as_ref(), PAGE).await?;
        for scanned in page {
            found.records += 1;
            match scanned {
                Ok(_) => {}
                Err(StoreError::NewerFormat { .. }) => found.newer += 1,
                Err(_) => found.damaged += 1,
            }
        }
        after = next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn name(unreadable: &Unreadable) -> String {
    let bytes = &unreadable.stored_key;
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().fold("hex:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

impl Verified {
    fn is_sound(&self) -> bool {
        let file = self.file.as_ref();
        self.damaged == 0
            && self.newer == 0
            && file.is_none_or(|file| file.misplaced == 0 && file.structure.is_empty())
    }
}

impl Report for Verified {
    fn text(&self) -> String {
        let mut text = format!("{} records read", self.records);
        if self.is_sound() {
            text.push_str(", all as they were written\n");
            return text;
        }
        text.push('\n');
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(text, "{count} {what}");
            }
        };
        say(
            self.damaged,
            "damaged: remove them, and let their users sign in again",
        );
        say(self.newer, "written by a newer version: upgrade");
        if let Some(file) = &self.file {
            say(
                file.misplaced,
                "come up at another time than they say: they are still served",
            );
            if !file.structure.is_empty() {
                text.push_str("the file is damaged: copy it to a new store, or restore a backup\n");
            }
            for line in &file.structure {
                let _ = writeln!(text, "the file: {line}");
            }
        }
        for key in self.keys.iter().flatten() {
            let _ = writeln!(text, "  {key}");
        }
        text
    }

    fn exit(&self) -> Exit {
        if self.is_sound() {
            Exit::Success
        } else {
            Exit::Failure
        }
    }
}
