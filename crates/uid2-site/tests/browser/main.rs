//! The site in a real browser: every path by clicking, with screenshots, the
//! browser's own complaints, and an automated accessibility check.
//!
//! It needs chromium, chromedriver and axe-core, which `cargo xtask test browser`
//! sees to. Started otherwise, it says that it was skipped.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fail"
)]

mod driver;
mod look;
mod paths;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use driver::Driver;
use world::World;

/// Set by `cargo xtask test browser`: the file of axe-core.
const AXE: &str = "UID2_SITE_AXE";

fn main() -> ExitCode {
    let Some(axe) = std::env::var_os(AXE) else {
        println!("browser: skipped; `cargo xtask test browser` runs it");
        return ExitCode::SUCCESS;
    };
    let axe = std::fs::read_to_string(axe).expect("axe-core");
    // Words on the command line choose the paths whose names have them.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let local = tokio::task::LocalSet::new();
    let driver = Driver::start();
    let mut failed = Vec::new();
    for (name, path) in paths::ALL {
        if !only.is_empty() && !only.iter().any(|word| name.contains(word)) {
            continue;
        }
        let begun = Instant::now();
        let ran = local.block_on(&runtime, async {
            let mut world = World::new(&driver, &axe).await;
            // A task, so that a panic in it is told and the next one goes on.
            let walked = tokio::task::spawn_local(async move {
                path(&mut world).await;
                world.finish().await;
            });
            walked.await
        });
        let word = if ran.is_ok() { "ok" } else { "FAILED" };
        println!(
            "browser: {name} ... {word} ({:.1} s)",
            begun.elapsed().as_secs_f32()
        );
        if ran.is_err() {
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("browser: failed: {}", failed.join(", "));
    ExitCode::FAILURE
}
