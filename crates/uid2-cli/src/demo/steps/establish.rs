//! Steps 1-a to 1-f: users sign in.

use uid2_core::{Dii, Email};
use uid2_publisher::{Established, OptOutReason};

use super::Scene;
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::{Stage, begin};
use crate::demo::users::{ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, User};
use crate::demo::wire::Exchange;

pub(in crate::demo) async fn establish(
    stage: &mut Stage,
    scene: &mut Scene<'_>,
) -> Result<(), Trouble> {
    stage.step("1-a … 1-f", "Establish identity");
    let site = &scene.site;
    by_email(stage, site).await?;
    stage.pause();
    stage.say("Others sign in by phone, or come as a hash from another system:");
    for user in [BOB, CAROL, DAVE] {
        in_short(stage, site, &user).await?;
    }
    stage.say("Two who will opt out later sign in like anybody else:");
    for user in [FRANK, GRACE] {
        in_short(stage, site, &user).await?;
    }
    opted_out_before(stage, site).await
}

/// Alice, in full.
async fn by_email(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    let email: Email = ALICE.given.parse()?;
    stage.say("Alice signs in with her e-mail address (1-a … 1-c). The server normalizes it");
    stage.say("exactly as the service does, hashes it, and sends the hash, sealed (1-d):");
    stage.show("typed", format_args!("{:?}", ALICE.given));
    stage.show("normalized", email.as_str());
    stage.show("hash", email.hash().to_base64());
    stage.check(
        email.as_str() == "alicedoe@gmail.com",
        "normalized by the rules of the service: lower case, no spaces, Gmail's dots and tags gone",
    );

    let established = site
        .publisher
        .establish(ALICE.id, Dii::from(email.clone()))
        .await?;

    let exchange = site.tap.last().ok_or("nothing went over the wire")?;
    show_wire(stage, &exchange);
    let sent = String::from_utf8_lossy(&exchange.request).into_owned();
    let hash = email.hash().to_base64();
    stage.check(
        !sent.contains(email.as_str())
            && !sent.contains(hash.as_str())
            && exchange.request.len() > 100,
        "neither the address nor its hash can be read on the wire",
    );
    let Established::Token(token) = established else {
        return Err("no token for Alice".into());
    };
    stage.say("The answer holds her identity (1-e), which is stored on disk before");
    stage.say("`establish` returns (1-f):");
    stage.show("token", begin(token.as_str()));
    let identity = site
        .identity(&ALICE)
        .await?
        .ok_or("no identity for Alice")?;
    stage.show("refresh from", identity.refresh_from());
    stage.show("expires", identity.identity_expires());
    stage.check(
        identity.advertising_token() == &token
            && identity.refresh_from() < identity.identity_expires(),
        "Alice has an advertising token, and it is stored",
    );
    Ok(())
}

fn show_wire(stage: &mut Stage, exchange: &Exchange) {
    let bytes = |body: &[u8]| {
        format!(
            "{} bytes: {}",
            body.len(),
            begin(&String::from_utf8_lossy(body))
        )
    };
    let authorization = if exchange.authorized {
        "Authorization: Bearer <redacted>"
    } else {
        "no authorization"
    };
    stage.say("On the wire:");
    stage.show("→ POST", &exchange.url);
    stage.show(
        "",
        format_args!("{authorization}, {}", exchange.content_type),
    );
    stage.show("", bytes(&exchange.request));
    stage.show("← HTTP", exchange.status);
    stage.show("", bytes(&exchange.response));
}

/// The others, in a line each.
async fn in_short(stage: &mut Stage, site: &Site, user: &User) -> Result<(), Trouble> {
    let established = site.publisher.establish(user.id, user.dii()?).await?;
    let (holds, token) = match &established {
        Established::Token(token) => (true, begin(token.as_str())),
        other => (false, format!("{other:?}")),
    };
    stage.check(
        holds,
        format_args!("{:<6} {:<29} {token}", user.id, user.gives()),
    );
    Ok(())
}

async fn opted_out_before(stage: &mut Stage, site: &Site) -> Result<(), Trouble> {
    stage.pause();
    stage.say("Erin has opted out of UID2 long ago. The operator says so instead of a token:");
    let established = site.publisher.establish(ERIN.id, ERIN.dii()?).await?;
    stage.check(
        matches!(established, Established::OptedOut(out) if out.reason == OptOutReason::Service),
        "erin has no identity, and the opt-out is stored",
    );
    let calls = site.tap.calls();
    let again = site.publisher.establish(ERIN.id, ERIN.dii()?).await?;
    stage.check(
        matches!(again, Established::OptedOut(_)) && site.tap.calls() == calls,
        "when she signs in again, the operator is not even asked",
    );
    Ok(())
}
