//! Every backend, and every wrapper of one, against the same suite.

#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use uid2_store::conformance::{self, Backend};
use uid2_store::{DynTokenStore, FileOptions, FileStore, KeyRing, MemoryStore};

/// A backend that is opened by a function.
struct Opened<F> {
    runtime: Runtime,
    open: F,
}

fn check<S, O>(open: impl Fn() -> O + Sync)
where
    S: uid2_store::TokenStore + Clone,
    O: Future<Output = S> + Send,
{
    let backend = Opened {
        runtime: Runtime::new().unwrap(),
        open,
    };
    conformance::run(&backend).unwrap();
}

impl<S, O, F> Backend for Opened<F>
where
    S: uid2_store::TokenStore + Clone,
    O: Future<Output = S> + Send,
    F: Fn() -> O + Sync,
{
    type Store = S;

    fn empty(&self) -> impl Future<Output = S> + Send {
        (self.open)()
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.runtime.block_on(future)
    }
}

async fn file(folder: &TempDir, options: FileOptions) -> FileStore {
    // Each store in a folder of its own, all gone with the outer one.
    let own = TempDir::new_in(folder).unwrap().keep();
    options.open(own.join("store.db")).await.unwrap()
}

#[test]
fn memory() {
    check(|| async { MemoryStore::new() });
}

#[test]
fn memory_with_room_to_spare() {
    let limit = 10_000.try_into().unwrap();
    check(|| async { MemoryStore::with_capacity_limit(limit) });
}

#[test]
fn memory_behind_dyn() {
    check(|| async { Arc::new(MemoryStore::new()) as Arc<dyn DynTokenStore> });
}

#[test]
fn file_with_a_cache() {
    let folder = TempDir::new().unwrap();
    check(|| file(&folder, FileStore::options()));
}

#[test]
fn file_with_a_cache_that_is_too_small() {
    let folder = TempDir::new().unwrap();
    check(|| file(&folder, FileStore::options().cache(1)));
}

#[test]
fn file_without_a_cache() {
    let folder = TempDir::new().unwrap();
    check(|| file(&folder, FileStore::options().cache(0).readers(4)));
}

#[test]
fn file_behind_dyn() {
    let folder = TempDir::new().unwrap();
    check(|| async {
        let store = file(&folder, FileStore::options()).await;
        Arc::new(store) as Arc<dyn DynTokenStore>
    });
}

fn ring() -> KeyRing {
    KeyRing::new([1; 32], 1, [2; 32])
}

#[test]
fn encrypted_file() {
    let folder = TempDir::new().unwrap();
    check(|| file(&folder, FileStore::options().encrypt(ring())));
}

#[test]
fn encrypted_file_without_a_cache() {
    let folder = TempDir::new().unwrap();
    check(|| file(&folder, FileStore::options().encrypt(ring()).cache(0)));
}

#[test]
fn encrypted_file_behind_dyn() {
    let folder = TempDir::new().unwrap();
    check(|| async {
        let store = file(&folder, FileStore::options().encrypt(ring())).await;
        Arc::new(store) as Arc<dyn DynTokenStore>
    });
}
