//! Which columns hold what: named, numbered, or recognized.

use uid2_core::{Email, EmailHash, Phone, PhoneHash};

use super::batch::{Batch, Row};
use crate::failure::Failure;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Email,
    Phone,
    EmailHash,
    PhoneHash,
    Token,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::EmailHash => "email_hash",
            Self::PhoneHash => "phone_hash",
            Self::Token => "token",
        }
    }

    /// The option that names its column.
    const fn option(self) -> &'static str {
        match self {
            Self::Email => "--email-column",
            Self::Phone => "--phone-column",
            Self::EmailHash => "--email-hash-column",
            Self::PhoneHash => "--phone-hash-column",
            Self::Token => "--token-column",
        }
    }

    /// How such columns are called, in lower case and without what is no letter
    /// or digit.
    const fn usual_names(self) -> &'static [&'static str] {
        match self {
            Self::Email => &[
                "email",
                "emailaddress",
                "mail",
                "mailaddress",
                "useremail",
                "customeremail",
            ],
            Self::Phone => &[
                "phone",
                "phonenumber",
                "tel",
                "telephone",
                "mobile",
                "mobilephone",
                "mobilenumber",
                "msisdn",
            ],
            Self::EmailHash => &["emailhash", "hashedemail", "emailsha256", "sha256email"],
            Self::PhoneHash => &["phonehash", "hashedphone", "phonesha256", "sha256phone"],
            Self::Token => &[
                "token",
                "advertisingtoken",
                "uid2token",
                "euidtoken",
                "uid2",
                "euid",
            ],
        }
    }

    /// Whether a cell holds such a thing beyond doubt.
    fn is_in(self, cell: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(cell) else {
            return false;
        };
        match self {
            Self::Email => Email::parse(text).is_ok(),
            Self::Phone => Phone::parse(text.trim()).is_ok(),
            Self::EmailHash => EmailHash::parse(text.trim()).is_ok(),
            Self::PhoneHash => PhoneHash::parse(text.trim()).is_ok(),
            Self::Token => text.len() > 64 && uid2_token::inspect(text.trim()).is_ok(),
        }
    }
}

/// A column as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Counted from 1.
    Number(usize),
    Name(String),
}

impl Column {
    /// A whole number is a position, everything else a name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) => Err("columns are counted from 1".into()),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// A column whose place is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chosen {
    pub(crate) kind: Kind,
    /// Counted from 0.
    pub(crate) index: usize,
}

/// What was asked for, and what is looked for.
pub(super) struct Wanted {
    /// In the order of the output.
    pub(super) kinds: &'static [Kind],
    pub(super) asked: Vec<(Kind, Column)>,
    /// Whether the first row is one of names, where that was said.
    pub(super) header: Option<bool>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) header: bool,
    pub(crate) columns: Vec<Chosen>,
}

impl Wanted {
    /// Whether the first row alone settles it.
    pub(super) fn decide_by_header(&self, first: Row<'_>) -> Result<Option<Layout>, Failure> {
        let by_name = |(_, column): &(Kind, Column)| matches!(column, Column::Name(_));
        let named = self.asked.iter().any(by_name);
        if self.header == Some(false) && named {
            return Err(Failure::usage(
                "a column is named, but there is no header: give its number",
            ));
        }
        if !self.asked.is_empty() {
            let header = if named { Some(true) } else { self.header };
            let columns = self.place_all(first)?;
            return Ok(header.map(|header| Layout { header, columns }));
        }
        if self.header == Some(false) {
            return Ok(None);
        }
        if self.header.is_none() && holds_anybody(first) {
            // One of whose cells is called "phone", for what it is.
            return Ok(None);
        }
        let columns = self.recognize(first)?;
        let settled = !columns.is_empty();
        Ok(settled.then_some(Layout {
            header: true,
            columns,
        }))
    }

    /// By what the first rows hold.
    pub(super) fn decide_by_contents(&self, sample: &Batch) -> Result<Layout, Failure> {
        let Some(first) = sample.rows().next() else {
            return Err(not_recognized(self.kinds));
        };
        if !self.asked.is_empty() {
            let columns = self.place_all(first)?;
            let header = looks_like_header(&columns, sample);
            return Ok(Layout { header, columns });
        }
        let columns = self.found_in(sample)?;
        if columns.is_empty() {
            return Err(not_recognized(self.kinds));
        }
        let header = self
            .header
            .unwrap_or_else(|| looks_like_header(&columns, sample));
        Ok(Layout { header, columns })
    }

    fn place_all(&self, first: Row<'_>) -> Result<Vec<Chosen>, Failure> {
        let in_order = |kind: &Kind| self.asked.iter().find(|(asked, _)| asked == kind);
        let mut columns: Vec<Chosen> = Vec::new();
        for (kind, column) in self.kinds.iter().filter_map(in_order) {
            let index = place(*kind, column, first)?;
            if columns.iter().any(|chosen| chosen.index == index) {
                return Err(Failure::usage(format!(
                    "column {} is asked for as two kinds of things",
                    index + 1
                )));
            }
            columns.push(Chosen { kind: *kind, index });
        }
        Ok(columns)
    }

    /// By usual names in the first row.
    fn recognize(&self, first: Row<'_>) -> Result<Vec<Chosen>, Failure> {
        let mut columns = Vec::new();
        for kind in self.kinds {
            let usual = |cell: &[u8]| kind.usual_names().contains(&plain(cell).as_str());
            let of_kind = numbered(first).filter(|(_, cell)| usual(cell));
            let found: Vec<usize> = of_kind.map(|(index, _)| index).collect();
            columns.extend(only(*kind, &found)?);
        }
        Ok(columns)
    }

    /// The columns most of whose cells hold such a thing.
    fn found_in(&self, sample: &Batch) -> Result<Vec<Chosen>, Failure> {
        let width = sample.rows().map(|row| row.len()).max().unwrap_or(0);
        let mut columns: Vec<Chosen> = Vec::new();
        for kind in self.kinds {
            // One hash looks like another: only a name tells whose it is.
            if matches!(kind, Kind::EmailHash | Kind::PhoneHash) {
                continue;
            }
            let holds = |index: &usize| {
                let cells = sample.rows().filter_map(|row| row.cell(*index));
                let (mut filled, mut held) = (0, 0);
                for cell in cells.filter(|cell| !cell.is_empty()) {
                    filled += 1;
                    held += usize::from(kind.is_in(cell));
                }
                held > 0 && held * 2 >= filled
            };
            let taken = |index: &usize| columns.iter().any(|chosen| chosen.index == *index);
            let found: Vec<usize> = (0..width)
                .filter(|index| !taken(index) && holds(index))
                .collect();
            columns.extend(only(*kind, &found)?);
        }
        Ok(columns)
    }
}

fn numbered(row: Row<'_>) -> impl Iterator<Item = (usize, &[u8])> {
    row.cells().enumerate()
}

/// Lower case, without what is no letter or digit.
fn plain(cell: &[u8]) -> String {
    let kept = cell.iter().filter(|byte| byte.is_ascii_alphanumeric());
    kept.map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

fn place(kind: Kind, column: &Column, first: Row<'_>) -> Result<usize, Failure> {
    let wanted = match column {
        Column::Number(number) if *number <= first.len() => return Ok(number - 1),
        Column::Number(number) => {
            return Err(Failure::usage(format!(
                "there is no column {number}: the first row has {}",
                first.len()
            )));
        }
        Column::Name(name) => name.trim(),
    };
    let exact: Vec<usize> = numbered(first)
        .filter(|(_, cell)| cell.trim_ascii() == wanted.as_bytes())
        .map(|(index, _)| index)
        .collect();
    let found = match exact.is_empty() {
        false => exact,
        true => numbered(first)
            .filter(|(_, cell)| cell.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
            .map(|(index, _)| index)
            .collect(),
    };
    match only(kind, &found)? {
        Some(chosen) => Ok(chosen.index),
        None => Err(Failure::usage(format!(
            "no column is called '{wanted}' in the first row: give its number"
        ))),
    }
}

fn only(kind: Kind, found: &[usize]) -> Result<Option<Chosen>, Failure> {
    match found {
        [] => Ok(None),
        [index] => Ok(Some(Chosen {
            kind,
            index: *index,
        })),
        [one, other, ..] => Err(Failure::usage(format!(
            "columns {} and {} may both be the one of {}: say which with {}",
            one + 1,
            other + 1,
            kind.name(),
            kind.option()
        ))),
    }
}

/// The first row holds nothing of what its columns hold further down.
fn looks_like_header(columns: &[Chosen], sample: &Batch) -> bool {
    let holds = |row: Row<'_>| {
        let of_kind = |chosen: &Chosen| {
            let cell = row.cell(chosen.index);
            cell.is_some_and(|cell| chosen.kind.is_in(cell))
        };
        columns.iter().any(of_kind)
    };
    let mut rows = sample.rows();
    rows.next().is_some_and(|first| {
        let names = first.cells().all(|cell| !cell.contains(&b'@'));
        names && !holds(first)
    }) && rows.any(holds)
}

/// No name of a column is an address or a number.
fn holds_anybody(row: Row<'_>) -> bool {
    let is_one = |cell| Kind::Email.is_in(cell) || Kind::Phone.is_in(cell);
    row.cells().any(is_one)
}

fn not_recognized(kinds: &[Kind]) -> Failure {
    let options: Vec<&str> = kinds.iter().map(|kind| kind.option()).collect();
    Failure::usage(format!(
        "no column was recognized: say which it is, by name or number, with {}",
        options.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::Rows;
    use super::*;

    const BOTH: &[Kind] = &[Kind::Email, Kind::Phone];

    fn batch(text: &str) -> Batch {
        let mut batch = Batch::default();
        let mut rows = Rows::new(text.as_bytes(), b',').unwrap();
        while rows.read(&mut batch).unwrap() {}
        batch
    }

    fn decide(
        text: &str,
        asked: &[(Kind, &str)],
        header: Option<bool>,
    ) -> Result<(bool, Vec<(Kind, usize)>), String> {
        let asked = asked
            .iter()
            .map(|(kind, column)| (*kind, Column::parse(column).unwrap()));
        let wanted = Wanted {
            kinds: BOTH,
            asked: asked.collect(),
            header,
        };
        let sample = batch(text);
        let first = sample.rows().next().unwrap();
        let layout = wanted
            .decide_by_header(first)
            .and_then(|settled| match settled {
                Some(layout) => Ok(layout),
                None => wanted.decide_by_contents(&sample),
            })
            .map_err(|failure| failure.message)?;
        let columns = layout.columns.iter();
        let columns = columns.map(|chosen| (chosen.kind, chosen.index)).collect();
        Ok((layout.header, columns))
    }

    #[test]
    fn by_usual_names() {
        for head in ["id,E-Mail", "id,email_address", "id, EMAIL "] {
            let text = format!("{head}\n1,a@b.c\n");
            assert_eq!(decide(&text, &[], None), Ok((true, vec![(Kind::Email, 1)])));
        }
        let both = decide("Phone Number,Email\n,\n", &[], None);
        assert_eq!(both, Ok((true, vec![(Kind::Email, 1), (Kind::Phone, 0)])));
        let message = decide("email,e-mail\n", &[], None).unwrap_err();
        assert!(message.contains("1 and 2") && message.contains("--email-column"));
    }

    #[test]
    fn by_contents() {
        let bare = decide("a@b.c,x\nd@e.f,y\n", &[], None);
        assert_eq!(bare, Ok((false, vec![(Kind::Email, 0)])));
        let headed = decide("kontakt,x\nd@e.f,+12025550123\n", &[], None);
        assert_eq!(headed, Ok((true, vec![(Kind::Email, 0), (Kind::Phone, 1)])));
        let said = decide("kontakt\nd@e.f\n", &[], Some(false));
        assert_eq!(said, Ok((false, vec![(Kind::Email, 0)])));
        // Not a header, for nothing further down says what it would be one of.
        let lone = decide("kontakt\nnobody\n", &[(Kind::Email, "1")], None);
        assert_eq!(lone, Ok((false, vec![(Kind::Email, 0)])));
        // No header, although one cell could be a name.
        let typed = decide("a@b.c,email\n+12025550123,phone\n", &[], None);
        assert_eq!(typed, Ok((false, vec![(Kind::Email, 0)])));
        let message = decide("x,y\n1,2\n", &[], None).unwrap_err();
        assert!(message.contains("--phone-column"), "{message}");
        let message = decide("a@b.c,d@e.f\n", &[], None).unwrap_err();
        assert!(message.contains("1 and 2") && !message.contains("a@b"));
    }

    #[test]
    fn as_asked_for() {
        let text = "Mail,mail,tel\na@b.c,d@e.f,\n";
        let email = |column| decide(text, &[(Kind::Email, column)], None);
        assert_eq!(email("mail"), Ok((true, vec![(Kind::Email, 1)])));
        assert_eq!(email("2"), Ok((true, vec![(Kind::Email, 1)])));
        assert_eq!(email("TEL"), Ok((true, vec![(Kind::Email, 2)])));
        assert!(email("MAIL").unwrap_err().contains("1 and 2"));
        assert!(email("nowhere").unwrap_err().contains("'nowhere'"));
        assert!(email("4").unwrap_err().contains("has 3"));
        let twice = [(Kind::Email, "1"), (Kind::Phone, "1")];
        assert!(decide(text, &twice, None).is_err());
        assert!(decide(text, &[(Kind::Email, "mail")], Some(false)).is_err());
        assert!(Column::parse("0").is_err());
    }
}
