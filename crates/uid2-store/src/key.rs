//! A key in memory.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Keys up to this long need no memory of their own. With room for longer ones,
/// a key would take as much as this and its own memory together.
const INLINE: usize = 22;

/// A key, beside what it is the key of where it is short: a search that has come
/// to the one has the other too. Where it is long, clones share it.
#[derive(Clone)]
pub(crate) struct Key(Kind);

#[derive(Clone)]
enum Kind {
    Inline(u8, [u8; INLINE]),
    Spilled(Arc<[u8]>),
}

impl Key {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        match (inline.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(part), Ok(len)) => {
                part.copy_from_slice(key);
                Self(Kind::Inline(len, inline))
            }
            _ => Self(Kind::Spilled(key.into())),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Inline(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Kind::Spilled(key) => key,
        }
    }
}

// As the bytes, in every respect.

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use foldhash::fast::RandomState;

    use super::*;

    #[test]
    fn it_is_as_its_bytes_whether_short_or_long() {
        let hasher = RandomState::default();
        let longest = [9; INLINE + 2];
        let all: Vec<_> = (0..=longest.len()).map(|end| &longest[..end]).collect();
        for one in &all {
            let key = Key::new(one);
            assert_eq!(key.as_bytes(), *one);
            assert_eq!(hasher.hash_one(&key), hasher.hash_one(*one));
            for other in &all {
                assert_eq!(key.cmp(&Key::new(other)), one.cmp(other));
                assert_eq!(key == Key::new(other), one == other);
            }
        }
    }

    #[test]
    fn it_takes_no_more_room_than_it_says() {
        assert_eq!(size_of::<Key>(), INLINE + 2);
    }
}
