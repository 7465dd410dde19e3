//! A runtime of virtual time: one thread, no sleeping, and a seed that decides
//! who goes first. What fails once fails again with the same seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use uid2_core::Timestamp;
use uid2_http::Runtime;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Virtual time and the tasks in it. Clones are the same simulation.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<State>>);

struct State {
    /// Milliseconds that have passed.
    passed: i64,
    /// What this node's clock says at the beginning; tests set it back and forth.
    clock: i64,
    rng: ChaCha8Rng,
    next_id: u64,
    tasks: BTreeMap<u64, Task>,
    ready: Vec<u64>,
    timers: BinaryHeap<Reverse<(i64, u64)>>,
    sleepers: BTreeMap<u64, Waker>,
}

impl Sim {
    pub fn new(seed: u64, clock: i64) -> Self {
        Self(Arc::new(Mutex::new(State {
            passed: 0,
            clock,
            rng: ChaCha8Rng::seed_from_u64(seed),
            next_id: 0,
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            timers: BinaryHeap::new(),
            sleepers: BTreeMap::new(),
        })))
    }

    /// Milliseconds since the simulation began, whatever the clock is set to.
    pub fn passed(&self) -> i64 {
        self.0.lock().passed
    }

    /// Sets this node's clock forward or back.
    pub fn jump_clock(&self, millis: i64) {
        self.0.lock().clock += millis;
    }

    /// A random number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.lock().rng.next_u64() % bound
    }

    /// Polls one task that can go on. Says whether there was one.
    pub fn step(&self) -> bool {
        let Some((id, mut task)) = self.pick() else {
            return false;
        };
        let waker = Waker::from(Arc::new(TaskWaker {
            id,
            sim: self.clone(),
        }));
        // Not under the lock: the task will want the clock.
        if task
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            self.0.lock().tasks.insert(id, task);
        }
        true
    }

    fn pick(&self) -> Option<(u64, Task)> {
        let mut state = self.0.lock();
        while !state.ready.is_empty() {
            let pick = usize::try_from(state.rng.next_u64() % state.ready.len() as u64).unwrap();
            let id = state.ready.swap_remove(pick);
            if let Some(task) = state.tasks.remove(&id) {
                return Some((id, task));
            }
        }
        None
    }

    /// Goes on to the next timer, if there is one up to `limit`.
    fn advance(&self, limit: i64) -> bool {
        let mut state = self.0.lock();
        match state.timers.peek() {
            Some(Reverse((at, _))) if *at <= limit => {}
            _ => return false,
        }
        let Some(Reverse((at, id))) = state.timers.pop() else {
            return false;
        };
        state.passed = state.passed.max(at);
        let waker = state.sleepers.remove(&id);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Polls one task, or goes on to the next timer. Says whether there was either.
    pub fn step_or_advance(&self) -> bool {
        self.step() || self.advance(i64::MAX)
    }

    /// Lets this much time pass, and everything happen that happens in it.
    pub fn run_for(&self, duration: Duration) {
        let limit = self.passed() + i64::try_from(duration.as_millis()).unwrap();
        while self.step() || self.advance(limit) {}
        self.0.lock().passed = limit;
    }

    /// Runs a future to its end, at most a simulated day.
    pub fn block_on<F: Future<Output = V> + Send + 'static, V: Send + 'static>(
        &self,
        future: F,
    ) -> V {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.spawn(async move {
            let value = future.await;
            *slot.lock() = Some(value);
        });
        let limit = self.passed() + 86_400_000;
        loop {
            if let Some(value) = result.lock().take() {
                return value;
            }
            assert!(self.step() || self.advance(limit), "the future never ends");
        }
    }
}

impl Runtime for Sim {
    fn now(&self) -> Timestamp {
        let state = self.0.lock();
        Timestamp::from_millis(state.clock + state.passed)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Sleep {
            until: self.passed() + millis.min(i64::MAX / 4),
            timer: None,
            sim: self.clone(),
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.0.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.tasks.insert(id, Box::pin(future));
        state.ready.push(id);
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        rand_chacha::ChaCha20Rng::seed_from_u64(self.0.lock().rng.next_u64())
    }
}

struct TaskWaker {
    id: u64,
    sim: Sim,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut state = self.sim.0.lock();
        if !state.ready.contains(&self.id) {
            state.ready.push(self.id);
        }
    }
}

struct Sleep {
    until: i64,
    timer: Option<u64>,
    sim: Sim,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        let mut state = self.sim.0.lock();
        if state.passed >= until {
            return Poll::Ready(());
        }
        let id = self.timer.unwrap_or(state.next_id);
        if self.timer.is_none() {
            state.next_id += 1;
            state.timers.push(Reverse((until, id)));
        }
        state.sleepers.insert(id, context.waker().clone());
        drop(state);
        self.timer = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.timer {
            self.sim.0.lock().sleepers.remove(&id);
        }
    }
}

/// Lets others go first, once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
