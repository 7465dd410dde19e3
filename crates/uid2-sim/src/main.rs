//! `cargo xtask simulate`: plays seeds until the time is up, and prints the one
//! that failed.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use uid2_sim::{Options, Report, play};

/// Play publishers, their store, the network and the operator under virtual time.
#[derive(Parser)]
struct Args {
    /// Simulated hours of each play.
    #[arg(long, default_value_t = 48)]
    hours: u64,
    /// Play this seed, once.
    #[arg(long)]
    seed: Option<u64>,
    /// Without a seed: go on with new seeds for so many real seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// People.
    #[arg(long, default_value_t = 60)]
    users: usize,
    /// Publisher processes that share the store.
    #[arg(long, default_value_t = 3)]
    nodes: u32,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        return verdict(seed, &args);
    }
    let first = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut seed = first;
    while seed == first || Instant::now() < end {
        let verdict = verdict(seed, &args);
        if verdict != ExitCode::SUCCESS {
            return verdict;
        }
        seed += 1;
    }
    say(&format!("{} plays, none failed", seed - first));
    ExitCode::SUCCESS
}

fn verdict(seed: u64, args: &Args) -> ExitCode {
    let options = Options {
        seed,
        hours: args.hours,
        users: args.users,
        nodes: args.nodes,
        leases: seed.is_multiple_of(2),
        flaw: None,
    };
    match play(&options) {
        Ok(Report { counts, steps }) => {
            say(&format!("seed {seed}: {steps} steps, {counts:?}"));
            ExitCode::SUCCESS
        }
        Err(violation) => {
            say(&format!(
                "seed {seed} FAILED at {} ms: {}",
                violation.at, violation.what
            ));
            say(&format!(
                "again: cargo xtask simulate --seed {seed} --hours {} --users {} --nodes {}",
                args.hours, args.users, args.nodes
            ));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(line: &str) {
    println!("{line}");
}
