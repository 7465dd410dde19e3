//! Cookies, sessions, and what outlives a restart.

use serde_json::Value;
use uid2_core::Identity;

use crate::support::{Visitor, World};

const EMAIL: &str = "jane@example.com";

#[test]
fn the_browser_holds_an_opaque_id_and_nothing_else() {
    let world = World::new();
    let mut jane = world.visitor();
    let page = jane.get("/");
    let set = page.header("set-cookie");
    for part in [
        "uid2-site=",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=",
    ] {
        assert!(set.contains(part), "{part}: {set}");
    }
    // On loopback there is no TLS to insist on.
    assert!(!set.contains("Secure"), "{set}");
    assert!(
        jane.get("/").header("set-cookie").is_empty(),
        "once is enough"
    );
}

#[test]
fn the_id_changes_at_sign_in_and_the_one_before_is_of_no_use() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.get("/");
    let before = jane.clone();
    jane.sign_in(EMAIL);
    assert_ne!(jane.cookie, before.cookie);
    assert_eq!(before.clone().get("/account").header("location"), "/");
    // Neither is that of a session which is signed in anew, or out of.
    let first = jane.clone();
    jane.get("/account");
    jane.send("/sign-in", &[("example", "user@example.com")]);
    assert_eq!(
        first.clone().get("/account").header("location"),
        "/session-ended"
    );
    let second = jane.clone();
    jane.send("/sign-out", &[]);
    assert_eq!(
        second.clone().get("/account").header("location"),
        "/session-ended"
    );
}

#[test]
fn a_cookie_that_was_changed_is_none() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    let cookie = jane.cookie.clone().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    for at in [0, 10, value.len() / 2, value.len() - 2] {
        let mut bytes = value.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let mut forger = jane.clone();
        forger.cookie = Some(format!("{name}={}", String::from_utf8(bytes).unwrap()));
        assert_eq!(forger.get("/account").header("location"), "/", "{at}");
        assert_eq!(forger.get("/identity.json").status, 401, "{at}");
    }
}

#[test]
fn a_restart_changes_nothing_for_who_is_signed_in() {
    let mut world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    let token = jane.send("/time", &[("minutes", "16")]).token().to_owned();
    world.stop();
    world.start(|options| options);
    jane.base = world.site().url();
    let page = jane.see("/account");
    assert_eq!(
        (page.heading(), page.token()),
        ("You are signed in", token.as_str())
    );
    // The refresh token from before is good, and the forms are, too.
    let page = jane.send("/refresh", &[]);
    assert_ne!(page.token(), token);
    assert_eq!(page.story()[..2], ["Token refreshed", "Token refreshed"]);
    assert!(page.body.contains("in 14 min 5") || page.body.contains("in 15 min"));
}

#[test]
fn an_identity_is_handed_to_its_own_page_only() {
    let world = World::new();
    let mut jane = world.visitor();
    let page = jane.get("/identity.json");
    assert_eq!(
        (page.status, page.body.as_str()),
        (401, r#"{"reason":"not_signed_in"}"#)
    );
    let token = jane.sign_in(EMAIL).token().to_owned();
    let page = jane.get("/identity.json");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.headers.get("access-control-allow-origin").is_none());
    let identity = Identity::from_json(page.body.as_bytes()).unwrap();
    assert_eq!(identity.advertising_token().as_str(), token);
    assert!(identity.refresh_response_key().is_some());

    for (name, value) in [
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let page = jane.clone().with(name, value).get("/identity.json");
        assert_eq!(page.status, 403, "{name}: {value}");
        assert!(!page.body.contains(&token));
    }
    let mut own = jane.clone().with("sec-fetch-site", "same-origin");
    assert_eq!(own.get("/identity.json").status, 200);
    // Another's session gives another's identity.
    let mut joe = world.visitor();
    joe.sign_in("joe@example.com");
    assert!(!joe.get("/identity.json").body.contains(&token));
}

#[test]
fn the_page_can_ask_whether_it_has_changed() {
    let world = World::new();
    let mut jane = world.visitor();
    let revision = |jane: &mut Visitor| {
        let status: Value = serde_json::from_str(&jane.get("/status.json").body).unwrap();
        assert!(status["now"].as_i64().unwrap() > 1_700_000_000_000);
        status["revision"].as_str().unwrap().to_owned()
    };
    let before = revision(&mut jane);
    let page = jane.sign_in(EMAIL);
    let signed_in = revision(&mut jane);
    assert_ne!(before, signed_in);
    assert!(page.body.contains(&format!("data-live=\"{signed_in}\"")));
    assert_eq!(revision(&mut jane), signed_in);
    jane.send("/refresh", &[]);
    assert_ne!(revision(&mut jane), signed_in);
}

#[test]
fn beyond_loopback_cookies_are_for_https_and_this_host_alone() {
    let world = World::with(|options| options.origin("https://demo.example").unwrap());
    assert_eq!(world.site().url(), "https://demo.example");
    let port = world.port();
    let mut jane = Visitor::of(&format!("http://127.0.0.1:{port}")).with("host", "demo.example");
    let page = jane.get("/");
    let set = page.header("set-cookie");
    assert!(set.starts_with("__Host-uid2-site="), "{set}");
    assert!(set.contains("; Secure"), "{set}");
    let mut jane = jane.with("origin", "https://demo.example");
    assert_eq!(jane.sign_in(EMAIL).heading(), "You are signed in");
    let mut by_number = Visitor::of(&format!("http://127.0.0.1:{port}"));
    assert_eq!(by_number.get("/").status, 421);
}
