//! Steps 3-a to 3-d: tokens are refreshed, and opt-outs come to be known.

use std::time::Duration;

use tokio::time::Instant;
use uid2_core::{AdvertisingToken, Timestamp};
use uid2_http::{Runtime, TokioRuntime};
use uid2_publisher::{Established, OptOutReason};

use super::{Scene, wait_until};
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::{Stage, begin};
use crate::demo::users::{ALICE, FAITHFUL, FRANK, GRACE, User};

const LIMIT: Duration = Duration::from_secs(6);

pub(in crate::demo) async fn refresh(
    stage: &mut Stage,
    scene: &mut Scene<'_>,
) -> Result<(), Trouble> {
    stage.step("3-a … 3-d", "Refresh a UID2 token");
    let site = &scene.site;
    stage.say("Tokens are due two seconds after they were made. A task in the background");
    stage.say("refreshes them as they come due, while bids go on. Meanwhile grace opts out");
    stage.say("of UID2 everywhere; frank is about to do so as well.");
    let mut old = Vec::new();
    for user in FAITHFUL {
        old.push(site.token(&user).await?.ok_or("a token is missing")?);
    }
    scene.operator.opt_out(&GRACE.dii()?);
    site.refresh_in_background();

    watch(stage, site, &old).await?;
    opted_out(
        stage,
        site,
        &FRANK,
        "refresh-optout@example.com, a test identity of the service",
    )
    .await?;
    opted_out(stage, site, &GRACE, "opted out while signed in here").await?;
    not_asked_again(stage, site).await
}

/// Bids as Alice all the time, until everybody has another token.
async fn watch(stage: &mut Stage, site: &Site, old: &[AdvertisingToken]) -> Result<(), Trouble> {
    let started = Instant::now();
    let (mut bids, mut valid) = (0_u32, 0_u32);
    let refreshed = wait_until(LIMIT, async || {
        bids += 1;
        valid += u32::from(is_valid_now(site, &ALICE).await?);
        all_differ(site, old).await
    })
    .await?;
    let token = site.token(&ALICE).await?.ok_or("no token for Alice")?;
    let waited = started.elapsed().as_secs_f64();
    stage.say(format_args!("… {waited:.1} s later:"));
    if let Some(old) = old.first() {
        stage.show("before", begin(old.as_str()));
    }
    stage.show("after", begin(token.as_str()));
    stage.check(
        refreshed,
        "alice, bob, carol and dave have new tokens, and nobody waited for them",
    );
    stage.check(
        bids > 0 && bids == valid,
        format_args!("each of the {bids} bids meanwhile had a token that was valid then"),
    );
    Ok(())
}

async fn all_differ(site: &Site, old: &[AdvertisingToken]) -> Result<bool, Trouble> {
    for (user, old) in FAITHFUL.iter().zip(old) {
        if site.token(user).await?.is_none_or(|token| token == *old) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_valid_now(site: &Site, user: &User) -> Result<bool, Trouble> {
    // Read before the identity is, for time goes on.
    let now: Timestamp = TokioRuntime.now();
    let identity = site.identity(user).await?;
    Ok(identity.is_some_and(|identity| now < identity.identity_expires()))
}

async fn opted_out(stage: &mut Stage, site: &Site, user: &User, how: &str) -> Result<(), Trouble> {
    let known = wait_until(LIMIT, async || Ok(site.opt_out(user).await?.is_some())).await?;
    let reason = site.opt_out(user).await?.map(|out| out.reason);
    stage.check(
        known && reason == Some(OptOutReason::Service),
        format_args!("{} ({how}): no token is served any more", user.id),
    );
    Ok(())
}

async fn not_asked_again(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    // What is refreshed in the background is none of this step's: only calls to
    // generate count.
    let generated = site.tap.calls_to("/v2/token/generate");
    let again = site.publisher.establish("grace-2", GRACE.dii()?).await?;
    stage.check(
        matches!(again, Established::OptedOut(_))
            && site.tap.calls_to("/v2/token/generate") == generated,
        "grace's address is remembered too, keyed and hashed: under another account, she is opted out",
    );
    Ok(())
}
