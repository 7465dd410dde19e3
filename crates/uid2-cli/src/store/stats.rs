//! `uid2 store stats`: how much there is.

use serde::Serialize;

use super::opened::{Opened, Purpose};
use super::problem::Problem;
use super::{Report, StoreArgs};

/// Count the records of a store, and its bytes
///
/// Only reads: the store may be in use. Counts through the whole of it, which
/// takes its time with millions of records.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

const EXAMPLES: &str = "\
Examples:
  uid2 store stats identities.db
  uid2 store stats env:REDIS_URL --json | jq .opt_outs";

#[derive(Serialize)]
pub(super) struct Stats {
    status: &'static str,
    records: u64,
    opt_outs: u64,
    refreshable: u64,
    #[serde(flatten)]
    file: Option<FileBytes>,
}

/// Of a file only.
#[derive(Serialize)]
struct FileBytes {
    file_bytes: u64,
    free_bytes: u64,
    log_bytes: u64,
}

impl Args {
    pub(super) async fn run(&self) -> Result<Stats, Problem> {
        let store = self.store.open(Purpose::Read).await?;
        let stats = match &store {
            Opened::File(store) => {
                let stats = store.stats().await?;
                Stats {
                    status: "success",
                    records: stats.records,
                    opt_outs: stats.opt_outs,
                    refreshable: stats.refreshable,
                    file: Some(FileBytes {
                        file_bytes: stats.file_bytes,
                        free_bytes: stats.free_bytes,
                        log_bytes: stats.log_bytes,
                    }),
                }
            }
            Opened::Redis(store) => {
                let stats = store.stats().await?;
                Stats {
                    status: "success",
                    records: stats.records,
                    opt_outs: stats.opt_outs,
                    refreshable: stats.refreshable,
                    file: None,
                }
            }
        };
        store.close().await;
        Ok(stats)
    }
}

impl Report for Stats {
    fn text(&self) -> String {
        let mut text = format!(
            "records      {}\n  opt-outs   {}\n  refreshable {}\n",
            self.records, self.opt_outs, self.refreshable
        );
        if let Some(file) = &self.file {
            text.push_str(&format!(
                "bytes        {}\n  free       {}\n  log        {}\n",
                file.file_bytes, file.free_bytes, file.log_bytes
            ));
        }
        text
    }
}
