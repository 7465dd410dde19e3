//! A call: attempts, the pauses between them, and the deadline over all.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use tracing::Instrument;
use uid2_core::Timestamp;
use uid2_core::operation::Reply;

use super::Inner;
use super::operation::{Operation, Repeat};
use super::policy::Chances;
use crate::error::{Error, ErrorKind, Failure};
use crate::observe;
use crate::runtime::Runtime;
use crate::transport::Transport;

/// Where a call stands.
struct Progress {
    started: Timestamp,
    host: usize,
    /// The hosts that have failed in this call.
    tried: Vec<usize>,
    /// Those that have asked to be left alone, and until when.
    resting: Vec<(usize, Timestamp)>,
    attempts: u32,
    /// When the last attempt began.
    begun: Timestamp,
    /// How the last attempt failed.
    last: Option<Failure>,
}

impl Progress {
    /// How long a host has still asked to be left alone.
    fn rest_of(&self, host: usize, now: Timestamp) -> Duration {
        let asked = self.resting.iter().rev().find(|(it, _)| *it == host);
        asked.map_or(Duration::ZERO, |(_, until)| until.saturating_since(now))
    }
}

/// What comes after a failure.
enum Next {
    Rest(Duration),
    Elsewhere,
    GiveUp,
}

impl<T: Transport, R: Runtime> Inner<T, R> {
    pub(super) async fn call<O: Operation>(
        &self,
        operation: &O,
    ) -> Result<Reply<O::Outcome>, Error> {
        let started = self.runtime.now();
        let mut progress = Progress {
            started,
            host: self.hosts.pick(started),
            tried: Vec::new(),
            resting: Vec::new(),
            attempts: 0,
            begun: started,
            last: None,
        };
        let result = self
            .run(operation, &mut progress)
            .instrument(observe::call_span(O::NAME))
            .await;
        observe::call_ended(O::NAME, result.is_ok(), self.since(started));
        result.map_err(|failure| {
            let base_url = self.hosts.url(progress.host);
            Error::new(failure, O::NAME, base_url, progress.attempts)
        })
    }

    async fn run<O: Operation>(
        &self,
        operation: &O,
        progress: &mut Progress,
    ) -> Result<Reply<O::Outcome>, Failure> {
        let mut deadline = pin!(self.runtime.sleep(self.policy.deadline()));
        loop {
            // On the heap, for it is large, and futures are moved: into a task,
            // into a timeout, into another future.
            let attempt = Box::pin(self.observed_attempt(operation, progress));
            let failure = match within(deadline.as_mut(), attempt).await {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(failure)) => failure,
                None => {
                    self.leave_silent(progress);
                    return Err(self.too_late(progress));
                }
            };
            match self.next(&failure, O::REPEAT, progress) {
                Next::GiveUp => {
                    let retry_after = self.retry_after(&failure, progress);
                    return Err(Failure {
                        retry_after,
                        ..failure
                    });
                }
                Next::Elsewhere => progress.last = Some(failure),
                Next::Rest(pause) => {
                    progress.last = Some(failure);
                    observe::resting(pause);
                    let rest = self.runtime.sleep(pause);
                    if within(deadline.as_mut(), rest).await.is_none() {
                        return Err(self.too_late(progress));
                    }
                }
            }
        }
    }

    async fn observed_attempt<O: Operation>(
        &self,
        operation: &O,
        progress: &mut Progress,
    ) -> Result<Reply<O::Outcome>, Failure> {
        progress.attempts += 1;
        let base_url = self.hosts.url(progress.host);
        progress.begun = self.runtime.now();
        let result = self.attempt(operation, base_url).await;
        let took = self.since(progress.begun);
        match &result {
            Ok(reply) => {
                self.hosts.answered(progress.host);
                observe::succeeded(O::NAME, base_url, progress.attempts, took);
                if let Some(skew) = reply.skew {
                    self.skew_alarm.raise(skew, base_url, self.runtime.now());
                }
            }
            Err(failure) => {
                observe::failed(O::NAME, base_url, progress.attempts, took, failure);
                if let Some(skew) = failure.clock_skew {
                    self.skew_alarm.raise(skew, base_url, self.runtime.now());
                }
            }
        }
        result
    }

    /// Decides what comes after `failure`, and remembers what it says of the host.
    fn next(&self, failure: &Failure, repeat: Repeat, progress: &mut Progress) -> Next {
        let chances = Chances::after(&failure.kind, repeat);
        let elsewhere = self.leave(failure, progress);
        if progress.attempts >= self.policy.max_attempts() {
            return Next::GiveUp;
        }
        if let Some(host) = elsewhere.filter(|_| chances.elsewhere) {
            observe::failing_over(self.hosts.url(progress.host), self.hosts.url(host));
            progress.host = host;
            return Next::Elsewhere;
        }
        if !chances.again {
            return Next::GiveUp;
        }
        let (host, asked) = self.least_resting(progress);
        let pause = self
            .policy
            .pause(progress.attempts, asked, &mut self.runtime.rng());
        let left = self
            .policy
            .deadline()
            .saturating_sub(self.since(progress.started));
        match pause {
            // A pause that the deadline would end is time wasted.
            Some(pause) if pause < left => {
                progress.host = host;
                Next::Rest(pause)
            }
            _ => Next::GiveUp,
        }
    }

    /// Leaves a host that has failed, whatever may be repeated in this call:
    /// the calls that follow shall not run into it.
    fn leave(&self, failure: &Failure, progress: &mut Progress) -> Option<usize> {
        let now = self.runtime.now();
        let is_of_host = Chances::after(&failure.kind, Repeat::Always).elsewhere;
        if let Some(asked) = failure.retry_after {
            let until = now.saturating_add(asked);
            // What is not the host's own, as a limit of the key is, holds for all.
            let hosts = self.hosts.in_turn();
            let resting = hosts.filter(|host| !is_of_host || *host == progress.host);
            progress.resting.extend(resting.map(|host| (host, until)));
        }
        if !is_of_host {
            self.hosts.answered(progress.host);
            return None;
        }
        progress.tried.push(progress.host);
        let rest = failure.retry_after.unwrap_or_default();
        self.hosts.next(progress.host, &progress.tried, now, rest)
    }

    /// Leaves a host that the deadline has found silent: else the calls that
    /// follow would all end in it. One that had little of the call's time may
    /// just have been the last.
    fn leave_silent(&self, progress: &mut Progress) {
        if self.since(progress.begun) < self.policy.deadline() / 2 {
            return;
        }
        progress.tried.push(progress.host);
        let now = self.runtime.now();
        self.hosts
            .next(progress.host, &progress.tried, now, Duration::ZERO);
    }

    /// The host to go back to after a pause, and how long it has still asked to be
    /// left alone: the one in use, unless another may be asked earlier.
    fn least_resting(&self, progress: &Progress) -> (usize, Duration) {
        let now = self.runtime.now();
        let hosts = self.hosts.in_turn();
        let resting = hosts.map(|host| (host, progress.rest_of(host, now)));
        // Of several with the same, the first.
        let least = resting.min_by_key(|(_, rest)| *rest);
        least.unwrap_or((progress.host, Duration::ZERO))
    }

    /// How long to wait before calling again: as asked by the host that failed
    /// last, and by the one that the next call begins with.
    fn retry_after(&self, last: &Failure, progress: &Progress) -> Option<Duration> {
        let next = progress.rest_of(self.hosts.current(), self.runtime.now());
        last.retry_after.max((!next.is_zero()).then_some(next))
    }

    fn too_late(&self, progress: &mut Progress) -> Failure {
        let last = progress.last.take();
        let http_status = last.as_ref().and_then(|last| last.http_status);
        let retry_after = last
            .as_ref()
            .and_then(|last| self.retry_after(last, progress));
        Failure {
            kind: ErrorKind::Deadline {
                deadline: self.policy.deadline(),
                last: last.map(|last| Box::new(last.kind)),
            },
            http_status,
            retry_after,
            clock_skew: None,
        }
    }

    fn since(&self, begun: Timestamp) -> Duration {
        self.runtime.now().saturating_since(begun)
    }
}

/// What comes of `work`, unless the deadline comes first.
async fn within<F: Future>(
    deadline: Pin<&mut impl Future<Output = ()>>,
    work: F,
) -> Option<F::Output> {
    match select(pin!(work), deadline).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
