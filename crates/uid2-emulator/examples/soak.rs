//! Sends the emulator a million generate requests over loopback sockets and
//! fails if its memory grows: `cargo run --release -p uid2-emulator --example
//! soak [requests]`. Linux only, for it reads `/proc`.

#[path = "../tests/common/soak.rs"]
mod soak;

use std::process::ExitCode;
use std::time::Instant;

/// In flight at a time.
const CONNECTIONS: u32 = 16;
/// Enough for every buffer and the journal of requests to be full.
const WARM_UP: u32 = 20_000;
/// How much memory may grow: 4 bytes of each of a million requests would be it.
const BOUND_KIB: u64 = 4096;

fn main() -> ExitCode {
    let calls = std::env::args().nth(1);
    let Ok(calls) = calls.map_or(Ok(1_000_000), |calls| calls.parse()) else {
        return fail("give the number of requests");
    };
    let start = Instant::now();
    let runtime = tokio::runtime::Runtime::new();
    let soaked = match runtime {
        Ok(runtime) => runtime.block_on(soak::soak(WARM_UP, calls, CONNECTIONS)),
        Err(error) => return fail(&error.to_string()),
    };
    match soaked {
        Ok(soaked) => verdict(&soaked, start),
        Err(error) => fail(&error.to_string()),
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn verdict(soaked: &soak::Soaked, start: Instant) -> ExitCode {
    let soak::Soaked {
        answered,
        grown_kib,
        resident_kib,
    } = soaked;
    println!(
        "{answered} requests answered in {:.1} s; {resident_kib} KiB resident, {grown_kib} KiB more \
         than after the first {WARM_UP}",
        start.elapsed().as_secs_f64()
    );
    if *grown_kib > BOUND_KIB {
        return fail("memory grows");
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
