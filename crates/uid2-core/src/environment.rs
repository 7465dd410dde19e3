//! Where the service is: scopes, environments and base URLs.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// UID2 or its European sibling.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Scope {
    /// Unified ID 2.0.
    #[default]
    Uid2,
    /// European Unified ID: no phone numbers, TCF consent strings.
    Euid,
}

/// The environments of the service and their base URLs (protocol, section 1).
///
/// Keys, secrets and tokens of one environment mean nothing in another; the
/// regions of production are one environment.
///
/// ```
/// use uid2_core::{BaseUrl, Environment};
///
/// let base = BaseUrl::from(Environment::Uid2Integration);
/// assert_eq!(base.as_str(), "https://operator-integ.uidapi.com");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// UID2 integration (testing).
    Uid2Integration,
    /// UID2 production, routed to the nearest region.
    Uid2Production,
    /// UID2 production, US East.
    Uid2ProductionUsEast,
    /// UID2 production, US West.
    Uid2ProductionUsWest,
    /// UID2 production, Australia.
    Uid2ProductionAustralia,
    /// UID2 production, Japan.
    Uid2ProductionJapan,
    /// UID2 production, Singapore.
    Uid2ProductionSingapore,
    /// EUID integration (testing).
    EuidIntegration,
    /// EUID production.
    EuidProduction,
}

impl Environment {
    /// UID2 or EUID.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::EuidIntegration | Self::EuidProduction => Scope::Euid,
            _ => Scope::Uid2,
        }
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Uid2Integration => "https://operator-integ.uidapi.com",
            Self::Uid2Production => "https://global.prod.uidapi.com",
            Self::Uid2ProductionUsEast => "https://prod.uidapi.com",
            Self::Uid2ProductionUsWest => "https://usw.prod.uidapi.com",
            Self::Uid2ProductionAustralia => "https://au.prod.uidapi.com",
            Self::Uid2ProductionJapan => "https://jp.prod.uidapi.com",
            Self::Uid2ProductionSingapore => "https://sg.prod.uidapi.com",
            Self::EuidIntegration => "https://integ.euid.eu",
            Self::EuidProduction => "https://prod.euid.eu",
        }
    }
}

/// A base URL that is safe to send an API key to: `https`, or `http` to this
/// machine only.
///
/// ```
/// use uid2_core::{BaseUrl, BaseUrlError};
///
/// assert_eq!(BaseUrl::parse("https://prod.uidapi.com/")?.as_str(), "https://prod.uidapi.com");
/// assert!(BaseUrl::parse("http://127.0.0.1:8080").is_ok());
/// assert_eq!(BaseUrl::parse("http://prod.uidapi.com"), Err(BaseUrlError::Insecure));
/// # Ok::<(), BaseUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Box<str>);

impl BaseUrl {
    /// Reads a base URL; a slash at its end is dropped, a path is kept.
    ///
    /// # Errors
    /// [`BaseUrlError`]; plain `http` is refused except to `localhost`,
    /// `127.0.0.0/8` and `[::1]`.
    pub fn parse(url: &str) -> Result<Self, BaseUrlError> {
        match Self::split(url)? {
            ("http", host) if !is_loopback(host) => Err(BaseUrlError::Insecure),
            _ => Ok(Self::normalized(url)),
        }
    }

    /// As [`BaseUrl::parse`], but lets plain `http` go anywhere. The API key and
    /// every token response key then cross the network in the clear: only for a
    /// closed network that encrypts by other means.
    ///
    /// # Errors
    /// [`BaseUrlError`], never [`BaseUrlError::Insecure`].
    pub fn parse_allowing_insecure(url: &str) -> Result<Self, BaseUrlError> {
        Self::split(url).map(|_| Self::normalized(url))
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn normalized(url: &str) -> Self {
        Self(url.trim_end_matches('/').to_owned().into_boxed_str())
    }

    /// Scheme and host of a URL that is fit to be a base.
    fn split(url: &str) -> Result<(&str, &str), BaseUrlError> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BaseUrlError::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(BaseUrlError::Scheme)?;
        if !matches!(scheme, "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if rest.contains(['?', '#', '\\']) {
            return Err(BaseUrlError::QueryOrFragment);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(BaseUrlError::UserInfo);
        }
        host_of(authority).map(|host| (scheme, host))
    }
}

/// The host of an authority, with its port checked and dropped.
fn host_of(authority: &str) -> Result<&str, BaseUrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => split_v6(rest)?,
        None => split_name(authority)?,
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Err(BaseUrlError::Port);
    }
    Ok(host)
}

/// `::1]:8080`, the opening bracket already gone.
fn split_v6(rest: &str) -> Result<(&str, Option<&str>), BaseUrlError> {
    let (host, after) = rest.split_once(']').ok_or(BaseUrlError::Host)?;
    host.parse::<Ipv6Addr>().map_err(|_| BaseUrlError::Host)?;
    if after.is_empty() {
        return Ok((host, None));
    }
    let port = after.strip_prefix(':').ok_or(BaseUrlError::Host)?;
    Ok((host, Some(port)))
}

/// `name:8080`. Names have few characters; anything else, `%` above all, might be
/// read in another way by whoever connects.
fn split_name(authority: &str) -> Result<(&str, Option<&str>), BaseUrlError> {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if host.is_empty() || !host.bytes().all(of_a_name) {
        return Err(BaseUrlError::Host);
    }
    Ok((host, port))
}

fn is_port(port: &str) -> bool {
    // `parse` alone would take a sign.
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match (host.parse::<Ipv4Addr>(), host.parse::<Ipv6Addr>()) {
        (Ok(v4), _) => v4.is_loopback(),
        (_, Ok(v6)) => IpAddr::V6(v6).to_canonical().is_loopback(),
        _ => false,
    }
}

impl From<Environment> for BaseUrl {
    fn from(environment: Environment) -> Self {
        Self(environment.base_url().into())
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(url: &str) -> Result<Self, BaseUrlError> {
        Self::parse(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaseUrl").field(&self.0).finish()
    }
}

/// Why a text is not a base URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Neither `http://` nor `https://`.
    #[error("the base URL must begin with https:// (or http:// to this machine)")]
    Scheme,
    /// White space, a control or a non-ASCII character.
    #[error("the base URL contains white space or a character that must be percent-encoded")]
    Character,
    /// No host, or not one.
    #[error("the base URL has no valid host")]
    Host,
    /// A port that is not a number up to 65535.
    #[error("the port of the base URL is not a number from 0 to 65535")]
    Port,
    /// `user:password@host`.
    #[error("the base URL must not contain a user name or password: the API key authenticates")]
    UserInfo,
    /// A query, a fragment or a backslash.
    #[error("the base URL must not contain '?', '#' or '\\': paths are appended to it")]
    QueryOrFragment,
    /// Plain `http` to another machine.
    #[error(
        "plain http would send the API key in the clear: use https, \
         or allow insecure URLs explicitly on a closed network"
    )]
    Insecure,
}
