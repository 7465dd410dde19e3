//! A publisher's node: a process that does what it reads on its standard input,
//! and from the other side, what starts it and asks it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use uid2_core::operation::{Action, Caller};
use uid2_core::{BaseUrl, Dii};
use uid2_http::{Client, HyperTransport};
use uid2_publisher::{Error, Established, Publisher, TokenOutcome};
use uid2_store::RedisStore;

/// The emulator's own, which are public.
const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";

/// Longer than any test keeps a refresh of a living node, shorter than a node waits
/// for another's.
pub(crate) const LEASE: Duration = Duration::from_secs(4);

type RedisPublisher = Publisher<HyperTransport, RedisStore>;

/// The node's side: `REDIS OPERATOR leases|alone`. Each line of its input is a
/// number, a verb and a user; it answers with the number and what came of it, in
/// the order in which things end.
pub(crate) fn run(arguments: &[String]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let publisher = runtime.block_on(publisher(arguments));
    say("0 ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let publisher = publisher.clone();
        runtime.spawn(async move {
            let words: Vec<_> = line.split(' ').collect();
            let came = obey(&publisher, words[1], words[2]).await;
            say(&format!("{} {came}", words[0]));
        });
    }
}

async fn publisher(arguments: &[String]) -> RedisPublisher {
    let caller = Caller::new(API_KEY.parse().unwrap(), SECRET.parse().unwrap());
    let operator = BaseUrl::parse(&arguments[1]).unwrap();
    let client = Client::builder(caller, operator).build(HyperTransport::new().unwrap());
    let store = RedisStore::options().response_timeout(Duration::from_secs(10));
    let store = store.connect(&arguments[0]).await.unwrap();
    let mut builder = Publisher::builder(client, store.clone());
    if arguments[2] == "leases" {
        builder = builder.leases(store).lease_time(LEASE);
    }
    builder.build().unwrap()
}

async fn obey(publisher: &RedisPublisher, verb: &str, user: &str) -> String {
    match verb {
        "establish" => {
            let dii = Dii::email(&format!("{user}@example.com")).unwrap();
            match publisher.establish(user, dii).await {
                Ok(Established::Token(token)) => format!("token {}", token.as_str()),
                Ok(other) => format!("{other:?}"),
                Err(error) => failed(&error),
            }
        }
        "token" => told(publisher.token(user).await),
        "refresh" => told(publisher.refresh(user).await),
        "logout" => match publisher.logout(user).await {
            Ok(()) => "done".to_owned(),
            Err(error) => failed(&error),
        },
        other => panic!("no verb {other}"),
    }
}

fn told(outcome: Result<TokenOutcome, Error>) -> String {
    match outcome {
        Ok(TokenOutcome::Valid(token)) => format!("token {}", token.as_str()),
        Ok(TokenOutcome::None(_)) => "none".to_owned(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> String {
    match (error, error.action()) {
        (Error::Store(_), Action::Retry) => "retry".to_owned(),
        (error, action) => format!("failed {action:?}: {error:?}"),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more once the test has failed.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The test's side.
pub(crate) struct Node {
    child: Child,
    input: Mutex<(u64, ChildStdin)>,
    asked: Arc<Mutex<HashMap<u64, Sender<String>>>>,
}

impl Node {
    /// Another process of this program.
    pub(crate) fn start(redis: &str, operator: &str, leases: bool) -> Self {
        let leases = if leases { "leases" } else { "alone" };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["node", redis, operator, leases])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = Mutex::new((0, child.stdin.take().unwrap()));
        let output = BufReader::new(child.stdout.take().unwrap());
        let asked: Arc<Mutex<HashMap<u64, Sender<String>>>> = Arc::default();
        let (ready, is_ready) = channel();
        asked.lock().unwrap().insert(0, ready);
        let waiting = Arc::clone(&asked);
        thread::spawn(move || {
            for line in output.lines() {
                let line = line.unwrap();
                let (number, came) = line.split_once(' ').unwrap();
                let sender = waiting.lock().unwrap().remove(&number.parse().unwrap());
                // Who asked may not want to know any more.
                let _ = sender.unwrap().send(came.to_owned());
            }
            // Whoever still waits learns that the node is gone.
            waiting.lock().unwrap().clear();
        });
        is_ready.recv().expect("the node starts");
        Self {
            child,
            input,
            asked,
        }
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn begin(&self, verb: &str, user: &str) -> Pending {
        let (sender, receiver) = channel();
        let mut input = self.input.lock().unwrap();
        input.0 += 1;
        let number = input.0;
        self.asked.lock().unwrap().insert(number, sender);
        writeln!(input.1, "{number} {verb} {user}").unwrap();
        Pending(receiver)
    }

    /// As a crash.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn ask(&self, verb: &str, user: &str) -> String {
        self.begin(verb, user).answer()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) struct Pending(Receiver<String>);

impl Pending {
    pub(crate) fn answer(self) -> String {
        let answer = self.0.recv_timeout(Duration::from_secs(60));
        answer.expect("the node answers")
    }
}
