//! Our side of `cargo xtask compare`: does, and measures, the work it is told to
//! on standard input, a line of JSON each, and answers with one.
//!
//! The programs of the other SDKs, in `xtask/interop`, do the same.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of measurements: what fails ends it"
)]

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uid2_core::envelope::{self, Encoding};
use uid2_core::operation::{
    Caller, Generate, GenerateOutcome, Refresh, RefreshOutcome, Request, Response,
};
use uid2_core::{BaseUrl, Dii, EmailHash, Identity, PhoneHash};
use uid2_emulator::Emulator;
use uid2_http::{Client, HyperTransport, Runtime, TokioRuntime};

/// Steps between two looks at the clock.
const BATCH: u64 = 64;

fn main() {
    let told = std::env::args().nth(1);
    if told.as_deref() == Some("operator") {
        operator();
        return;
    }
    let worker = Worker::new();
    if told.as_deref() == Some("first") {
        println!("{}", worker.seal("first@example.com"));
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        println!("{}", worker.answer(&asked));
        std::io::stdout().flush().unwrap();
    }
}

/// An operator for all of them, until this process is ended.
fn operator() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let emulator = Emulator::start().await.unwrap();
        let told = json!({
            "url": emulator.url(),
            "api_key": emulator.api_key(),
            "client_secret": emulator.client_secret(),
        });
        println!("{told}");
        std::future::pending::<()>().await;
    });
}

struct Worker {
    caller: Caller,
    base: BaseUrl,
}

impl Worker {
    fn new() -> Self {
        let variable = |name| std::env::var(name).unwrap();
        Self {
            caller: Caller::new(
                variable("UID2_API_KEY").parse().unwrap(),
                variable("UID2_SECRET_KEY").parse().unwrap(),
            ),
            base: BaseUrl::parse(&variable("UID2_BASE_URL")).unwrap(),
        }
    }

    fn answer(&self, asked: &Value) -> Value {
        let text = |name: &str| asked[name].as_str().unwrap();
        match text("do") {
            "hash" => {
                let inputs = asked["inputs"].as_array().unwrap().iter();
                let hashes = inputs.map(|input| hash(input.as_str().unwrap()));
                json!({ "hashes": hashes.collect::<Vec<_>>() })
            }
            "seal" => json!({ "sealed": self.seal(text("input")) }),
            "unseal" => self.unseal(text("sealed")),
            "identity" => json!({ "identity": self.identity() }),
            "answer" => self.refresh_answer(text("identity"), text("next")),
            "open" => {
                let identity = identity(text("identity"));
                let opened = self.open(&identity, text("answer").as_bytes());
                json!({ "token": opened.advertising_token().as_str() })
            }
            "measure" => {
                let (count, time) = self.measure(asked);
                json!({ "count": count, "seconds": time.as_secs_f64() })
            }
            "memory" => json!({ "peak_kib": peak_memory() }),
            other => panic!("cannot {other}"),
        }
    }

    /// What is sent to have an identity generated for an address.
    fn prepare(&self, address: &str) -> Request {
        let dii = Dii::email(address).unwrap();
        let generate = Generate::new(&dii);
        let runtime = TokioRuntime;
        generate
            .prepare(&self.caller, runtime.now(), &mut runtime.rng())
            .0
    }

    fn seal(&self, address: &str) -> String {
        String::from_utf8(self.prepare(address).into_body()).unwrap()
    }

    /// What somebody sealed: its JSON, and how old it says to be.
    fn unseal(&self, sealed: &str) -> Value {
        let secret = self.caller.client_secret();
        let opened = envelope::open_request(secret, sealed.as_bytes(), Encoding::Text).unwrap();
        let payload: Value = serde_json::from_slice(opened.payload()).unwrap();
        let age = TokioRuntime.now().as_millis() - opened.timestamp().as_millis();
        json!({ "payload": payload, "age_ms": age })
    }

    /// A new identity, as the operator wrote it.
    fn identity(&self) -> String {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = self.client();
            let dii = Dii::email("identity@example.com").unwrap();
            let generated = client.generate(&Generate::new(&dii)).await.unwrap();
            match generated.outcome {
                GenerateOutcome::Success(identity) => identity.to_json().to_string(),
                other => panic!("{other:?}"),
            }
        })
    }

    fn client(&self) -> Client<HyperTransport> {
        let transport = HyperTransport::builder().no_proxy().build().unwrap();
        Client::builder(self.caller.clone(), self.base.clone()).build(transport)
    }

    /// An operator's answer to a refresh of `identity`, with `next` in it.
    fn refresh_answer(&self, identity: &str, next: &str) -> Value {
        let identity = self::identity(identity);
        let payload = format!(r#"{{"body":{next},"status":"success"}}"#);
        let key = identity.refresh_response_key().unwrap();
        let answer =
            envelope::seal_refresh_response(key, payload.as_bytes(), Encoding::Text, [9; 12]);
        json!({ "answer": String::from_utf8(answer).unwrap() })
    }

    fn open(&self, identity: &Identity, answer: &[u8]) -> Identity {
        let (_, pending) = Refresh::new(identity).prepare(&self.caller);
        let reply = pending.finish(Response::new(200, answer)).unwrap();
        match reply.outcome {
            RefreshOutcome::Success(identity) => identity,
            other => panic!("{other:?}"),
        }
    }

    fn measure(&self, asked: &Value) -> (u64, Duration) {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let for_seconds = Duration::from_secs_f64(asked["seconds"].as_f64().unwrap());
        let input = text("input");
        match text("work") {
            "hash-email" => repeat(for_seconds, || EmailHash::of(input).unwrap().to_base64()),
            "hash-phone" => repeat(for_seconds, || PhoneHash::of(input).unwrap().to_base64()),
            "seal" => repeat(for_seconds, || self.prepare(input)),
            "open" => {
                let (identity, answer) = (identity(text("identity")), text("answer"));
                repeat(for_seconds, || self.open(&identity, answer.as_bytes()))
            }
            "round-trips" => self.round_trips(asked["in_flight"].as_u64().unwrap(), for_seconds),
            other => panic!("cannot measure {other}"),
        }
    }

    /// Generate and refresh, so many of them side by side.
    fn round_trips(&self, in_flight: u64, for_seconds: Duration) -> (u64, Duration) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async move {
            let client = self.client();
            let count = Arc::new(AtomicU64::new(0));
            let start = Instant::now();
            let users = (0..in_flight).map(|user| {
                let (client, count) = (client.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let dii = Dii::email(&format!("user-{user}@example.com")).unwrap();
                    while start.elapsed() < for_seconds {
                        round_trip(&client, &dii).await;
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                })
            });
            for user in users.collect::<Vec<_>>() {
                user.await.unwrap();
            }
            (count.load(Ordering::Relaxed), start.elapsed())
        })
    }
}

async fn round_trip(client: &Client<HyperTransport>, dii: &Dii) {
    let generated = client.generate(&Generate::new(dii)).await.unwrap();
    let GenerateOutcome::Success(identity) = generated.outcome else {
        panic!("no identity")
    };
    let refreshed = client.refresh(&identity).await.unwrap();
    let RefreshOutcome::Success(next) = refreshed.outcome else {
        panic!("no next identity")
    };
    assert!(next.advertising_token() != identity.advertising_token());
}

fn identity(json: &str) -> Identity {
    Identity::from_json(json.as_bytes()).unwrap()
}

/// The hash that is sent for an input, or nothing if it is refused.
fn hash(input: &str) -> Option<String> {
    // By the same way as is measured.
    Some(if input.contains('@') {
        EmailHash::of(input).ok()?.to_base64().to_string()
    } else {
        PhoneHash::of(input).ok()?.to_base64().to_string()
    })
}

/// How often something can be done, and in what time.
fn repeat<T>(for_seconds: Duration, mut step: impl FnMut() -> T) -> (u64, Duration) {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < for_seconds {
        for _ in 0..BATCH {
            black_box(step());
        }
        count += BATCH;
    }
    (count, start.elapsed())
}

/// The most memory that this process has had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
