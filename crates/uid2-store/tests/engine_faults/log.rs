//! What the shim, and the script above it, have written down.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// As `shim.c` describes it. The script's own: `b` begins a step of a key, `a` says
/// it is acknowledged, `k` that a backup was made, `e` that a call failed, and how, and
/// `z` ends it.
pub(crate) struct Entry {
    pub(crate) kind: u8,
    pub(crate) name: String,
    /// Of the script's, the key.
    pub(crate) offset: u64,
    /// Of the script's, the step.
    pub(crate) length: u64,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn read(path: &Path) -> Vec<Entry> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_at(18);
        let (name, after) = after.split_at(usize::from(head[1]));
        let length = u64::from_ne_bytes(head[10..18].try_into().unwrap());
        let has_data = head[0] == b'w';
        let (data, after) = after.split_at(if has_data {
            usize::try_from(length).unwrap()
        } else {
            0
        });
        entries.push(Entry {
            kind: head[0],
            name: String::from_utf8(name.to_vec()).unwrap(),
            offset: u64::from_ne_bytes(head[2..10].try_into().unwrap()),
            length,
            data: data.to_vec(),
        });
        rest = after;
    }
    entries
}

/// In one call, so that it stands whole among the shim's.
pub(crate) fn write(path: &Path, kind: u8, name: &str, key: u64, step: u64) {
    let mut entry = vec![kind, u8::try_from(name.len()).unwrap()];
    entry.extend(key.to_ne_bytes());
    entry.extend(step.to_ne_bytes());
    entry.extend(name.bytes());
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(&entry).unwrap();
}
