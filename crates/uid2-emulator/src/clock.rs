//! What time an emulator thinks it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use uid2_core::Timestamp;

/// A clock: called whenever the emulator needs to know what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| Timestamp::from(SystemTime::now()))
}

/// A clock that is ahead of another by so many milliseconds.
pub(crate) fn offset_clock(base: Clock, offset: Arc<AtomicI64>) -> Clock {
    Arc::new(move || {
        let millis = base().as_millis();
        Timestamp::from_millis(millis.saturating_add(offset.load(Ordering::Relaxed)))
    })
}
