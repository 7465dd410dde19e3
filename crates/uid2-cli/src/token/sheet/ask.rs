//! The calls: some at a time, their answers in the order of the rows.

use std::collections::VecDeque;
use std::io::{Read, Write};

use tokio::task::JoinHandle;
use uid2_core::operation::{Action, Validate, ValidateOutcome};

use super::super::Client;
use super::question::{Plan, Question};
use super::resume::Written;
use crate::csv::{Batch, Opened, Progress, Row};
use crate::failure::Failure;

/// What a row comes to: whether it matches, or a word for why that is not known.
type Verdict = Result<bool, &'static str>;

/// A row that waits for its turn to be written.
struct Waiting {
    line: u64,
    kept: Vec<Vec<u8>>,
    answer: Answer,
}

enum Answer {
    Known(Verdict),
    Asked(JoinHandle<Result<Verdict, Failure>>),
}

pub(super) struct Asker {
    client: Client,
    in_flight: usize,
    plan: Plan,
    waiting: VecDeque<Waiting>,
}

impl Asker {
    pub(super) const fn new(client: Client, in_flight: usize, plan: Plan) -> Self {
        Self {
            client,
            in_flight,
            plan,
            waiting: VecDeque::new(),
        }
    }

    /// Asks for all rows that are left.
    pub(super) fn run<R: Read>(
        mut self,
        opened: Opened<R>,
        mut written: Written,
        progress: &Progress,
    ) -> Result<Written, Failure> {
        // Its threads carry the calls, while this one may wait for the input.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::local("other", &error))?;
        let asked = runtime.block_on(self.ask_all(opened, &mut written, progress));
        // Calls that nobody waits for any more.
        runtime.shutdown_background();
        asked?;
        written.file.sync_all().map_err(|error| stopped(&error))?;
        Ok(written)
    }

    async fn ask_all<R: Read>(
        &mut self,
        opened: Opened<R>,
        written: &mut Written,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let Opened {
            mut rows, first, ..
        } = opened;
        for row in first.rows() {
            self.add(row, written).await?;
        }
        let mut batch = Batch::default();
        while rows.read(&mut batch).map_err(|error| stopped(&error))? {
            if let Some(row) = batch.rows().next() {
                self.add(row, written).await?;
            }
            progress.show(rows.taken(), written.tally.rows);
            batch = Batch::default();
        }
        while self.finish_one(written).await? {
            progress.show(rows.taken(), written.tally.rows);
        }
        Ok(())
    }

    /// Asks what the row asks, once there is room for it.
    async fn add(&mut self, row: Row<'_>, written: &mut Written) -> Result<(), Failure> {
        while self.waiting.len() >= self.in_flight {
            self.finish_one(written).await?;
        }
        let answer = match self.plan.question(row) {
            Ok(question) => Answer::Asked(tokio::spawn(ask(self.client.clone(), question))),
            Err(why) => Answer::Known(Err(why)),
        };
        self.waiting.push_back(Waiting {
            line: row.line,
            kept: self.plan.kept(row),
            answer,
        });
        Ok(())
    }

    /// Writes the row whose turn it is; false if none waits.
    async fn finish_one(&mut self, written: &mut Written) -> Result<bool, Failure> {
        let Some(Waiting { line, kept, answer }) = self.waiting.pop_front() else {
            return Ok(false);
        };
        let verdict = match answer {
            Answer::Known(verdict) => verdict,
            Answer::Asked(call) => call
                .await
                .map_err(|error| Failure::local("other", &error))?
                .map_err(|failure| at_line(failure, line))?,
        };
        let (valid, error) = match verdict {
            Ok(true) => ("true", ""),
            Ok(false) => ("false", ""),
            Err(why) => ("", why),
        };
        let row = self.plan.write(&kept, valid, error);
        row.and_then(|row| written.file.write_all(&row))
            .map_err(|error| stopped(&error))?;
        written.count(line, valid, error);
        Ok(true)
    }
}

/// An error about this row alone is its verdict; any other ends all of it.
async fn ask(client: Client, question: Question) -> Result<Verdict, Failure> {
    let Question { token, dii } = question;
    match client.validate(&Validate::new(&token, &dii)).await {
        Ok(reply) => match reply.outcome {
            ValidateOutcome::Match => Ok(Ok(true)),
            ValidateOutcome::NoMatch => Ok(Ok(false)),
            _ => Err(Failure::said("unexpected_response", "an unknown outcome")),
        },
        Err(error) if error.action() == Action::FixInput => Ok(Err(Failure::from(error).kind)),
        Err(error) => Err(Failure::from(error)),
    }
}

fn at_line(mut failure: Failure, line: u64) -> Failure {
    failure.message = format!("stopped at line {line}: {}", failure.message);
    failure
}

fn stopped(error: &std::io::Error) -> Failure {
    Failure::said("io", format!("stopped: {error}"))
}
