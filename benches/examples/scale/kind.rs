//! Which stores are measured.

/// A store, and how much of it is in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    /// Room in its cache for everybody.
    FileCached,
    /// Room in its cache for one in ten.
    File,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Memory, Self::FileCached, Self::File];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::FileCached => "file, all cached",
            Self::File => "file, a tenth cached",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.expect("one of the kinds")
    }

    /// How many records the cache takes. A shard of it may get more than its part.
    pub(crate) const fn cache(self, users: usize) -> usize {
        match self {
            Self::Memory => 0,
            Self::FileCached => users + users / 2,
            Self::File => users / 10,
        }
    }
}
