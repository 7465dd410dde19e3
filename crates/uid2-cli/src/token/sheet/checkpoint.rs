//! How an output was begun: only the same may go on with it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::question::Plan;
use crate::failure::Failure;

const VERSION: u32 = 1;

/// Nothing in it is personal.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Checkpoint {
    version: u32,
    header: bool,
    delimiter: u8,
    width: usize,
    keep_columns: bool,
    columns: Vec<(String, usize)>,
    /// Of an input that is a file: its length, and when it was changed.
    input: Option<(u64, u128)>,
}

impl Checkpoint {
    pub(super) fn of(plan: &Plan, metadata: Option<&Metadata>) -> Self {
        let columns = plan.columns.iter();
        Self {
            version: VERSION,
            header: plan.header,
            delimiter: plan.delimiter,
            width: plan.width,
            keep_columns: plan.keep,
            columns: columns
                .map(|column| (column.kind.name().to_owned(), column.index))
                .collect(),
            input: metadata.and_then(|metadata| {
                let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some((metadata.len(), changed.as_millis()))
            }),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(|error| Failure::local("io", &error))?;
        fs::write(path, text).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::said("unwritable_file", message)
        })
    }

    /// That what was begun is what is now to go on.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        let mismatch = |message: String| Failure::said("resume_mismatch", message);
        let shown = path.display();
        let text = fs::read(path).map_err(|_| {
            mismatch(format!(
                "there is no {shown}: the output is complete already, or not of this command"
            ))
        })?;
        let begun: Self = serde_json::from_slice(&text)
            .map_err(|_| mismatch(format!("{shown} is damaged: begin anew with --overwrite")))?;
        if begun.input != self.input {
            return Err(mismatch(
                "the CSV file was changed since: begin anew with --overwrite".into(),
            ));
        }
        if begun != *self {
            return Err(mismatch(
                "the output was begun with other columns or options: give the same, \
                 or begin anew with --overwrite"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// The output is complete.
pub(super) fn remove(path: &Path) {
    // Left behind, it does no harm but to stay there.
    let _ = fs::remove_file(path);
}
