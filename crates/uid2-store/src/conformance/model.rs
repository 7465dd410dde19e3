//! Random operations, against a model that is too simple to be wrong. A sequence
//! that disagrees is shrunk to the shortest that still does.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use super::basics::{at, next_due, sample};
use super::sample::{logged_out, opt_out};
use super::{Backend, Broken, Check, ensure};
use crate::{Precondition, StoreError, TokenStore, Version};

/// Few keys and few times, so that operations meet.
const KEYS: u8 = 4;
const TIMES: i64 = 6;
const CASES: u32 = 32;

#[derive(Clone, Debug)]
enum Operation {
    Put(u8, Shape, When),
    Remove(u8, When),
    Get(u8),
    Due(i64, usize),
    NextDue,
    Purge(i64),
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Identity { due: i64, expires: i64 },
    OptOut(i64),
    LoggedOut(i64),
}

#[derive(Clone, Copy, Debug)]
enum When {
    Any,
    Absent,
    /// The version that the key has, if it has one.
    Current,
    /// The version that it had before.
    Former,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let when = || {
        prop_oneof![
            Just(When::Any),
            Just(When::Absent),
            Just(When::Current),
            Just(When::Former)
        ]
    };
    let shape = prop_oneof![
        4 => (0..TIMES, 0..TIMES).prop_map(|(due, expires)| Shape::Identity { due, expires }),
        1 => (0..TIMES).prop_map(Shape::OptOut),
        1 => (0..TIMES).prop_map(Shape::LoggedOut),
    ];
    let operation = prop_oneof![
        6 => (0..KEYS, shape, when()).prop_map(|(key, shape, when)| Operation::Put(key, shape, when)),
        2 => (0..KEYS, when()).prop_map(|(key, when)| Operation::Remove(key, when)),
        3 => (0..KEYS).prop_map(Operation::Get),
        2 => (0..TIMES, 0..5_usize).prop_map(|(now, limit)| Operation::Due(now, limit)),
        1 => Just(Operation::NextDue),
        1 => (0..TIMES).prop_map(Operation::Purge),
    ];
    proptest::collection::vec(operation, 1..40)
}

pub(super) fn agrees<B: Backend>(backend: &B) -> Check {
    let config = Config {
        cases: CASES,
        // A third party's source folder is not ours to write in.
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&operations(), |operations| {
            backend
                .block_on(agrees_on(backend, &operations))
                .map_err(|Broken(what)| TestCaseError::fail(what))
        })
        .map_err(|error| Broken(error.to_string()))
}

async fn agrees_on<B: Backend>(backend: &B, operations: &[Operation]) -> Check {
    let store = backend.empty().await;
    let mut model = Model::default();
    for operation in operations {
        model.step(&store, operation).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Model {
    records: BTreeMap<u8, (Record, Version)>,
    former: BTreeMap<u8, Version>,
}

impl Model {
    async fn step<S: TokenStore>(&mut self, store: &S, operation: &Operation) -> Check {
        match *operation {
            Operation::Put(key, shape, when) => self.put(store, key, shape, when).await,
            Operation::Remove(key, when) => self.remove(store, key, when).await,
            Operation::Get(key) => {
                let found = store.get(&[key]).await?;
                let found = found.map(|entry| (entry.record, entry.version));
                let expected = self.records.get(&key).cloned();
                ensure!(
                    found == expected,
                    "get gives {found:?}, the model {expected:?}"
                );
                Ok(())
            }
            Operation::Due(now, limit) => self.due(store, at(now), limit).await,
            Operation::NextDue => {
                let found = next_due(store).await?;
                let expected = self
                    .records
                    .values()
                    .filter_map(|(record, _)| record.due())
                    .min();
                ensure!(
                    found == expected,
                    "next due {found:?}, in the model {expected:?}"
                );
                Ok(())
            }
            Operation::Purge(before) => {
                let count = self.records.len();
                self.records.retain(|_, (record, _)| {
                    record.expires().is_none_or(|expires| expires > at(before))
                });
                let expected = count - self.records.len();
                let found = store.purge(at(before), 100).await?;
                ensure!(found == expected, "purged {found}, in the model {expected}");
                Ok(())
            }
        }
    }

    fn precondition(&self, key: u8, when: When) -> Precondition {
        match when {
            When::Any => Precondition::Any,
            When::Absent => Precondition::Absent,
            When::Current => self
                .records
                .get(&key)
                .map_or(Precondition::Absent, |(_, version)| {
                    Precondition::Version(*version)
                }),
            When::Former => self
                .former
                .get(&key)
                .map_or(Precondition::Any, |version| Precondition::Version(*version)),
        }
    }

    fn allows(&self, key: u8, when: Precondition) -> bool {
        when.holds(self.records.get(&key).map(|(_, version)| *version))
    }

    async fn put<S: TokenStore>(&mut self, store: &S, key: u8, shape: Shape, when: When) -> Check {
        let record = match shape {
            Shape::Identity { due, expires } => sample("model", at(due), at(expires))?,
            Shape::OptOut(time) => opt_out(at(time)),
            Shape::LoggedOut(until) => logged_out(at(0), at(until)),
        };
        let when = self.precondition(key, when);
        match (
            store.put(&[key], &record, when).await,
            self.allows(key, when),
        ) {
            (Ok(version), true) => {
                if let Some((_, former)) = self.records.insert(key, (record, version)) {
                    self.former.insert(key, former);
                }
                Ok(())
            }
            (Err(StoreError::Conflict), false) => Ok(()),
            (found, allowed) => Err(Broken(format!(
                "put gives {found:?}, in the model {allowed}"
            ))),
        }
    }

    async fn remove<S: TokenStore>(&mut self, store: &S, key: u8, when: When) -> Check {
        let when = self.precondition(key, when);
        match (store.remove(&[key], when).await, self.allows(key, when)) {
            (Ok(found), true) => {
                let removed = self.records.remove(&key);
                ensure!(found == removed.is_some(), "remove says {found}");
                if let Some((_, former)) = removed {
                    self.former.insert(key, former);
                }
                Ok(())
            }
            (Err(StoreError::Conflict), false) => Ok(()),
            (found, allowed) => Err(Broken(format!(
                "remove gives {found:?}, in the model {allowed}"
            ))),
        }
    }

    async fn due<S: TokenStore>(&self, store: &S, now: Timestamp, limit: usize) -> Check {
        let mut expected: Vec<_> = self
            .records
            .iter()
            .filter_map(|(key, (record, _))| Some((record.due()?, vec![*key])))
            .filter(|(due, _)| *due <= now)
            .collect();
        let found = store.due(now, None, usize::MAX).await?;
        let cut = store.due(now, None, limit).await?;
        ensure!(
            found.get(..cut.len()) == Some(&*cut),
            "a limit changes the order"
        );
        ensure!(
            cut.len() == limit.min(expected.len()),
            "a limit of {limit} gives {}",
            cut.len()
        );
        ensure!(
            found.is_sorted_by_key(|due| due.due),
            "not in order of time: {found:?}"
        );
        let mut found: Vec<_> = found
            .into_iter()
            .map(|due| (due.due, due.key.into_vec()))
            .collect();
        expected.sort();
        found.sort();
        ensure!(
            found == expected,
            "due {found:?}, in the model {expected:?}"
        );
        Ok(())
    }
}
