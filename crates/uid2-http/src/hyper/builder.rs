//! How the transport comes to be.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::Connector;
use super::proxy::ProxyRules;
use super::tls::{Roots, Tls};
use super::{HyperTransport, Inner};

/// Idle connections are given up before the usual load balancer does (60 s), so
/// that a request seldom meets one that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// How often a busy HTTP/2 connection is asked if it is still there, and how
/// long it may take to say so.
const HTTP2_PING: Duration = Duration::from_secs(20);
const HTTP2_PONG: Duration = Duration::from_secs(5);
/// Response headers of an operator take less than one kilobyte.
const MAX_HEADERS: usize = 64 * 1024;

/// Bounds of a request and its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) read_timeout: Duration,
    pub(super) total_timeout: Duration,
    pub(super) max_response: usize,
    pub(super) insecure: bool,
}

/// Makes a [`HyperTransport`].
///
/// ```
/// use uid2_http::HyperTransport;
///
/// let refused = HyperTransport::builder()
///     .add_root_pem(b"not a certificate");
/// assert!(refused.is_err());
///
/// let direct = HyperTransport::builder().no_proxy().http1_only().build()?;
/// # Ok::<(), uid2_http::hyper::HyperTransportError>(())
/// ```
#[must_use]
pub struct HyperTransportBuilder {
    connect_timeout: Duration,
    limits: Limits,
    roots: Roots,
    proxy: ProxyChoice,
    http2: bool,
}

enum ProxyChoice {
    Environment,
    None,
    All(Box<ProxyRules>),
}

impl Default for HyperTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            limits: Limits {
                read_timeout: Duration::from_secs(5),
                total_timeout: Duration::from_secs(10),
                max_response: 256 * 1024,
                insecure: false,
            },
            roots: Roots {
                platform: true,
                added: Vec::new(),
            },
            proxy: ProxyChoice::Environment,
            http2: true,
        }
    }
}

impl HyperTransportBuilder {
    /// How long making a connection may take, resolving the name, the proxy and
    /// TLS included; 3 seconds unless told otherwise.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long nothing may come: from the request to the head of the response,
    /// and then between pieces of its body. 5 seconds unless told otherwise.
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.limits.read_timeout = timeout;
        self
    }

    /// How long one request and its response may take in all; 10 seconds unless
    /// told otherwise. (A call with its repeats has a
    /// [deadline](crate::RetryPolicy::with_deadline) of its own.)
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.limits.total_timeout = timeout;
        self
    }

    /// How many bytes the body of a response may have; 256 KiB unless told
    /// otherwise. An operator's have a few kilobytes.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.limits.max_response = bytes;
        self
    }

    /// Trusts the certificate authorities in this PEM text as well.
    ///
    /// # Errors
    /// [`HyperTransportError::Root`] if there is none in it.
    pub fn add_root_pem(mut self, pem: &[u8]) -> Result<Self, HyperTransportError> {
        self.roots.add_pem(pem)?;
        Ok(self)
    }

    /// Trusts the added certificate authorities only, not the system's.
    pub const fn only_added_roots(mut self) -> Self {
        self.roots.platform = false;
        self
    }

    /// Uses this proxy for everything, whatever the environment says. A URL
    /// with `http` or `https`, and user name and password if it needs them;
    /// `https` is spoken through it by CONNECT, so it sees no more than the
    /// host.
    ///
    /// # Errors
    /// [`HyperTransportError::Proxy`] or [`HyperTransportError::ProxyScheme`]
    /// if it cannot be used.
    pub fn proxy(mut self, url: &str) -> Result<Self, HyperTransportError> {
        self.proxy = ProxyChoice::All(Box::new(ProxyRules::all(url)?));
        Ok(self)
    }

    /// Uses no proxy, whatever the environment says. Unless told otherwise,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count, in upper
    /// or lower case, for servers other than this machine.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Does not offer HTTP/2.
    pub const fn http1_only(mut self) -> Self {
        self.http2 = false;
        self
    }

    /// Lets plain `http` go to other machines too. The API key and every
    /// refresh token then cross the network in the clear: only for a closed
    /// network that encrypts by other means. To be allowed by the
    /// [base URL](uid2_core::BaseUrl::parse_allowing_insecure) as well.
    pub const fn allow_insecure(mut self) -> Self {
        self.limits.insecure = true;
        self
    }

    /// The transport. Reads the system's certificate authorities and the
    /// environment, once.
    ///
    /// # Errors
    /// [`HyperTransportError`] if a root or a proxy in the environment cannot be
    /// used.
    pub fn build(self) -> Result<HyperTransport, HyperTransportError> {
        let proxies = match self.proxy {
            ProxyChoice::Environment => ProxyRules::from_env()?,
            ProxyChoice::None => ProxyRules::none(),
            ProxyChoice::All(rules) => *rules,
        };
        let tls = Tls::new(self.roots, self.http2)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_buf_size(MAX_HEADERS)
            .http2_keep_alive_interval(HTTP2_PING)
            .http2_keep_alive_timeout(HTTP2_PONG)
            .build(Connector::new(tls, proxies, self.connect_timeout));
        let inner = Inner {
            client,
            limits: self.limits,
        };
        Ok(HyperTransport {
            inner: Arc::new(inner),
        })
    }
}

impl fmt::Debug for HyperTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a [`HyperTransport`] could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HyperTransportError {
    /// A text without a certificate in PEM, or one that cannot be a root.
    #[error("the root is not a certificate in PEM: it begins with -----BEGIN CERTIFICATE-----")]
    Root {
        /// What is wrong with it, if there is one at all.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// Not the URL of a proxy.
    #[error("the proxy is not a URL: it looks like http://proxy.example:3128")]
    Proxy,
    /// A kind of proxy that cannot be used.
    #[error("the proxy must be an http:// or https:// one: SOCKS is not supported")]
    ProxyScheme,
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls {
        /// What rustls says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}
