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
}

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
        let rested = now >= state.primary_left.saturating_add(self.cool_down);
        // A clock that was set back must not keep us away for longer.
        if rested || now < state.primary_left {
            state.primary_left = now;
            return 0;
        }
        state.current
    }

    /// `host` failed in a way that another may not; `tried` are all that this
    /// call has tried, `host` included. Gives the next to try, if one is left.
    pub(super) fn next(&self, host: usize, tried: &[usize], now: Timestamp) -> Option<usize> {
        let count = 1 + self.fallbacks.len();
        let mut state = self.state();
        if state.current == host {
            state.current = (host + 1) % count;
        }
        if host == 0 {
            state.primary_left = now;
        }
        let from = state.current;
        (from..from + count)
            .map(|candidate| candidate % count)
            .find(|candidate| !tried.contains(candidate))
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
