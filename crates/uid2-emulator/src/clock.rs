//! What time an emulator thinks it is.

use std::sync::Arc;
use std::time::SystemTime;

use uid2_core::Timestamp;

/// A clock: called whenever the emulator needs to know what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| Timestamp::from(SystemTime::now()))
}
