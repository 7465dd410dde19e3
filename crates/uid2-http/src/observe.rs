//! What is told to the outside: `tracing` spans and events, and `metrics`.
//!
//! Nothing of a request or a response but its status goes in here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tracing::Span;
use uid2_core::{BaseUrl, ClockSkew, Timestamp};

use crate::error::Failure;

/// How long after a warning of a clock skew the next one may follow.
const ALARM_PAUSE: Duration = Duration::from_secs(60);

pub(crate) fn call_span(operation: &'static str) -> Span {
    tracing::debug_span!("uid2.call", operation)
}

pub(crate) fn succeeded(operation: &'static str, base_url: &BaseUrl, attempt: u32, took: Duration) {
    tracing::debug!(%base_url, attempt, http_status = 200, took_ms = millis(took), "answered");
    count_attempt(operation, "success", took);
}

pub(crate) fn failed(
    operation: &'static str,
    base_url: &BaseUrl,
    attempt: u32,
    took: Duration,
    failure: &Failure,
) {
    tracing::info!(
        %base_url,
        attempt,
        http_status = failure.http_status,
        took_ms = millis(took),
        retry_after_ms = failure.retry_after.map(millis),
        error = %failure.kind,
        "attempt failed"
    );
    count_attempt(operation, failure.label(), took);
}

pub(crate) fn resting(pause: Duration) {
    tracing::debug!(pause_ms = millis(pause), "trying again after a pause");
}

pub(crate) fn failing_over(from: &BaseUrl, to: &BaseUrl) {
    tracing::warn!(%from, %to, "going on with another base URL");
    #[cfg(feature = "metrics")]
    metrics::counter!("uid2_http_failovers_total").increment(1);
}

pub(crate) fn call_ended(operation: &'static str, success: bool, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        let result = if success { "success" } else { "error" };
        metrics::counter!("uid2_http_calls_total", "operation" => operation, "result" => result)
            .increment(1);
        metrics::histogram!("uid2_http_call_duration_seconds", "operation" => operation)
            .record(took.as_secs_f64());
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (operation, success, took);
}

fn count_attempt(operation: &'static str, result: &'static str, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("uid2_http_attempts_total", "operation" => operation, "result" => result)
            .increment(1);
        metrics::histogram!("uid2_http_attempt_duration_seconds", "operation" => operation)
            .record(took.as_secs_f64());
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (operation, result, took);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Warns of a clock that is off, but not with every reply.
#[derive(Debug)]
pub(crate) struct SkewAlarm {
    /// When it went off last, in milliseconds since the Unix epoch.
    last: AtomicI64,
}

impl Default for SkewAlarm {
    fn default() -> Self {
        Self {
            last: AtomicI64::new(i64::MIN),
        }
    }
}

impl SkewAlarm {
    pub(crate) fn raise(&self, skew: ClockSkew, base_url: &BaseUrl, now: Timestamp) {
        if !self.is_due(now) {
            return;
        }
        tracing::warn!(
            %base_url,
            server_ahead_ms = skew.server_ahead_millis(),
            "{skew}: set it, for the times in identities are the server's"
        );
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let last = Timestamp::from_millis(self.last.load(Ordering::Relaxed));
        // A clock that was set back has been mended, or not: tell once more.
        let due = now < last || now.saturating_since(last) >= ALARM_PAUSE;
        if due {
            self.last.store(now.as_millis(), Ordering::Relaxed);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_goes_off_once_a_minute() {
        let alarm = SkewAlarm::default();
        let due = |secs: i64| alarm.is_due(Timestamp::from_secs(1_700_000_000 + secs));
        assert!(due(0));
        assert!(!due(0));
        assert!(!due(59));
        assert!(due(60));
        assert!(!due(119));
        assert!(due(-1), "set back");
        assert!(!due(0));
    }
}
