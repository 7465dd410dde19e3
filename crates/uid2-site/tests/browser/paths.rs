//! What visitors do, click by click.

use std::pin::Pin;

use serde_json::json;
use uid2_emulator::Endpoint;

use crate::driver::devtools;
use crate::world::World;

const EMAIL: &str = "jane@example.com";

type Walk = for<'a> fn(&'a mut World) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! paths {
    ($($name:ident)+) => {
        pub(crate) const ALL: &[(&str, Walk)] =
            &[$((stringify!($name), |world| Box::pin($name(world)))),+];
    };
}

paths! {
    signing_in_by_mail_and_by_phone
    what_is_typed_wrong_can_be_mended
    refreshes_can_be_watched
    opting_out_of_this_site_and_back_in
    opting_out_of_uid2
    a_restart_is_not_noticed
    an_outage_is_lived_through
    the_browser_refreshes_by_itself
    each_state_has_its_page
    everything_works_without_scripts
    the_keyboard_is_enough
}

async fn signing_in_by_mail_and_by_phone(world: &mut World) {
    world.look("sign-in").await;
    world.sign_in(EMAIL).await;
    assert_eq!(world.heading().await, "You are signed in");
    assert_eq!(world.latest().await, "Identity generated");
    let token = world.token().await;
    assert!(token.len() > 200, "{token}");
    assert!(world.text("#eids").await.contains(&token));
    world.look("account").await;
    // Ticking: by its script alone.
    let due = "[data-until]";
    let before = world.text(due).await;
    world
        .wait("the next second", async || world.text(due).await != before)
        .await;

    world.click("Sign out").await;
    assert_eq!(world.heading().await, "Sign in, and watch what UID2 does");
    world.go("/account").await;
    assert_eq!(world.heading().await, "Sign in, and watch what UID2 does");

    world.sign_in("+1 234 567 8901").await;
    assert_eq!(world.heading().await, "You are signed in");
    assert!(world.text(".intro").await.contains("a phone number"));
    // As one click.
    world.click("Sign out").await;
    world.click("user@example.com").await;
    assert_eq!(world.heading().await, "You are signed in");
}

async fn what_is_typed_wrong_can_be_mended(world: &mut World) {
    world.expect(422);
    world.sign_in("jane at example.com").await;
    assert!(
        world
            .text("#dii-error")
            .await
            .contains("neither an e-mail address")
    );
    let invalid = world.find("#dii").await.attr("aria-invalid").await.unwrap();
    assert_eq!(invalid.as_deref(), Some("true"));
    world.look("sign-in-wrong").await;
    world.fill("+1 23").await;
    world.agree().await;
    world.click("Sign in").await;
    assert!(
        world
            .text("#dii-error")
            .await
            .contains("fewer than 10 digits")
    );
    world.fill(EMAIL).await;
    world.click("Sign in").await;
    assert!(
        world
            .text("#consent-error")
            .await
            .contains("Without your consent")
    );
    world.agree().await;
    world.click("Sign in").await;
    assert_eq!(world.heading().await, "You are signed in");
}

async fn refreshes_can_be_watched(world: &mut World) {
    world.sign_in(EMAIL).await;
    let first = world.token().await;
    world.click("Refresh now").await;
    let second = world.token().await;
    assert_ne!(first, second);
    assert_eq!(world.latest().await, "Token refreshed");
    world.click("16 minutes").await;
    let third = world.token().await;
    assert_ne!(second, third);
    world.look("account-refreshed").await;
    // Nobody touches the page: the refresher does its work, and the page shows it.
    world.pass_unseen(16).await;
    world
        .wait("the token of the background refresher", async || {
            // The page may be on its way out.
            let token = world.browser.find(fantoccini::Locator::Css("#token")).await;
            match token {
                Ok(token) => token.text().await.is_ok_and(|token| token != third),
                Err(_) => false,
            }
        })
        .await;
    let operator = world.site().emulator().unwrap().operator();
    assert_eq!(operator.requests(Endpoint::TokenRefresh), 3);
}

async fn opting_out_of_this_site_and_back_in(world: &mut World) {
    world.expect(422);
    world.sign_in(EMAIL).await;
    world.click("Opt out of this site").await;
    assert_eq!(world.heading().await, "You have opted out of this site");
    world.look("opted-out-site").await;
    world.click("Sign out").await;
    world.sign_in(EMAIL).await;
    assert_eq!(world.heading().await, "You have opted out of this site");
    world.fill("joe@example.com").await;
    world.agree().await;
    world.click("Opt back in").await;
    assert!(
        world
            .text("#dii-error")
            .await
            .contains("not what you signed in with")
    );
    world.fill(EMAIL).await;
    world.agree().await;
    world.click("Opt back in").await;
    assert_eq!(world.heading().await, "You are signed in");
}

async fn opting_out_of_uid2(world: &mut World) {
    world.sign_in(EMAIL).await;
    world.click("Opt out of UID2 everywhere").await;
    world.look("opt-out-everywhere").await;
    world.fill(EMAIL).await;
    world.click("Opt out everywhere").await;
    assert!(
        world
            .text(".note")
            .await
            .contains("learns of it at the next refresh")
    );
    world.look("account-asked").await;
    world.click("Refresh now").await;
    assert_eq!(world.heading().await, "You have opted out of UID2");
    world.look("opted-out-uid2").await;
    world.click("Sign out").await;
    world.sign_in(EMAIL).await;
    assert_eq!(world.heading().await, "You have opted out of UID2");
    // The test identities, too.
    world.click("Sign out").await;
    world.click("refresh-optout@example.com").await;
    assert_eq!(world.heading().await, "You are signed in");
    world.click("Refresh now").await;
    assert_eq!(world.heading().await, "You have opted out of UID2");
}

async fn a_restart_is_not_noticed(world: &mut World) {
    world.sign_in(EMAIL).await;
    world.click("16 minutes").await;
    let token = world.token().await;
    world.restart().await;
    world.browser.refresh().await.unwrap();
    assert_eq!(world.heading().await, "You are signed in");
    assert_eq!(world.token().await, token);
    world.click("Refresh now").await;
    assert_eq!(world.latest().await, "Token refreshed");
    assert_ne!(world.token().await, token);
}

async fn an_outage_is_lived_through(world: &mut World) {
    world.expect(503);
    world.sign_in(EMAIL).await;
    let token = world.token().await;
    world.click("Have the operator fail").await;
    world.click("16 minutes").await;
    assert_eq!(world.token().await, token);
    assert_eq!(world.text(".badge").await, "Refresh due");
    world.look("account-outage").await;
    world.click("1 hour").await;
    assert_eq!(world.heading().await, "The operator does not answer");
    world.look("operator-down").await;
    world.click("Try again").await;
    assert_eq!(world.heading().await, "The operator does not answer");
    world.click("Mend the operator").await;
    // A pause after failures, as it should be; then it recovers by itself.
    world.click("16 minutes").await;
    assert_eq!(world.heading().await, "You are signed in");
    assert_ne!(world.token().await, token);
}

async fn the_browser_refreshes_by_itself(world: &mut World) {
    world.expect(503);
    world.sign_in(EMAIL).await;
    let token = world.token().await;
    world.click("In the browser").await;
    let state = async || world.text("#client-state").await;
    let shown = async || world.text("#client-token").await;
    world
        .wait("the identity", async || shown().await == token)
        .await;
    assert_eq!(state().await, "Fresh");
    let operator = world.site().emulator().unwrap().operator();
    assert_eq!(operator.requests(Endpoint::TokenRefresh), 0);
    world.press("Refresh in the browser").await;
    world
        .wait("the next token", async || shown().await != token)
        .await;
    assert_eq!(world.latest().await, "Refreshed by the browser");
    // By nobody but the browser: without the site's API key.
    let last = operator.recent_requests().pop().unwrap();
    assert_eq!(
        (last.endpoint, last.client.clone()),
        (Endpoint::TokenRefresh, None)
    );
    assert_eq!(
        last.client_version.as_deref(),
        Some(concat!("uid2-site-", env!("CARGO_PKG_VERSION")))
    );
    world.look("client-side").await;

    // When it is due, by itself.
    let token = shown().await;
    world.pass_unseen(16).await;
    world
        .wait("the token after that", async || shown().await != token)
        .await;

    // An opt-out reaches it, too.
    let jane = uid2_core::Dii::email(EMAIL).unwrap();
    world.site().emulator().unwrap().opt_out(&jane);
    world.press("Refresh in the browser").await;
    world
        .wait("the opt-out", async || state().await == "Opted out")
        .await;
    assert_eq!(shown().await, "none");
    world.look("client-side-opted-out").await;
    // The site itself has yet to learn of it.
    world.go("/account").await;
    world.click("Refresh now").await;
    assert_eq!(world.heading().await, "You have opted out of UID2");
    world.click("In the browser").await;
    assert!(world.text("main").await.contains("nothing to hand over"));
}

async fn each_state_has_its_page(world: &mut World) {
    world.expect(404);
    world.expect(403);
    world.go("/nowhere").await;
    assert_eq!(world.heading().await, "There is no such page");
    world.look("not-found").await;
    // No identity: signed out elsewhere.
    world.sign_in(EMAIL).await;
    let here = cookie(world).await;
    world.browser.delete_all_cookies().await.unwrap();
    world.sign_in(EMAIL).await;
    world.click("Sign out").await;
    world.browser.delete_all_cookies().await.unwrap();
    let back = json!({
        "name": here.0, "value": here.1, "url": world.base, "httpOnly": true,
    });
    devtools(&world.browser, "Network.setCookie", back).await;
    world.go("/account").await;
    assert_eq!(world.heading().await, "There is no identity");
    world.look("missing-identity").await;
    world.fill(EMAIL).await;
    world.agree().await;
    world.click("Get a token").await;
    assert_eq!(world.heading().await, "You are signed in");
    // Too long away, by a day and by a week.
    world.click("1 day").await;
    assert_eq!(world.heading().await, "Your identity has expired");
    world.look("identity-expired").await;
    world.click("8 days").await;
    assert_eq!(world.heading().await, "Your session has ended");
    world.look("session-ended").await;
    // A form from before the cookie changed.
    world.go("/").await;
    world.browser.delete_all_cookies().await.unwrap();
    world.click("optout@example.com").await;
    assert_eq!(world.heading().await, "That form is out of date");
    world.look("forged").await;
}

async fn cookie(world: &World) -> (String, String) {
    let cookie = world.browser.get_named_cookie("uid2-site").await.unwrap();
    assert_eq!(cookie.http_only(), Some(true));
    (cookie.name().to_owned(), cookie.value().to_owned())
}

async fn everything_works_without_scripts(world: &mut World) {
    world.switch_scripts(false).await;
    world.sign_in(EMAIL).await;
    assert_eq!(world.heading().await, "You are signed in");
    // It stands still: there is no script to move it.
    let due = world.text("[data-until]").await;
    tokio::time::sleep(std::time::Duration::from_millis(2200)).await;
    assert_eq!(world.text("[data-until]").await, due);
    let first = world.token().await;
    world.click("Refresh now").await;
    assert_ne!(world.token().await, first);
    world.click("16 minutes").await;
    assert_eq!(world.latest().await, "Token refreshed");
    world.click("In the browser").await;
    assert!(world.text("noscript").await.contains("needs JavaScript"));
    world.click("Account").await;
    world.click("Opt out of this site").await;
    assert_eq!(world.heading().await, "You have opted out of this site");
    world.click("Sign out").await;
    assert_eq!(world.heading().await, "Sign in, and watch what UID2 does");
    world.switch_scripts(true).await;
}

async fn the_keyboard_is_enough(world: &mut World) {
    const TAB: &str = "\u{e004}";
    const SPACE: &str = " ";
    const ENTER: &str = "\u{e007}";
    world.find("body").await.send_keys(TAB).await.unwrap();
    let focus = async || world.browser.active_element().await.unwrap();
    assert_eq!(focus().await.text().await.unwrap(), "Skip to the content");
    focus().await.send_keys(ENTER).await.unwrap();
    // From the content on: the field, the consent, the button.
    for wanted in ["dii", "consent"] {
        focus().await.send_keys(TAB).await.unwrap();
        let id = focus().await.attr("id").await.unwrap();
        assert_eq!(id.as_deref(), Some(wanted));
        let keys = if wanted == "dii" { EMAIL } else { SPACE };
        focus().await.send_keys(keys).await.unwrap();
    }
    focus().await.send_keys(TAB).await.unwrap();
    assert_eq!(focus().await.text().await.unwrap(), "Sign in");
    focus().await.send_keys(ENTER).await.unwrap();
    world
        .wait("the account", async || {
            let url = world.browser.current_url().await.unwrap();
            url.path() == "/account"
        })
        .await;
    assert_eq!(world.heading().await, "You are signed in");
}
