//! What async callers hand to the store's own threads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Unbounded: its length is bounded by the number of callers that wait.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    /// Who waits for items is woken by the one that makes it so many.
    wanted: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                closed: false,
                wanted: 1,
            }),
            filled: Condvar::new(),
        }
    }

    /// Appends an item; says whether it was taken.
    pub(super) fn push(&self, item: T) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        state.items.push_back(item);
        if state.items.len() >= state.wanted {
            self.filled.notify_one();
        }
        true
    }

    /// Appends a last item and closes; says whether it was taken.
    pub(super) fn close_with(&self, last: T) -> bool {
        let mut state = self.state.lock();
        let open = !state.closed;
        if open {
            state.items.push_back(last);
        }
        state.closed = true;
        self.filled.notify_all();
        open
    }

    /// Takes no more; what is there is still handed out.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }

    /// How many items nobody has taken yet.
    pub(super) fn len(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Waits for the next item. `None` once closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
    }

    /// Waits for items and takes all there are: once there is one, waits for
    /// `patience` for there to be `expected`. `None` once closed and empty.
    ///
    /// For one thread only, which is the only one that waits.
    pub(super) fn pop_all(&self, expected: usize, patience: Duration) -> Option<VecDeque<T>> {
        let mut state = self.state.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
        let end = Instant::now() + patience;
        state.wanted = expected;
        while state.items.len() < expected && !state.closed {
            if self.filled.wait_until(&mut state, end).timed_out() {
                break;
            }
        }
        state.wanted = 1;
        Some(std::mem::take(&mut state.items))
    }
}
