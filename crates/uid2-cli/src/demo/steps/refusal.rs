//! Bad input: refused where it comes in, with a word on how to mend it.

use std::fmt::Display;

use uid2_core::operation::{Action, Caller, Generate, RefusalKind};
use uid2_core::{BaseUrl, BaseUrlError, ClientSecret, Dii, EmailError, HashError, PhoneError};
use uid2_http::Client;

use super::Scene;
use crate::demo::site::{Site, Trouble};
use crate::demo::stage::Stage;
use crate::demo::users::{ALICE, BOB};

pub(in crate::demo) async fn refuse(stage: &mut Stage, scene: &Scene<'_>) -> Result<(), Trouble> {
    stage.step("bad input", "Refuse what cannot be right");
    let calls = scene.site.tap.calls();
    input(stage);
    stage.check(
        scene.site.tap.calls() == calls,
        "none of it was sent to the operator",
    );
    credentials(stage, scene).await
}

fn input(stage: &mut Stage) {
    let email = Dii::email("alice.at.example.com").err();
    said(
        stage,
        email == Some(EmailError::NoAt),
        "alice.at.example.com",
        &email,
    );
    let phone = Dii::phone("(202) 555-0123").err();
    said(
        stage,
        phone == Some(PhoneError::NoPlus),
        "(202) 555-0123",
        &phone,
    );
    let hash = Dii::email_hash("5f4dcc3b5aa765d61d8327deb882cf99").err();
    said(
        stage,
        hash == Some(HashError::Length { found: 32 }),
        "an MD5 hash",
        &hash,
    );
    let url = BaseUrl::parse("http://prod.uidapi.com").err();
    said(
        stage,
        url == Some(BaseUrlError::Insecure),
        "http://prod.uidapi.com",
        &url,
    );
}

/// The operator's own refusals, each told apart.
async fn credentials(stage: &mut Stage, scene: &Scene<'_>) -> Result<(), Trouble> {
    let site = &scene.site;
    let key = site.client.caller().api_key().clone();
    let secret = site.client.caller().client_secret().clone();
    let wrong_secret = Caller::new(key, ClientSecret::from_bytes([7; 32]));
    refused(
        stage,
        scene,
        wrong_secret,
        RefusalKind::WrongSecret,
        "the wrong secret",
    )
    .await?;
    let other_key = format!("UID2-C-L-999-{}.{}", "a".repeat(6), "b".repeat(38));
    let unknown_key = Caller::new(other_key.parse()?, secret);
    refused(
        stage,
        scene,
        unknown_key,
        RefusalKind::Unauthorized,
        "an unknown API key",
    )
    .await?;
    stage.check(
        unharmed(site).await?,
        "what is stored is unharmed: bob still has a token",
    );
    Ok(())
}

async fn refused(
    stage: &mut Stage,
    scene: &Scene<'_>,
    caller: Caller,
    expected: RefusalKind,
    what: &str,
) -> Result<(), Trouble> {
    let base_url = BaseUrl::parse(scene.operator.url())?;
    let client = Client::builder(caller, base_url).build(scene.site.tap.clone());
    let dii = ALICE.dii()?;
    let error = client.generate(&Generate::new(&dii)).await.err();
    let holds = error.as_ref().is_some_and(|error| {
        error.action() == Action::FixConfiguration
            && error.attempts() == 1
            && error
                .refusal()
                .is_some_and(|refusal| refusal.kind() == expected)
    });
    let kind = error
        .as_ref()
        .and_then(|error| error.refusal())
        .map(|refusal| refusal.kind());
    said(stage, holds, what, &kind);
    Ok(())
}

async fn unharmed(site: &Site) -> Result<bool, Trouble> {
    Ok(site.token(&BOB).await?.is_some())
}

fn said(stage: &mut Stage, holds: bool, what: &str, error: &Option<impl Display>) {
    match error {
        Some(error) => stage.check(holds, format_args!("{what}: {error}")),
        None => stage.check(false, format_args!("{what}: not refused")),
    }
}
