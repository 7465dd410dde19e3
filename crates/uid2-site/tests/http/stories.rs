//! What a visitor can do, step by step.

use serde_json::Value;

use crate::support::{World, between};

const EMAIL: &str = "jane@example.com";

#[test]
fn sign_in_bid_refresh_and_sign_out() {
    let world = World::new();
    let mut jane = world.visitor();
    let page = jane.see("/");
    assert_eq!((page.status, page.title()), (200, "Sign in"));

    let page = jane.sign_in(EMAIL);
    assert_eq!(page.heading(), "You are signed in");
    assert_eq!(page.story(), ["Identity generated", "Signed in"]);
    assert!(page.body.contains("Fresh</p>"));
    assert!(page.body.contains("in 14 min 5") || page.body.contains("in 15 min"));
    let first = page.token().to_owned();
    // As it would leave for an SSP: JSON, once the page's escapes are undone.
    let fragment = between(&page.body, "OpenRTB 2.6 fragment\">", "</pre>").unwrap();
    let fragment: Value = serde_json::from_str(&fragment.replace("&#34;", "\"")).unwrap();
    assert_eq!(fragment["user"]["eids"][0]["source"], "uidapi.com");
    assert_eq!(fragment["user"]["eids"][0]["uids"][0]["id"], first.as_str());
    assert_eq!(fragment["user"]["eids"][0]["uids"][0]["atype"], 3);

    // By hand, before it is due.
    let page = jane.send("/refresh", &[]);
    let second = page.token().to_owned();
    assert_ne!(first, second);
    assert_eq!(page.story()[0], "Token refreshed");

    // By itself, once it is.
    let page = jane.send("/time", &[("minutes", "16")]);
    assert_ne!(page.token(), second);
    assert_eq!(page.story()[..2], ["Token refreshed", "Time passed"]);

    let page = jane.send("/sign-out", &[]);
    assert_eq!(page.title(), "Sign in");
    assert_eq!(jane.see("/account").title(), "Sign in");
    // Back again, with what happened before.
    let page = jane.sign_in(" Jane@Example.COM ");
    assert_eq!(
        page.story()[..3],
        ["Identity generated", "Signed in", "Signed out"]
    );
}

#[test]
fn by_phone_too_and_not_by_anything_else() {
    let world = World::new();
    let mut jane = world.visitor();
    for (wrong, told) in [
        ("", "Enter an e-mail address or a phone number."),
        ("jane", "neither an e-mail address"),
        ("jane@", "nothing is left after"),
        ("a@b@c", "more than one"),
        ("123 456 7890", "country code"),
        ("+1<script>", "Not accepted:"),
    ] {
        let page = jane.sign_in(wrong);
        assert_eq!((page.status, page.title()), (422, "Sign in"), "{wrong}");
        assert!(page.body.contains(told), "{wrong}: {}", page.body);
        assert!(!page.body.contains("<script>"), "{wrong}");
        // What was typed is there to be mended.
        let typed = between(&page.body, "maxlength=\"320\" value=\"", "\"").unwrap();
        assert_eq!(typed.is_empty(), wrong.is_empty());
    }
    jane.see("/");
    let page = jane.send("/sign-in", &[("dii", EMAIL)]);
    assert_eq!(page.status, 422);
    assert!(page.body.contains("Without your consent"));
    let page = jane.sign_in("+1 (234) 567-8901");
    assert_eq!(page.heading(), "You are signed in");
    assert!(page.body.contains("With a phone number"));
}

#[test]
fn the_examples_show_what_the_test_identities_are_for() {
    let world = World::new();
    let example = |dii: &str| {
        let mut jane = world.visitor();
        jane.see("/");
        let page = jane.send("/sign-in", &[("example", dii)]);
        (jane, page)
    };
    for dii in ["user@example.com", "validate@example.com", "+12345678901"] {
        assert_eq!(example(dii).1.heading(), "You are signed in", "{dii}");
    }
    assert_eq!(
        example("optout@example.com").1.heading(),
        "You have opted out of UID2"
    );
    for dii in ["refresh-optout@example.com", "+00000000002"] {
        let (mut jane, page) = example(dii);
        assert_eq!(page.heading(), "You are signed in", "{dii}");
        let page = jane.send("/refresh", &[]);
        assert_eq!(page.heading(), "You have opted out of UID2", "{dii}");
        assert_eq!(page.story()[0], "Opt-out of UID2 learnt");
    }
    // Nobody else's consent is taken for granted.
    let (_, page) = example("jane@example.com");
    assert_eq!(page.status, 422);
}

#[test]
fn an_opt_out_of_this_site_lasts_until_it_is_taken_back() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    let page = jane.send("/opt-out", &[]);
    assert_eq!(page.heading(), "You have opted out of this site");
    jane.send("/sign-out", &[]);
    assert_eq!(
        jane.sign_in(EMAIL).heading(),
        "You have opted out of this site"
    );
    assert_eq!(jane.see("/identity.json").status, 404);

    let page = jane.send("/opt-in", &[("dii", "joe@example.com"), ("consent", "yes")]);
    assert!(page.body.contains("not what you signed in with"));
    let page = jane.send("/opt-in", &[("dii", EMAIL)]);
    assert!(page.body.contains("Without your consent"));
    let page = jane.send("/opt-in", &[("dii", EMAIL), ("consent", "yes")]);
    assert_eq!(page.heading(), "You are signed in");
    assert_eq!(page.story()[..2], ["Identity generated", "Opted back in"]);
}

#[test]
fn an_opt_out_of_uid2_is_learnt_at_the_next_refresh() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    jane.see("/opt-out-everywhere");
    let page = jane.send("/opt-out-everywhere", &[("dii", "nobody")]);
    assert_eq!(page.status, 422);
    let page = jane.send("/opt-out-everywhere", &[("dii", EMAIL)]);
    assert_eq!(page.heading(), "You are signed in");
    assert_eq!(page.story()[0], "Opted out at the operator");
    let page = jane.send("/time", &[("minutes", "16")]);
    assert_eq!(page.heading(), "You have opted out of UID2");
    // For good: also for who comes with another session.
    let mut again = world.visitor();
    assert_eq!(again.sign_in(EMAIL).heading(), "You have opted out of UID2");
    let page = again.send("/opt-in", &[("dii", EMAIL), ("consent", "yes")]);
    assert_eq!(page.heading(), "You have opted out of UID2");
}

#[test]
fn who_signs_out_elsewhere_has_no_identity_here() {
    let world = World::new();
    let (mut here, mut there) = (world.visitor(), world.visitor());
    let token = here.sign_in(EMAIL).token().to_owned();
    there.sign_in(EMAIL);
    there.send("/sign-out", &[]);
    let page = here.see("/account");
    assert_eq!(page.heading(), "There is no identity");
    assert!(!page.body.contains(&token));
    let page = here.send("/sign-in", &[("dii", EMAIL), ("consent", "yes")]);
    assert_eq!(page.heading(), "You are signed in");
}

#[test]
fn who_stays_away_too_long_signs_in_again() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    // Past the refresh token's end, and within the session's.
    let page = jane.send("/time", &[("minutes", "1441")]);
    assert_eq!(page.heading(), "Your identity has expired");
    let page = jane.send("/sign-in", &[("dii", EMAIL), ("consent", "yes")]);
    assert_eq!(page.heading(), "You are signed in");
    let page = jane.send("/time", &[("minutes", "11520")]);
    assert_eq!(page.heading(), "Your session has ended");
    // Told once; then it is as if there had been none.
    assert_eq!(jane.see("/account").title(), "Sign in");
    for minutes in ["0", "60000", "-1", "x"] {
        assert_eq!(
            jane.post("/time", &[("minutes", minutes)]).status,
            422,
            "{minutes}"
        );
    }
}

#[test]
fn an_operator_that_fails_is_lived_with() {
    let world = World::new();
    let mut jane = world.visitor();
    let token = jane.sign_in(EMAIL).token().to_owned();
    let page = jane.send("/outage", &[("out", "true")]);
    assert!(page.body.contains("The operator is out of order"));
    // Valid: served on, although a refresh failed.
    let page = jane.send("/time", &[("minutes", "16")]);
    assert_eq!((page.status, page.token()), (200, token.as_str()));
    assert_eq!(page.story()[0], "Refresh failed");
    assert!(page.body.contains("Refresh due</p>"));
    // Expired: nothing to serve.
    let page = jane.send("/time", &[("minutes", "61")]);
    assert_eq!(
        (page.status, page.heading()),
        (503, "The operator does not answer")
    );
    assert_eq!(page.header("retry-after"), "5");
    // A sign-in stands all the same.
    let mut joe = world.visitor();
    let page = joe.sign_in("joe@example.com");
    assert_eq!(
        (page.status, page.heading()),
        (503, "The operator does not answer")
    );
    assert_eq!(joe.see("/account").heading(), "There is no identity");
    // It recovers, and so does all else, by itself.
    jane.send("/outage", &[("out", "false")]);
    let page = jane.send("/time", &[("minutes", "16")]);
    assert_eq!(page.heading(), "You are signed in");
    assert_ne!(page.token(), token);
    assert_eq!(page.story()[0], "Token refreshed");
}
