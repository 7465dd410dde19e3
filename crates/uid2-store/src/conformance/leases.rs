//! The suite for [`Leases`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Broken, Check, Failure, ensure};
use crate::{Lease, Leases};

/// Longer than any check takes.
const LONG: Duration = Duration::from_secs(600);
/// Short enough to be waited for.
const SHORT: Duration = Duration::from_millis(100);
/// So much later, a short lease has surely ended, on a busy machine too.
const AFTER_SHORT: Duration = Duration::from_millis(300);

/// What the suite must know of a backend for leases.
pub trait LeaseBackend: Sync {
    /// Another node: a handle that shares its leases with all others that this
    /// backend gives. Nobody else may use them meanwhile.
    fn node(&self) -> impl Future<Output = Arc<dyn Leases>>;

    /// Lets so much time pass for the leases: by waiting, or by moving a clock
    /// that was made for the test.
    fn pass(&self, time: Duration) -> impl Future<Output = ()>;

    /// Runs a future to its end.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// Runs all checks of leases. Where time cannot be moved, they wait for about two
/// seconds altogether.
///
/// ```no_run
/// use std::future::Future;
/// use std::sync::Arc;
/// use std::time::Duration;
/// use uid2_store::conformance::{self, LeaseBackend};
/// use uid2_store::{Leases, RedisStore};
///
/// # #[cfg(feature = "redis")] {
/// struct Redis(tokio::runtime::Runtime);
///
/// impl LeaseBackend for Redis {
///     async fn node(&self) -> Arc<dyn Leases> {
///         Arc::new(RedisStore::connect("redis://127.0.0.1").await.unwrap())
///     }
///     async fn pass(&self, time: Duration) {
///         tokio::time::sleep(time).await;
///     }
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         self.0.block_on(future)
///     }
/// }
///
/// let backend = Redis(tokio::runtime::Runtime::new().unwrap());
/// conformance::run_leases(&backend).unwrap();
/// # }
/// ```
///
/// # Errors
/// The first clause that the backend does not keep.
pub fn run_leases<B: LeaseBackend>(backend: &B) -> Result<(), Failure> {
    let checks: [Clause<B>; 9] = [
        Clause("leases: one that is free is given", |b| b.block_on(free(b))),
        Clause("leases: nobody gets one that is held", |b| {
            b.block_on(held(b))
        }),
        Clause("leases: of many that ask at a time, one gets it", |b| {
            b.block_on(race(b))
        }),
        Clause("leases: keys have nothing to do with each other", |b| {
            b.block_on(keys(b))
        }),
        Clause("leases: it ends when its time has passed", |b| {
            b.block_on(ends(b))
        }),
        Clause("leases: who comes too late releases nothing", |b| {
            b.block_on(late(b))
        }),
        Clause("leases: released, it is free at once", |b| {
            b.block_on(released(b))
        }),
        Clause("leases: only who has the token releases", |b| {
            b.block_on(foreign(b))
        }),
        Clause("leases: every duration", |b| b.block_on(durations(b))),
    ];
    for Clause(clause, check) in checks {
        check(backend).map_err(|Broken(what)| Failure { clause, what })?;
    }
    Ok(())
}

struct Clause<B>(&'static str, fn(&B) -> Check);

async fn take(node: &Arc<dyn Leases>, key: &[u8], time: Duration) -> Result<Lease, Broken> {
    let lease = node.acquire(key, time).await?;
    lease.ok_or_else(|| Broken("a lease that is free is refused".to_owned()))
}

async fn is_held(node: &Arc<dyn Leases>, key: &[u8]) -> Result<bool, Broken> {
    Ok(node.acquire(key, LONG).await?.is_none())
}

async fn free<B: LeaseBackend>(backend: &B) -> Check {
    let node = backend.node().await;
    let lease = take(&node, b"free", LONG).await?;
    ensure!(lease.key() == b"free", "the lease is of another key");
    ensure!(node.release(lease).await?, "it is not held");
    Ok(())
}

async fn held<B: LeaseBackend>(backend: &B) -> Check {
    let (one, two) = (backend.node().await, backend.node().await);
    let lease = take(&one, b"held", LONG).await?;
    ensure!(is_held(&two, b"held").await?, "another node gets it too");
    // Who has it and asks again is one of many tasks of a node.
    ensure!(
        is_held(&one, b"held").await?,
        "the node that has it gets it again"
    );
    backend.pass(SHORT).await;
    ensure!(
        is_held(&two, b"held").await?,
        "it ends before its time has passed"
    );
    ensure!(one.release(lease).await?, "it was lost by being asked for");
    Ok(())
}

async fn race<B: LeaseBackend>(backend: &B) -> Check {
    const NODES: usize = 16;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(backend.node().await);
    }
    for round in 0..10 {
        let key = format!("race-{round}");
        let asked = nodes.iter().map(|node| node.acquire(key.as_bytes(), LONG));
        let mut got = Vec::new();
        for lease in join_all(asked).await {
            got.extend(lease?);
        }
        ensure!(got.len() == 1, "{} of {NODES} get it", got.len());
        let back = got.into_iter().zip(&nodes);
        for (lease, node) in back {
            ensure!(node.release(lease).await?, "the one that got it has it not");
        }
    }
    Ok(())
}

async fn keys<B: LeaseBackend>(backend: &B) -> Check {
    let node = backend.node().await;
    let longest = vec![b'k'; 512];
    let keys: [&[u8]; 10] = [
        b"",
        b"\0",
        b"a",
        b"A",
        b"a ",
        b"a:lease",
        b"{a}",
        b"\xff\xfe",
        "Grüße, 世界".as_bytes(),
        &longest,
    ];
    let mut leases = Vec::new();
    for key in keys {
        leases.push(take(&node, key, LONG).await?);
    }
    for (key, lease) in keys.into_iter().zip(leases) {
        ensure!(lease.key() == key, "the lease is of another key");
        ensure!(
            is_held(&node, key).await?,
            "a lease of another key ended it"
        );
        ensure!(node.release(lease).await?, "released with another");
    }
    Ok(())
}

async fn ends<B: LeaseBackend>(backend: &B) -> Check {
    let (one, two) = (backend.node().await, backend.node().await);
    drop(take(&one, b"ends", SHORT).await?);
    // As if the node had crashed.
    drop(one);
    backend.pass(AFTER_SHORT).await;
    let next = take(&two, b"ends", LONG).await?;
    ensure!(two.release(next).await?, "who got it next has it not");
    Ok(())
}

async fn late<B: LeaseBackend>(backend: &B) -> Check {
    let (one, two) = (backend.node().await, backend.node().await);
    let lost = take(&one, b"late", SHORT).await?;
    backend.pass(AFTER_SHORT).await;
    ensure!(
        !one.release(lost.clone()).await?,
        "a lease that has ended is still held"
    );
    let next = take(&two, b"late", LONG).await?;
    ensure!(
        !one.release(lost).await?,
        "who was too late released what another has"
    );
    ensure!(is_held(&one, b"late").await?, "the other has lost it");
    ensure!(two.release(next).await?, "the other has lost it");
    Ok(())
}

async fn released<B: LeaseBackend>(backend: &B) -> Check {
    let (one, two) = (backend.node().await, backend.node().await);
    for _ in 0..3 {
        let lease = take(&one, b"released", LONG).await?;
        ensure!(one.release(lease.clone()).await?, "it is not held");
        ensure!(!one.release(lease).await?, "released twice");
        // Whoever has the lease may release it, on another node too.
        let lease = take(&two, b"released", LONG).await?;
        ensure!(one.release(lease).await?, "another node cannot release it");
    }
    Ok(())
}

async fn foreign<B: LeaseBackend>(backend: &B) -> Check {
    let node = backend.node().await;
    let lease = take(&node, b"foreign", LONG).await?;
    let guessed = Lease::new(b"foreign", [0; 16]);
    ensure!(
        !node.release(guessed).await?,
        "released with a token that was made up"
    );
    let other = take(&node, b"other", LONG).await?;
    let mixed = Lease::new(b"foreign", *other.token());
    ensure!(
        !node.release(mixed).await?,
        "released with the token of another key"
    );
    ensure!(is_held(&node, b"foreign").await?, "it was lost");
    for lease in [lease, other] {
        ensure!(node.release(lease).await?, "it was lost");
    }
    Ok(())
}

async fn durations<B: LeaseBackend>(backend: &B) -> Check {
    let node = backend.node().await;
    let lease = take(&node, b"for ever", Duration::MAX).await?;
    ensure!(
        is_held(&node, b"for ever").await?,
        "the longest lease is not held"
    );
    ensure!(node.release(lease).await?, "it was lost");
    for time in [Duration::ZERO, Duration::from_nanos(1)] {
        drop(take(&node, b"moment", time).await?);
        backend.pass(SHORT).await;
    }
    ensure!(
        node.acquire(b"moment", SHORT).await?.is_some(),
        "the shortest lease does not end"
    );
    Ok(())
}
