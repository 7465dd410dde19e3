//! `uid2 store copy`: from any store to any other.

use std::fmt;
use std::path::PathBuf;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use super::opened::{Opened, Purpose};
use super::place::{PREFIX, Place, Typed, read_keys};
use super::problem::Problem;
use super::{Report, refuse_more};
use crate::exit::Exit;

/// Copy all records of one store to another
///
/// A record that the other store has already stays as it is there, but for opt-outs,
/// which are always copied. So a copy that was broken off can be made again, and
/// the other store may be in use: to move from a file to Redis, copy, switch the
/// servers over, and copy once more. The first store is only read, and may be in use.
///
/// Exit status 1 also if some records could not be read and so were not copied.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The store to read: a path, redis://…, rediss://…, or env:NAME
    #[arg(value_name = "FROM")]
    from: Typed,

    /// The store to fill; a file is made if there is none
    #[arg(value_name = "TO")]
    to: Typed,

    /// More than two are too many, and to be refused without being repeated
    #[arg(hide = true)]
    more: Vec<Typed>,

    /// A file with the keys that FROM is encrypted with
    #[arg(long, value_name = "FILE", conflicts_with = "from_key_env")]
    from_key_file: Option<PathBuf>,

    /// The variable with the keys that FROM is encrypted with
    #[arg(long, value_name = "NAME")]
    from_key_env: Option<String>,

    /// A file with the keys to encrypt TO with
    #[arg(long, value_name = "FILE", conflicts_with = "to_key_env")]
    to_key_file: Option<PathBuf>,

    /// The variable with the keys to encrypt TO with
    #[arg(long, value_name = "NAME")]
    to_key_env: Option<String>,

    /// What the names of FROM's keys in Redis begin with
    #[arg(long, value_name = "TEXT", default_value = PREFIX)]
    from_prefix: String,

    /// What the names of TO's keys in Redis begin with
    #[arg(long, value_name = "TEXT", default_value = PREFIX)]
    to_prefix: String,
}

const EXAMPLES: &str = "\
Examples:
  uid2 store copy identities.db env:REDIS_URL
  uid2 store copy env:REDIS_URL backup.db --to-key-file store.keys";

#[derive(Serialize)]
pub(super) struct Done {
    status: &'static str,
    copied: u64,
    kept: u64,
    failed: u64,
    #[serde(skip)]
    places: String,
}

impl Args {
    pub(super) async fn run(&self) -> Result<Done, Problem> {
        refuse_more(&self.more)?;
        let from = Place::read(&self.from, &self.from_prefix)?;
        let to = Place::read(&self.to, &self.to_prefix)?;
        if from.is_same(&to) {
            return Err(Problem::usage("FROM and TO are the same store"));
        }
        let from_keys = read_keys(self.from_key_file.as_deref(), self.from_key_env.as_deref())?;
        let to_keys = read_keys(self.to_key_file.as_deref(), self.to_key_env.as_deref())?;
        // First what may not be there, for no new file to be left behind then.
        let source = Opened::open(&from, from_keys, Purpose::Read).await?;
        let target = Opened::open(&to, to_keys, Purpose::Fill).await?;
        let bar = bar(source.count().await?);
        let copied = source.copy_to(&target, |so_far| {
            bar.set_position(so_far.copied + so_far.kept + so_far.failed);
        });
        let copied = copied.await;
        bar.finish_and_clear();
        source.close().await;
        target.close().await;
        let copied = copied?;
        Ok(Done {
            status: if copied.failed == 0 {
                "success"
            } else {
                "incomplete"
            },
            copied: copied.copied,
            kept: copied.kept,
            failed: copied.failed,
            places: format!("from {from} to {to}"),
        })
    }
}

/// On stderr, and only if that is a terminal.
fn bar(records: Option<u64>) -> ProgressBar {
    let bar = records.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = match records {
        Some(_) => "{bar:40} {human_pos}/{human_len} records, {rate} a second, {eta} left",
        None => "{human_pos} records, {rate} a second",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate));
    }
    bar
}

/// Whole ones.
fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
}

impl Report for Done {
    fn text(&self) -> String {
        let Self {
            copied,
            kept,
            failed,
            places,
            ..
        } = self;
        let mut text = format!("{copied} records copied {places}\n");
        if *kept > 0 {
            text.push_str(&format!(
                "{kept} left as they were: they were there already\n"
            ));
        }
        if *failed > 0 {
            text.push_str(&format!(
                "{failed} could not be read and were not copied: `uid2 store verify` says more\n"
            ));
        }
        text
    }

    fn exit(&self) -> Exit {
        if self.failed == 0 {
            Exit::Success
        } else {
            Exit::Failure
        }
    }
}
