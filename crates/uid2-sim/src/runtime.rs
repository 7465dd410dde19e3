//! Virtual time: one thread, no sleeping, and a seed that decides who goes
//! first. What fails once fails again with the same seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use rand_core::{CryptoRng, Rng, SeedableRng};
use uid2_core::Timestamp;
use uid2_http::Runtime;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the tasks of one machine share: they die together, and have one clock.
pub type Node = u32;

/// Virtual time and the tasks in it, as seen by one node. Clones are the same.
#[derive(Clone)]
pub struct Sim {
    node: Node,
    world: Arc<Mutex<World>>,
}

struct World {
    /// Milliseconds that have passed.
    passed: i64,
    /// The true time at the beginning.
    start: i64,
    /// By how much the clocks of nodes are off.
    offsets: BTreeMap<Node, i64>,
    rng: ChaCha8Rng,
    next_id: u64,
    tasks: BTreeMap<u64, (Node, Task)>,
    /// Sorted: in which order tasks were woken may differ between runs, for
    /// tokio's channels draw lots on whom they wake first.
    ready: BTreeSet<u64>,
    timers: BinaryHeap<Reverse<(i64, u64)>>,
    sleepers: BTreeMap<u64, Waker>,
    steps: u64,
}

impl Sim {
    /// A world that begins at `start` (milliseconds since the Unix epoch), seen
    /// by node 0.
    #[must_use]
    pub fn new(seed: u64, start: i64) -> Self {
        let world = World {
            passed: 0,
            start,
            offsets: BTreeMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            next_id: 0,
            tasks: BTreeMap::new(),
            ready: BTreeSet::new(),
            timers: BinaryHeap::new(),
            sleepers: BTreeMap::new(),
            steps: 0,
        };
        Self {
            node: 0,
            world: Arc::new(Mutex::new(world)),
        }
    }

    /// The same world, seen by another node.
    #[must_use]
    pub fn on_node(&self, node: Node) -> Self {
        Self {
            node,
            world: Arc::clone(&self.world),
        }
    }

    /// Milliseconds since the simulation began, whatever clocks say.
    #[must_use]
    pub fn passed(&self) -> i64 {
        self.world.lock().passed
    }

    /// The true time.
    #[must_use]
    pub fn true_time(&self) -> Timestamp {
        let world = self.world.lock();
        Timestamp::from_millis(world.start + world.passed)
    }

    /// How many times a task was polled.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.world.lock().steps
    }

    /// Sets this node's clock off by so many milliseconds.
    pub fn set_clock_offset(&self, millis: i64) {
        self.world.lock().offsets.insert(self.node, millis);
    }

    /// Sets this node's clock forward, or back, by so many milliseconds.
    pub fn jump_clock(&self, millis: i64) {
        *self.world.lock().offsets.entry(self.node).or_default() += millis;
    }

    /// A random number below `bound`.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        self.world.lock().rng.next_u64() % bound.max(1)
    }

    /// True so many times in a thousand.
    #[must_use]
    pub fn chance(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// The power goes off on this node: its tasks are gone, wherever they were.
    pub fn kill(&self) {
        let mut world = self.world.lock();
        let node = self.node;
        let doomed: Vec<u64> = world
            .tasks
            .iter()
            .filter(|(_, (of, _))| *of == node)
            .map(|(id, _)| *id)
            .collect();
        let dead: Vec<_> = doomed
            .iter()
            .filter_map(|id| world.tasks.remove(id))
            .collect();
        drop(world);
        // Not under the lock: what they own may want it while it is dropped.
        drop(dead);
    }

    /// Polls one task that can go on. Says whether there was one.
    pub fn step(&self) -> bool {
        let Some((id, node, mut task)) = self.pick() else {
            return false;
        };
        let waker = Waker::from(Arc::new(TaskWaker {
            id,
            world: Arc::clone(&self.world),
        }));
        // Not under the lock: the task will want the clock.
        let poll = task.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            self.world.lock().tasks.insert(id, (node, task));
        }
        true
    }

    fn pick(&self) -> Option<(u64, Node, Task)> {
        let mut world = self.world.lock();
        world.steps += 1;
        while !world.ready.is_empty() {
            let ready = world.ready.len();
            let pick = usize::try_from(world.rng.next_u64()).unwrap_or(0) % ready;
            let id = world.ready.iter().nth(pick).copied()?;
            world.ready.remove(&id);
            if let Some((node, task)) = world.tasks.remove(&id) {
                return Some((id, node, task));
            }
        }
        None
    }

    /// Goes on to the next timer, if there is one up to `limit`.
    fn advance(&self, limit: i64) -> bool {
        let mut world = self.world.lock();
        match world.timers.peek() {
            Some(Reverse((at, _))) if *at <= limit => {}
            _ => return false,
        }
        let Some(Reverse((at, id))) = world.timers.pop() else {
            return false;
        };
        let waker = world.sleepers.remove(&id);
        // Timers of those who no longer wait do not move time.
        if waker.is_some() {
            world.passed = world.passed.max(at);
        }
        drop(world);
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
        let limit = self.passed().saturating_add(millis(duration));
        while self.step() || self.advance(limit) {}
        self.world.lock().passed = limit;
    }

    /// Runs a future to its end on this node. `None` if it does not end within a
    /// simulated day.
    pub fn block_on<F, V>(&self, future: F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
        V: Send + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.spawn(async move {
            let value = future.await;
            *slot.lock() = Some(value);
        });
        let limit = self.passed() + 86_400_000;
        loop {
            if let Some(value) = result.lock().take() {
                return Some(value);
            }
            if !(self.step() || self.advance(limit)) {
                return None;
            }
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim")
            .field("node", &self.node)
            .field("passed", &self.passed())
            .finish_non_exhaustive()
    }
}

impl Runtime for Sim {
    fn now(&self) -> Timestamp {
        let world = self.world.lock();
        let offset = world.offsets.get(&self.node).copied().unwrap_or_default();
        Timestamp::from_millis(world.start + world.passed + offset)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        Sleep {
            until: self.passed().saturating_add(millis(duration)),
            timer: None,
            world: Arc::clone(&self.world),
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut world = self.world.lock();
        let id = world.next_id;
        world.next_id += 1;
        world.tasks.insert(id, (self.node, Box::pin(future)));
        world.ready.insert(id);
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        ChaCha20Rng::seed_from_u64(self.world.lock().rng.next_u64())
    }
}

struct TaskWaker {
    id: u64,
    world: Arc<Mutex<World>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut world = self.world.lock();
        world.ready.insert(self.id);
    }
}

struct Sleep {
    until: i64,
    timer: Option<u64>,
    world: Arc<Mutex<World>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (until, timer) = (self.until, self.timer);
        let mut world = self.world.lock();
        if world.passed >= until {
            return Poll::Ready(());
        }
        let id = timer.unwrap_or(world.next_id);
        if timer.is_none() {
            world.next_id += 1;
            world.timers.push(Reverse((until, id)));
        }
        world.sleepers.insert(id, context.waker().clone());
        drop(world);
        self.timer = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.timer {
            self.world.lock().sleepers.remove(&id);
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
