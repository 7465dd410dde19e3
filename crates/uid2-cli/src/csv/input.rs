//! Where rows come from.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// A file, or stdin.
pub(crate) struct Source {
    pub(crate) reader: Box<dyn Read + Send>,
    /// Of a regular file.
    pub(crate) metadata: Option<Metadata>,
}

impl Source {
    /// Opens a file, or with `-` stdin.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self {
                reader: Box::new(io::stdin()),
                metadata: None,
            });
        }
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            let message = format!("{} is a folder, not a CSV file", path.display());
            return Err(Failure::said("unreadable_file", message));
        }
        Ok(Self {
            reader: Box::new(file),
            metadata: Some(metadata).filter(Metadata::is_file),
        })
    }

    /// How many bytes there are, if that is known.
    pub(crate) fn len(&self) -> Option<u64> {
        self.metadata.as_ref().map(Metadata::len)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot read {}: {error}", path.display());
    Failure::said("unreadable_file", message)
}
