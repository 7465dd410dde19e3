//! Users, and what they do: each thing in a task of its own, on any node.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use uid2_core::Dii;
use uid2_core::lifecycle::NoToken;
use uid2_http::Runtime;
use uid2_publisher::{Established, Publisher, TokenOutcome};

use crate::ledger::{Bid, Ledger};
use crate::logs::DOMAIN;
use crate::network::Network;
use crate::runtime::{Node, Sim};
use crate::store::SimStore;

pub(crate) type SimPublisher = Publisher<Network, SimStore, Sim>;

/// The users of a simulation. Clones are the same users.
#[derive(Clone)]
pub(crate) struct Crowd {
    pub(crate) sim: Sim,
    pub(crate) ledger: Ledger,
    /// `None` while a node is down.
    pub(crate) nodes: Arc<Mutex<Vec<Option<SimPublisher>>>>,
}

impl Crowd {
    /// A refresh of this user has just left a node: what comes now, comes while
    /// it is in flight.
    pub(crate) fn intrude(&self, key: &[u8]) {
        let Some(user) = user_of(key) else { return };
        let delay = Duration::from_millis(self.sim.below(300));
        match self.sim.below(100) {
            0..8 => self.log_out(user, delay),
            8..12 => self.sign_in(user, delay),
            12..20 => self.bid(user, delay),
            20..21 => self.opt_out(user, delay),
            _ => {}
        }
        // And some bid soon after.
        self.bid(user, delay + Duration::from_millis(self.sim.below(1000)));
    }

    fn any_node(&self) -> Option<(SimPublisher, Sim)> {
        let count = self.nodes.lock().len() as u64;
        let node = Node::try_from(self.sim.below(count)).ok()?;
        let publisher = self.nodes.lock().get(node as usize)?.clone()?;
        Some((publisher, self.sim.on_node(node + 1)))
    }

    /// Asks for a token, after a while.
    pub(crate) fn bid(&self, user: usize, delay: Duration) {
        let Some((publisher, node)) = self.any_node() else {
            return;
        };
        let (ledger, sim) = (self.ledger.clone(), node.clone());
        let whole = self.sim.chance(500);
        node.clone().spawn(async move {
            node.sleep(delay).await;
            let before = ledger.before(user);
            let began = sim.now();
            let name = name(user);
            let outcome = if whole {
                bid_whole(&publisher, &name).await
            } else {
                publisher.token(&name).await.ok()
            };
            match outcome {
                Some(TokenOutcome::Valid(token)) => {
                    let bid = Bid {
                        token: &token,
                        key: &key_of(user),
                        began,
                        ended: sim.now(),
                    };
                    ledger.served(sim.passed(), user, before, &bid);
                }
                Some(TokenOutcome::None(NoToken::OptedOut(_))) => ledger.opted_out(user),
                _ => ledger.refused(),
            }
        });
    }

    /// Signs in, after a while.
    pub(crate) fn sign_in(&self, user: usize, delay: Duration) {
        let Some((publisher, node)) = self.any_node() else {
            return;
        };
        let (ledger, sim) = (self.ledger.clone(), node.clone());
        node.clone().spawn(async move {
            node.sleep(delay).await;
            let Ok(dii) = Dii::email(&format!("{}{DOMAIN}", name(user))) else {
                return;
            };
            let before = ledger.before(user);
            let signing_in = ledger.sign_in(user);
            match publisher.establish(&name(user), dii).await {
                Ok(Established::Token(_)) => ledger.signed_in(sim.passed(), before),
                Ok(Established::OptedOut(_)) => ledger.opted_out(user),
                _ => {}
            }
            drop(signing_in);
        });
    }

    /// Logs out, after a while.
    pub(crate) fn log_out(&self, user: usize, delay: Duration) {
        let Some((publisher, node)) = self.any_node() else {
            return;
        };
        let ledger = self.ledger.clone();
        node.clone().spawn(async move {
            node.sleep(delay).await;
            let (before, alone) = (ledger.before(user), ledger.is_alone(user));
            if publisher.logout(&name(user)).await.is_ok() {
                ledger.logged_out(user, before, alone);
            }
        });
    }

    /// Opts out of the publisher, after a while.
    pub(crate) fn opt_out(&self, user: usize, delay: Duration) {
        let Some((publisher, node)) = self.any_node() else {
            return;
        };
        let ledger = self.ledger.clone();
        node.clone().spawn(async move {
            node.sleep(delay).await;
            if publisher.opt_out(&name(user)).await.is_ok() {
                ledger.opted_out(user);
            }
        });
    }
}

/// Bids with the whole identity.
async fn bid_whole(publisher: &SimPublisher, name: &str) -> Option<TokenOutcome> {
    let json = publisher.identity_json(name).await.ok()??;
    let identity = uid2_core::Identity::from_json(json.as_bytes()).ok()?;
    Some(TokenOutcome::Valid(identity.advertising_token().clone()))
}

/// What a user is called at the publisher.
pub(crate) fn name(user: usize) -> String {
    format!("user-{user}")
}

/// What a user is called in the store.
fn key_of(user: usize) -> Vec<u8> {
    format!("u{}", name(user)).into_bytes()
}

/// Whose a key of the store is.
fn user_of(key: &[u8]) -> Option<usize> {
    let key = std::str::from_utf8(key).ok()?;
    key.strip_prefix("uuser-")?.parse().ok()
}
