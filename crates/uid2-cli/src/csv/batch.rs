//! Some rows together, in three allocations.

use std::ops::Range;

/// Rows that were read and are to be worked on together.
#[derive(Default, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The cells of all rows, unquoted, one after the other.
    data: Vec<u8>,
    /// Where in `data` each cell ends.
    ends: Vec<usize>,
    rows: Vec<RowMark>,
}

#[derive(Clone, PartialEq, Eq)]
struct RowMark {
    line: u64,
    /// Where the row's first cell begins in `data`.
    start: usize,
    /// Which of `ends` are the row's.
    cells: Range<usize>,
    problem: Option<&'static str>,
}

/// One row: a list of cells, or what is wrong with it as a row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The line it begins at; the first is 1.
    pub(crate) line: u64,
    /// Why it is no row, if it is none. Some of its cells may be there.
    pub(crate) problem: Option<&'static str>,
    data: &'a [u8],
    start: usize,
    ends: &'a [usize],
}

impl Batch {
    /// Adds a row of these cells, whose ends are counted from the start of `data`.
    pub(super) fn push(
        &mut self,
        line: u64,
        data: &[u8],
        ends: &[usize],
        problem: Option<&'static str>,
    ) {
        let (start, first) = (self.data.len(), self.ends.len());
        self.data.extend_from_slice(data);
        self.ends.extend(ends.iter().map(|end| start + end));
        self.rows.push(RowMark {
            line,
            start,
            cells: first..self.ends.len(),
            problem,
        });
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many bytes its cells have.
    pub(super) const fn bytes(&self) -> usize {
        self.data.len()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|mark| Row {
            line: mark.line,
            problem: mark.problem,
            data: &self.data,
            start: mark.start,
            ends: self.ends.get(mark.cells.clone()).unwrap_or_default(),
        })
    }

    /// The first row, and the others.
    pub(super) fn split_first(&self) -> (Self, Self) {
        let mut first = Self::default();
        self.rows().take(1).for_each(|row| first.push_row(row));
        (first, self.without(1))
    }

    /// Without so many of its first rows.
    pub(crate) fn without(&self, rows: usize) -> Self {
        let mut others = Self::default();
        self.rows().skip(rows).for_each(|row| others.push_row(row));
        others
    }

    fn push_row(&mut self, row: Row<'_>) {
        let end = row.ends.last().copied().unwrap_or(row.start);
        let data = row.data.get(row.start..end).unwrap_or_default();
        let ends: Vec<usize> = row.ends.iter().map(|end| end - row.start).collect();
        self.push(row.line, data, &ends, row.problem);
    }
}

impl<'a> Row<'a> {
    /// How many cells there are.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell, counted from 0.
    pub(crate) fn cell(&self, index: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => self.start,
        };
        self.data.get(start..end)
    }

    pub(crate) fn cells(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).filter_map(move |index| self.cell(index))
    }
}
