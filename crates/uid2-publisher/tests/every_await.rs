//! A logout or an opt-out that comes in between at every await of a refresh, a
//! sign-in, and each other.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may fail a test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::operator::{HOUR, MINUTE};
use support::{TestPublisher, World, person};
use uid2_core::Dii;
use uid2_http::Runtime;
use uid2_publisher::NoToken;

const EMAIL: &str = "jane@example.com";

/// What comes in between.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leaving {
    LogOut,
    OptOut,
}

/// What it comes in between of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Under {
    /// A refresh of a token that is still valid.
    DueRefresh,
    /// A refresh that a caller waits for.
    ExpiredRefresh,
    /// A sweep of the background refresher.
    Sweep,
    /// A second sign-in of the same user.
    SignIn,
}

/// Plays `under`, and after `step` polls, `leaving`. Says whether it was still
/// going on by then.
fn play(seed: u64, under: Under, leaving: Leaving, step: usize) -> bool {
    let world = World::new(seed);
    world.establish("jane", EMAIL).unwrap();
    world.pass(match under {
        Under::ExpiredRefresh => 2 * HOUR,
        _ => 20 * MINUTE,
    });
    let done = spawn(&world, move |publisher| async move {
        match under {
            Under::DueRefresh | Under::ExpiredRefresh => drop(publisher.refresh("jane").await),
            Under::Sweep => drop(publisher.refresher().sweep().await),
            Under::SignIn => {
                let dii = Dii::email(EMAIL).unwrap();
                drop(publisher.establish("jane", dii).await);
            }
        }
    });
    let reads = world.store.reads();
    let polls = poll_until(&world, step, &done);
    if (under, leaving) == (Under::SignIn, Leaving::LogOut) && world.store.reads() == reads {
        // The logout comes first then, and the sign-in after it.
        return true;
    }
    let left = spawn(&world, move |publisher| async move {
        match leaving {
            Leaving::LogOut => publisher.logout("jane").await.unwrap(),
            Leaving::OptOut => publisher.opt_out("jane").await.unwrap(),
        }
    });
    watch(&world, &left, &done);
    let reason = world.token("jane").unwrap();
    match (leaving, reason.opt_out()) {
        (Leaving::OptOut, Some(_)) => {}
        (Leaving::LogOut, None) => assert_eq!(
            reason,
            uid2_publisher::TokenOutcome::None(NoToken::NoIdentity)
        ),
        (_, other) => panic!("{under:?} {leaving:?} at {step}: {other:?}"),
    }
    polls == step
}

fn spawn<F>(world: &World, verb: impl FnOnce(TestPublisher) -> F) -> Arc<AtomicBool>
where
    F: Future<Output = ()> + Send + 'static,
{
    let done = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&done);
    let future = verb(world.publisher.clone());
    world.sim.spawn(async move {
        future.await;
        flag.store(true, Ordering::Relaxed);
    });
    done
}

/// Polls one task at a time, virtual time going on in between, until so many
/// polls were made or it is done.
fn poll_until(world: &World, polls: usize, done: &AtomicBool) -> usize {
    let mut made = 0;
    while made < polls && !done.load(Ordering::Relaxed) {
        world.sim.step_or_advance();
        made += 1;
    }
    made
}

/// From the moment the user has left, nothing is served, at no poll of anything.
fn watch(world: &World, left: &AtomicBool, done: &AtomicBool) {
    for _ in 0..10_000 {
        if left.load(Ordering::Relaxed) {
            assert!(!world.serves("jane"), "served after the user left");
            if done.load(Ordering::Relaxed) && !world.sim.step_or_advance() {
                return;
            }
        }
        world.sim.step_or_advance();
        if left.load(Ordering::Relaxed) && done.load(Ordering::Relaxed) {
            world.pass(5 * MINUTE);
            assert!(!world.serves("jane"), "came back");
            return;
        }
    }
    panic!("never ends");
}

#[test]
fn leaving_is_final_at_every_await() {
    let mut played = 0;
    for under in [
        Under::DueRefresh,
        Under::ExpiredRefresh,
        Under::Sweep,
        Under::SignIn,
    ] {
        for leaving in [Leaving::LogOut, Leaving::OptOut] {
            for seed in 0..5 {
                let mut step = 0;
                while play(seed, under, leaving, step) {
                    step += 1;
                }
                assert!(step > 5, "{under:?} has only {step} awaits");
                played += step;
            }
        }
    }
    println!("{played} places to come in between");
}

#[test]
fn an_opt_out_of_the_service_beats_a_logout_at_every_await() {
    for seed in 0..5 {
        let mut step = 0;
        loop {
            let world = World::new(seed);
            world.establish("jane", EMAIL).unwrap();
            world.service.opt_out(&person(EMAIL));
            world.pass(20 * MINUTE);
            let done = spawn(&world, |publisher| async move {
                drop(publisher.refresh("jane").await);
            });
            let polls = poll_until(&world, step, &done);
            let asked = !world.service.refreshes().is_empty();
            world.logout("jane");
            world.pass(MINUTE);
            let outcome = world.token("jane").unwrap();
            // A logout before the service was asked leaves nothing to ask with.
            let knows = !world.service.refreshes().is_empty();
            assert!(knows || !asked);
            assert_eq!(outcome.opt_out().is_some(), knows, "at {step}: {outcome:?}");
            if polls < step {
                break;
            }
            step += 1;
        }
        assert!(step > 5);
    }
}
