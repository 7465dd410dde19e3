//! `uid2-core` and `uid2-token` have no clock, no randomness, no environment, no
//! files and no threads: clippy refuses what their `clippy.toml` lists, in
//! `cargo xtask test`'s step `clippy`.
//!
//! Here it is shown that clippy does refuse, entry by entry: each is planted in a
//! crate that has the same file. And that nothing in those two crates silences it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::scratch::Scratch;
use super::source;
use crate::run::{capture, root};

const CRATES: [&str; 2] = ["crates/uid2-core", "crates/uid2-token"];

/// How each listed item is used where it should not be: statements, and types.
const STATEMENTS: &[(&str, &str)] = &[
    ("std::time::SystemTime::now", "std::time::SystemTime::now()"),
    (
        "std::time::SystemTime::elapsed",
        "std::time::UNIX_EPOCH.elapsed()",
    ),
    ("std::time::Instant::now", "std::time::Instant::now()"),
    ("std::env::var", "std::env::var(\"X\")"),
    ("std::env::var_os", "std::env::var_os(\"X\")"),
    ("std::env::vars", "std::env::vars()"),
    ("std::env::vars_os", "std::env::vars_os()"),
    ("std::env::args", "std::env::args()"),
    ("std::thread::spawn", "std::thread::spawn(|| ())"),
    (
        "std::thread::sleep",
        "std::thread::sleep(std::time::Duration::ZERO)",
    ),
    ("std::fs::File::open", "std::fs::File::open(\"x\")"),
    ("std::fs::File::create", "std::fs::File::create(\"x\")"),
    ("std::fs::read", "std::fs::read(\"x\")"),
    ("std::fs::read_to_string", "std::fs::read_to_string(\"x\")"),
    ("std::fs::write", "std::fs::write(\"x\", \"\")"),
];
const TYPES: &[(&str, &str)] = &[
    ("std::sync::OnceLock", "std::sync::OnceLock<u8>"),
    ("std::sync::LazyLock", "std::sync::LazyLock<u8>"),
    ("std::sync::Mutex", "std::sync::Mutex<u8>"),
    ("std::sync::RwLock", "std::sync::RwLock<u8>"),
    ("std::hash::RandomState", "std::hash::RandomState"),
    (
        "std::collections::HashMap",
        "std::collections::HashMap<u8, u8>",
    ),
    ("std::collections::HashSet", "std::collections::HashSet<u8>"),
    ("std::net::TcpStream", "std::net::TcpStream"),
    ("std::net::UdpSocket", "std::net::UdpSocket"),
];

pub(crate) fn run() -> Result<()> {
    let [core, token] = CRATES.map(|krate| root().join(krate));
    let settings = read(&core.join("clippy.toml"))?;
    ensure!(
        settings == read(&token.join("clippy.toml"))?,
        "the clippy.toml of uid2-core and of uid2-token must be the same"
    );
    planted(&settings)?;
    for krate in [core, token] {
        for file in source::files(&krate.join("src"))? {
            if silences(&read(&file)?) {
                bail!("{} silences the list of clippy.toml", file.display());
            }
        }
        let manifest = krate.join("Cargo.toml");
        ensure!(
            read(&manifest)?.contains("[lints]\nworkspace = true"),
            "{} must take its lints from the workspace",
            manifest.display()
        );
    }
    let manifest = read(&root().join("Cargo.toml"))?;
    ensure!(
        !lowers(&manifest),
        "the lints of the workspace silence the list of clippy.toml"
    );
    let planted = [
        silences("#![allow(clippy::disallowed_types)]"),
        silences("#![allow(clippy::style)]"),
        silences("#[allow(warnings)]"),
        lowers("[workspace.lints.clippy]\nstyle = \"allow\"\n"),
        lowers("[workspace.lints.clippy]\ndisallowed_methods = \"allow\"\n"),
    ];
    ensure!(
        planted == [true; 5],
        "the self-test found {planted:?}: this check proves nothing"
    );
    Ok(())
}

/// Whether a source allows what the list refuses: by name, by the group that the
/// lints are in, or with everything.
fn silences(source: &str) -> bool {
    [
        "clippy::disallowed_",
        "clippy::style",
        "clippy::all",
        "allow(warnings",
        "cap-lints",
    ]
    .iter()
    .any(|silencer| source.contains(silencer))
}

/// Whether a manifest sets those lints, or their groups, at all.
fn lowers(manifest: &str) -> bool {
    manifest.lines().any(|line| {
        let name = line.split('=').next().unwrap_or_default().trim();
        name.starts_with("disallowed_") || matches!(name, "style" | "all" | "warnings")
    })
}

/// Every entry of the list is refused where it is used, and nothing else is.
fn planted(settings: &str) -> Result<()> {
    let listed = listed(settings);
    let all = || STATEMENTS.iter().chain(TYPES);
    let known: BTreeSet<_> = all().map(|(path, _)| (*path).to_owned()).collect();
    ensure!(
        listed == known,
        "clippy.toml lists other items than are planted here: {:?}",
        listed.symmetric_difference(&known)
    );
    let refused = refused(settings, &source_of_plants())?;
    let silent: Vec<_> = known.difference(&refused).collect();
    ensure!(silent.is_empty(), "clippy does not refuse {silent:?}");
    // And an innocent crate passes: it is those that clippy complains of.
    let innocent = self::refused(settings, "pub fn plus_one(x: u8) -> u8 {\n    x + 1\n}\n")?;
    ensure!(innocent.is_empty(), "clippy refuses {innocent:?}");
    Ok(())
}

fn source_of_plants() -> String {
    let mut source = String::from("#![allow(unused)]\n");
    for (at, (_, statement)) in STATEMENTS.iter().enumerate() {
        source += &format!("pub fn f{at}() {{\n    let _ = {statement};\n}}\n");
    }
    for (at, (_, ty)) in TYPES.iter().enumerate() {
        source += &format!("pub fn t{at}(_: {ty}) {{}}\n");
    }
    source
}

/// What clippy refuses to a crate with these settings.
fn refused(settings: &str, source: &str) -> Result<BTreeSet<String>> {
    let manifest = "name = \"pure\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    let scratch = Scratch::new("pure", manifest, source)?;
    scratch.file("clippy.toml", settings)?;
    let mut command = scratch.cargo(&["clippy", "--quiet", "--offline", "--", "-D", "warnings"]);
    let complaint = match capture(&mut command)? {
        Ok(_) => return Ok(BTreeSet::new()),
        Err(complaint) => complaint,
    };
    let items: BTreeSet<String> = complaint
        .lines()
        .filter(|line| line.contains("use of a disallowed"))
        .filter_map(|line| line.split('`').nth(1))
        .map(str::to_owned)
        .collect();
    ensure!(
        !items.is_empty(),
        "clippy failed for another reason:\n{complaint}"
    );
    Ok(items)
}

/// The paths of a `clippy.toml`.
fn listed(settings: &str) -> BTreeSet<String> {
    settings
        .split("path = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
