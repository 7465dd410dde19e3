//! Secrets are compared in constant time, shown by nothing and wiped on drop, by
//! how their types are written.
//!
//! A secret is what is kept in a `Zeroizing`. So, of each type that keeps one:
//!
//! - what compares, orders, hashes or shows its bytes as they come (`PartialEq`,
//!   `PartialOrd`, `Ord`, `Hash`, `Debug`, `Display`, `Serialize`) is not derived;
//! - a `PartialEq` that is written out goes through `ct_eq`;
//! - the types in [`SECRETS`] do keep one: lest a change lose it unnoticed.
//!
//! And nothing compares what a secret exposes with `==`. That the memory is wiped
//! indeed is shown by uid2-core's test `wiped`, which looks for it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::source;
use crate::run::root;

/// Crates that keep secrets.
const CRATES: &[&str] = &[
    "uid2-core",
    "uid2-emulator",
    "uid2-http",
    "uid2-publisher",
    "uid2-store",
    "uid2-token",
];

/// Types that must keep what they have in a `Zeroizing`, or in a type that does.
const SECRETS: &[(&str, &[&str])] = &[
    (
        "uid2-core",
        &[
            "ApiKey",
            "ClientSecret",
            "DiiKey",
            "Email",
            "Identity",
            "Payload",
            "RefreshToken",
            "Request",
            "ResponseKey",
        ],
    ),
    ("uid2-store", &["KeyRing"]),
    (
        "uid2-token",
        &["OuterRefreshToken", "RawUid", "TokenKey", "UidKey"],
    ),
];

/// What must not be derived by what keeps a secret.
const NEVER_DERIVED: &[&str] = &[
    "PartialEq",
    "PartialOrd",
    "Ord",
    "Hash",
    "Debug",
    "Display",
    "Serialize",
];

/// Methods that give a secret away.
const EXPOSING: &[&str] = &["expose", "expose_base64", "authorization_header"];

pub(crate) fn run() -> Result<()> {
    self_test()?;
    let mut wrong = Vec::new();
    for krate in CRATES {
        let source = Source::of_crate(krate)?;
        wrong.extend(source.wrong());
        let secrets = SECRETS.iter().find(|(of, _)| of == krate);
        for name in secrets.map_or(&[][..], |(_, names)| names) {
            if !source.keeps_a_secret(name, 3) {
                wrong.push(format!("{krate}: {name} is not wiped on drop"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Faults that must be found, and what is no fault.
const FAULTS: &[&str] = &[
    "#[derive(Clone, PartialEq)]\nstruct Key(Zeroizing<[u8; 32]>);\n",
    "#[derive(\n    Clone,\n    Debug,\n)]\npub struct Key {\n    a: u8,\n    b: Arc<Zeroizing<String>>,\n}\n",
    "type Bytes = Zeroizing<[u8; 32]>;\n#[derive(Hash)]\npub(crate) enum Key {\n    A(Bytes),\n}\n",
    "struct Key(Zeroizing<u8>);\nimpl PartialEq for Key {\n    fn eq(&self, other: &Self) -> bool {\n        self.0 == other.0\n    }\n}\n",
    "fn f() -> bool {\n    key.expose() == given\n}\n",
    "fn f() {\n    if given != key.expose_base64() {\n    }\n}\n",
];
const INNOCENT: &str = "#[derive(Clone, PartialEq, Debug)]\nstruct Open(u8);\n\n#[derive(Clone)]\nstruct Key(Zeroizing<u8>);\n\n\
    impl PartialEq for Key {\n    fn eq(&self, other: &Self) -> bool {\n        self.0.ct_eq(&other.0).into()\n    }\n}\n\n\
    fn f() -> bool {\n    key.expose().len() == 3\n}\n";

fn self_test() -> Result<()> {
    let wrong = |text: &str| {
        let mut source = Source::default();
        source.read(Path::new("planted.rs"), text);
        source.wrong()
    };
    for fault in FAULTS {
        if wrong(fault).len() != 1 {
            bail!(
                "the self-test did not find what was planted: this check proves nothing\n{fault}"
            );
        }
    }
    let innocent = wrong(INNOCENT);
    ensure!(innocent.is_empty(), "the self-test found {innocent:?}");
    let mut source = Source::default();
    source.read(
        Path::new("planted.rs"),
        "struct Key([u8; 32]);\nstruct Holder(Key);\n",
    );
    ensure!(
        !source.keeps_a_secret("Holder", 3),
        "the self-test took bytes for a secret"
    );
    Ok(())
}

/// A type, as it is written.
struct Item {
    place: String,
    name: String,
    derives: String,
    body: String,
    /// Whether a `Zeroizing` stands in it.
    secret: bool,
}

/// `impl PartialEq for …`.
struct Comparison {
    place: String,
    of: String,
    constant_time: bool,
}

#[derive(Default)]
struct Source {
    items: Vec<Item>,
    comparisons: Vec<Comparison>,
    /// Places where something exposed is compared with `==`.
    plain: Vec<String>,
}

impl Source {
    fn of_crate(krate: &str) -> Result<Self> {
        let mut source = Self::default();
        let folder = root().join("crates").join(krate);
        for file in source::files(&folder.join("src"))? {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let place = file.strip_prefix(root()).unwrap_or(&file);
            source.read(place, &text);
        }
        ensure!(!source.items.is_empty(), "{krate} has no types");
        Ok(source)
    }

    /// Reads a file; it is laid out as rustfmt does.
    fn read(&mut self, file: &Path, text: &str) {
        // Unit tests stand last, and may compare as they like.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
        let aliases: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("= Zeroizing<"))
            .filter_map(|line| line.split_once("type ")?.1.split(" =").next())
            .collect();
        let lines: Vec<&str> = text.lines().collect();
        let mut derives = String::new();
        // A derive may have more lines than one.
        let mut derived_to = 0;
        for (at, line) in lines.iter().enumerate() {
            let place = format!("{}:{}", file.display(), at + 1);
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            if code.starts_with("#[derive(") {
                derives = block(&lines, at);
                derived_to = at + derives.lines().count();
            } else if let Some(name) = type_name(code) {
                let body = block(&lines, at);
                let secret = body.contains("Zeroizing<")
                    || aliases.iter().any(|alias| has_type(&body, alias));
                self.items.push(Item {
                    place: place.clone(),
                    name: name.to_owned(),
                    derives: std::mem::take(&mut derives),
                    body,
                    secret,
                });
            } else if let Some(of) = compared(code) {
                self.comparisons.push(Comparison {
                    place: place.clone(),
                    of: of.to_owned(),
                    constant_time: block(&lines, at).contains("ct_eq"),
                });
            } else if at >= derived_to && !code.starts_with("#[") {
                derives.clear();
            }
            if compares_exposed(code) {
                self.plain.push(place);
            }
        }
    }

    /// What is wrong, of each with its place.
    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for item in self.items.iter().filter(|item| item.secret) {
            let derived = NEVER_DERIVED.iter();
            for name in derived.filter(|name| has_word(&item.derives, name)) {
                wrong.push(format!(
                    "{}: {} keeps a secret and derives {name}",
                    item.place, item.name
                ));
            }
        }
        for comparison in self.comparisons.iter().filter(|it| !it.constant_time) {
            // Of what is made of secrets, each is compared by its own.
            let secret = |item: &Item| item.secret && item.name == comparison.of;
            if self.items.iter().any(secret) {
                wrong.push(format!(
                    "{}: {} is not compared by ct_eq",
                    comparison.place, comparison.of
                ));
            }
        }
        for place in &self.plain {
            wrong.push(format!("{place}: a secret is compared with == or !="));
        }
        wrong
    }

    /// Whether a type has a `Zeroizing` in it, or in what it is made of.
    fn keeps_a_secret(&self, name: &str, depth: usize) -> bool {
        let mut named = self.items.iter().filter(|item| item.name == name);
        named.any(|item| {
            let inside = |other: &Item| other.name != name && has_word(&item.body, &other.name);
            item.secret
                // Wiped is what Zeroizing is, and compares in constant time itself.
                || has_word(&item.body, "Wiped")
                || depth > 0
                    && self
                        .items
                        .iter()
                        .any(|other| inside(other) && self.keeps_a_secret(&other.name, depth - 1))
        })
    }
}

/// From a line to the one that ends it: at the same depth, or the same line.
fn block(lines: &[&str], at: usize) -> String {
    let first = lines.get(at).copied().unwrap_or_default();
    let depth = first.len() - first.trim_start().len();
    let mut text = String::from(first);
    if first.ends_with(';') || first.ends_with(")]") || first.ends_with("{}") {
        return text;
    }
    for line in lines.iter().skip(at + 1) {
        text.push('\n');
        text += line;
        let closes = line.trim_start().starts_with([')', '}', ']']);
        if closes && line.len() - line.trim_start().len() == depth && !line.ends_with('{') {
            break;
        }
    }
    text
}

fn type_name(code: &str) -> Option<&str> {
    let code = match code.strip_prefix("pub") {
        Some(rest) => rest.split_once(' ')?.1,
        None => code,
    };
    let rest = code
        .strip_prefix("struct ")
        .or_else(|| code.strip_prefix("enum "))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    rest.get(..end.unwrap_or(rest.len()))
}

fn compared(code: &str) -> Option<&str> {
    let rest = code.strip_prefix("impl")?;
    let of = rest.split_once("PartialEq for ")?.1;
    let end = of.find(|c: char| !c.is_alphanumeric() && c != '_');
    of.get(..end.unwrap_or(of.len()))
}

fn compares_exposed(code: &str) -> bool {
    EXPOSING.iter().any(|method| {
        [" == ", " != "].iter().any(|operator| {
            code.split_once(operator).is_some_and(|(left, right)| {
                let call = format!(".{method}()");
                left.trim_end().ends_with(&call) || {
                    let end = right.find([' ', '{', ';', ',']).unwrap_or(right.len());
                    right.get(..end).is_some_and(|right| right.contains(&call))
                }
            })
        })
    })
}

/// The same, but not as the name of a variant, with which a line begins.
fn has_type(body: &str, name: &str) -> bool {
    let rest = body.lines().map(|line| line.trim_start());
    rest.filter_map(|line| line.split_once([' ', '(']))
        .any(|(_, rest)| has_word(rest, name))
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
