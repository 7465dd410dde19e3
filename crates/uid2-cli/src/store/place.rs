//! Where a store is, and the keys that it is encrypted with.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use uid2_store::KeyRing;

use super::problem::Problem;

/// What was typed for a store. May hold a password, so it is not shown, and clap
/// does not read it: its complaints would repeat it.
#[derive(Clone)]
pub(super) struct Typed(OsString);

impl From<OsString> for Typed {
    fn from(text: OsString) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    Redis { url: String, prefix: String },
}

/// What all keys in Redis begin with unless told otherwise: as the library has it.
pub(super) const PREFIX: &str = "uid2";

impl Place {
    /// A path, the URL of a Redis server, or `env:NAME` for what is in a variable.
    pub(super) fn read(typed: &Typed, prefix: &str) -> Result<Self, Problem> {
        let Some(text) = typed.0.to_str() else {
            return Ok(Self::File(PathBuf::from(&typed.0)));
        };
        match text.strip_prefix("env:") {
            None => Self::of_text(text, prefix),
            Some(variable) => {
                let value = std::env::var(variable).unwrap_or_default();
                if value.trim().is_empty() {
                    return Err(Problem::usage(format!(
                        "{variable} is not set: it is to hold the path or URL of a store"
                    )));
                }
                Self::of_text(value.trim(), prefix)
            }
        }
    }

    fn of_text(text: &str, prefix: &str) -> Result<Self, Problem> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::File(PathBuf::from(text)));
        };
        match scheme {
            "redis" | "rediss" => Ok(Self::Redis {
                url: text.to_owned(),
                prefix: prefix.to_owned(),
            }),
            _ => Err(Problem::usage(
                "a store is a path, redis://… or rediss://…: no other address is known",
            )),
        }
    }

    /// Whether both are surely one and the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => {
                let real = |path: &Path| path.canonicalize().ok();
                one == other || real(one).is_some_and(|path| Some(path) == real(other))
            }
            _ => self == other,
        }
    }
}

/// For people; without user, password and options.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Redis { url, .. } => match server(url) {
                Some(server) => write!(f, "Redis at {server}"),
                None => f.write_str("Redis"),
            },
        }
    }
}

/// Host and port of a URL, if that is surely what it is.
fn server(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let server = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => (host, port),
        _ => (server, ""),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    let shows =
        !host.is_empty() && host.chars().all(is_host) && port.chars().all(|c| c.is_ascii_digit());
    shows.then_some(server)
}

/// Where the keys of an encrypted store come from.
pub(super) fn read_keys(
    file: Option<&Path>,
    variable: Option<&str>,
) -> Result<Option<KeyRing>, Problem> {
    if let Some(file) = file {
        return KeyRing::from_file(file).map(Some).map_err(|error| {
            Problem::new("invalid_keys", &error).about(&file.display().to_string())
        });
    }
    let Some(variable) = variable else {
        return Ok(None);
    };
    KeyRing::from_env(variable)
        .map(Some)
        .map_err(|error| Problem::new("invalid_keys", &error).about(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::read(&Typed(text.into()), PREFIX).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn paths_and_urls_are_told_apart() {
        assert!(place("uid2.db") == Place::File("uid2.db".into()));
        assert!(matches!(place("rediss://host"), Place::Redis { .. }));
        let refused = Place::read(&Typed("http://user:hunter22@host".into()), PREFIX);
        let message = refused.map(drop).unwrap_err().to_string();
        assert!(!message.contains("hunter22"), "{message}");
    }

    #[test]
    fn a_place_is_shown_without_its_password() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379", "Redis at 127.0.0.1:6379"),
            ("redis://user:hunter22@host:1/2", "Redis at host:1"),
            (
                "rediss://:hunter22@[::1]:1?password=hunter22",
                "Redis at [::1]:1",
            ),
            ("redis://:hunt@er/22@host", "Redis at host"),
            ("redis://:hunter22", "Redis"),
            ("redis://user:hunter22", "Redis"),
        ] {
            assert_eq!(place(url).to_string(), shown, "{url}");
        }
        assert_eq!(
            format!("{:?}", Typed("redis://:hunter22@host".into())),
            "<redacted>"
        );
    }

    #[test]
    fn the_same_store_is_known_by_other_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, "").unwrap();
        let detour = folder.path().join(".").join("a.db");
        assert!(Place::File(path.clone()).is_same(&Place::File(detour)));
        assert!(!Place::File(path).is_same(&place("redis://host")));
        assert!(place("redis://host").is_same(&place("redis://host")));
    }
}
