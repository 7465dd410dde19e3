//! Redis is killed while both nodes are at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::World;
use crate::node::Node;

/// What is known of a user once the server is up again.
enum Known {
    /// Established, and no logout tried.
    Here(String),
    /// Logged out.
    Gone,
    /// A call was not acknowledged: it may have taken place.
    Either,
}

/// Signs users in, and every other out again, until Redis does not answer; and
/// counts them.
fn sign_in_and_out(node: &Node, name: &str, known: &mut Vec<(String, Known)>, count: &AtomicUsize) {
    for number in 0.. {
        count.fetch_add(1, Ordering::Relaxed);
        let user = format!("{name}-{number}");
        let answer = node.ask("establish", &user);
        if answer == "retry" {
            return known.push((user, Known::Either));
        }
        assert!(answer.starts_with("token "), "{answer}");
        if number % 2 == 0 {
            known.push((user, Known::Here(answer)));
            continue;
        }
        match node.ask("logout", &user).as_str() {
            "done" => known.push((user, Known::Gone)),
            "retry" => return known.push((user, Known::Either)),
            other => panic!("{other}"),
        }
    }
}

pub(crate) fn nothing_acknowledged_is_lost_when_redis_is_killed() {
    const WRITERS: usize = 4;
    // In each round, before Redis is killed.
    const USERS: usize = 50;
    let mut world = World::new(&["--appendonly", "yes", "--appendfsync", "always"], true);
    let mut known = Vec::new();
    for round in 0..3 {
        let World { nodes, redis, .. } = &mut world;
        let count = &AtomicUsize::new(0);
        let found: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..2 * WRITERS)
                .map(|writer| {
                    let node = &nodes[writer % 2];
                    scope.spawn(move || {
                        let mut known = Vec::new();
                        sign_in_and_out(node, &format!("{round}-{writer}"), &mut known, count);
                        known
                    })
                })
                .collect();
            let at_work = || writers.iter().any(|writer| !writer.is_finished());
            while count.load(Ordering::Relaxed) < USERS && at_work() {
                thread::sleep(Duration::from_millis(1));
            }
            redis.kill();
            writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap())
                .collect()
        });
        known.extend(found);
        redis.restart();
        for node in nodes.iter() {
            wait_until_it_works(node);
        }
    }
    let [mut here, mut gone] = [0, 0];
    for (user, what) in &known {
        for node in &world.nodes {
            let answer = node.ask("token", user);
            match what {
                Known::Here(token) => assert_eq!(answer, *token, "the identity of {user} is lost"),
                Known::Gone => assert_eq!(answer, "none", "the logout of {user} is lost"),
                Known::Either => assert!(answer == "none" || answer.starts_with("token ")),
            }
        }
        here += usize::from(matches!(what, Known::Here(_)));
        gone += usize::from(matches!(what, Known::Gone));
    }
    println!("redis killed three times: {here} identities and {gone} logouts, all there");
    assert!(
        here >= 20 && gone >= 20,
        "too few to say anything: {here}, {gone}"
    );
}

fn wait_until_it_works(node: &Node) {
    for _ in 0..500 {
        if node.ask("token", "nobody") == "none" {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the node does not connect again");
}
