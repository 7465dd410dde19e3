//! What goes wrong, and how often.

use std::sync::Arc;

use parking_lot::Mutex;

/// How often what goes wrong, in times of a thousand; and how slow things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Requests that never arrive.
    pub lost_requests: u64,
    /// Responses that never arrive, though the operator has acted.
    pub lost_responses: u64,
    /// Requests that arrive twice.
    pub duplicated: u64,
    /// Connections that are reset.
    pub resets: u64,
    /// Responses of which a byte is altered.
    pub corrupted: u64,
    /// Answers of 429 or 503 from in front of the operator.
    pub refused: u64,
    /// Messages that take up to a minute.
    pub slow: u64,
    /// Calls to the store that fail before they had an effect.
    pub store_before: u64,
    /// Calls to the store that fail after they had one.
    pub store_after: u64,
}

impl Faults {
    /// A bad day.
    pub const STORM: Self = Self {
        lost_requests: 80,
        lost_responses: 80,
        duplicated: 80,
        resets: 60,
        corrupted: 40,
        refused: 100,
        slow: 60,
        store_before: 30,
        store_after: 30,
    };
}

/// The faults of the moment, for all to look at.
#[derive(Clone, Debug, Default)]
pub struct Weather(Arc<Mutex<Faults>>);

impl Weather {
    /// What goes wrong now.
    #[must_use]
    pub fn now(&self) -> Faults {
        *self.0.lock()
    }

    /// From now on, this goes wrong.
    pub fn turn(&self, faults: Faults) {
        *self.0.lock() = faults;
    }
}
