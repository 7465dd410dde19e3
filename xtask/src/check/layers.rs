//! Arrows between crates only point down: asserted on what cargo resolves, so
//! that a dependency of a dependency counts too.

use anyhow::{Result, anyhow, bail};

use crate::run::{capture, cargo};

/// What must not be among a crate's normal dependencies, direct or not.
struct Rule {
    krate: &'static str,
    all_features: bool,
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    // No I/O, no clock, no randomness, whatever the features.
    Rule {
        krate: "uid2-core",
        all_features: true,
        never: &[
            "tokio",
            "hyper",
            "mio",
            "socket2",
            "getrandom",
            "rand",
            "rustls",
            "tracing",
            "uid2-http",
            "uid2-store",
            "uid2-publisher",
            "uid2-token",
            "uid2-emulator",
        ],
    },
    Rule {
        krate: "uid2-token",
        all_features: true,
        never: &[
            "tokio",
            "hyper",
            "mio",
            "getrandom",
            "uid2-http",
            "uid2-store",
            "uid2-publisher",
            "uid2-emulator",
        ],
    },
    // The two that do not know each other.
    Rule {
        krate: "uid2-http",
        all_features: true,
        never: &[
            "uid2-store",
            "uid2-publisher",
            "uid2-token",
            "uid2-emulator",
        ],
    },
    Rule {
        krate: "uid2-store",
        all_features: true,
        never: &[
            "hyper",
            "uid2-http",
            "uid2-publisher",
            "uid2-token",
            "uid2-emulator",
        ],
    },
    // Only the command line and the site may know the emulator.
    Rule {
        krate: "uid2-publisher",
        all_features: true,
        never: &["uid2-token", "uid2-emulator", "uid2-site", "uid2-cli"],
    },
    Rule {
        krate: "uid2-emulator",
        all_features: true,
        never: &[
            "uid2-publisher",
            "uid2-http",
            "uid2-store",
            "uid2-site",
            "uid2-cli",
        ],
    },
    // On top, beside nothing but the command line that starts it.
    Rule {
        krate: "uid2-site",
        all_features: true,
        never: &["uid2-cli", "uid2-sim"],
    },
];

pub(crate) fn run() -> Result<()> {
    for rule in RULES {
        check(rule)?;
    }
    let broken = Rule {
        krate: "uid2-publisher",
        all_features: false,
        never: &["uid2-core"],
    };
    match check(&broken) {
        Err(_) => Ok(()),
        Ok(()) => bail!("the self-test passed: this check proves nothing"),
    }
}

fn check(rule: &Rule) -> Result<()> {
    let found = dependencies(rule)?;
    let wrong: Vec<_> = rule
        .never
        .iter()
        .filter(|never| found.iter().any(|name| name == *never))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        bail!("{} must not depend on {wrong:?}", rule.krate)
    }
}

/// The names of all normal dependencies of a crate, itself included.
fn dependencies(rule: &Rule) -> Result<Vec<String>> {
    let mut command = cargo(&["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
    command.args(["--format", "{p}", "--package", rule.krate]);
    if rule.all_features {
        command.arg("--all-features");
    }
    let tree = capture(&mut command)?.map_err(|complaint| anyhow!(complaint))?;
    let names: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    if names.first().map(String::as_str) != Some(rule.krate) {
        bail!("cargo tree did not list {}", rule.krate);
    }
    Ok(names)
}
