//! Core's operations against the operator, in one thread: every outcome.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::{
    INSUFFICIENT, KEY, NOW, PUBLISHER_KEY, PUBLISHER_SECRET, SECRET, SUFFICIENT, World, caller,
    email, phone, refusal,
};
use uid2_core::operation::{
    Action, Generate, GenerateOutcome, LogoutOutcome, RefreshOutcome, RefusalKind, ValidateOutcome,
};
use uid2_core::{Dii, Identity, IdentityState, Timestamp};
use uid2_emulator::{Client, Config, Lifetimes, Role, Roles};

const SECOND: Duration = Duration::from_secs(1);

fn refreshed(outcome: RefreshOutcome) -> Identity {
    match outcome {
        RefreshOutcome::Success(identity) => identity,
        other => panic!("not an identity: {other:?}"),
    }
}

#[test]
fn a_person_is_the_same_by_address_and_by_hash_in_text_and_binary() {
    for mut world in [World::new(), World::new().binary()] {
        let person = email("user@example.com");
        for dii in [&person, &person.to_hashed()] {
            for generate in [
                Generate::new(dii),
                Generate::new(dii).sending_raw_dii(),
                Generate::new(dii).with_tcf_consent_string("not looked at in UID2"),
            ] {
                let reply = world.generate_as(&generate).unwrap();
                let GenerateOutcome::Success(identity) = reply.outcome else {
                    panic!("not an identity");
                };
                assert_eq!((reply.server_time, reply.skew), (Some(NOW), None));
                let token = identity.advertising_token().as_str();
                assert_eq!(world.validate(token, &person), Ok(ValidateOutcome::Match));
                let other = email("other@example.com");
                assert_eq!(world.validate(token, &other), Ok(ValidateOutcome::NoMatch));
            }
        }
    }
}

#[test]
fn identities_look_like_the_services() {
    let mut world = World::new();
    let by_mail = world.establish(&email("user@example.com"));
    let by_phone = world.establish(&phone("+12345678901"));
    assert!(by_mail.advertising_token().as_str().starts_with("A4A"));
    assert!(by_phone.advertising_token().as_str().starts_with("B4A"));
    for identity in [&by_mail, &by_phone] {
        assert!([218, 219].contains(&identity.advertising_token().as_str().len()));
        assert_eq!(identity.refresh_token().expose().len(), 388);
        assert!(identity.refresh_response_key().is_some());
        let after = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
        assert_eq!(identity.refresh_from(), after(900));
        assert_eq!(identity.identity_expires(), after(3600));
        assert_eq!(identity.refresh_expires(), after(86_400));
        assert_eq!(identity.state(NOW), IdentityState::Fresh);
    }
}

#[test]
fn a_refresh_token_is_good_more_than_once_and_until_it_expires() {
    let mut world = World::new();
    let person = email("user@example.com");
    let first = world.establish(&person);
    world.pass(SECOND * 86_400);
    let second = refreshed(world.refresh(&first).unwrap());
    let again = refreshed(world.refresh(&first).unwrap());
    for identity in [&second, &again] {
        assert_eq!(identity.state(world.now), IdentityState::Fresh);
        assert_ne!(identity.advertising_token(), first.advertising_token());
        let token = identity.advertising_token().as_str();
        assert_eq!(world.validate(token, &person), Ok(ValidateOutcome::Match));
    }
    // One millisecond past its expiry.
    world.pass(Duration::from_millis(1));
    assert_eq!(
        refusal(world.refresh(&first)),
        RefusalKind::ExpiredRefreshToken
    );
    // The chain goes on from the next.
    refreshed(world.refresh(&second).unwrap());
}

#[test]
fn refreshes_work_in_binary_too() {
    let mut world = World::new().binary();
    let identity = world.establish(&phone("+15555555555"));
    refreshed(world.refresh(&identity).unwrap());
}

#[test]
fn an_opt_out_ends_everything_for_every_form_of_the_person() {
    let mut world = World::new();
    let person = email("user@example.com");
    let identity = world.establish(&person);
    world.operator.opt_out(&person.to_hashed(), world.now);
    assert!(world.operator.is_opted_out(&person));
    assert_eq!(world.refresh(&identity), Ok(RefreshOutcome::OptOut));
    let outcome = world.generate(&person).unwrap().outcome;
    assert_eq!(outcome, GenerateOutcome::OptOut);
    // Nobody else is touched, and it can be undone.
    world.establish(&email("other@example.com"));
    assert!(world.operator.opt_in(&person));
    assert!(!world.operator.opt_in(&person));
    world.establish(&person);
}

#[test]
fn the_test_identities_of_the_service() {
    let mut world = World::new();
    for always in [email("optout@example.com"), phone("+00000000000")] {
        for dii in [always.to_hashed(), always] {
            let outcome = world.generate(&dii).unwrap().outcome;
            assert_eq!(outcome, GenerateOutcome::OptOut);
        }
    }
    for at_refresh in [email("refresh-optout@example.com"), phone("+00000000002")] {
        let identity = world.establish(&at_refresh);
        assert_eq!(world.refresh(&identity), Ok(RefreshOutcome::OptOut));
    }
    for never in [email("validate@example.com"), phone("+12345678901")] {
        world.operator.opt_out(&never, world.now);
        let identity = world.establish(&never);
        refreshed(world.refresh(&identity).unwrap());
    }
}

#[test]
fn logout_opts_out_and_needs_its_role() {
    let mut world = World::new();
    let person = email("user@example.com");
    let identity = world.establish(&person);
    assert_eq!(world.logout(&person), Ok(LogoutOutcome::OptedOut));
    assert_eq!(world.refresh(&identity), Ok(RefreshOutcome::OptOut));

    world.caller = caller(PUBLISHER_KEY, PUBLISHER_SECRET);
    assert_eq!(refusal(world.logout(&person)), RefusalKind::Unauthorized);
}

#[test]
fn without_a_back_end_logout_fails_as_in_the_official_mock() {
    let mut world = World::with(Config {
        logout_backend: false,
        ..Config::default()
    });
    let person = email("user@example.com");
    assert_eq!(refusal(world.logout(&person)), RefusalKind::Unavailable);
    world.establish(&person);
}

#[test]
fn tokens_of_another_site_are_not_validated() {
    let mut world = World::new();
    let person = email("user@example.com");
    let identity = world.establish(&person);
    world.caller = caller(PUBLISHER_KEY, PUBLISHER_SECRET);
    let token = identity.advertising_token().as_str();
    let foreign = world.validate(token, &person);
    assert_eq!(refusal(foreign), RefusalKind::ForeignToken);
    for not_a_token in ["", "A", "AAAA", &token[1..], "not a token"] {
        let invalid = world.validate(not_a_token, &person);
        assert_eq!(refusal(invalid), RefusalKind::InvalidToken);
    }
}

#[test]
fn wrong_credentials_are_told_apart() {
    let mut world = World::new();
    let person = email("user@example.com");
    world.caller = caller(KEY, PUBLISHER_SECRET);
    assert_eq!(refusal(world.generate(&person)), RefusalKind::WrongSecret);
    world.caller = caller(
        "UID2-C-L-999-unknow.nfsR3mDqAXELtWWMSxG1s7RdgRTMqdOH2qaAo=",
        SECRET,
    );
    assert_eq!(refusal(world.generate(&person)), RefusalKind::Unauthorized);

    let mapper = Client::new("mapper", 999, Roles::of(&[Role::Mapper]), KEY, SECRET).unwrap();
    let disabled = Client::new("off", 999, Roles::ALL, KEY, SECRET)
        .unwrap()
        .disabled();
    for client in [mapper, disabled] {
        let mut world = World::with(Config {
            clients: vec![client],
            ..Config::default()
        });
        assert_eq!(refusal(world.generate(&person)), RefusalKind::Unauthorized);
    }
}

#[test]
fn wrong_secrets_are_told_in_binary_too() {
    let mut world = World::new();
    world.caller = caller(KEY, PUBLISHER_SECRET);
    let mut world = world.binary();
    let result = world.generate(&email("user@example.com"));
    assert_eq!(refusal(result), RefusalKind::WrongSecret);
}

/// To the millisecond: accepted from 119 s ahead up to, not including, 120 s
/// behind (protocol, section 4).
#[test]
fn requests_of_a_wrong_clock_are_refused_to_the_millisecond() {
    let person = email("user@example.com");
    for (client_ahead, accepted) in [
        (119_000, true),
        (119_001, false),
        (-119_999, true),
        (-120_000, false),
        (86_400_000, false),
        (-86_400_000, false),
    ] {
        let mut world = World::new();
        world.client_now = Timestamp::from_millis(NOW.as_millis() + client_ahead);
        let reply = world.generate(&person);
        if accepted {
            let skew = reply.unwrap().skew.unwrap();
            assert_eq!(skew.server_ahead_millis(), -client_ahead);
        } else {
            assert_eq!(refusal(reply), RefusalKind::ClockDrift, "{client_ahead}");
        }
    }
}

#[test]
fn euid_takes_no_phones_and_looks_at_consent() {
    let mut world = World::euid();
    let number = phone("+12345678901");
    for dii in [number.to_hashed(), number] {
        let reply = world.generate(&dii);
        assert_eq!(refusal(reply), RefusalKind::MissingParameter);
    }
    let person = email("user@example.com");
    let identity = world.establish(&person);
    assert!(identity.advertising_token().as_str().starts_with("E4A"));
    let next = refreshed(world.refresh(&identity).unwrap());
    assert!(next.advertising_token().as_str().starts_with("E4A"));

    let mut with_consent = |tcf| {
        let generate = Generate::new(&person).with_tcf_consent_string(tcf);
        world.generate_as(&generate).map(|reply| reply.outcome)
    };
    let outcome = with_consent(SUFFICIENT);
    assert!(matches!(outcome, Ok(GenerateOutcome::Success(_))));
    let outcome = with_consent(INSUFFICIENT);
    assert_eq!(outcome, Ok(GenerateOutcome::InsufficientConsent));
    for not_consent in ["", "not a consent string", &SUFFICIENT[..20]] {
        let reply = with_consent(not_consent);
        assert_eq!(refusal(reply), RefusalKind::InvalidConsent);
    }
}

#[test]
fn identities_of_one_scope_or_seed_mean_nothing_in_another() {
    let person = email("user@example.com");
    let mut uid2 = World::new();
    let identity = uid2.establish(&person);
    let other_seed = Config {
        seed: "another".into(),
        ..Config::default()
    };
    for mut elsewhere in [World::euid(), World::with(other_seed)] {
        let refresh = elsewhere.refresh(&identity);
        assert_eq!(refusal(refresh), RefusalKind::InvalidRefreshToken);
        let token = identity.advertising_token().as_str();
        let validate = elsewhere.validate(token, &person);
        assert_eq!(refusal(validate), RefusalKind::InvalidToken);
    }
    // But another run of the same configuration goes on where this one ended.
    refreshed(World::new().refresh(&identity).unwrap());
}

#[test]
fn lifetimes_can_be_seconds_and_change() {
    let short = Lifetimes::new(SECOND, SECOND * 2, SECOND * 3).unwrap();
    let mut world = World::with(Config {
        lifetimes: short,
        ..Config::default()
    });
    let person = email("user@example.com");
    let identity = world.establish(&person);
    for state in [
        IdentityState::Fresh,
        IdentityState::Due,
        IdentityState::Expired,
        IdentityState::Dead,
    ] {
        assert_eq!(identity.state(world.now), state);
        world.pass(SECOND);
    }
    assert_eq!(
        refusal(world.refresh(&identity)),
        RefusalKind::ExpiredRefreshToken
    );
    world.operator.set_lifetimes(Lifetimes::default());
    let identity = world.establish(&person);
    assert_eq!(
        identity.identity_expires(),
        world.now.saturating_add(SECOND * 3600)
    );
}

#[test]
fn refusals_say_what_to_do() {
    let mut world = World::new();
    let identity = world.establish(&email("user@example.com"));
    world.pass(SECOND * 86_401);
    let error = world.refresh(&identity).unwrap_err();
    assert_eq!(error.action(), Action::SignInAgain);
    assert_eq!(error.http_status(), Some(400));
}

/// The same inputs give the same bytes: nothing is hidden.
#[test]
fn everything_is_repeatable() {
    let run = || {
        let mut world = World::new();
        let dii = Dii::email("user@example.com").unwrap();
        let first = world.establish(&dii);
        let second = refreshed(world.refresh(&first).unwrap());
        (first.to_json().to_string(), second.to_json().to_string())
    };
    assert_eq!(run(), run());
}
