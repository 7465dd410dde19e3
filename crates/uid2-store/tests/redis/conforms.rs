//! The suites, on every kind of server and store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use uid2_store::conformance::{self, Backend, LeaseBackend};
use uid2_store::{DynTokenStore, Leases, Precondition, RedisOptions, RedisStore, TokenStore};

use super::server::{Server, is_installed};
use super::{ring, user};

/// One server, or the nodes of a cluster.
struct Servers {
    servers: Vec<Server>,
    runtime: Runtime,
    /// So that each store has a prefix of its own.
    stores: AtomicUsize,
}

impl Servers {
    fn one() -> Self {
        Self::new(async { vec![Server::start(&[]).await] })
    }

    fn three() -> Self {
        Self::new(cluster())
    }

    fn new(servers: impl Future<Output = Vec<Server>>) -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            servers: runtime.block_on(servers),
            runtime,
            stores: AtomicUsize::new(0),
        }
    }

    async fn connect(&self, options: RedisOptions) -> RedisStore {
        let urls: Vec<_> = self.servers.iter().map(Server::url).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        let connected = match urls.as_slice() {
            [url] => options.connect(url).await,
            urls => options.connect_cluster(urls).await,
        };
        connected.unwrap()
    }

    async fn empty(&self, options: RedisOptions) -> RedisStore {
        let number = self.stores.fetch_add(1, Ordering::Relaxed);
        self.connect(options.prefix(format!("store-{number}")))
            .await
    }

    /// Runs the suite, as it is and behind `dyn`.
    fn check(&self, options: impl Fn() -> RedisOptions + Sync) {
        let open = || self.empty(options());
        conformance::run(&Stores(self, open)).unwrap();
        let open = || async { Arc::new(self.empty(options()).await) as Arc<dyn DynTokenStore> };
        conformance::run(&Stores(self, open)).unwrap();
    }

    fn check_leases(&self, options: impl Fn() -> RedisOptions + Sync) {
        let number = self.stores.fetch_add(1, Ordering::Relaxed);
        let options = || options().prefix(format!("leases-{number}"));
        conformance::run_leases(&Nodes(self, options)).unwrap();
    }
}

struct Stores<'a, F>(&'a Servers, F);

impl<F, S, O> Backend for Stores<'_, F>
where
    F: Fn() -> O + Sync,
    O: Future<Output = S> + Send,
    S: TokenStore + Clone,
{
    type Store = S;

    fn empty(&self) -> impl Future<Output = S> + Send {
        (self.1)()
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.0.runtime.block_on(future)
    }
}

/// Each with a connection of its own.
struct Nodes<'a, F>(&'a Servers, F);

impl<F: Fn() -> RedisOptions + Sync> LeaseBackend for Nodes<'_, F> {
    async fn node(&self) -> Arc<dyn Leases> {
        Arc::new(self.0.connect((self.1)()).await)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn block_on<T: Future>(&self, future: T) -> T::Output {
        self.0.runtime.block_on(future)
    }
}

fn plain() -> RedisOptions {
    RedisStore::options()
}

fn encrypted() -> RedisOptions {
    RedisStore::options().encrypt(ring())
}

#[test]
fn one_server_conforms() {
    if is_installed("one_server_conforms") {
        Servers::one().check(plain);
    }
}

#[test]
fn one_server_conforms_encrypted() {
    if is_installed("one_server_conforms_encrypted") {
        Servers::one().check(encrypted);
    }
}

#[test]
fn a_cluster_conforms() {
    if is_installed("a_cluster_conforms") {
        Servers::three().check(plain);
    }
}

#[test]
fn a_cluster_conforms_encrypted() {
    if is_installed("a_cluster_conforms_encrypted") {
        Servers::three().check(encrypted);
    }
}

#[test]
fn leases_conform() {
    if is_installed("leases_conform") {
        for servers in [Servers::one(), Servers::three()] {
            servers.check_leases(plain);
            servers.check_leases(encrypted);
        }
    }
}

/// A user's id may look as if it named something else in Redis.
#[test]
fn no_record_stands_in_the_way_of_a_lease() {
    if !is_installed("no_record_stands_in_the_way_of_a_lease") {
        return;
    }
    let servers = Servers::one();
    servers.runtime.block_on(async {
        let store = servers.empty(plain()).await;
        let (time, record) = (Duration::from_secs(60), user("x"));
        // Some of these share a shard with the key that they are made of.
        for number in 0..500 {
            let key = format!("user-{number}");
            let lease = store.acquire(key.as_bytes(), time).await.unwrap().unwrap();
            for suffix in [":lease", ":l:", ":due"] {
                let other = format!("{key}{suffix}");
                store
                    .put(other.as_bytes(), &record, Precondition::Any)
                    .await
                    .unwrap();
                assert!(store.get(other.as_bytes()).await.unwrap().is_some());
            }
            assert!(store.release(lease).await.unwrap());
        }
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
