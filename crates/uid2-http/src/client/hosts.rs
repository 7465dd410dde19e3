//! Which base URL to use.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uid2_core::{BaseUrl, Timestamp};

/// The base URLs, the primary first, and which of them is in use.
pub(super) struct Hosts {
    primary: BaseUrl,
    fallbacks: Vec<BaseUrl>,
    cool_down: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    current: usize,
    /// When the primary failed last, or was last given a chance.
    primary_left: Timestamp,
    /// How long it is left alone from then on, if that is more than the cool-down.
    primary_rests: Duration,
}

/// However much longer the primary has asked for: a fallback is to be a fallback.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

impl Hosts {
    pub(super) fn new(primary: BaseUrl, fallbacks: Vec<BaseUrl>, cool_down: Duration) -> Self {
        Self {
            primary,
            fallbacks,
            cool_down,
            state: Mutex::default(),
        }
    }

    /// The base URL of a host; 0 is the primary.
    pub(super) fn url(&self, host: usize) -> &BaseUrl {
        host.checked_sub(1)
            .and_then(|fallback| self.fallbacks.get(fallback))
            .unwrap_or(&self.primary)
    }

    /// The one to begin a call with. While a fallback is in use, one call per
    /// cool-down is sent to the primary to see if it is back.
    pub(super) fn pick(&self, now: Timestamp) -> usize {
        let mut state = self.state();
        if state.current == 0 {
            return 0;
        }
        let rest = state.primary_rests.max(self.cool_down);
        let rested = now >= state.primary_left.saturating_add(rest);
        // A clock that was set back must not keep us away for longer.
        if rested || now < state.primary_left {
            state.primary_left = now;
            state.primary_rests = Duration::ZERO;
            return 0;
        }
        state.current
    }

    /// `host` failed in a way that another may not; `tried` are all that this
    /// call has tried, `host` included; `rest` is how long it has asked to be left
    /// alone. Gives the next to try, if one is left.
    pub(super) fn next(
        &self,
        host: usize,
        tried: &[usize],
        now: Timestamp,
        rest: Duration,
    ) -> Option<usize> {
        let mut state = self.state();
        if state.current == host {
            state.current = (host + 1) % self.count();
        }
        if host == 0 {
            state.primary_left = now;
            state.primary_rests = rest.min(LONGEST_REST);
        }
        drop(state);
        self.in_turn().find(|candidate| !tried.contains(candidate))
    }

    /// All, from the one in use on.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = usize> {
        let (from, count) = (self.current(), self.count());
        (from..from + count).map(move |host| host % count)
    }

    fn count(&self) -> usize {
        1 + self.fallbacks.len()
    }

    /// `host` answered. When it is the primary, all return to it.
    pub(super) fn answered(&self, host: usize) {
        if host == 0 {
            self.state().current = 0;
        }
    }

    /// The one in use, without giving the primary a chance.
    pub(super) fn current(&self) -> usize {
        self.state().current
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics; and a half-made choice would still be a choice.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts")
            .field("primary", &self.primary)
            .field("fallbacks", &self.fallbacks)
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOL_DOWN: Duration = Duration::from_secs(30);
    const NO_REST: Duration = Duration::ZERO;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
    }

    fn hosts(fallbacks: usize) -> Hosts {
        let url = |n: usize| BaseUrl::parse(&format!("https://host-{n}.example")).unwrap();
        Hosts::new(url(0), (1..=fallbacks).map(url).collect(), COOL_DOWN)
    }

    #[test]
    fn every_host_has_its_url() {
        let hosts = hosts(2);
        for n in 0..3 {
            assert_eq!(hosts.url(n).as_str(), format!("https://host-{n}.example"));
        }
    }

    #[test]
    fn a_single_host_is_always_the_one() {
        let hosts = hosts(0);
        assert_eq!(hosts.next(0, &[0], at(0), NO_REST), None);
        assert_eq!(hosts.pick(at(0)), 0);
        assert_eq!(hosts.current(), 0);
    }

    #[test]
    fn a_call_goes_once_round() {
        let hosts = hosts(2);
        assert_eq!(hosts.next(0, &[0], at(0), NO_REST), Some(1));
        assert_eq!(hosts.next(1, &[0, 1], at(0), NO_REST), Some(2));
        assert_eq!(hosts.next(2, &[0, 1, 2], at(0), NO_REST), None);
        assert_eq!(hosts.current(), 0, "all have failed: from the beginning");
    }

    #[test]
    fn one_call_per_cool_down_tries_the_primary() {
        let hosts = hosts(1);
        hosts.next(0, &[0], at(0), NO_REST);
        assert_eq!(hosts.pick(at(29)), 1);
        assert_eq!(hosts.pick(at(30)), 0);
        // Meanwhile, others do not.
        assert_eq!(hosts.pick(at(30)), 1);
        assert_eq!(hosts.pick(at(59)), 1);
        assert_eq!(hosts.pick(at(60)), 0);
        hosts.answered(1);
        assert_eq!(
            hosts.pick(at(61)),
            1,
            "a fallback that answers changes nothing"
        );
        hosts.answered(0);
        assert_eq!(hosts.pick(at(61)), 0);
    }

    #[test]
    fn a_primary_that_asks_for_rest_is_given_it_within_reason() {
        let hosts = hosts(1);
        hosts.next(0, &[0], at(0), Duration::from_secs(600));
        assert_eq!(hosts.pick(at(599)), 1);
        assert_eq!(hosts.pick(at(600)), 0, "one call");
        assert_eq!(hosts.pick(at(629)), 1);
        assert_eq!(hosts.pick(at(630)), 0, "and the next after a cool-down");
        hosts.next(0, &[0], at(630), Duration::MAX);
        assert_eq!(hosts.pick(at(630 + 3599)), 1);
        assert_eq!(hosts.pick(at(630 + 3600)), 0);
    }

    /// Calls that run at once and all fail take one step, not one each.
    #[test]
    fn late_news_of_a_host_already_left_changes_nothing() {
        let hosts = hosts(2);
        assert_eq!(hosts.next(0, &[0], at(0), NO_REST), Some(1));
        assert_eq!(hosts.next(0, &[0], at(1), NO_REST), Some(1));
        assert_eq!(hosts.current(), 1);
    }

    #[test]
    fn a_primary_that_fails_its_chance_leads_to_the_fallback_in_use() {
        let hosts = hosts(2);
        hosts.next(0, &[0], at(0), NO_REST);
        hosts.next(1, &[0, 1], at(0), NO_REST);
        assert_eq!(hosts.pick(at(30)), 0);
        assert_eq!(hosts.next(0, &[0], at(33), NO_REST), Some(2));
        assert_eq!(hosts.pick(at(62)), 2);
        assert_eq!(hosts.pick(at(63)), 0);
    }

    #[test]
    fn clocks_at_their_ends_do_no_harm() {
        let hosts = hosts(1);
        hosts.next(0, &[0], Timestamp::MAX, NO_REST);
        assert_eq!(hosts.pick(Timestamp::from_millis(i64::MIN)), 0);
        assert_eq!(hosts.pick(Timestamp::MAX), 0);
    }
}
