//! Who is in the stores.

use std::future::Future;

use uid2_benches::{NOW, identity_json};
use uid2_core::lifecycle::Record;
use uid2_core::{Identity, Timestamp};
use uid2_store::{Precondition, TokenStore};

/// How many puts are on their way at a time while a store is filled.
const FILLERS: usize = 256;

/// How many users: `UID2_BENCH_USERS`, or few enough for a bench to be quick.
pub(crate) fn count() -> usize {
    std::env::var("UID2_BENCH_USERS").map_or(20_000, |text| {
        text.parse().expect("UID2_BENCH_USERS is a number")
    })
}

/// As the publisher would name a user in the store.
pub(crate) fn key(user: usize) -> Vec<u8> {
    format!("uuser-{user:012}").into_bytes()
}

/// An identity that falls due at a time of its own, in an order that has nothing
/// to do with that of the keys.
pub(crate) fn record(user: usize, turn: usize) -> Record {
    let spread = i64::try_from((user + turn).wrapping_mul(7_919) % 3_600_000).unwrap();
    let due = Timestamp::from_millis(NOW.as_millis() + spread);
    let usual = NOW.as_millis() + 900_000;
    let json = identity_json(user).replace(&usual.to_string(), &due.as_millis().to_string());
    let identity = Identity::from_json(json.as_bytes()).unwrap();
    Record::identity(identity, Some([7; 32]))
}

/// What of a user no store can do without, in bytes: the key, the tokens, the
/// response key, three times and the hash of the DII.
pub(crate) fn payload(user: usize) -> usize {
    let Record::Identity(stored) = record(user, 0) else {
        unreachable!("it is an identity")
    };
    let identity = &stored.identity;
    let tokens =
        identity.advertising_token().as_str().len() + identity.refresh_token().expose().len();
    key(user).len() + tokens + 32 + 3 * 8 + 32
}

/// So many users that a walk over all of them meets none twice.
pub(crate) fn shuffled(users: usize) -> impl Iterator<Item = usize> {
    (0..users).map(move |user| user.wrapping_mul(7_368_787) % users)
}

/// Puts them all in.
pub(crate) async fn fill(store: &impl TokenStore, users: usize) {
    let mut next = 0;
    while next < users {
        let until = users.min(next + FILLERS);
        let puts = (next..until).map(|user| put(store, user, 0));
        futures_util::future::join_all(puts).await;
        next = until;
    }
}

/// Puts one in, or anew at another turn.
pub(crate) fn put(store: &impl TokenStore, user: usize, turn: usize) -> impl Future<Output = ()> {
    let (key, record) = (key(user), record(user, turn));
    async move {
        store.put(&key, &record, Precondition::Any).await.unwrap();
    }
}
