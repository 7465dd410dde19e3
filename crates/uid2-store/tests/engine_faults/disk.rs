//! A disk that has lost power: from what was written to it and flushed, what may be
//! on it.

use std::collections::BTreeMap;

use rand_core::Rng;

use crate::below;
use crate::log::Entry;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// A file is on the disk as it was flushed, and perhaps in part as it was written
/// since; its name, once its folder was flushed.
#[derive(Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    flushed_names: BTreeMap<String, usize>,
    /// Since the folder was flushed: a name, and its file if it was not removed.
    renamed: Vec<(String, Option<usize>)>,
}

#[derive(Default)]
struct File {
    flushed: Vec<u8>,
    changes: Vec<Change>,
}

enum Change {
    Write { offset: usize, data: Vec<u8> },
    Size(usize),
}

impl Disk {
    pub(crate) fn enter(&mut self, entry: &Entry) {
        let offset = usize::try_from(entry.offset).unwrap();
        match entry.kind {
            b'c' => {
                self.files.push(File::default());
                self.name(&entry.name, Some(self.files.len() - 1));
            }
            b'u' => self.name(&entry.name, None),
            b's' if entry.name.is_empty() => {
                self.flushed_names = self.names.clone();
                self.renamed.clear();
            }
            b's' => self.file(&entry.name, File::flush),
            b'w' => self.file(&entry.name, |file| {
                let data = entry.data.clone();
                file.changes.push(Change::Write { offset, data });
            }),
            b't' => self.file(&entry.name, |file| file.changes.push(Change::Size(offset))),
            _ => {}
        }
    }

    fn name(&mut self, name: &str, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(name.to_owned(), file),
            None => self.names.remove(name),
        };
        self.renamed.push((name.to_owned(), file));
    }

    /// One that has been removed is nobody's any more.
    fn file(&mut self, name: &str, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.names.get(name) {
            change(&mut self.files[*file]);
        }
    }

    /// One of the many ways in which it may come back.
    pub(crate) fn after_power_loss(&self, random: &mut impl Rng) -> BTreeMap<String, Vec<u8>> {
        let mut names = self.flushed_names.clone();
        // A journal of the file system keeps their order.
        let kept = below(random, self.renamed.len() + 1);
        for (name, file) in &self.renamed[..kept] {
            match file {
                Some(file) => names.insert(name.clone(), *file),
                None => names.remove(name),
            };
        }
        let contents = |file: usize, random: &mut _| self.files[file].after_power_loss(random);
        names
            .into_iter()
            .map(|(name, file)| (name, contents(file, random)))
            .collect()
    }
}

impl File {
    fn flush(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        for change in &changes {
            change.apply(&mut self.flushed, |_| true);
        }
    }

    /// Nothing of what was not flushed, or all, or some, in parts.
    fn after_power_loss(&self, random: &mut impl Rng) -> Vec<u8> {
        let mut contents = self.flushed.clone();
        let kept_of_three = below(random, 4);
        for change in &self.changes {
            change.apply(&mut contents, |_| below(random, 3) < kept_of_three);
        }
        contents
    }
}

impl Change {
    /// What is left out of a file's growth reads as zeros.
    fn apply(&self, contents: &mut Vec<u8>, mut is_kept: impl FnMut(usize) -> bool) {
        match self {
            Self::Size(size) => {
                if is_kept(0) {
                    contents.resize(*size, 0);
                }
            }
            Self::Write { offset, data } => {
                let mut start = 0;
                while start < data.len() {
                    let place = offset + start;
                    let end = data.len().min(start + SECTOR - place % SECTOR);
                    if is_kept(place / SECTOR) {
                        contents.resize(contents.len().max(offset + end), 0);
                        contents[place..offset + end].copy_from_slice(&data[start..end]);
                    }
                    start = end;
                }
            }
        }
    }
}
