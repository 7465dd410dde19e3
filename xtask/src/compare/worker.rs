//! The programs, and what they are asked.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::interop::operators::Operator;

/// A program that does the work.
pub(super) struct Program {
    pub(super) name: String,
    /// Of the SDK and of what it runs on.
    pub(super) version: String,
    pub(super) command: Box<dyn Fn() -> Command>,
}

impl Program {
    /// From now on it knows where the operator is.
    pub(super) fn told_by(&mut self, operator: &Operator) {
        let mut told = Command::new("x");
        operator.tell(&mut told);
        let told: Vec<_> = told
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let command = std::mem::replace(&mut self.command, Box::new(|| Command::new("x")));
        self.command = Box::new(move || {
            let mut command = command();
            command.envs(told.iter().cloned());
            // It is on this machine, whatever proxy leads out of it.
            command
                .env("NO_PROXY", "127.0.0.1")
                .env("no_proxy", "127.0.0.1");
            command
        });
    }
}

/// A program at work.
pub(super) struct Worker {
    program: Program,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    pub(super) fn start(program: Program) -> Result<Self> {
        let mut process = (program.command)()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.name))?;
        let questions = process.stdin.take().context("no input")?;
        let answers = process.stdout.take().context("no output")?;
        Ok(Self {
            program,
            process,
            questions,
            answers: BufReader::new(answers),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.program.name
    }

    pub(super) fn version(&self) -> &str {
        &self.program.version
    }

    /// Has it do something, and returns what it says.
    pub(super) fn ask(&mut self, question: &Value) -> Result<Value> {
        let name = &self.program.name;
        writeln!(self.questions, "{question}").with_context(|| format!("{name} has ended"))?;
        self.questions.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line)
            .with_context(|| format!("{name} was asked {question} and said {line:?}"))
    }

    /// The text that it answers with.
    pub(super) fn ask_text(&mut self, question: &Value, field: &str) -> Result<String> {
        let answer = self.ask(question)?;
        let text = answer.get(field).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| anyhow!("{} said {answer}", self.program.name))
    }

    /// The most memory that it has had so far, in KiB.
    pub(super) fn peak_memory(&mut self) -> Result<Option<u64>> {
        let answer = self.ask(&json!({ "do": "memory" }))?;
        Ok(answer.get("peak_kib").and_then(Value::as_u64))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
