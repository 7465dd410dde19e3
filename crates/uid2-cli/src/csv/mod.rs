//! Whole CSV files: read row by row in constant memory, worked on in parallel,
//! written in the same order.
//!
//! Every row of the input comes to exactly one row of the output, whatever is
//! wrong with it, and the summary says what was wrong by line numbers alone.

mod batch;
mod columns;
mod input;
mod options;
mod output;
mod pipeline;
mod progress;
mod rows;
mod sample;
mod summary;
mod tally;
mod write;

pub(crate) use batch::{Batch, Row};
pub(crate) use columns::{Chosen, Column, Kind};
pub(crate) use input::Source;
pub(crate) use options::{CsvOptions, HELP};
pub(crate) use output::Sink;
pub(crate) use pipeline::{Done, Piece, run};
pub(crate) use progress::Progress;
pub(crate) use rows::Rows;
pub(crate) use sample::{Opened, open};
pub(crate) use summary::Summary;
pub(crate) use tally::{Tally, reason};
pub(crate) use write::Cells;

/// Most bytes in the cells of one row. Beyond it a row is refused and skipped:
/// an unclosed quote would otherwise take the rest of the file into memory.
pub(crate) const MAX_ROW: usize = 256 * 1024;

/// Most columns of a row.
pub(crate) const MAX_COLUMNS: usize = 4096;
