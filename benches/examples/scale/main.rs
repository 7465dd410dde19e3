//! A publisher with ten thousand, a hundred thousand and a million users: what one
//! user costs, and whether that stays the same. `cargo xtask scale` runs this.
//!
//! Each size is measured in a process of its own, which holds nothing else. Prints
//! a table, and writes it with a plot into the folder that is given.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench kind"
)]

mod kind;
mod latency;
mod measure;
mod plot;
mod publisher;
mod report;
#[path = "../../benches/store/users.rs"]
#[allow(dead_code, reason = "the bench of stores needs more of it")]
mod users;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use kind::Kind;
use measure::Figures;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [child, kind, users] = arguments.as_slice()
        && child == "child"
    {
        let figures = measure::measure(Kind::named(kind), users.parse().unwrap());
        println!("{}", figures.to_line());
        return ExitCode::SUCCESS;
    }
    let [folder, sizes @ ..] = arguments.as_slice() else {
        println!("say into which folder to write, and how many users, in growing order");
        return ExitCode::FAILURE;
    };
    let sizes: Vec<usize> = if sizes.is_empty() {
        vec![10_000, 100_000, 1_000_000]
    } else {
        let sizes = sizes.iter().map(|size| size.parse()).collect();
        let Ok(sizes) = sizes else {
            println!("how many users is a number: {}", arguments[1..].join(" "));
            return ExitCode::FAILURE;
        };
        sizes
    };
    let fewest = measure::DUE * measure::SWEEPS;
    if sizes.iter().any(|users| *users < fewest) {
        println!("at least {fewest} users, for each sweep to find others due");
        return ExitCode::FAILURE;
    }
    report::prove();
    all(&PathBuf::from(folder), &sizes)
}

fn all(folder: &Path, sizes: &[usize]) -> ExitCode {
    let mut measured = Vec::new();
    for kind in Kind::ALL {
        for users in sizes {
            println!("measuring: {}, {users} users", kind.name());
            measured.push(in_a_process(kind, *users));
        }
    }
    let (text, flat) = report::report(&measured);
    println!("\n{text}");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("scale.md"), text).unwrap();
    plot::draw(&folder.join("scale.svg"), &measured).unwrap();
    println!("written: scale.md and scale.svg in {}", folder.display());
    if flat {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn in_a_process(kind: Kind, users: usize) -> Figures {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["child", kind.name(), &users.to_string()])
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {text}", kind.name());
    Figures::from_line(kind, users, text.trim())
}
