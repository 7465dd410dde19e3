//! Nodes that share users through Redis: processes of their own, against an
//! emulator.
//!
//! This program is both: started as a node, it obeys; started as the test, it
//! starts nodes and looks at what they did.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod load;
mod node;
mod proxy;
mod redis_server;

use std::collections::HashSet;

use tokio::runtime::Runtime;
use uid2_core::Identity;
use uid2_core::lifecycle::Record;
use uid2_emulator::{Emulator, Endpoint};
use uid2_store::{Precondition, RedisStore, TokenStore};

use node::Node;
use proxy::Proxy;
use redis_server::{RedisServer, is_installed};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "node") {
        return node::run(&arguments[1..]);
    }
    let tests: [(&str, fn()); 6] = [
        (
            "two_nodes_refresh_a_user_once",
            two_nodes_refresh_a_user_once,
        ),
        ("without_leases_both_refresh", without_leases_both_refresh),
        (
            "a_logout_on_one_node_is_final_on_the_other",
            a_logout_on_one_node_is_final_on_the_other,
        ),
        (
            "a_logout_is_final_though_another_node_refreshes",
            a_logout_is_final_though_another_node_refreshes,
        ),
        (
            "a_node_that_crashes_with_a_lease_delays_the_others_only",
            a_node_that_crashes_with_a_lease_delays_the_others_only,
        ),
        (
            "nothing_acknowledged_is_lost_when_redis_is_killed",
            load::nothing_acknowledged_is_lost_when_redis_is_killed,
        ),
    ];
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    for (name, test) in tests {
        if filter.is_none_or(|filter| name.contains(filter)) && is_installed(name) {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// An operator, two nodes, and what is between them.
pub(crate) struct World {
    pub(crate) nodes: [Node; 2],
    pub(crate) redis: RedisServer,
    proxy: Proxy,
    emulator: Emulator,
    // Last, for the emulator lives on it.
    runtime: Runtime,
}

impl World {
    pub(crate) fn new(redis: &[&str], leases: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let emulator = runtime.block_on(Emulator::start()).unwrap();
        let proxy = Proxy::start(emulator.address());
        let redis = RedisServer::start(redis);
        let start = || Node::start(&redis.url(), &proxy.url(), leases);
        Self {
            nodes: [start(), start()],
            redis,
            proxy,
            emulator,
            runtime,
        }
    }

    /// Users whose identities are due for a refresh, though not expired: as if
    /// they had been established half an hour ago.
    fn establish_due(&self, users: &[String]) {
        let begun: Vec<_> = users
            .iter()
            .map(|user| self.nodes[0].begin("establish", user))
            .collect();
        for pending in begun {
            let answer = pending.answer();
            assert!(answer.starts_with("token "), "{answer}");
        }
        self.runtime.block_on(async {
            let store = RedisStore::connect(&self.redis.url()).await.unwrap();
            for user in users {
                make_due(&store, format!("u{user}").as_bytes()).await;
            }
        });
    }

    /// Asks both nodes for a refresh of every user at the same time, holds the
    /// refreshes back until so many are in flight, and gives the tokens.
    fn refresh_on_both(&self, users: &[String], in_flight: usize) -> Vec<[String; 2]> {
        self.proxy.hold(true);
        let begun: Vec<_> = users
            .iter()
            .map(|user| [0, 1].map(|node: usize| self.nodes[node].begin("refresh", user)))
            .collect();
        self.proxy.wait_for(in_flight);
        self.proxy.hold(false);
        let answers = begun
            .into_iter()
            .map(|pair| pair.map(node::Pending::answer));
        answers.collect()
    }
}

async fn make_due(store: &RedisStore, key: &[u8]) {
    let entry = store.get(key).await.unwrap().unwrap();
    let Record::Identity(stored) = entry.record else {
        panic!("no identity")
    };
    let fresh = stored.identity.refresh_from().as_millis();
    let due = fresh - 1_800_000;
    let json = stored.identity.to_json();
    let json = json.replace(&fresh.to_string(), &due.to_string());
    let identity = Identity::from_json(json.as_bytes()).unwrap();
    let record = Record::identity(identity, stored.dii);
    let when = Precondition::Version(entry.version);
    store.put(key, &record, when).await.unwrap();
}

fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}

fn two_nodes_refresh_a_user_once() {
    let world = World::new(&[], true);
    let users = users(40);
    world.establish_due(&users);
    let tokens = world.refresh_on_both(&users, users.len());
    for (user, pair) in users.iter().zip(&tokens) {
        assert!(pair[0].starts_with("token "), "{user}: {pair:?}");
        assert_eq!(pair[0], pair[1], "{user} has two tokens");
        assert_eq!(world.nodes[1].ask("token", user), pair[0]);
    }
    let refreshes = world.proxy.refreshes();
    let different: HashSet<_> = refreshes.iter().collect();
    assert_eq!(refreshes.len(), users.len(), "a user was refreshed twice");
    assert_eq!(
        different.len(),
        users.len(),
        "a refresh token was used twice"
    );
    let counted = world.emulator.operator().requests(Endpoint::TokenRefresh);
    assert_eq!(counted, users.len() as u64);
}

/// A node is killed while its refreshes are in flight, and so has the leases. The
/// other serves what is valid meanwhile, waits the leases out, and refreshes then.
fn a_node_that_crashes_with_a_lease_delays_the_others_only() {
    let mut world = World::new(&[], true);
    let users = users(20);
    world.establish_due(&users);
    world.proxy.hold(true);
    for user in &users {
        // Nobody will get the answer.
        drop(world.nodes[0].begin("refresh", user));
    }
    world.proxy.wait_for(users.len());
    world.nodes[0].kill();
    let asked = std::time::Instant::now();
    let refreshes: Vec<_> = users
        .iter()
        .map(|user| world.nodes[1].begin("refresh", user))
        .collect();
    for user in &users {
        let answer = world.nodes[1].ask("token", user);
        assert!(
            answer.starts_with("token "),
            "{user} is not served: {answer}"
        );
    }
    assert_eq!(
        world.proxy.refreshes().len(),
        users.len(),
        "a lease that is held was not kept"
    );
    assert!(asked.elapsed() < node::LEASE, "too slow to say anything");
    world.proxy.wait_for(2 * users.len());
    assert!(
        asked.elapsed() >= node::LEASE / 2,
        "the leases were not kept"
    );
    world.proxy.hold(false);
    for (user, refresh) in users.iter().zip(refreshes) {
        let answer = refresh.answer();
        assert!(answer.starts_with("token "), "{user}: {answer}");
        assert_eq!(world.nodes[1].ask("token", user), answer);
    }
    assert_eq!(world.proxy.refreshes().len(), 2 * users.len());
}

/// What the test above would see if leases did nothing.
fn without_leases_both_refresh() {
    let world = World::new(&[], false);
    let users = users(10);
    world.establish_due(&users);
    world.refresh_on_both(&users, 2 * users.len());
    let refreshes = world.proxy.refreshes();
    let different: HashSet<_> = refreshes.iter().collect();
    assert_eq!((refreshes.len(), different.len()), (20, 10));
}

fn a_logout_on_one_node_is_final_on_the_other() {
    let world = World::new(&[], true);
    for user in users(20) {
        let token = world.nodes[0].ask("establish", &user);
        assert_eq!(world.nodes[1].ask("token", &user), token);
        assert_eq!(world.nodes[1].ask("logout", &user), "done");
        for node in &world.nodes {
            assert_eq!(node.ask("token", &user), "none", "{user}");
            assert_eq!(node.ask("refresh", &user), "none", "{user}");
        }
    }
    assert_eq!(world.proxy.refreshes().len(), 0);
}

/// The refresh has left the one node when the user logs out on the other, and
/// its answer comes after.
fn a_logout_is_final_though_another_node_refreshes() {
    let world = World::new(&[], true);
    let users = users(20);
    world.establish_due(&users);
    world.proxy.hold(true);
    let refreshing: Vec<_> = users
        .iter()
        .map(|user| world.nodes[0].begin("refresh", user))
        .collect();
    world.proxy.wait_for(users.len());
    for user in &users {
        assert_eq!(world.nodes[1].ask("logout", user), "done");
    }
    world.proxy.hold(false);
    for refresh in refreshing {
        assert_eq!(refresh.answer(), "none");
    }
    let answered = world.emulator.operator().requests(Endpoint::TokenRefresh);
    assert_eq!(
        answered,
        users.len() as u64,
        "the operator had an answer for each"
    );
    for user in &users {
        for node in &world.nodes {
            assert_eq!(node.ask("token", user), "none", "{user} is back");
        }
    }
}
