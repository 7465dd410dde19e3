//! The four verbs, one behaviour a test, under virtual time.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may fail a test"
)]

mod support;

use std::time::Duration;

use support::operator::{DAY, HOUR, Lifetimes, MINUTE};
use support::{World, person};
use uid2_core::operation::Action;
use uid2_core::{Dii, Identity};
use uid2_publisher::{Error, Established, NoToken, OptOutReason, TokenOutcome};

const EMAIL: &str = "jane@example.com";

fn valid(outcome: Result<TokenOutcome, Error>) -> String {
    match outcome.unwrap() {
        TokenOutcome::Valid(token) => token.as_str().to_owned(),
        TokenOutcome::None(reason) => panic!("no token: {reason}"),
    }
}

fn none(outcome: Result<TokenOutcome, Error>) -> NoToken {
    match outcome.unwrap() {
        TokenOutcome::Valid(_) => panic!("a token"),
        TokenOutcome::None(reason) => reason,
    }
}

#[test]
fn establish_bid_refresh_log_out() {
    let world = World::new(1);
    assert_eq!(none(world.token("jane")), NoToken::NoIdentity);

    let Established::Token(first) = world.establish("jane", EMAIL).unwrap() else {
        panic!("no identity")
    };
    assert_eq!(valid(world.token("jane")), first.as_str());
    assert!(world.service.refreshes().is_empty());

    // Due: the old token is served at once, the new one from then on.
    world.pass(20 * MINUTE);
    assert_eq!(valid(world.token("jane")), first.as_str());
    world.pass(MINUTE);
    let second = valid(world.token("jane"));
    assert_ne!(second, first.as_str());
    assert_eq!(world.service.refreshes().len(), 1);

    world.logout("jane");
    assert_eq!(none(world.token("jane")), NoToken::NoIdentity);
}

#[test]
fn an_expired_identity_is_refreshed_before_it_is_served() {
    let world = World::new(2);
    world.establish("jane", EMAIL).unwrap();
    world.pass(5 * HOUR);
    let token = valid(world.token("jane"));
    let (_, expires) = world.service.issued(&token).unwrap();
    assert!(expires > world.service.now());
}

#[test]
fn who_asks_is_refreshed_early_and_nobody_else() {
    let world = World::new(13);
    let early =
        |world: &World| world.run(|publisher| async move { publisher.refresh_early("jane").await });
    assert_eq!(none(early(&world)), NoToken::NoIdentity);
    world.establish("jane", EMAIL).unwrap();
    let first = valid(world.token("jane"));
    // Not due: the usual way leaves it, this one does not.
    let usual = world.run(|publisher| async move { publisher.refresh("jane").await });
    assert_eq!(valid(usual), first);
    assert!(world.service.refreshes().is_empty());
    let second = valid(early(&world));
    assert_ne!(second, first);
    assert_eq!(world.service.refreshes().len(), 1);
    // Past its end, or after logging out, there is nothing to refresh.
    world.logout("jane");
    assert_eq!(none(early(&world)), NoToken::NoIdentity);
    assert_eq!(world.service.refreshes().len(), 1);
}

#[test]
fn who_will_not_wait_is_not_kept_waiting() {
    let world = World::new(3);
    world.establish("jane", EMAIL).unwrap();
    world.pass(5 * HOUR);
    let before = world.sim.passed();
    let outcome = world.run(|publisher| async move { publisher.token_now("jane").await });
    assert!(matches!(none(outcome), NoToken::Unavailable { .. }));
    assert_eq!(world.sim.passed(), before);
    world.pass(1000);
    let outcome = world.run(|publisher| async move { publisher.token_now("jane").await });
    valid(outcome);
}

#[test]
fn a_user_who_is_asked_for_a_hundred_times_is_refreshed_once() {
    let world = World::new(4);
    world.establish("jane", EMAIL).unwrap();
    world.pass(5 * HOUR);
    let publisher = world.publisher.clone();
    let tokens = world.block_on(async move {
        let asks: Vec<_> = (0..100)
            .map(|_| {
                let publisher = publisher.clone();
                Box::pin(async move { valid(publisher.token("jane").await) })
            })
            .collect();
        join_all(asks).await
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(world.service.refreshes().len(), 1);
    assert_eq!(world.service.most_in_flight(), 1);
}

/// Polls all to their end, in one task.
async fn join_all<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in futures.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = std::pin::Pin::new(future).poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[test]
fn an_opt_out_at_generate_is_remembered_for_user_and_dii() {
    let world = World::new(5);
    world.service.opt_out(&person(EMAIL));
    for user in ["jane", "jane", "another-account-of-jane"] {
        let Established::OptedOut(opt_out) = world.establish(user, EMAIL).unwrap() else {
            panic!("not opted out")
        };
        assert_eq!(opt_out.reason, OptOutReason::Service);
        assert!(matches!(none(world.token(user)), NoToken::OptedOut(_)));
    }
    assert_eq!(world.service.generates(), 1, "asked again");
    // Not even under other DII: it is the same user.
    assert!(matches!(
        world.establish("jane", "other@example.com").unwrap(),
        Established::OptedOut(_)
    ));
    assert_eq!(world.service.generates(), 1, "asked again");
}

#[test]
fn an_opt_out_at_refresh_ends_the_chain_and_is_remembered() {
    let world = World::new(6);
    world.establish("jane", EMAIL).unwrap();
    world.service.opt_out(&person(EMAIL));
    world.pass(20 * MINUTE);
    // Served once more, for nobody knows yet; and then never again.
    valid(world.token("jane"));
    world.pass(MINUTE);
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
    assert!(matches!(
        world.establish("janes-other-account", EMAIL).unwrap(),
        Established::OptedOut(_)
    ));
    assert_eq!(world.service.generates(), 1);
    // Logging out and in again changes nothing about it.
    world.logout("jane");
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
}

#[test]
fn a_publishers_own_opt_out_can_be_taken_back() {
    let world = World::new(7);
    world.establish("jane", EMAIL).unwrap();
    world
        .run(|publisher| async move { publisher.opt_out("jane").await })
        .unwrap();
    let NoToken::OptedOut(opt_out) = none(world.token("jane")) else {
        panic!("not opted out")
    };
    assert_eq!(opt_out.reason, OptOutReason::Publisher);
    for user in ["jane", "janes-other-account"] {
        assert!(matches!(
            world.establish(user, EMAIL).unwrap(),
            Established::OptedOut(_)
        ));
    }
    assert_eq!(world.service.generates(), 1);

    let dii = Dii::email(EMAIL).unwrap();
    let remains = world.run(|publisher| async move { publisher.opt_in("jane", &dii).await });
    assert_eq!(remains.unwrap(), None);
    assert!(matches!(
        world.establish("jane", EMAIL).unwrap(),
        Established::Token(_)
    ));
}

#[test]
fn an_opt_out_of_the_service_is_not_the_publishers_to_take_back() {
    let world = World::new(8);
    world.service.opt_out(&person(EMAIL));
    world.establish("jane", EMAIL).unwrap();
    let dii = Dii::email(EMAIL).unwrap();
    let remains = world.run(|publisher| async move { publisher.opt_in("jane", &dii).await });
    assert_eq!(remains.unwrap().unwrap().reason, OptOutReason::Service);
    // Nor does the publisher's own opt-out hide it.
    world
        .run(|publisher| async move { publisher.opt_out("jane").await })
        .unwrap();
    let NoToken::OptedOut(opt_out) = none(world.token("jane")) else {
        panic!("not opted out")
    };
    assert_eq!(opt_out.reason, OptOutReason::Service);
}

#[test]
fn an_opt_out_list_needs_no_users() {
    let world = World::new(9);
    let dii = Dii::email(EMAIL).unwrap().to_hashed();
    world
        .run(|publisher| async move { publisher.opt_out_dii(&dii).await })
        .unwrap();
    assert!(matches!(
        world.establish("jane", EMAIL).unwrap(),
        Established::OptedOut(_)
    ));
    assert_eq!(world.service.generates(), 0);
}

#[test]
fn a_logout_supersedes_a_sign_in_that_is_under_way() {
    let world = World::new(10);
    let publisher = world.publisher.clone();
    let outcome = world.block_on(async move {
        let sign_in = publisher.establish("jane", Dii::email(EMAIL).unwrap());
        let mut sign_in = std::pin::pin!(sign_in);
        // Begun, and waiting for the service.
        for _ in 0..50 {
            let ready = tokio::select! {
                biased;
                outcome = &mut sign_in => Some(outcome),
                () = uid2_sim::yield_now() => None,
            };
            assert!(ready.is_none());
        }
        publisher.logout("jane").await.unwrap();
        sign_in.await.unwrap()
    });
    assert_eq!(outcome, Established::Superseded);
    assert_eq!(none(world.token("jane")), NoToken::NoIdentity);
}

#[test]
fn a_sign_in_whose_caller_went_away_is_still_stored() {
    let world = World::new(11);
    world.service.opt_out(&person(EMAIL));
    let publisher = world.publisher.clone();
    world.block_on(async move {
        let sign_in = publisher.establish("jane", Dii::email(EMAIL).unwrap());
        let mut sign_in = std::pin::pin!(sign_in);
        tokio::select! {
            biased;
            _ = &mut sign_in => panic!("too quick"),
            () = uid2_sim::yield_now() => {}
        }
    });
    world.pass(5000);
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
}

#[test]
fn an_opt_out_that_cannot_be_stored_holds_all_the_same() {
    let world = World::new(12);
    world.establish("jane", EMAIL).unwrap();
    world.service.opt_out(&person(EMAIL));
    world.pass(20 * MINUTE);
    world.store.refuse_writes(true);
    valid(world.token("jane"));
    world.pass(MINUTE);
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
    assert!(world.serves("jane"), "the store still has the identity");

    // When the store takes writes again, the sweep saves it.
    world.store.refuse_writes(false);
    world
        .run(|publisher| async move { publisher.refresher().sweep().await })
        .unwrap();
    assert!(!world.serves("jane"));
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
}

#[test]
fn a_logout_that_cannot_be_stored_says_so() {
    let world = World::new(13);
    world.establish("jane", EMAIL).unwrap();
    world.store.refuse_writes(true);
    let result = world.run(|publisher| async move { publisher.logout("jane").await });
    let Err(error @ Error::Store(_)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(error.action(), Action::FixConfiguration);
}

#[test]
fn an_outage_costs_no_valid_token_and_no_identity() {
    let world = World::new(14);
    world.establish("jane", EMAIL).unwrap();
    world.service.set_down(true);
    world.pass(20 * MINUTE);
    let token = valid(world.token("jane"));
    world.pass(30 * MINUTE);
    assert_eq!(valid(world.token("jane")), token);
    world.pass(20 * MINUTE);
    // Expired now. The first to ask hears of the outage, the next of the pause.
    let error = world.token("jane").unwrap_err();
    assert_eq!(error.action(), Action::Retry);
    assert!(matches!(
        none(world.token("jane")),
        NoToken::Unavailable { .. }
    ));
    world.service.set_down(false);
    world.pass(10 * MINUTE);
    valid(world.token("jane"));
}

#[test]
fn the_end_of_the_refresh_token_is_a_sign_in_away() {
    let world = World::new(15);
    world.establish("jane", EMAIL).unwrap();
    world.pass(25 * HOUR);
    assert_eq!(none(world.token("jane")), NoToken::SignInAgain);
    assert!(matches!(
        world.establish("jane", EMAIL).unwrap(),
        Established::Token(_)
    ));
    valid(world.token("jane"));
}

#[test]
fn the_identity_for_the_browser_is_whole_and_only_while_valid() {
    let world = World::new(16);
    let json = |world: &World| {
        world
            .run(|publisher| async move { publisher.identity_json("jane").await })
            .unwrap()
    };
    assert!(json(&world).is_none());
    world.establish("jane", EMAIL).unwrap();
    let text = json(&world).unwrap();
    let identity = Identity::from_json(text.as_bytes()).unwrap();
    assert_eq!(
        valid(world.token("jane")),
        identity.advertising_token().as_str()
    );
    assert!(identity.refresh_response_key().is_some());
    world.logout("jane");
    assert!(json(&world).is_none());
}

#[test]
fn user_ids_are_checked() {
    let world = World::new(17);
    assert!(matches!(world.token(""), Err(Error::EmptyUserId)));
    let long = "x".repeat(600);
    assert!(matches!(
        world.token(&long),
        Err(Error::UserIdTooLong {
            found: 600,
            max: 511
        })
    ));
    for user in [
        "x".repeat(63),
        "x".repeat(64),
        "x".repeat(511),
        "ü €".into(),
    ] {
        world.establish(&user, EMAIL).unwrap();
        valid(world.token(&user));
    }
}

#[test]
fn a_publisher_that_starts_anew_goes_on_from_the_store() {
    let world = World::new(18);
    world.establish("jane", EMAIL).unwrap();
    let token = valid(world.token("jane"));
    let again = support::builder(&world.sim, &world.service, &world.store)
        .build()
        .unwrap();
    let served = world.block_on(async move { again.token("jane").await });
    assert_eq!(valid(served), token);
    assert_eq!(world.service.generates(), 1);
}

#[test]
fn no_more_calls_at_a_time_than_allowed() {
    let world = World::with(19, |builder| {
        builder.max_calls(3).max_background_refreshes(8)
    });
    for i in 0..40 {
        world
            .establish(&format!("user{i}"), &format!("user{i}@example.com"))
            .unwrap();
    }
    world.pass(20 * MINUTE);
    let begun = world.run(|publisher| async move { publisher.refresher().sweep().await });
    assert_eq!(begun.unwrap(), 40);
    assert_eq!(world.service.refreshes().len(), 40);
    assert!(
        world.service.most_calls() <= 3,
        "{}",
        world.service.most_calls()
    );
}

#[test]
fn the_refresher_keeps_tokens_fresh_and_ends_with_the_publisher() {
    let world = World::new(20);
    let short = Lifetimes {
        due: 2 * MINUTE,
        identity: 10 * MINUTE,
        refresh: DAY,
    };
    world.service.set_lifetimes(&person(EMAIL), short);
    world.establish("jane", EMAIL).unwrap();
    let refresher = world.publisher.refresher();
    uid2_http::Runtime::spawn(&world.sim, refresher.run());
    for _ in 0..60 {
        world.pass(2 * MINUTE);
        let token = world.run(|publisher| async move { publisher.token_now("jane").await });
        let (_, expires) = world.service.issued(&valid(token)).unwrap();
        assert!(
            expires - world.service.now() > 7 * MINUTE,
            "not ahead of need"
        );
    }
    let refreshes = world.service.refreshes().len();
    assert!((50..=62).contains(&refreshes), "{refreshes}");

    let ended =
        world.run(|publisher| async move { publisher.shutdown(Duration::from_secs(30)).await });
    assert!(ended);
    world.pass(HOUR);
    assert_eq!(world.service.refreshes().len(), refreshes);
    assert!(matches!(world.token("jane"), Err(Error::ShutDown)));
    assert!(matches!(
        world.establish("john", "john@example.com"),
        Err(Error::ShutDown)
    ));
}

#[test]
fn what_stays_due_does_not_keep_the_refresher_busy() {
    let world = World::new(22);
    world.establish("jane", EMAIL).unwrap();
    uid2_http::Runtime::spawn(&world.sim, world.publisher.refresher().run());
    world.store.refuse_writes(true);
    world.pass(15 * MINUTE);
    let (scans, refreshes) = (world.store.scans(), world.service.refreshes().len());
    world.pass(10 * MINUTE);
    // A sweep a minute, of three scans each: what is due, what comes after it,
    // and what is next.
    let scans = world.store.scans() - scans;
    assert!((10..=40).contains(&scans), "{scans} scans");
    let refreshes = world.service.refreshes().len() - refreshes;
    assert!((5..=12).contains(&refreshes), "{refreshes} refreshes");
}

#[test]
fn a_shutdown_waits_for_what_is_under_way() {
    let world = World::new(21);
    world.service.opt_out(&person(EMAIL));
    let publisher = world.publisher.clone();
    world.block_on(async move {
        let sign_in = publisher.establish("jane", Dii::email(EMAIL).unwrap());
        let mut sign_in = std::pin::pin!(sign_in);
        for _ in 0..50 {
            tokio::select! {
                biased;
                _ = &mut sign_in => panic!("too quick"),
                () = uid2_sim::yield_now() => {}
            }
        }
        assert!(publisher.shutdown(Duration::from_secs(5)).await);
    });
    assert!(matches!(none(world.token("jane")), NoToken::OptedOut(_)));
}
