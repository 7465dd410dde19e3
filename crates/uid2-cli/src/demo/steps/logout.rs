//! Steps 4-a and 4-b: a user logs out at the worst moment.

use std::time::Duration;

use tokio::time::timeout;
use uid2_core::operation::{Refresh, RefreshOutcome, Response};
use uid2_core::{Identity, OpenRtb};
use uid2_publisher::Established;

use super::{Scene, wait_until};
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::{Stage, begin};
use crate::demo::users::HEIDI;
use crate::demo::wire::Exchange;

const LIMIT: Duration = Duration::from_secs(6);
/// How long is watched whether the late answer brings the user back.
const WATCH: Duration = Duration::from_millis(300);

pub(in crate::demo) async fn log_out(stage: &mut Stage, scene: &Scene<'_>) -> Result<(), Trouble> {
    stage.step("4-a, 4-b", "Log out, with a refresh in flight");
    let site = &scene.site;
    let established = site.publisher.establish(HEIDI.id, HEIDI.dii()?).await?;
    stage.check(
        matches!(established, Established::Token(_)),
        "heidi signs in",
    );
    let identity = site
        .identity(&HEIDI)
        .await?
        .ok_or("no identity for Heidi")?;

    stage.say("Two seconds later her token is due. The refresh is sent and answered, but we");
    stage.say("hold the answer back, as a slow network would:");
    let mut held = site.tap.hold(identity.refresh_token().expose());
    let exchange = timeout(LIMIT, held.answered())
        .await?
        .ok_or("the refresh was given up")?;
    stage.show("→ POST", &exchange.url);
    stage.show(
        "← HTTP",
        format_args!(
            "{}, {} bytes, held back",
            exchange.status,
            exchange.response.len()
        ),
    );
    still_served(stage, site).await?;

    site.publisher.logout(HEIDI.id).await?;
    stage.check(
        site.is_signed_out(&HEIDI).await?,
        "heidi logs out: her token is gone at once",
    );

    let late = open(site, &identity, &exchange)?;
    held.release();
    stage.say("Now the answer is let through. It holds a new token for her:");
    stage.show("too late", begin(late.advertising_token().as_str()));
    stage.check(
        late.advertising_token() != identity.advertising_token(),
        "it is a good one: were it stored, she would be back",
    );
    let back = wait_until(WATCH, async || Ok(!site.is_signed_out(&HEIDI).await?)).await?;
    stage.check(!back, "it is dropped: heidi stays logged out");
    Ok(())
}

/// While a refresh is on its way, what is still valid goes on being served.
async fn still_served(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    let token = site.publisher.token_now(HEIDI.id).await?.valid();
    let served = token.is_some_and(|token| {
        let user = site.publisher.eid(token.clone()).user_json(OpenRtb::V2_5);
        user.contains(token.as_str())
    });
    stage.check(
        served,
        "meanwhile the token from before, still valid, is served without waiting",
    );
    Ok(())
}

/// What the publisher is about to find in the answer.
fn open(site: &Site, identity: &Identity, exchange: &Exchange) -> Result<Identity, Trouble> {
    let (_, pending) = Refresh::new(identity).prepare(site.client.caller());
    let response = Response::new(exchange.status, &exchange.response);
    match pending.finish(response)?.outcome {
        RefreshOutcome::Success(identity) => Ok(identity),
        _ => Err("the refresh brought no identity".into()),
    }
}
