//! What is counted, and that nothing else is told along with it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use parking_lot::Mutex;
use uid2_core::operation::{Caller, Generate};
use uid2_core::{Dii, Environment};
use uid2_http::{Client, RetryPolicy, TransportError, TransportErrorKind};

/// Counts by name and labels, as `name{label=value,…}`.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

struct Slot {
    counts: Counts,
    name: String,
}

impl Slot {
    fn add(&self, value: u64) {
        *self.counts.0.lock().entry(self.name.clone()).or_default() += value;
    }
}

impl CounterFn for Slot {
    fn increment(&self, value: u64) {
        self.add(value);
    }

    fn absolute(&self, _: u64) {
        unreachable!("counters only go up");
    }
}

impl HistogramFn for Slot {
    fn record(&self, value: f64) {
        assert!((0.0..60.0).contains(&value), "{value} seconds");
        self.add(1);
    }
}

impl Counts {
    fn slot(&self, key: &Key) -> Arc<Slot> {
        let labels: Vec<String> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        Arc::new(Slot {
            counts: self.clone(),
            name: format!("{}{{{}}}", key.name(), labels.join(",")),
        })
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.slot(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        unreachable!("there are no gauges");
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.slot(key))
    }
}

#[tokio::test]
async fn calls_attempts_and_failovers_are_counted() {
    let counts = Counts::default();
    let _guard = metrics::set_default_local_recorder(&counts);

    // A reset, then a 503, then an answer that does not open, then a 401.
    let number = AtomicUsize::new(0);
    let transport = move |_: Request<Bytes>| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Err(TransportError::new(TransportErrorKind::Reset)),
                1 => Ok(Response::builder().status(503).body(Bytes::new()).unwrap()),
                2 => Ok(Response::new(Bytes::from_static(b"AAAA"))),
                _ => Ok(Response::builder().status(401).body(Bytes::new()).unwrap()),
            }
        }
    };
    let caller = Caller::new(
        "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo="
            .parse()
            .unwrap(),
        "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk="
            .parse()
            .unwrap(),
    );
    let policy = RetryPolicy::default()
        .with_max_attempts(9)
        .with_pauses(Duration::ZERO, Duration::ZERO);
    let client = Client::builder(caller, Environment::Uid2Production)
        .fallback(Environment::Uid2ProductionUsEast)
        .retry(policy)
        .build(Arc::new(transport));
    let dii = Dii::email("jane.doe@example.com").unwrap();
    let error = client.generate(&Generate::new(&dii)).await.unwrap_err();
    assert_eq!(error.attempts(), 4);

    let counted = counts.0.lock().clone();
    let generate = "operation=token/generate";
    let expected = [
        (
            format!("uid2_http_attempt_duration_seconds{{{generate}}}"),
            4,
        ),
        (
            format!("uid2_http_attempts_total{{{generate},result=bad_response}}"),
            1,
        ),
        (
            format!("uid2_http_attempts_total{{{generate},result=refused}}"),
            2,
        ),
        (
            format!("uid2_http_attempts_total{{{generate},result=transport}}"),
            1,
        ),
        (format!("uid2_http_call_duration_seconds{{{generate}}}"), 1),
        (
            format!("uid2_http_calls_total{{{generate},result=error}}"),
            1,
        ),
        ("uid2_http_failovers_total{}".to_owned(), 1),
    ];
    assert_eq!(counted, expected.into_iter().collect());
}
