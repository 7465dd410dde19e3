//! Writing rows.

use std::io;

/// Writes cells, quoted where they must be.
pub(crate) struct Cells(csv::Writer<Vec<u8>>);

impl Cells {
    pub(crate) fn new(delimiter: u8) -> Self {
        let builder = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_writer(Vec::new());
        Self(builder)
    }

    /// A cell of the row that is written.
    pub(crate) fn cell(&mut self, cell: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_field(cell).map_err(io::Error::from)
    }

    /// The row is complete.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        self.0.write_record(None::<&[u8]>).map_err(io::Error::from)
    }

    /// All rows.
    pub(crate) fn into_bytes(self) -> io::Result<Vec<u8>> {
        self.0
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
    }
}
