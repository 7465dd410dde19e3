//! A thousand users with mixed lifetimes over simulated days, with faults,
//! outages, logouts, opt-outs and a clock that jumps.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may fail a test"
)]

mod support;

use std::collections::{HashMap, HashSet};

use support::operator::{DAY, HOUR, Lifetimes, MINUTE, USUAL};
use support::{World, person, seed};
use uid2_http::Runtime;
use uid2_publisher::{Established, TokenOutcome};

const USERS: usize = 1000;
const DAYS: i64 = 2;

/// What a test knows of a user, to hold against what the publisher does.
struct User {
    name: String,
    email: String,
    /// Signed in, and has not left since.
    signed_in: bool,
    /// Opted out of the publisher, or known to have opted out of the service.
    opted_out: bool,
}

struct Crowd {
    world: World,
    users: Vec<User>,
    served: u64,
    refused: u64,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let users = (0..USERS)
            .map(|i| User {
                name: format!("user{i}"),
                email: format!("user{i}@example.com"),
                signed_in: false,
                opted_out: false,
            })
            .collect();
        Self {
            world,
            users,
            served: 0,
            refused: 0,
        }
    }

    fn sign_in(&mut self, i: usize) {
        let (name, email) = (self.users[i].name.clone(), self.users[i].email.clone());
        match self.world.establish(&name, &email) {
            Ok(Established::Token(_)) => {
                assert!(!self.users[i].opted_out, "an identity for who opted out");
                self.users[i].signed_in = true;
            }
            Ok(Established::OptedOut(_)) => {
                self.users[i].signed_in = false;
                self.users[i].opted_out = true;
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }

    fn bid(&mut self, i: usize) {
        let user = &self.users[i];
        let name = user.name.clone();
        let outcome = self
            .world
            .run(|publisher| async move { publisher.token_now(&name).await })
            .unwrap();
        match outcome {
            TokenOutcome::Valid(token) => {
                assert!(user.signed_in && !user.opted_out, "served who left");
                let (whose, expires) = self.world.service.issued(token.as_str()).unwrap();
                assert_eq!(whose, person(&user.email), "somebody else's token");
                let now = self.world.sim.now().as_millis();
                assert!(now < expires, "served an expired token");
                self.served += 1;
            }
            TokenOutcome::None(_) => self.refused += 1,
        }
    }

    fn leave(&mut self, i: usize) {
        let name = self.users[i].name.clone();
        self.world.logout(&name);
        self.users[i].signed_in = false;
    }

    fn opt_out(&mut self, i: usize) {
        let name = self.users[i].name.clone();
        self.world
            .run(|publisher| async move { publisher.opt_out(&name).await })
            .unwrap();
        self.users[i].opted_out = true;
    }

    /// Something happens to somebody.
    fn happen(&mut self) {
        let i = usize::try_from(self.world.sim.below(USERS as u64)).unwrap();
        match self.world.sim.below(100) {
            0..70 => self.bid(i),
            70..90 => self.sign_in(i),
            90..97 => self.leave(i),
            97..98 => self.opt_out(i),
            98..99 => {
                let person = person(&self.users[i].email);
                self.world.service.opt_out(&person);
            }
            _ => self.weather(),
        }
    }

    /// The network, the service and the clock have their moods.
    fn weather(&mut self) {
        let service = &self.world.service;
        match self.world.sim.below(6) {
            0 => service.set_down(true),
            1 | 2 => service.set_down(false),
            3 => service.set_faults(self.world.sim.below(400)),
            _ => service.set_faults(0),
        }
    }
}

fn mixed_lifetimes(crowd: &Crowd) {
    for user in &crowd.users {
        let lifetimes = match crowd.world.sim.below(5) {
            0 => Lifetimes {
                due: 5 * MINUTE,
                identity: 12 * MINUTE,
                refresh: 30 * MINUTE,
            },
            1 => Lifetimes {
                due: HOUR,
                identity: 4 * HOUR,
                refresh: 30 * DAY,
            },
            2 => Lifetimes {
                due: 0,
                identity: HOUR,
                refresh: HOUR,
            },
            _ => USUAL,
        };
        crowd
            .world
            .service
            .set_lifetimes(&person(&user.email), lifetimes);
    }
}

#[test]
fn a_thousand_users_for_days() {
    let mut crowd = Crowd::new(seed());
    mixed_lifetimes(&crowd);
    for i in 0..USERS {
        crowd.sign_in(i);
    }
    let refresher = crowd.world.publisher.refresher();
    crowd.world.sim.spawn(refresher.run());
    let end = DAYS * DAY;
    while crowd.world.sim.passed() < end {
        for _ in 0..20 {
            crowd.happen();
        }
        let pause = crowd.world.sim.below(10 * MINUTE.unsigned_abs());
        crowd.world.pass(i64::try_from(pause).unwrap());
    }
    assert!(crowd.served > 1000, "served {}", crowd.served);
    assert!(crowd.world.service.most_in_flight() <= 1);
    no_storms(&crowd);
    everybody_recovers(&mut crowd);
    println!("served {}, refused {}", crowd.served, crowd.refused);
}

/// However short the lifetimes and however many the faults, no user is refreshed
/// more often than each pause allows: 5 s at first, so 720 an hour would be a
/// storm; five minutes of life ask for about 12.
fn no_storms(crowd: &Crowd) {
    let mut by_hour: HashMap<(String, i64), u32> = HashMap::new();
    for (at, person) in crowd.world.service.refreshes() {
        *by_hour.entry((person, at / HOUR)).or_default() += 1;
    }
    let most = by_hour.values().max().copied().unwrap_or_default();
    assert!(
        (1..=60).contains(&most),
        "{most} refreshes of one user in an hour"
    );
}

/// Once faults stop, whoever can be refreshed has a valid token again within
/// the longest pause and the longest rest.
fn everybody_recovers(crowd: &mut Crowd) {
    crowd.world.service.set_down(false);
    crowd.world.service.set_faults(0);
    crowd.world.pass(12 * MINUTE);
    let mut without = HashSet::new();
    for i in 0..USERS {
        let user = &crowd.users[i];
        if !user.signed_in || user.opted_out {
            continue;
        }
        let outcome = crowd.world.token(&user.name).unwrap();
        if let TokenOutcome::None(reason) = outcome {
            without.insert(reason.to_string());
        }
    }
    // What remains has a reason that no refresh can mend.
    for reason in without {
        assert!(
            reason.contains("sign in again") || reason.contains("opted out"),
            "{reason}"
        );
    }
}

#[test]
fn a_clock_that_jumps_by_days_loses_nobody() {
    let world = World::new(seed());
    for i in 0..50 {
        world
            .establish(&format!("user{i}"), &format!("user{i}@example.com"))
            .unwrap();
    }
    let refresher = world.publisher.refresher();
    world.sim.spawn(refresher.run());
    for jump in [5 * DAY, -9 * DAY, 4 * DAY] {
        world.sim.jump_clock(jump);
        world.pass(10 * MINUTE);
    }
    // The clock is right again, and nobody is lost.
    world.pass(12 * MINUTE);
    for i in 0..50 {
        let outcome = world.token(&format!("user{i}")).unwrap();
        assert!(outcome.clone().valid().is_some(), "user{i}: {outcome:?}");
    }
}
