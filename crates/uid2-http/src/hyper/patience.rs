//! How long to wait for a server.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::{Instant, Sleep, sleep};

use super::builder::Limits;
use crate::transport::TransportErrorKind;

/// Both limits of an exchange, kept with one timer that is moved: setting one
/// may wake the runtime's driver, moving it to later costs nothing.
pub(super) struct Patience<'a> {
    timer: Pin<&'a mut Sleep>,
    /// When the whole must be done.
    end: Instant,
    /// How long nothing may come.
    read_timeout: Duration,
}

impl<'a> Patience<'a> {
    /// The timer is to be one of [`Patience::timer`], for it stays where it is.
    pub(super) fn new(timer: Pin<&'a mut Sleep>, limits: &Limits) -> Self {
        Self {
            end: timer.deadline(),
            timer,
            read_timeout: limits.read_timeout,
        }
    }

    /// Goes off when the whole must be done.
    pub(super) fn timer(limits: &Limits) -> Sleep {
        sleep(limits.total_timeout)
    }

    /// What comes of `work`, if it comes before patience ends.
    pub(super) async fn wait_for<F: Future>(
        &mut self,
        work: F,
    ) -> Result<F::Output, TransportErrorKind> {
        match select(pin!(work), self.timer.as_mut()).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) if Instant::now() < self.end => Err(TransportErrorKind::ReadTimeout),
            Either::Right(_) => Err(TransportErrorKind::TotalTimeout),
        }
    }

    /// Something has come: from now on, nothing may come for a while.
    pub(super) fn renew(&mut self) {
        let silent_until = Instant::now().checked_add(self.read_timeout);
        let earlier = silent_until.map_or(self.end, |until| until.min(self.end));
        self.timer.as_mut().reset(earlier);
    }
}
