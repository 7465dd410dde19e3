//! Step 2-a: the token goes into the bidstream.

use std::time::Instant;

use uid2_core::OpenRtb;
use uid2_core::operation::{Validate, ValidateOutcome};

use super::Scene;
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::Stage;
use crate::demo::users::{ALICE, BOB, CAROL, DAVE, ERIN, User};

/// As many bid requests as a busy page view or two.
const BIDS: u32 = 1000;

pub(in crate::demo) async fn bid(stage: &mut Stage, scene: &Scene<'_>) -> Result<(), Trouble> {
    stage.step("2-a", "Bid using a UID2 token");
    let site = &scene.site;
    entry(stage, site).await?;
    genuine(stage, site).await?;
    quick(stage, site).await?;
    stage.check(
        site.token(&ERIN).await?.is_none(),
        "for erin, who has opted out, there is no token to send",
    );
    Ok(())
}

/// What leaves for the SSP.
async fn entry(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    let token = site.token(&ALICE).await?.ok_or("no token for Alice")?;
    let eid = site.publisher.eid(token.clone());
    stage.say("What leaves for the SSP with Alice's next bid request, in OpenRTB 2.6:");
    stage.say(format_args!("  \"user\": {}", eid.user_json(OpenRtb::V2_6)));
    let json: serde_json::Value = serde_json::from_str(&eid.to_json())?;
    let id = json
        .pointer("/uids/0/id")
        .and_then(serde_json::Value::as_str);
    stage.check(
        eid.source() == "uidapi.com" && id == Some(token.as_str()),
        "the entry names uidapi.com and carries the token as is",
    );
    Ok(())
}

/// The operator knows its own tokens.
async fn genuine(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    for user in [ALICE, BOB, CAROL, DAVE] {
        let holds = matches(site, &user, &user).await? == ValidateOutcome::Match;
        let what = format!(
            "the operator confirms that {}'s token was made from what {} gave",
            user.id, user.id
        );
        stage.check(holds, what);
    }
    let crossed = matches(site, &ALICE, &CAROL).await?;
    stage.check(
        crossed == ValidateOutcome::NoMatch,
        "and denies it for alice's token and carol's address",
    );
    Ok(())
}

async fn matches(site: &Site, of: &User, with: &User) -> Result<ValidateOutcome, Trouble> {
    let token = site.token(of).await?.ok_or("no token to validate")?;
    let dii = with.dii()?;
    let reply = site
        .client
        .validate(&Validate::new(token.as_str(), &dii))
        .await?;
    Ok(reply.outcome)
}

async fn quick(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    let calls = site.tap.calls();
    let started = Instant::now();
    let mut served = 0;
    for _ in 0..BIDS {
        served += u32::from(site.token(&ALICE).await?.is_some());
    }
    let each = started.elapsed() / BIDS;
    // One that is due may be refreshed meanwhile, once.
    let asked = site.tap.calls() - calls;
    stage.check(
        served == BIDS && asked <= 1,
        format_args!("{BIDS} bids took {each:?} each; the operator was asked {asked} times"),
    );
    Ok(())
}
