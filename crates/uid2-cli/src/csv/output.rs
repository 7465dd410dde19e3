//! Where rows go to.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::failure::Failure;

/// A file, or stdout. Not buffered: rows come many at a time.
pub(crate) enum Sink {
    File(File),
    Stdout(io::Stdout),
}

impl Sink {
    /// Makes the file, or takes stdout if there is none.
    pub(crate) fn open(path: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Stdout(io::stdout()));
        };
        let mut options = OpenOptions::new();
        options.write(true).truncate(overwrite);
        match overwrite {
            true => options.create(true),
            false => options.create_new(true),
        };
        options.open(path).map(Self::File).map_err(|error| {
            let path = path.display();
            if error.kind() == io::ErrorKind::AlreadyExists {
                let message = format!("{path} exists: remove it, or give --overwrite");
                return Failure::said("output_exists", message);
            }
            Failure::said("unwritable_file", format!("cannot write {path}: {error}"))
        })
    }

    /// Whether it is a terminal that somebody watches.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(stdout) if stdout.is_terminal())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}
