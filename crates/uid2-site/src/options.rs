//! How to start a site.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uid2_core::BaseUrl;
use uid2_core::operation::Caller;

use crate::records::SessionLife;
use crate::{Site, StartError};

/// Which operator a site calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operator {
    /// One in this process, made for the site: no account is needed, people can
    /// be opted out of it, and time can be let pass.
    Embedded,
    /// Another one, by its base URL.
    At(Caller, BaseUrl),
}

/// How many requests one peer address may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Forms a minute, in the long run.
    pub forms_per_minute: u32,
    /// Forms at once.
    pub form_burst: u32,
}

impl Default for Limits {
    /// Plenty for a person, little for a program.
    fn default() -> Self {
        Self {
            per_second: 20,
            burst: 100,
            forms_per_minute: 60,
            form_burst: 30,
        }
    }
}

/// How to start a [`Site`].
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// use uid2_site::Options;
///
/// let site = Options::new(folder.path()).port(0).start().await?;
/// assert!(site.url().starts_with("http://127.0.0.1:"));
/// site.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call start"]
pub struct Options {
    pub(crate) data: PathBuf,
    pub(crate) operator: Operator,
    pub(crate) port: Option<u16>,
    pub(crate) origin: Option<Box<str>>,
    pub(crate) limits: Limits,
    pub(crate) sessions: SessionLife,
    pub(crate) patience: Duration,
}

impl Options {
    /// The port that a site listens on unless told otherwise, if it is free.
    pub const DEFAULT_PORT: u16 = 3033;

    /// A site that keeps what it knows in this folder, and has an operator of
    /// its own.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            data: data.into(),
            operator: Operator::Embedded,
            port: None,
            origin: None,
            limits: Limits::default(),
            sessions: SessionLife {
                whole: DAY * 30,
                idle: DAY * 7,
            },
            patience: Duration::from_secs(4),
        }
    }

    /// Which operator to call.
    pub fn operator(mut self, operator: Operator) -> Self {
        self.operator = operator;
        self
    }

    /// The first port to try; 3033 unless told otherwise. If it is taken, the
    /// next free one is used. 0 is any free one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The site's address as browsers see it, when a TLS proxy on this machine
    /// stands before it, e.g. `https://demo.example`. Cookies are then `Secure`,
    /// and no other `Host` is served. The site itself only ever listens on
    /// loopback.
    ///
    /// # Errors
    /// [`OriginError`] unless it is `https://`, a host and perhaps a port.
    pub fn origin(mut self, origin: &str) -> Result<Self, OriginError> {
        let origin = origin.trim_end_matches('/').to_ascii_lowercase();
        let host = origin.strip_prefix("https://").ok_or(OriginError)?;
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(usual) {
            return Err(OriginError);
        }
        self.origin = Some(origin.into());
        Ok(self)
    }

    /// How many requests one peer address may make.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a visitor waits for the operator at most; four seconds unless
    /// told otherwise.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts. The site accepts connections once this returns.
    ///
    /// Must be called within a tokio runtime of several threads, with I/O and
    /// time enabled.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way.
    pub async fn start(self) -> Result<Site, StartError> {
        Site::start(self).await
    }

    /// Each operator has a folder of its own: the tokens of one mean nothing to
    /// another.
    pub(crate) fn folder(&self) -> PathBuf {
        match &self.operator {
            Operator::Embedded => self.data.join("embedded"),
            Operator::At(_, base_url) => self.data.join(folder_name(base_url.as_str())),
        }
    }
}

fn folder_name(url: &str) -> String {
    let (_, host) = url.split_once("://").unwrap_or(("", url));
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let name: String = host
        .chars()
        .map(|c| if usual(c) { c } else { '_' })
        .collect();
    format!("at-{name}")
}

/// A text is not the address of a site behind a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address of a site: write https:// and the host, as in https://demo.example")]
pub struct OriginError;

/// Where a site keeps its data unless told otherwise: `uid2-site` in the folder
/// for the state of programs (`XDG_STATE_HOME`, `~/.local/state`, or
/// `%LOCALAPPDATA%`), or in that for temporary files if there is none.
#[must_use]
pub fn default_data_folder() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = state_folder(folder);
    state.unwrap_or_else(std::env::temp_dir).join("uid2-site")
}

fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let given = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(absolute);
    let local = || variable("LOCALAPPDATA").map(PathBuf::from).filter(absolute);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".local/state"));
    given.or_else(local).or_else(|| home().filter(absolute))
}

/// At least one, or the site refuses everything.
pub(crate) fn positive(limit: u32) -> Result<NonZeroU32, StartError> {
    NonZeroU32::new(limit).ok_or(StartError::NoLimit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_https_and_a_host() {
        let origin = |text: &str| Options::new("x").origin(text).map(|options| options.origin);
        assert_eq!(
            origin("https://Demo.example/"),
            Ok(Some("https://demo.example".into()))
        );
        assert_eq!(
            origin("https://demo.example:8443"),
            Ok(Some("https://demo.example:8443".into()))
        );
        for wrong in [
            "",
            "https://",
            "http://demo.example",
            "https://a/b",
            "https://a b",
            "demo",
        ] {
            assert_eq!(origin(wrong), Err(OriginError), "{wrong}");
        }
    }

    #[test]
    fn operators_do_not_share_a_folder() {
        assert_eq!(folder_name("https://prod.uidapi.com"), "at-prod.uidapi.com");
        assert_eq!(folder_name("http://127.0.0.1:80/x"), "at-127.0.0.1_80_x");
    }

    #[test]
    fn the_state_folder_is_the_first_that_is_known() {
        let known = |pairs: &'static [(&str, &str)]| {
            state_folder(move |name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        if cfg!(unix) {
            assert_eq!(
                known(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]),
                Some("/s".into())
            );
            assert_eq!(known(&[("HOME", "/h")]), Some("/h/.local/state".into()));
        }
        assert_eq!(known(&[("XDG_STATE_HOME", "relative"), ("HOME", "")]), None);
    }
}
