//! The steps of the publisher guide, one a file.

mod bid;
mod establish;
mod logout;
mod refresh;
mod refusal;
mod restart;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uid2_emulator::Emulator;

pub(super) use bid::bid;
pub(super) use establish::establish;
pub(super) use logout::log_out;
pub(super) use refresh::refresh;
pub(super) use refusal::refuse;
pub(super) use restart::restart;

use super::site::{Site, Trouble};
use super::stage::Stage;

/// An operator, and a publisher's server beside it.
pub(super) struct Scene<'a> {
    operator: &'a Emulator,
    site: Site,
    file: PathBuf,
}

impl<'a> Scene<'a> {
    pub(super) async fn open(operator: &'a Emulator, file: PathBuf) -> Result<Self, Trouble> {
        Ok(Self {
            operator,
            site: Site::open(operator, &file).await?,
            file,
        })
    }

    pub(super) async fn close(self) {
        self.site.shut_down().await;
        self.site.close().await;
    }
}

pub(super) fn opening(stage: &mut Stage, scene: &Scene<'_>) {
    stage.say("A publisher's server and a local UID2 operator, with a real socket between");
    stage.say("them and a real file underneath. Tokens live for seconds here, not for hours.");
    stage.pause();
    stage.show("operator", scene.operator.url());
    stage.show("store", scene.file.display());
}

/// How often is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until something has happened, or `limit` has passed; says whether it has.
async fn wait_until(
    limit: Duration,
    mut happened: impl AsyncFnMut() -> Result<bool, Trouble>,
) -> Result<bool, Trouble> {
    let end = Instant::now() + limit;
    loop {
        if happened().await? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(LOOK_EVERY).await;
    }
}
