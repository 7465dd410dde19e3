//! The options that all commands for CSV files share.

use std::path::PathBuf;

use super::columns::{Column, Kind, Wanted};
use crate::failure::Failure;

/// Whole CSV files.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "CSV files")]
pub(crate) struct CsvOptions {
    /// Read a CSV file, or with '-' stdin, and write a row for each of its rows
    #[arg(long, value_name = "FILE|-", groups = ["input", "dii"])]
    pub(crate) csv: Option<PathBuf>,

    /// The column of e-mail addresses: its name, or its number from 1
    #[arg(long, value_name = "COLUMN", requires = "csv", value_parser = Column::parse)]
    email_column: Option<Column>,

    /// The column of phone numbers
    #[arg(long, value_name = "COLUMN", requires = "csv", value_parser = Column::parse)]
    phone_column: Option<Column>,

    /// The first row has the names of the columns [default: found out]
    #[arg(long, requires = "csv", conflicts_with = "no_header")]
    header: bool,

    /// The first row is one as all others
    #[arg(long, requires = "csv")]
    no_header: bool,

    /// What divides the cells: one character, or 'tab' [default: a comma, or the
    /// semicolon or tab that the first line has more of]
    #[arg(long, value_name = "CHAR", requires = "csv", value_parser = parse_delimiter)]
    pub(super) delimiter: Option<u8>,

    /// Write the cells of each row before what comes of it
    #[arg(long, requires = "csv")]
    pub(crate) keep_columns: bool,

    /// Write the rows to a file, which must not exist, and not to stdout
    #[arg(long, short, value_name = "FILE", requires = "csv")]
    pub(crate) output: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,
}

/// For `--help`.
pub(crate) const HELP: &str = "\
CSV files:
  Cells may be quoted, lines may end in LF, CRLF or CR. Each row comes to exactly
  one row of the output, in the same order; a header to a header. The column 'error'
  has a word for what is wrong with a row, and is empty if all is well. A row of
  more than 256 KiB or 4096 cells is refused and skipped, so memory stays small.
  What was refused, by reason and line number, is told on stderr at the end; with
  --json as one line of JSON, on stdout if --output takes the rows.
  On a terminal a bar shows how far it is.";

impl CsvOptions {
    /// No header, and the first column of this kind.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn of_first_column(kind: Kind, delimiter: u8) -> Self {
        let first = |of| (kind == of).then_some(Column::Number(1));
        Self {
            csv: None,
            email_column: first(Kind::Email),
            phone_column: first(Kind::Phone),
            header: false,
            no_header: true,
            delimiter: Some(delimiter),
            keep_columns: false,
            output: None,
            overwrite: false,
        }
    }

    /// That none of them is given where there is no file. (Clap passes over what an
    /// option requires if that would conflict with another one that is given.)
    pub(crate) fn refuse_alone(&self) -> Result<(), Failure> {
        let given = self.header
            || self.no_header
            || self.keep_columns
            || self.overwrite
            || self.email_column.is_some()
            || self.phone_column.is_some()
            || self.delimiter.is_some()
            || self.output.is_some();
        if given {
            return Err(Failure::usage("options for CSV files, but no --csv"));
        }
        Ok(())
    }

    /// What to look for among these kinds.
    pub(super) fn wanted(
        &self,
        kinds: &'static [Kind],
        others: impl IntoIterator<Item = (Kind, Option<Column>)>,
    ) -> Wanted {
        let own = [
            (Kind::Email, self.email_column.clone()),
            (Kind::Phone, self.phone_column.clone()),
        ];
        let asked = own.into_iter().chain(others);
        Wanted {
            kinds,
            asked: asked
                .filter_map(|(kind, column)| Some((kind, column?)))
                .collect(),
            header: match (self.header, self.no_header) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
        }
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if matches!(text, "tab" | "\\t") => Ok(b'\t'),
        [b'"' | b'\r' | b'\n'] => Err("quotes and line breaks have a meaning of their own".into()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("expected one ASCII character, or 'tab'".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        assert_eq!(parse_delimiter(";"), Ok(b';'));
        assert_eq!(parse_delimiter("tab"), Ok(b'\t'));
        assert_eq!(parse_delimiter("\\t"), Ok(b'\t'));
        for bad in ["", "\"", "\n", "ab", "§"] {
            assert!(parse_delimiter(bad).is_err(), "{bad}");
        }
    }
}
