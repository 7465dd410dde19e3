//! What is counted: names and labels of metrics, as told.

use std::sync::Arc;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::told::Told;

/// Hands every name with its labels on, as a line.
pub struct Counted(pub Told);

struct Nothing;

impl CounterFn for Nothing {
    fn increment(&self, _: u64) {}
    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Nothing {
    fn record(&self, _: f64) {}
}

impl Counted {
    fn note(&self, key: &Key) {
        let labels = key
            .labels()
            .map(|it| format!("{}={}", it.key(), it.value()));
        let labels: Vec<String> = labels.collect();
        self.0
            .note(&format!("counted: {} {}", key.name(), labels.join(" ")));
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, text: SharedString) {
        self.0.note(&text);
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, text: SharedString) {
        self.0.note(&text);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, text: SharedString) {
        self.0.note(&text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::from_arc(Arc::new(Nothing))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::from_arc(Arc::new(Nothing))
    }
}
