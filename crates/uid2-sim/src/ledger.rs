//! What is known of everybody, to hold against what publishers do; and what
//! was ever done that must not be.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use uid2_core::{AdvertisingToken, Identity, Timestamp};

use crate::runtime::Node;

/// Something that must never be, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Milliseconds of simulated time.
    pub at: i64,
    /// What.
    pub what: String,
}

/// Shared by all who take part. Clones are the same ledger.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    users: BTreeMap<usize, Standing>,
    /// Refresh token → whose it is: learnt from what is stored.
    refresh_tokens: BTreeMap<String, Box<[u8]>>,
    /// Advertising token → whose it is, and until when.
    advertising_tokens: BTreeMap<String, (Box<[u8]>, Timestamp)>,
    in_flight: BTreeMap<(Node, Box<[u8]>), u32>,
    attempts: BTreeMap<(Box<[u8]>, i64), u32>,
    violation: Option<Violation>,
    counts: Counts,
}

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Tokens that were served.
    pub served: u64,
    /// Times that there was none to serve.
    pub refused: u64,
    /// Sign-ins that came to an identity.
    pub signed_in: u64,
    /// Logouts that were acknowledged.
    pub logged_out: u64,
    /// Opt-outs that were acknowledged, of either kind.
    pub opted_out: u64,
    /// Refreshes that left a node.
    pub refreshes: u64,
    /// Nodes that crashed.
    pub crashes: u64,
    /// Times that the operator's keys or salts were rotated.
    pub rotations: u64,
    /// The most refreshes of one user in an hour.
    pub busiest_hour: u32,
}

/// Where a user stands, as the user sees it.
#[derive(Clone, Debug, Default)]
struct Standing {
    /// Sign-ins that were begun; each may bring the user back.
    sign_ins: u64,
    /// Sign-ins that are under way.
    signing_in: u32,
    /// The last logout was acknowledged, and no sign-in was under way or begun since.
    logged_out: bool,
    /// An opt-out was acknowledged.
    opted_out: bool,
}

/// What was known when a bid began.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    logged_out: bool,
    opted_out: bool,
    sign_ins: u64,
}

/// A token that was served.
#[derive(Clone, Copy, Debug)]
pub struct Bid<'a> {
    /// The advertising token.
    pub token: &'a AdvertisingToken,
    /// What the store calls the user.
    pub key: &'a [u8],
    /// When the call began, by the clock of who serves.
    pub began: Timestamp,
    /// When it ended, by the same.
    pub ended: Timestamp,
}

impl Ledger {
    /// The first violation, if there was one.
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        self.0.lock().violation.clone()
    }

    /// What happened, in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let book = self.0.lock();
        let busiest_hour = book.attempts.values().max().copied().unwrap_or_default();
        Counts {
            busiest_hour,
            ..book.counts
        }
    }

    /// Takes note of something that must never be; the first counts.
    pub fn violate(&self, at: i64, what: impl Into<String>) {
        let mut book = self.0.lock();
        if book.violation.is_none() {
            let what = what.into();
            book.violation = Some(Violation { at, what });
        }
    }

    /// A node crashed.
    pub fn crashed(&self) {
        self.0.lock().counts.crashes += 1;
    }

    /// The operator's keys or salts were rotated.
    pub fn rotated(&self) {
        self.0.lock().counts.rotations += 1;
    }

    /// A sign-in begins; [`SignIn`] ends it, by being dropped if need be.
    #[must_use]
    pub fn sign_in(&self, user: usize) -> SignIn {
        let mut book = self.0.lock();
        let standing = book.users.entry(user).or_default();
        standing.sign_ins += 1;
        standing.signing_in += 1;
        standing.logged_out = false;
        SignIn {
            ledger: self.clone(),
            user,
        }
    }

    /// A sign-in came to an identity.
    pub fn signed_in(&self, at: i64, before: Before) {
        self.0.lock().counts.signed_in += 1;
        if before.opted_out {
            self.violate(at, "an identity for a user who had opted out");
        }
    }

    /// What is known now.
    #[must_use]
    pub fn before(&self, user: usize) -> Before {
        let book = self.0.lock();
        let standing = book.users.get(&user).cloned().unwrap_or_default();
        Before {
            logged_out: standing.logged_out,
            opted_out: standing.opted_out,
            sign_ins: standing.sign_ins,
        }
    }

    /// A logout that began at `before` was acknowledged. It counts unless a
    /// sign-in ran beside it: then either may have come first.
    pub fn logged_out(&self, user: usize, before: Before, alone: bool) {
        let mut book = self.0.lock();
        book.counts.logged_out += 1;
        let standing = book.users.entry(user).or_default();
        let quiet = standing.sign_ins == before.sign_ins && standing.signing_in == 0;
        standing.logged_out |= quiet && alone;
    }

    /// Whether no sign-in of this user is under way.
    #[must_use]
    pub fn is_alone(&self, user: usize) -> bool {
        let book = self.0.lock();
        book.users
            .get(&user)
            .is_none_or(|user| user.signing_in == 0)
    }

    /// An opt-out was acknowledged, whoever told whom.
    pub fn opted_out(&self, user: usize) {
        let mut book = self.0.lock();
        let standing = book.users.entry(user).or_default();
        if !standing.opted_out {
            standing.opted_out = true;
            book.counts.opted_out += 1;
        }
    }

    /// Whether the user is known to have opted out.
    #[must_use]
    pub fn is_opted_out(&self, user: usize) -> bool {
        self.before(user).opted_out
    }

    /// A token was served by a call that began at `before`.
    pub fn served(&self, at: i64, user: usize, before: Before, bid: &Bid<'_>) {
        self.0.lock().counts.served += 1;
        if let Some(what) = self.wrong_with(bid) {
            self.violate(at, what);
        }
        let after = self.before(user);
        if before.opted_out {
            self.violate(at, "served a user who had opted out");
        } else if before.logged_out && after.sign_ins == before.sign_ins {
            self.violate(at, "served a user who had logged out");
        }
    }

    fn wrong_with(&self, bid: &Bid<'_>) -> Option<&'static str> {
        let book = self.0.lock();
        match book.advertising_tokens.get(bid.token.as_str()) {
            None => Some("served a token that was never stored"),
            Some((whose, _)) if **whose != *bid.key => Some("served somebody else's token"),
            // A clock that was set meanwhile may say either.
            Some((_, expires)) if *expires <= bid.began && *expires <= bid.ended => {
                Some("served an expired token")
            }
            Some(_) => None,
        }
    }

    /// There was no token to serve.
    pub fn refused(&self) {
        self.0.lock().counts.refused += 1;
    }

    /// A record with this identity is stored under `key`. What was told first of
    /// a token is the truth: that is what came from the operator.
    pub fn stored(&self, key: &[u8], identity: &Identity) {
        let mut book = self.0.lock();
        book.refresh_tokens
            .insert(identity.refresh_token().expose().to_owned(), key.into());
        book.advertising_tokens
            .entry(identity.advertising_token().as_str().to_owned())
            .or_insert_with(|| (key.into(), identity.identity_expires()));
    }

    /// A refresh leaves a node; [`Refreshing`] ends it.
    #[must_use]
    pub fn refreshing(&self, at: i64, node: Node, refresh_token: &str) -> Option<Refreshing> {
        const HOUR: i64 = 3_600_000;
        let mut book = self.0.lock();
        book.counts.refreshes += 1;
        let key = book.refresh_tokens.get(refresh_token)?.clone();
        *book.attempts.entry((key.clone(), at / HOUR)).or_default() += 1;
        let flying = book.in_flight.entry((node, key.clone())).or_default();
        *flying += 1;
        let too_many = *flying > 1;
        drop(book);
        if too_many {
            self.violate(at, "two refreshes of one user in flight on one node");
        }
        Some(Refreshing {
            ledger: self.clone(),
            key: (node, key),
        })
    }

    /// On how many nodes a refresh of the same user is in flight.
    #[must_use]
    pub fn nodes_refreshing(&self, key: &[u8]) -> usize {
        let book = self.0.lock();
        let flying = book.in_flight.iter();
        flying
            .filter(|((_, of), count)| **of == *key && **count > 0)
            .count()
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.counts()).finish()
    }
}

/// A sign-in under way.
#[derive(Debug)]
pub struct SignIn {
    ledger: Ledger,
    user: usize,
}

impl Drop for SignIn {
    fn drop(&mut self) {
        let mut book = self.ledger.0.lock();
        if let Some(standing) = book.users.get_mut(&self.user) {
            standing.signing_in -= 1;
        }
    }
}

/// A refresh under way.
#[derive(Debug)]
pub struct Refreshing {
    ledger: Ledger,
    key: (Node, Box<[u8]>),
}

impl Refreshing {
    /// Whose it is, as the store names users.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key.1
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        let mut book = self.ledger.0.lock();
        if let Some(flying) = book.in_flight.get_mut(&self.key) {
            *flying = flying.saturating_sub(1);
        }
    }
}
