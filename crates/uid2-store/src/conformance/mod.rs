//! The suite that every backend passes, for backends of your own.
//!
//! Say how to open an empty store and how to run a future, and call [`run`]:
//!
//! ```
//! use std::future::Future;
//! use uid2_store::MemoryStore;
//! use uid2_store::conformance::{self, Backend};
//!
//! struct Memory(tokio::runtime::Runtime);
//!
//! impl Backend for Memory {
//!     type Store = MemoryStore;
//!
//!     async fn empty(&self) -> MemoryStore {
//!         MemoryStore::new()
//!     }
//!
//!     fn block_on<F: Future>(&self, future: F) -> F::Output {
//!         self.0.block_on(future)
//!     }
//! }
//!
//! // In a test of yours:
//! let backend = Memory(tokio::runtime::Runtime::new().unwrap());
//! conformance::run(&backend).unwrap();
//! ```
//!
//! Each check has the name of the clause of the [contract](crate::TokenStore)
//! that it is about. They use times around 2023 and never wait. What they cannot
//! check is durability: that takes a process that dies. Who has
//! [`Leases`](crate::Leases) too calls [`run_leases`].

mod basics;
mod cancel;
mod due;
mod leases;
mod model;
mod purge;
mod race;
mod sample;

use std::fmt;
use std::future::Future;

use crate::{StoreError, TokenStore};

pub use leases::{LeaseBackend, run_leases};
pub use sample::{identity, logged_out, opt_out};

/// What the suite must know of a backend.
pub trait Backend: Sync {
    /// The store. A clone must be another handle of the same store.
    type Store: TokenStore + Clone;

    /// A store that is empty, and independent of all that were opened before.
    fn empty(&self) -> impl Future<Output = Self::Store> + Send;

    /// Runs a future to its end. Called from several threads at a time, none of
    /// which belongs to a runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// A clause that a backend does not keep.
#[derive(Debug)]
pub struct Failure {
    clause: &'static str,
    what: String,
}

impl Failure {
    /// The clause of the contract.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the backend breaks \"{}\": {}", self.clause, self.what)
    }
}

impl std::error::Error for Failure {}

/// Runs all checks, each on an empty store.
///
/// # Errors
/// The first clause that the backend does not keep.
pub fn run<B: Backend>(backend: &B) -> Result<(), Failure> {
    let checks: [Clause<B>; 21] = [
        Clause("reading: a missing record is none", |b| {
            b.block_on(basics::missing(b))
        }),
        Clause("reading: a record comes back as it was put", |b| {
            b.block_on(basics::round_trip(b))
        }),
        Clause(
            "reading: expired records are there until they are purged",
            |b| b.block_on(basics::expired_is_served(b)),
        ),
        Clause("reading: every handle sees what was written", |b| {
            b.block_on(basics::handles(b))
        }),
        Clause("reading: keys of every kind", |b| {
            b.block_on(basics::keys(b))
        }),
        Clause("reading: large records", |b| b.block_on(basics::large(b))),
        Clause("atomicity: put keeps its precondition", |b| {
            b.block_on(basics::put_conditions(b))
        }),
        Clause("atomicity: remove keeps its precondition", |b| {
            b.block_on(basics::remove_conditions(b))
        }),
        Clause("cancellation: the old record or the new one", |b| {
            b.block_on(cancel::dropped(b))
        }),
        Clause("versions: none comes back", |b| {
            b.block_on(basics::versions(b))
        }),
        Clause("due scan: order, bound and limit", |b| {
            b.block_on(due::order(b))
        }),
        Clause("due scan: goes on where it left off", |b| {
            b.block_on(due::pages(b))
        }),
        Clause("due scan: follows each change", |b| {
            b.block_on(due::follows(b))
        }),
        Clause("due scan: extreme times", |b| b.block_on(due::extremes(b))),
        Clause("purging: only what expired", |b| {
            b.block_on(purge::only_expired(b))
        }),
        Clause("purging: the limit", |b| b.block_on(purge::limit(b))),
        Clause("atomicity: a race of writers sums exactly", race::sums),
        Clause("atomicity: of many creators one succeeds", race::creators),
        Clause("due scan: under concurrent change", race::due_scan),
        Clause("purging: under concurrent change", race::purge),
        Clause("all: random operations agree with a model", model::agrees),
    ];
    for Clause(clause, check) in checks {
        check(backend).map_err(|Broken(what)| Failure { clause, what })?;
    }
    Ok(())
}

struct Clause<B>(&'static str, fn(&B) -> Check);

/// What a check found.
struct Broken(String);

type Check = Result<(), Broken>;

/// Errors that a check does not expect.
impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(format!("unexpected error: {error} ({error:?})"))
    }
}

/// Breaks off a check unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Broken(format!($($message)+)));
        }
    };
}
use ensure;
