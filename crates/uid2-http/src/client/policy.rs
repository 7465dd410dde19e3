//! How often and how long to try, and which failures are worth it.

use std::time::Duration;

use rand_core::Rng;
use uid2_core::operation::{self, RefusalKind};

use super::operation::Repeat;
use crate::error::ErrorKind;
use crate::transport::TransportErrorKind;

/// How often and how long a call tries.
///
/// Between attempts it rests for a random time up to a bound that doubles with
/// each ("full jitter"), so that many clients do not come back at once; and for
/// what the server asks for by `Retry-After` on top. Going on with another base
/// URL for the first time does not take a rest.
///
/// ```
/// use std::time::Duration;
/// use uid2_http::RetryPolicy;
///
/// // For a user who waits at a sign-in form:
/// let patient = RetryPolicy::default().with_deadline(Duration::from_secs(3));
/// // For a caller that has its own way of trying again:
/// let once = RetryPolicy::never();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_pause: Duration,
    max_pause: Duration,
    max_retry_after: Duration,
    deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            first_pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(2),
            max_retry_after: Duration::from_secs(5),
            deadline: Duration::from_secs(15),
        }
    }
}

impl RetryPolicy {
    /// One attempt, within the default deadline.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// How many attempts there are at most, over all base URLs; 3 unless told
    /// otherwise, at least 1.
    #[must_use]
    pub const fn with_max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = if max_attempts == 0 { 1 } else { max_attempts };
        self
    }

    /// The bound of the first pause and that of the longest; 100 milliseconds
    /// and 2 seconds unless told otherwise.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.max_pause = longest;
        self
    }

    /// The longest `Retry-After` that a call itself waits for; 5 seconds unless
    /// told otherwise. When the server asks for more, the call ends, and
    /// [`Error::retry_after`](crate::Error::retry_after) says for how long.
    #[must_use]
    pub const fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// How long the whole call may take, all attempts and pauses included; 15
    /// seconds unless told otherwise.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(super) const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The pause after `attempts` attempts, or `None` if the server has asked to
    /// be left alone for longer than a call waits.
    pub(super) fn pause(
        &self,
        attempts: u32,
        asked: Duration,
        rng: &mut impl Rng,
    ) -> Option<Duration> {
        if asked > self.max_retry_after {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(31);
        let bound = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.max_pause);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        // The bias of the remainder is far below anything a pause could show.
        let jitter = rng.next_u64() % nanos.saturating_add(1).max(1);
        Some(asked.saturating_add(Duration::from_nanos(jitter)))
    }
}

/// What may be tried after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chances {
    /// The same again, after a pause.
    pub(super) again: bool,
    /// Another base URL.
    pub(super) elsewhere: bool,
}

impl Chances {
    const NONE: Self = Self::of(false, false);

    const fn of(again: bool, elsewhere: bool) -> Self {
        Self { again, elsewhere }
    }

    /// The table in the documentation of [`Client`](super::Client).
    pub(super) fn after(kind: &ErrorKind, repeat: Repeat) -> Self {
        match kind {
            ErrorKind::Transport(error) => {
                if repeat == Repeat::Undone && error.may_have_arrived() {
                    return Self::NONE;
                }
                let ours = matches!(
                    error.kind(),
                    TransportErrorKind::InvalidRequest | TransportErrorKind::Insecure
                );
                Self::of(error.is_retryable(), !ours)
            }
            ErrorKind::Operation(operation::Error::Refused(refusal))
                if refusal.kind() == RefusalKind::RateLimited =>
            {
                Self::of(true, false)
            }
            ErrorKind::Operation(error) if repeat == Repeat::Always => Self::after_response(error),
            ErrorKind::Operation(_) | ErrorKind::Deadline { .. } => Self::NONE,
        }
    }

    const fn after_response(error: &operation::Error) -> Self {
        match error {
            operation::Error::Refused(refusal) => match refusal.kind() {
                RefusalKind::Unavailable => Self::of(true, true),
                RefusalKind::NotFound
                | RefusalKind::Redirected
                | RefusalKind::Forbidden
                | RefusalKind::ProxyAuthentication => Self::of(false, true),
                _ => Self::NONE,
            },
            operation::Error::Envelope(_) => Self::of(true, true),
            operation::Error::NotAnOperator { .. } | operation::Error::NotSealed => {
                Self::of(false, true)
            }
            _ => Self::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportError;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn pause(policy: RetryPolicy, attempts: u32, asked: Duration) -> Option<Duration> {
        policy.pause(attempts, asked, &mut ChaCha20Rng::seed_from_u64(7))
    }

    #[test]
    fn pauses_stay_within_their_bounds() {
        let policy = RetryPolicy::default();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for attempts in [1, 2, 5, 6, 31, 32, 33, u32::MAX] {
            let bound = (100 << attempts.saturating_sub(1).min(10)).min(2000);
            let mut longest = Duration::ZERO;
            for _ in 0..200 {
                let pause = policy.pause(attempts, Duration::ZERO, &mut rng).unwrap();
                longest = longest.max(pause);
            }
            let bound = Duration::from_millis(bound);
            assert!(longest <= bound, "{attempts}: {longest:?}");
            assert!(longest > bound * 9 / 10, "{attempts}: {longest:?}");
        }
    }

    #[test]
    fn what_the_server_asks_comes_on_top_up_to_the_bound() {
        let policy = RetryPolicy::default().with_max_retry_after(Duration::from_secs(5));
        let asked = Duration::from_secs(5);
        assert!(pause(policy, 1, asked).unwrap() >= asked);
        let more = asked + Duration::from_nanos(1);
        assert_eq!(pause(policy, 1, more), None);
    }

    #[test]
    fn odd_settings_do_no_harm() {
        let none = RetryPolicy::default().with_pauses(Duration::ZERO, Duration::ZERO);
        assert_eq!(pause(none, 3, Duration::ZERO), Some(Duration::ZERO));
        let endless = RetryPolicy::default()
            .with_pauses(Duration::MAX, Duration::MAX)
            .with_max_retry_after(Duration::MAX);
        assert_eq!(pause(endless, u32::MAX, Duration::MAX), Some(Duration::MAX));
        assert_eq!(
            RetryPolicy::default().with_max_attempts(0).max_attempts(),
            1
        );
    }

    /// The kinds that say nothing of the host, and those that pass by themselves.
    #[test]
    fn chances_by_kind_of_transport_failure() {
        use TransportErrorKind as Kind;
        let chances = |kind, repeat| {
            let kind = ErrorKind::Transport(TransportError::new(kind));
            let chances = Chances::after(&kind, repeat);
            (chances.again, chances.elsewhere)
        };
        for (kind, always, undone) in [
            (Kind::Resolve, (true, true), (true, true)),
            (Kind::Connect, (true, true), (true, true)),
            (Kind::ConnectTimeout, (true, true), (true, true)),
            (Kind::Proxy, (true, true), (true, true)),
            (Kind::ProxyAuthentication, (false, true), (false, true)),
            (Kind::Certificate, (false, true), (false, true)),
            (Kind::Tls, (false, true), (false, true)),
            (Kind::ReadTimeout, (true, true), (false, false)),
            (Kind::TotalTimeout, (true, true), (false, false)),
            (Kind::Reset, (true, true), (false, false)),
            (Kind::Other, (true, true), (false, false)),
            (Kind::NotHttp, (false, true), (false, false)),
            (Kind::TooLarge, (false, true), (false, false)),
            (Kind::Insecure, (false, false), (false, false)),
            (Kind::InvalidRequest, (false, false), (false, false)),
        ] {
            assert_eq!(chances(kind, Repeat::Always), always, "{kind:?}");
            assert_eq!(chances(kind, Repeat::Undone), undone, "{kind:?}");
        }
    }
}
