//! An emulator may run for as long as a developer's machine does.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{World, email};

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse().unwrap()
}

#[test]
fn memory_does_not_grow_with_requests() {
    let mut world = World::new();
    let mut serve = |from: u32, to: u32| {
        for n in from..to {
            let identity = world.establish(&email(&format!("user-{n}@example.com")));
            world.refresh(&identity).unwrap();
        }
    };
    serve(0, 1000);
    let before = resident();
    serve(1000, 3500);
    let grown = resident().saturating_sub(before);
    println!("{grown} KiB more after 5000 requests");
    // A hundred bytes kept of each would be 500 KB.
    assert!(grown < 384, "{grown} KiB");
}
