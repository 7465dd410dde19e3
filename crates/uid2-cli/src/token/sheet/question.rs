//! What a row asks.

use std::io;

use uid2_core::Dii;

use crate::csv::{Cells, Chosen, Kind, Opened, Row, reason};
use crate::failure::Failure;
use crate::hash::{reason_of_email, reason_of_phone};

/// How rows are read and written.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) columns: Vec<Chosen>,
    pub(super) delimiter: u8,
    pub(super) width: usize,
    pub(super) header: bool,
    pub(super) keep: bool,
}

/// Whether this token is of this person.
pub(super) struct Question {
    pub(super) token: String,
    pub(super) dii: Dii,
}

impl Plan {
    pub(super) fn of<R>(opened: &Opened<R>, keep: bool) -> Result<Self, Failure> {
        let has_token = |chosen: &Chosen| chosen.kind == Kind::Token;
        if !opened.columns.iter().any(has_token) {
            return Err(Failure::usage(
                "no column of tokens was recognized: say which it is with --token-column",
            ));
        }
        if opened.columns.iter().all(has_token) {
            return Err(Failure::usage(
                "no column of addresses, numbers or hashes was recognized: say which it is \
                 with --email-column, --phone-column, --email-hash-column or --phone-hash-column",
            ));
        }
        Ok(Self {
            columns: opened.columns.clone(),
            delimiter: opened.delimiter,
            width: opened.width,
            header: opened.header.is_some(),
            keep,
        })
    }

    /// What the row asks, or why it asks nothing.
    pub(super) fn question(&self, row: Row<'_>) -> Result<Question, &'static str> {
        if let Some(problem) = row.problem {
            return Err(problem);
        }
        if row.len() != self.width {
            return Err(reason::RAGGED);
        }
        let (mut token, mut dii) = (None, None);
        for column in &self.columns {
            let cell = row.cell(column.index).unwrap_or_default();
            let text = std::str::from_utf8(cell).map_err(|_| reason::NOT_UTF8)?;
            if text.trim().is_empty() {
                continue;
            }
            match column.kind {
                Kind::Token => token = Some(text.trim().to_owned()),
                kind => {
                    if dii.replace(read(kind, text)?).is_some() {
                        return Err(reason::SEVERAL);
                    }
                }
            }
        }
        Ok(Question {
            token: token.ok_or(reason::NO_TOKEN)?,
            dii: dii.ok_or(reason::NOTHING)?,
        })
    }

    /// The first row of the output, if the input has one of names.
    pub(super) fn write_header(&self, names: Row<'_>) -> io::Result<Vec<u8>> {
        self.write(&self.kept(names), "valid", "error")
    }

    /// The cells that are written again.
    pub(super) fn kept(&self, row: Row<'_>) -> Vec<Vec<u8>> {
        let width = if self.keep { self.width } else { 0 };
        (0..width)
            .map(|index| row.cell(index).unwrap_or_default().to_vec())
            .collect()
    }

    pub(super) fn write(&self, kept: &[Vec<u8>], valid: &str, error: &str) -> io::Result<Vec<u8>> {
        let mut cells = Cells::new(self.delimiter);
        kept.iter().try_for_each(|cell| cells.cell(cell))?;
        cells.cell(valid)?;
        cells.cell(error)?;
        cells.end_row()?;
        cells.into_bytes()
    }
}

fn read(kind: Kind, text: &str) -> Result<Dii, &'static str> {
    match kind {
        Kind::Phone => Dii::phone(text).map_err(reason_of_phone),
        Kind::EmailHash => Dii::email_hash(text.trim()).map_err(|_| "invalid_hash"),
        Kind::PhoneHash => Dii::phone_hash(text.trim()).map_err(|_| "invalid_hash"),
        Kind::Email | Kind::Token => Dii::email(text).map_err(reason_of_email),
    }
}
