//! The body of the fuzz target `csv`: what must hold whatever the bytes are.
//!
//! No part of the library: the feature `fuzzing` is private, and nothing here is
//! stable. A body panics when what must hold does not.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "panicking is how a body reports what it found"
)]

use std::io::{self, Cursor, Read};

use uid2_core::{EmailHash, PhoneHash};

use crate::csv::{Batch, CsvOptions, Kind, Opened, Progress, Rows, open};
use crate::hash::hash_csv;

/// Rows read as by the `csv` crate, however the input comes; and hashing them
/// yields a row for each, with the hash that the core makes of its cell.
pub fn csv(data: &[u8]) {
    let Some((options, text)) = data.split_first() else {
        return;
    };
    let delimiter = [b',', b';', b'\t', b' '][usize::from(options & 3)];
    let read = read(text, delimiter, usize::MAX);
    let step = usize::from(options >> 4) + 1;
    assert!(
        self::read(text, delimiter, step) == read,
        "in other pieces, other rows"
    );
    if let Some(rows) = read {
        agrees_with_the_crate(text, delimiter, &rows);
        hashes(text, delimiter, options & 4 != 0);
    }
}

type Rejectable = Result<Vec<Vec<u8>>, &'static str>;

fn read(text: &[u8], delimiter: u8, step: usize) -> Option<Vec<Rejectable>> {
    let pieces = Pieces(Cursor::new(text.to_vec()), step);
    let mut rows = Rows::new(pieces, delimiter).ok()?;
    let mut batch = Batch::default();
    let mut last = 0;
    while rows.read(&mut batch).unwrap() {
        let line = batch.rows().last().unwrap().line;
        assert!(line > last, "lines go on");
        last = line;
    }
    assert_eq!(rows.taken(), text.len() as u64, "all of it is read");
    let cells = |row: crate::csv::Row<'_>| row.cells().map(<[u8]>::to_vec).collect();
    let rows = batch
        .rows()
        .map(|row| row.problem.map_or_else(|| Ok(cells(row)), Err));
    Some(rows.collect())
}

/// But for what that crate passes over or puts up with.
fn agrees_with_the_crate(text: &[u8], delimiter: u8, rows: &[Rejectable]) {
    let told = |row: &&Rejectable| !matches!(row, Err("empty_line"));
    let rows: Vec<&Rejectable> = rows.iter().filter(told).collect();
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    if text.starts_with("\u{feff}".as_bytes()) {
        // It would drop one that we take for a part of the first cell.
        return;
    }
    let mut builder = ::csv::ReaderBuilder::new();
    builder
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false);
    let theirs: Vec<_> = builder.from_reader(text).into_byte_records().collect();
    assert_eq!(rows.len(), theirs.len(), "as many rows");
    for (ours, theirs) in rows.iter().zip(theirs) {
        if let Ok(cells) = ours {
            let theirs = theirs.unwrap();
            assert!(
                theirs.iter().eq(cells.iter().map(Vec::as_slice)),
                "other cells"
            );
        }
    }
}

/// The first column is taken for e-mail addresses, or phone numbers.
fn hashes(text: &[u8], delimiter: u8, keep: bool) {
    let kind = if keep { Kind::Email } else { Kind::Phone };
    let options = CsvOptions::of_first_column(kind, delimiter);
    let Ok(opened) = open(
        Cursor::new(text.to_vec()),
        &options,
        &[Kind::Email, Kind::Phone],
        [],
    ) else {
        return;
    };
    let Opened { width, .. } = opened;
    let mut output = Vec::new();
    let hidden = Progress::of_bytes(None, true);
    let done = hash_csv(opened, keep, false, 2, &mut output, &hidden).unwrap();
    let rows = read(text, delimiter, usize::MAX).unwrap();
    assert_eq!(done.tally.rows, rows.len() as u64, "every row is counted");

    let written = read(&output, delimiter, usize::MAX).unwrap();
    assert_eq!(written.len(), rows.len(), "a row for each row");
    let mut refused = 0;
    for (written, row) in written.iter().zip(&rows) {
        let written = written.as_ref().unwrap();
        assert_eq!(written.len(), 2 + if keep { width } else { 0 });
        let [hash, error] = &written[written.len() - 2..] else {
            unreachable!()
        };
        assert_ne!(hash.is_empty(), error.is_empty(), "a hash or an error");
        refused += u64::from(!error.is_empty());
        if let (Ok(cells), true) = (row, error.is_empty()) {
            assert_eq!(cells.len(), width);
            assert_eq!(*hash, expected(kind, &cells[0]));
            assert!(!keep || written[..width] == cells[..], "cells are kept");
        }
    }
    assert_eq!(done.tally.rejected, refused);
}

fn expected(kind: Kind, cell: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(cell).unwrap();
    let hash = match kind {
        Kind::Phone => PhoneHash::of(text).unwrap().to_base64(),
        _ => EmailHash::of(text).unwrap().to_base64(),
    };
    hash.as_str().as_bytes().to_vec()
}

/// Hands out so many bytes at a time.
struct Pieces<R>(R, usize);

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}
