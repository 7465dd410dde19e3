//! An emulator may run for as long as a developer's machine does. The example
//! `soak` looks at a million requests.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;
#[path = "common/soak.rs"]
mod soak;

use common::{World, email};

/// Both look at the memory of one process: one after the other, in one test.
#[test]
fn memory_does_not_grow_with_requests() {
    in_process();
    over_sockets();
}

fn in_process() {
    let mut world = World::new();
    let mut serve = |from: u32, to: u32| {
        for n in from..to {
            let identity = world.establish(&email(&format!("user-{n}@example.com")));
            if n % 10 == 0 {
                world.refresh(&identity).unwrap();
            }
        }
    };
    serve(0, 2000);
    let before = soak::resident_kib().unwrap();
    serve(2000, 20_000);
    let grown = soak::resident_kib().unwrap().saturating_sub(before);
    println!("{grown} KiB more after 19,800 requests");
    // Thirty bytes kept of each would be more.
    assert!(grown < 512, "{grown} KiB");
}

fn over_sockets() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let soaked = runtime.block_on(soak::soak(2000, 5000, 8)).unwrap();
    let grown = soaked.grown_kib;
    let resident = soaked.resident_kib;
    println!("{grown} KiB more, of {resident}, after 5000 requests over sockets");
    assert_eq!(soaked.answered, 7000);
    // Three hundred bytes kept of each would be more.
    assert!(grown < 1536, "{grown} KiB");
}
