//! `uid2 demo`: a publisher's server lives through the whole publisher guide.

mod site;
mod stage;
mod steps;
mod users;
mod wire;

use std::time::Duration;

use uid2_emulator::{Emulator, Lifetimes};

use crate::exit::Exit;
use crate::output::in_full;
use site::Trouble;
use stage::Stage;
use steps::Scene;

/// Watch a publisher's server live through the whole publisher guide.
///
/// Starts a local operator whose tokens live for seconds, and a publisher's server
/// that calls it over a real socket and keeps what it is told in a real file, in a
/// temporary folder. Then users sign in, their tokens are sent to bid with and
/// refreshed, users opt out and log out, the server is restarted, and bad input is
/// refused.
///
/// Every step is checked. It takes about ten seconds, needs no network and no
/// account, and leaves nothing behind.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {}

const AFTER_HELP: &str = "\
The step numbers are those of the publisher integration guide, server-side.

Exit status: 0 when every step did what it should, 1 otherwise.
Colours: on a terminal only, and not if NO_COLOR is set.";

/// A token is to be refreshed after …
const REFRESH_AFTER: Duration = Duration::from_secs(2);
/// … is valid for …
const TOKEN_LIFETIME: Duration = Duration::from_secs(4);
/// … and can be refreshed for …
const REFRESH_LIFETIME: Duration = Duration::from_secs(60);
/// However slow the machine, the demo ends by then.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::main]
pub(crate) async fn run(_: &Args, json: bool) -> Exit {
    let mut stage = if json { Stage::silent() } else { Stage::new() };
    let played = tokio::select! {
        played = tokio::time::timeout(LIMIT, play(&mut stage)) => played
            .unwrap_or_else(|_| Err(format!("took longer than {} s", LIMIT.as_secs()).into())),
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    if let Err(trouble) = played {
        stage.fail(&in_full(&*trouble));
    }
    if stage.summarize() {
        Exit::Success
    } else {
        Exit::Failure
    }
}

async fn play(stage: &mut Stage) -> Result<(), Trouble> {
    let lifetimes = Lifetimes::new(REFRESH_AFTER, TOKEN_LIFETIME, REFRESH_LIFETIME)?;
    let operator = Emulator::builder().lifetimes(lifetimes).start().await?;
    let folder = tempfile::Builder::new().prefix("uid2-demo-").tempdir()?;
    let mut scene = Scene::open(&operator, folder.path().join("identities.db")).await?;

    steps::opening(stage, &scene);
    steps::establish(stage, &mut scene).await?;
    steps::bid(stage, &scene).await?;
    steps::refresh(stage, &mut scene).await?;
    steps::log_out(stage, &scene).await?;
    let scene = steps::restart(stage, scene).await?;
    steps::refuse(stage, &scene).await?;

    scene.close().await;
    operator.stop().await;
    Ok(())
}
