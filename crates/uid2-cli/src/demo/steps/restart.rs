//! The server is stopped and started again.

use std::time::Duration;

use tokio::time::sleep;
use uid2_core::{AdvertisingToken, Identity};
use uid2_http::{Runtime, TokioRuntime};

use super::Scene;
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::Stage;
use crate::demo::users::{ALICE, ERIN, FAITHFUL, FRANK, GRACE, HEIDI};

pub(in crate::demo) async fn restart<'a>(
    stage: &mut Stage,
    scene: Scene<'a>,
) -> Result<Scene<'a>, Trouble> {
    stage.step("1-f, 3-d", "Restart, with everything still there");
    stage.check(
        scene.site.shut_down().await,
        "the server stops: calls under way are waited for",
    );
    // What is valid is served to the end; nothing is refreshed any more.
    let mut before = Vec::new();
    for user in FAITHFUL {
        before.push(scene.site.identity(&user).await.ok().flatten());
    }
    let Scene {
        operator,
        site,
        file,
    } = scene;
    site.close().await;
    let size = std::fs::metadata(&file)?.len();
    stage.show("on disk", format_args!("{size} bytes"));

    let site = Site::open(operator, &file).await?;
    stage.say("Another server opens the same file:");
    let mut kept = 0;
    for (user, before) in FAITHFUL.iter().zip(&before) {
        let token = site.token(user).await?;
        kept += usize::from(is_kept(token.as_ref(), before.as_ref()));
    }
    stage.check(
        kept == FAITHFUL.len(),
        "alice, bob, carol and dave have the tokens they had",
    );
    let mut gone = true;
    for user in [ERIN, FRANK, GRACE] {
        gone &= site.opt_out(&user).await?.is_some();
    }
    stage.check(gone, "erin, frank and grace are still opted out");
    stage.check(
        site.is_signed_out(&HEIDI).await?,
        "heidi is still logged out",
    );
    comes_back_late(stage, &site).await?;
    Ok(Scene {
        operator,
        site,
        file,
    })
}

/// The same token; or another, if a slow machine let that one expire meanwhile.
fn is_kept(token: Option<&AdvertisingToken>, before: Option<&Identity>) -> bool {
    let now = TokioRuntime.now();
    let same = before.map(Identity::advertising_token) == token;
    let expired = before.is_none_or(|before| before.identity_expires() <= now);
    token.is_some() && (same || expired)
}

/// 3-a: a user returns after their token has expired.
async fn comes_back_late(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    let identity = site
        .identity(&ALICE)
        .await?
        .ok_or("no identity for Alice")?;
    stage.say("Nothing refreshes in the background now, and alice is away until her token");
    stage.say("has expired. Then she comes back (3-a):");
    let left = identity
        .identity_expires()
        .saturating_since(TokioRuntime.now());
    sleep(left + Duration::from_millis(20)).await;
    let at_once = site.publisher.token_now(ALICE.id).await?.valid();
    stage.check(
        at_once.as_ref() != Some(identity.advertising_token()),
        "the expired token is not served",
    );
    let refreshed = site.token(&ALICE).await?;
    stage.check(
        refreshed.is_some_and(|token| token != *identity.advertising_token()),
        "her identity is refreshed first, and she has a token without signing in again",
    );
    Ok(())
}
