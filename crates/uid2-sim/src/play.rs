//! The simulation: users who come and go, nodes that crash, clocks that jump,
//! and weather.

use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use uid2_core::lifecycle::{NoToken, OptOutReason, Policy};
use uid2_core::operation::Caller;
use uid2_core::{BaseUrl, Dii, Environment, Timestamp};
use uid2_emulator::{Config, Lifetimes, Operator};
use uid2_http::{Client, Runtime};
use uid2_publisher::{Publisher, TokenOutcome};
use uid2_store::MemoryStore;

use crate::crowd::{Crowd, SimPublisher, name};
use crate::faults::{Faults, Weather};
use crate::flaw::Flaw;
use crate::leases::SimLeases;
use crate::ledger::{Counts, Ledger, Violation};
use crate::logs::{DOMAIN, Ear, telling};
use crate::network::Network;
use crate::runtime::{Node, Sim};
use crate::store::SimStore;

const START: i64 = 1_700_000_000_000;
const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
/// How long after the last fault, and after being asked for once, everybody must
/// have a token again: the longest pause of a refresh, the longest rest of the
/// refresher, and a call. Being asked for matters: a pause that a machine began
/// whose clock was ahead begins later for the others, and only a look at the
/// record before that tells.
const RECOVERY: Duration = Duration::from_secs(12 * 60);
/// More refreshes of one user in an hour, from one node, than pauses and attempts
/// allow for: about 13 calls of 3 attempts when all fail, and as much again for a
/// clock that makes everything look stale.
const STORM_A_NODE: u32 = 60;
const MINUTE: u64 = 60_000;

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Decides everything; the same seed plays the same.
    pub seed: u64,
    /// Simulated time.
    pub hours: u64,
    /// People.
    pub users: usize,
    /// Publisher processes on one store.
    pub nodes: Node,
    /// Whether they agree by leases on who refreshes.
    pub leases: bool,
    /// What the store does wrong: to see that this is noticed.
    pub flaw: Option<Flaw>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What happened, in numbers.
    pub counts: Counts,
    /// Polls of tasks.
    pub steps: u64,
}

type Broken = Box<dyn std::error::Error>;

/// Plays a simulation to its end, with an ear to all that is logged.
///
/// # Errors
/// The first [`Violation`].
pub fn play(options: &Options) -> Result<Report, Violation> {
    let sim = Sim::new(options.seed, START);
    let ledger = Ledger::default();
    let (told, clock) = (ledger.clone(), sim.clone());
    let ear = Ear(move |line: &str| {
        if let Some(what) = telling(line) {
            told.violate(clock.passed(), what);
        }
    });
    let subscriber = tracing_subscriber::registry().with(ear);
    tracing::subscriber::with_default(subscriber, || to_the_end(options, sim, ledger))
}

fn to_the_end(options: &Options, sim: Sim, ledger: Ledger) -> Result<Report, Violation> {
    let play = Play::new(options, sim, ledger).map_err(|error| Violation {
        at: 0,
        what: error.to_string(),
    })?;
    let end = i64::try_from(options.hours * 60 * MINUTE).unwrap_or(i64::MAX);
    while play.sim.passed() < end {
        play.happen();
        let pause = Duration::from_millis(play.sim.below(2 * MINUTE));
        play.pass(pause)?;
    }
    play.recover()?;
    Ok(Report {
        counts: play.ledger.counts(),
        steps: play.sim.steps(),
    })
}

/// Publishers know the network, which knows the crowd, which knows the publishers.
impl Drop for Play {
    fn drop(&mut self) {
        for node in 0..=self.options.nodes {
            self.sim.on_node(node).kill();
        }
        let nodes = std::mem::take(&mut *self.crowd.nodes.lock());
        drop(nodes);
    }
}

struct Play {
    options: Options,
    sim: Sim,
    ledger: Ledger,
    weather: Weather,
    operator: Arc<Operator>,
    durable: MemoryStore,
    leases: SimLeases,
    crowd: Crowd,
}

impl Play {
    fn new(options: &Options, sim: Sim, ledger: Ledger) -> Result<Self, Broken> {
        let crowd = Crowd {
            sim: sim.clone(),
            ledger: ledger.clone(),
            nodes: Arc::default(),
        };
        let play = Self {
            options: *options,
            ledger,
            crowd,
            weather: Weather::default(),
            operator: Arc::new(Operator::new(Config::default())),
            durable: MemoryStore::new(),
            leases: SimLeases::new(sim.clone()),
            sim,
        };
        for node in 0..options.nodes {
            let publisher = play.start(node)?;
            play.crowd.nodes.lock().push(Some(publisher));
        }
        Ok(play)
    }

    /// A node starts, with nothing but what is durable.
    fn start(&self, node: Node) -> Result<SimPublisher, Broken> {
        // Node 0 is the users' own machine, which never fails.
        let sim = self.sim.on_node(node + 1);
        let network = Network {
            node,
            sim: sim.clone(),
            operator: Arc::clone(&self.operator),
            weather: self.weather.clone(),
            ledger: self.ledger.clone(),
            on_refresh: {
                let crowd = self.crowd.clone();
                Arc::new(move |key| crowd.intrude(key))
            },
            nodes_at_a_time: if self.options.leases { 1 } else { usize::MAX },
        };
        let store = SimStore {
            durable: self.durable.clone(),
            flaw: self.options.flaw,
            sim: sim.clone(),
            weather: self.weather.clone(),
            ledger: self.ledger.clone(),
        };
        let caller = Caller::new(API_KEY.parse()?, SECRET.parse()?);
        // Never resolved: the network is simulated.
        let base = BaseUrl::from(Environment::Uid2Integration);
        let client = Client::builder(caller, base).build_on(network, sim.clone());
        let mut builder = Publisher::builder(client, store);
        if self.options.leases {
            builder = builder.leases(self.leases.clone());
        }
        let publisher = builder.build()?;
        sim.spawn(publisher.refresher().run());
        Ok(publisher)
    }

    /// Lets time pass, looking at the ledger after each step.
    fn pass(&self, duration: Duration) -> Result<(), Violation> {
        let limit = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let until = self.sim.passed() + limit;
        while self.sim.passed() < until {
            let left = u64::try_from(until - self.sim.passed()).unwrap_or_default();
            self.sim.run_for(Duration::from_millis(left.min(1000)));
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Violation> {
        self.ledger.violation().map_or(Ok(()), Err)
    }

    fn happen(&self) {
        let user = usize::try_from(self.sim.below(self.options.users as u64)).unwrap_or(0);
        let now = Duration::ZERO;
        match self.sim.below(1000) {
            0..600 => self.crowd.bid(user, now),
            600..850 => self.crowd.sign_in(user, now),
            850..930 => self.crowd.log_out(user, now),
            930..933 => self.crowd.opt_out(user, now),
            933..936 => self.opt_out_of_the_service(user),
            936..960 => self.crash_or_restart(),
            960..970 => self.jump_clock(),
            970..980 => self.change_lifetimes(),
            980..983 => self.rotate(Operator::rotate_keys),
            983..986 => self.rotate(Operator::rotate_salts),
            _ => self.change_weather(),
        }
    }

    /// Nobody tells the publishers: they learn of it at generate or at refresh.
    fn opt_out_of_the_service(&self, user: usize) {
        if let Ok(dii) = Dii::email(&format!("{}{DOMAIN}", name(user))) {
            self.operator.opt_out(&dii, self.sim.true_time());
        }
    }

    fn crash_or_restart(&self) {
        let node = self.sim.below(u64::from(self.options.nodes));
        let Ok(node) = Node::try_from(node) else {
            return;
        };
        if self.is_down(node) {
            self.restart(node);
        } else {
            self.crash(node);
        }
    }

    fn crash(&self, node: Node) {
        self.sim.on_node(node + 1).kill();
        self.ledger.crashed();
        // Dropped when the list is no longer locked.
        let dead = self
            .crowd
            .nodes
            .lock()
            .get_mut(node as usize)
            .and_then(Option::take);
        drop(dead);
    }

    fn is_down(&self, node: Node) -> bool {
        let nodes = self.crowd.nodes.lock();
        nodes.get(node as usize).is_some_and(Option::is_none)
    }

    fn restart(&self, node: Node) {
        let publisher = self.start(node).ok();
        if let Some(slot) = self.crowd.nodes.lock().get_mut(node as usize) {
            *slot = publisher;
        }
    }

    /// Mostly by seconds, sometimes by days; and sometimes it is set right.
    fn jump_clock(&self) {
        let node = self.sim.below(u64::from(self.options.nodes)) + 1;
        let node = self.sim.on_node(Node::try_from(node).unwrap_or(1));
        let spread = match self.sim.below(4) {
            0 => 3 * 24 * 60 * MINUTE,
            1 => 30 * MINUTE,
            2 => MINUTE,
            _ => return node.set_clock_offset(0),
        };
        let jump = i64::try_from(self.sim.below(2 * spread)).unwrap_or_default();
        node.set_clock_offset(jump - i64::try_from(spread).unwrap_or_default());
    }

    fn change_lifetimes(&self) {
        let secs = Duration::from_secs;
        let lifetimes = match self.sim.below(3) {
            0 => Lifetimes::new(secs(300), secs(900), secs(3600)),
            1 => Lifetimes::new(secs(3600), secs(4 * 3600), secs(30 * 86_400)),
            _ => Ok(Lifetimes::default()),
        };
        if let Ok(lifetimes) = lifetimes {
            self.operator.set_lifetimes(lifetimes);
        }
    }

    /// Tokens and identities of before stay good; those of after are others.
    fn rotate(&self, rotate: impl Fn(&Operator, Timestamp)) {
        rotate(&self.operator, self.sim.true_time());
        self.ledger.rotated();
    }

    fn change_weather(&self) {
        self.weather.turn(if self.sim.chance(400) {
            Faults::STORM
        } else {
            Faults::default()
        });
    }

    /// The faults stop; after a while, whoever can be refreshed has a token, or is
    /// told when; and after that has one.
    fn recover(&self) -> Result<(), Violation> {
        self.weather.turn(Faults::default());
        for node in 0..self.options.nodes {
            self.sim.on_node(node + 1).set_clock_offset(0);
            if self.is_down(node) {
                self.restart(node);
            }
        }
        self.pass(RECOVERY)?;
        self.ask_everybody(Policy::DEFAULT.backoff_max)?;
        self.pass(RECOVERY)?;
        self.ask_everybody(Duration::ZERO)?;
        let most = self.ledger.counts().busiest_hour;
        if most > STORM_A_NODE * self.options.nodes {
            let what = format!("a storm: {most} refreshes of one user in an hour");
            self.ledger.violate(self.sim.passed(), what);
        }
        self.check()
    }

    /// Everybody has a token, or has to wait for at most `patience`.
    fn ask_everybody(&self, patience: Duration) -> Result<(), Violation> {
        let nodes = self.crowd.nodes.lock().clone();
        for user in 0..self.options.users {
            for publisher in nodes.iter().flatten() {
                self.has_recovered(user, publisher.clone(), patience)?;
            }
        }
        Ok(())
    }

    fn has_recovered(
        &self,
        user: usize,
        publisher: SimPublisher,
        patience: Duration,
    ) -> Result<(), Violation> {
        let outcome = self
            .sim
            .block_on(async move { publisher.token(&name(user)).await });
        let what = match outcome {
            Some(Ok(TokenOutcome::Valid(_))) if self.ledger.is_opted_out(user) => {
                "served a user who had opted out".into()
            }
            Some(Ok(TokenOutcome::None(NoToken::OptedOut(opt_out)))) => {
                return self.opt_out_is_right(user, opt_out.reason);
            }
            Some(Ok(TokenOutcome::None(NoToken::Unavailable { retry_at }))) => {
                let wait = retry_at.saturating_since(self.sim.true_time());
                if wait <= patience {
                    return Ok(());
                }
                format!(
                    "no token for user {user}, though nothing has gone wrong for a while; next \
                     attempt in {} s",
                    wait.as_secs()
                )
            }
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => format!("failed, though nothing goes wrong: {error}"),
            None => "a call that never ends".into(),
        };
        self.ledger.violate(self.sim.passed(), what);
        self.check()
    }

    fn opt_out_is_right(&self, user: usize, reason: OptOutReason) -> Result<(), Violation> {
        if reason == OptOutReason::Service {
            let dii = Dii::email(&format!("{}{DOMAIN}", name(user)));
            if !dii.is_ok_and(|dii| self.operator.is_opted_out(&dii)) {
                self.ledger
                    .violate(self.sim.passed(), "an opt-out that nobody asked for");
            }
        }
        self.check()
    }
}
