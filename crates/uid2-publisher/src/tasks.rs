//! Work that goes on whether or not somebody still waits for it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts tasks under way, so that a shutdown can wait for them.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Count>);

#[derive(Default)]
struct Count {
    running: AtomicUsize,
    idle: Notify,
}

/// One task under way; ends when dropped, by a panic or a cancellation too.
pub(crate) struct Running(Arc<Count>);

impl Tasks {
    pub(crate) fn begin(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(&self.0))
    }

    pub(crate) fn running(&self) -> usize {
        self.0.running.load(Ordering::Acquire)
    }

    /// Ends when no task is under way.
    pub(crate) fn idle(&self) -> impl Future<Output = ()> + Send {
        let count = Arc::clone(&self.0);
        async move {
            loop {
                let notified = count.idle.notified();
                if count.running.load(Ordering::Acquire) == 0 {
                    return;
                }
                notified.await;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
