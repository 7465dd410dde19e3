//! `RedisStore` against real servers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod faults;
mod server;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{self, Backend, identity, logged_out, opt_out};
use uid2_store::{
    DynTokenStore, KeyRing, Leases, MemoryStore, Precondition, RedisOptions, RedisStore,
    StoreError, TokenStore, copy,
};

use self::server::{Server, is_installed};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

pub(crate) fn user(text: &str) -> Record {
    identity(text, at(1), at(100)).unwrap()
}

/// When the first of all is due.
async fn next_due(store: &RedisStore) -> Option<Timestamp> {
    let first = store.due(Timestamp::MAX, None, 1).await.unwrap();
    first.first().map(|first| first.due)
}

fn ring() -> KeyRing {
    KeyRing::new([1; 32], 1, [2; 32])
}

/// Stores of one server, each with a prefix of its own.
struct Redis<F> {
    runtime: Runtime,
    open: F,
    count: AtomicUsize,
}

impl<F, S, O> Backend for Redis<F>
where
    F: Fn(RedisOptions) -> O + Sync,
    O: Future<Output = S> + Send,
    S: TokenStore + Clone,
{
    type Store = S;

    async fn empty(&self) -> S {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        (self.open)(RedisStore::options().prefix(format!("store-{number}"))).await
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.runtime.block_on(future)
    }
}

fn check<S, O>(runtime: Runtime, open: impl Fn(RedisOptions) -> O + Sync)
where
    O: Future<Output = S> + Send,
    S: TokenStore + Clone,
{
    let count = AtomicUsize::new(0);
    conformance::run(&Redis {
        runtime,
        open,
        count,
    })
    .unwrap();
}

#[test]
fn one_server_conforms() {
    if !is_installed("one_server_conforms") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(&[]));
    check(runtime, |options| async {
        options.connect(&server.url()).await.unwrap()
    });
}

#[test]
fn an_encrypted_store_conforms_also_behind_dyn() {
    if !is_installed("an_encrypted_store_conforms_also_behind_dyn") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(&[]));
    check(runtime, |options| async {
        let store = options
            .encrypt(ring())
            .connect(&server.url())
            .await
            .unwrap();
        Arc::new(store) as Arc<dyn DynTokenStore>
    });
}

/// Three nodes that know each other and share the slots.
async fn cluster() -> Vec<Server> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Server::start(&["--cluster-enabled", "yes"]).await);
    }
    for (server, slots) in servers
        .iter()
        .zip([(0, 5460), (5461, 10_922), (10_923, 16_383)])
    {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let assign = redis::cmd("CLUSTER")
            .arg("ADDSLOTSRANGE")
            .arg(slots.0)
            .arg(slots.1)
            .clone();
        let _: () = assign.query_async(&mut connection).await.unwrap();
        for other in &servers {
            let meet = redis::cmd("CLUSTER")
                .arg("MEET")
                .arg("127.0.0.1")
                .arg(other.port)
                .clone();
            let _: () = meet.query_async(&mut connection).await.unwrap();
        }
    }
    for server in &servers {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut tries = 0;
        loop {
            let info: String = redis::cmd("CLUSTER")
                .arg("INFO")
                .query_async(&mut connection)
                .await
                .unwrap();
            if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
                break;
            }
            tries += 1;
            assert!(tries < 500, "the cluster does not come together: {info}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    servers
}

#[test]
fn a_cluster_conforms() {
    if !is_installed("a_cluster_conforms") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let servers = runtime.block_on(cluster());
    let urls: Vec<_> = servers.iter().map(Server::url).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    check(runtime, |options| async {
        options.connect_cluster(&urls).await.unwrap()
    });
}

#[tokio::test]
async fn of_many_nodes_one_has_the_lease() {
    if !is_installed("of_many_nodes_one_has_the_lease") {
        return;
    }
    let server = Server::start(&[]).await;
    let mut nodes: Vec<Arc<dyn Leases>> = Vec::new();
    for _ in 0..5 {
        nodes.push(Arc::new(RedisStore::connect(&server.url()).await.unwrap()));
    }
    let long = Duration::from_secs(60);
    let asked = nodes.iter().map(|node| node.acquire(b"user", long));
    let held: Vec<_> = futures_util::future::try_join_all(asked).await.unwrap();
    let mut held: Vec<_> = held.into_iter().flatten().collect();
    assert_eq!(held.len(), 1, "{} have the lease", held.len());
    // Another user is another lease.
    let other = nodes[0]
        .acquire(b"other", Duration::from_millis(50))
        .await
        .unwrap()
        .unwrap();

    let lease = held.remove(0);
    assert!(nodes[1].release(lease.clone()).await.unwrap());
    assert!(!nodes[1].release(lease.clone()).await.unwrap());
    let next = nodes[2].acquire(b"user", long).await.unwrap().unwrap();
    assert!(
        !nodes[0].release(lease).await.unwrap(),
        "released what another has"
    );
    assert!(nodes[0].acquire(b"user", long).await.unwrap().is_none());
    assert!(nodes[2].release(next).await.unwrap());

    // A lease ends by itself.
    let mut tries = 0;
    while nodes[3].acquire(b"other", long).await.unwrap().is_none() {
        tries += 1;
        assert!(tries < 200, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!nodes[0].release(other).await.unwrap());
}

/// One node refreshes what it read before another node's logout.
#[tokio::test]
async fn a_logout_on_one_node_is_final_on_the_other() {
    if !is_installed("a_logout_on_one_node_is_final_on_the_other") {
        return;
    }
    let server = Server::start(&[]).await;
    let one = RedisStore::connect(&server.url()).await.unwrap();
    let two = RedisStore::connect(&server.url()).await.unwrap();
    for _ in 0..50 {
        one.put(b"user", &user("first"), Precondition::Any)
            .await
            .unwrap();
        let read = one.get(b"user").await.unwrap();
        let when = Precondition::unchanged(read.as_ref());
        let refreshed = user("refreshed");
        let goodbye = logged_out(at(5), at(6));
        let (late, logout) = tokio::join!(
            one.put(b"user", &refreshed, when),
            two.put(b"user", &goodbye, Precondition::Any),
        );
        logout.unwrap();
        assert!(
            matches!(late, Ok(_) | Err(StoreError::Conflict)),
            "{late:?}"
        );
        for node in [&one, &two] {
            let record = node.get(b"user").await.unwrap().unwrap().record;
            assert_eq!(record, goodbye);
            assert_eq!(next_due(node).await, None);
        }
    }
}

#[tokio::test]
async fn identities_go_by_themselves_and_opt_outs_stay() {
    if !is_installed("identities_go_by_themselves_and_opt_outs_stay") {
        return;
    }
    let server = Server::start(&[]).await;
    let options = RedisStore::options().grace(Duration::from_millis(30));
    let store = options.connect(&server.url()).await.unwrap();
    store
        .put(b"user", &user("x"), Precondition::Any)
        .await
        .unwrap();
    store
        .put(b"left", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();
    let mut tries = 0;
    while store.get(b"user").await.unwrap().is_some() {
        tries += 1;
        assert!(tries < 200, "an expired identity does not go");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What is left of it in the index goes with the next scan.
    assert!(store.due(Timestamp::MAX, None, 9).await.unwrap().is_empty());
    assert_eq!(next_due(&store).await, None);
    assert!(store.get(b"left").await.unwrap().is_some());
    // An opt-out that takes an identity's place stays too.
    store
        .put(b"late", &user("x"), Precondition::Any)
        .await
        .unwrap();
    store
        .put(b"late", &opt_out(at(2)), Precondition::Any)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(store.get(b"late").await.unwrap().is_some());
    let stats = store.stats().await.unwrap();
    assert_eq!(
        (stats.records, stats.opt_outs, stats.refreshable),
        (2, 2, 0)
    );
}

#[tokio::test]
async fn a_copy_goes_in_and_out_and_keys_rotate() {
    if !is_installed("a_copy_goes_in_and_out_and_keys_rotate") {
        return;
    }
    let server = Server::start(&[]).await;
    let memory = MemoryStore::new();
    for number in 0..500 {
        let key = format!("user-{number}");
        let record = if number % 2 == 0 {
            user(&key)
        } else {
            opt_out(at(number))
        };
        memory
            .put(key.as_bytes(), &record, Precondition::Any)
            .await
            .unwrap();
    }
    let old = RedisStore::options()
        .encrypt(ring())
        .connect(&server.url())
        .await
        .unwrap();
    let done = copy(&memory, &old, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.failed), (500, 0));

    let rotated = KeyRing::new([1; 32], 2, [3; 32]);
    let both = rotated.clone().with_former_key(1, [2; 32]).unwrap();
    let both = RedisStore::options()
        .encrypt(both)
        .connect(&server.url())
        .await
        .unwrap();
    let version = both.get(b"user-8").await.unwrap().unwrap().version;
    let done = both.reseal().await.unwrap();
    assert_eq!((done.resealed, done.failed), (500, 0));
    assert!(matches!(
        old.get(b"user-8").await,
        Err(StoreError::KeyMissing { id: 2 })
    ));
    let new = RedisStore::options()
        .encrypt(rotated)
        .connect(&server.url())
        .await
        .unwrap();
    assert_eq!(new.get(b"user-8").await.unwrap().unwrap().version, version);

    let back = MemoryStore::new();
    let done = copy(&new, &back, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.failed), (500, 0));
    for number in 0..500 {
        let key = format!("user-{number}");
        let (a, b) = (
            memory.get(key.as_bytes()).await,
            back.get(key.as_bytes()).await,
        );
        assert_eq!(a.unwrap().unwrap().record, b.unwrap().unwrap().record);
    }
    assert_eq!(new.stats().await.unwrap().opt_outs, 250);
}
