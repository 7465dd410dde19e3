//! `uid2 store purge`: what has long expired goes.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use uid2_core::Timestamp;

use super::opened::{Opened, Purpose};
use super::problem::Problem;
use super::{Report, StoreArgs};
use crate::duration;

/// Remove records that have expired
///
/// Identities that can no longer be refreshed, and logouts that no longer matter.
/// Opt-outs never expire and always stay. A publisher's own refresher does this
/// by itself.
///
/// A file must not be open in another process meanwhile.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// For how long they must have been expired: more than any clock may be wrong
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration::parse)]
    expired_for: Duration,

    /// Give the room back to the disk, by writing the file anew
    #[arg(long)]
    compact: bool,
}

const EXAMPLES: &str = "\
TIME is a whole number with a unit: 500ms, 90s, 15m, 1h, 30d.

Examples:
  uid2 store purge identities.db --compact
  uid2 store purge env:REDIS_URL --expired-for 30d";

#[derive(Serialize)]
pub(super) struct Purged {
    status: &'static str,
    purged: usize,
}

impl Args {
    pub(super) async fn run(&self) -> Result<Purged, Problem> {
        let store = self.store.open(Purpose::Change).await?;
        let millis = i64::try_from(self.expired_for.as_millis()).unwrap_or(i64::MAX);
        let now = Timestamp::from(SystemTime::now());
        let before = Timestamp::from_millis(now.as_millis().saturating_sub(millis));
        let purged = store.purge(before).await?;
        if let Opened::File(file) = &store
            && self.compact
        {
            file.compact().await?;
        }
        store.close().await;
        Ok(Purged {
            status: "success",
            purged,
        })
    }
}

impl Report for Purged {
    fn text(&self) -> String {
        format!("{} records purged\n", self.purged)
    }
}
