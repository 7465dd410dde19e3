//! A store that is open, of either kind.

use uid2_core::Timestamp;
use uid2_store::{Copied, FileStore, KeyRing, RedisStore, Scan, StoreError, TokenStore, copy};

use super::place::Place;
use super::problem::Problem;

/// What a command is going to do with a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To look: works beside a process that has the file open, and writes nothing.
    Read,
    /// To change what is there.
    Change,
    /// To fill it; it is made where there is none.
    Fill,
}

pub(super) enum Opened {
    File(FileStore),
    Redis(RedisStore),
}

impl Opened {
    pub(super) async fn open(
        place: &Place,
        keys: Option<KeyRing>,
        purpose: Purpose,
    ) -> Result<Self, Problem> {
        let opened = match place {
            Place::File(path) => {
                if purpose != Purpose::Fill && !path.exists() {
                    let message = format!("there is no store at {place}");
                    return Err(Problem::said("not_found", message));
                }
                let mut options = FileStore::options();
                if purpose == Purpose::Read {
                    options = options.read_only();
                }
                if let Some(keys) = keys {
                    options = options.encrypt(keys);
                }
                options.open(path).await.map(Self::File)
            }
            Place::Redis { url, prefix } => {
                let mut options = RedisStore::options().prefix(prefix);
                if purpose == Purpose::Read {
                    options = options.read_only();
                }
                if let Some(keys) = keys {
                    options = options.encrypt(keys);
                }
                options.connect(url).await.map(Self::Redis)
            }
        };
        opened.map_err(|error| Problem::from(error).about(&place.to_string()))
    }

    /// How many records there are, if the store is not too damaged to say.
    pub(super) async fn count(&self) -> Result<Option<u64>, StoreError> {
        let count = match self {
            Self::File(store) => store.stats().await.map(|stats| stats.records),
            Self::Redis(store) => store.stats().await.map(|stats| stats.records),
        };
        match count {
            Err(StoreError::Corrupt(_)) => Ok(None),
            count => count.map(Some),
        }
    }

    pub(super) async fn copy_to(
        &self,
        to: &Self,
        progress: impl FnMut(Copied),
    ) -> Result<Copied, StoreError> {
        match self {
            Self::File(from) => copy_from(from, to, progress).await,
            Self::Redis(from) => copy_from(from, to, progress).await,
        }
    }

    pub(super) async fn purge(&self, before: Timestamp) -> Result<usize, StoreError> {
        match self {
            Self::File(store) => store.purge(before, usize::MAX).await,
            Self::Redis(store) => store.purge(before, usize::MAX).await,
        }
    }

    /// Finishes what was begun.
    pub(super) async fn close(self) {
        if let Self::File(store) = self {
            store.close().await;
        }
    }
}

async fn copy_from(
    from: &impl Scan,
    to: &Opened,
    progress: impl FnMut(Copied),
) -> Result<Copied, StoreError> {
    match to {
        Opened::File(to) => copy(from, to, progress).await,
        Opened::Redis(to) => copy(from, to, progress).await,
    }
}
