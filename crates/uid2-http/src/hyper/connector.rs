//! From a URL to a connection: name, TCP, proxy, TLS.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use tower_service::Service;

use super::failure::ConnectFailure;
use super::proxy::ProxyRules;
use super::resolver::{ResolveFailure, Resolver};
use super::stream::Stream;
use super::tls::Tls;
use crate::transport::TransportErrorKind;

/// Between probes of a connection on which nothing happens.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

type Connecting = Pin<Box<dyn Future<Output = Result<Stream, ConnectFailure>> + Send>>;
type TunnelFailure = <Tunnel<Dialer> as Service<Uri>>::Error;

/// Makes connections for the pool.
#[derive(Clone)]
pub(super) struct Connector {
    dialer: Dialer,
    proxies: Arc<ProxyRules>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(tls: Tls, proxies: ProxyRules, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        // Shared out among the addresses of a name, so that one that does not
        // answer leaves time for the next.
        tcp.set_connect_timeout(Some(timeout));
        Self {
            dialer: Dialer { tcp, tls },
            proxies: Arc::new(proxies),
            timeout,
        }
    }

    async fn connect(mut self, uri: Uri) -> Result<Stream, ConnectFailure> {
        let stream = match self.proxies.of(&uri) {
            Some(proxy) => self.tunnel(&proxy, uri.clone()).await?,
            None => self.dialer.dial(uri.clone()).await?,
        };
        if uri.scheme_str() != Some("https") {
            return Ok(stream);
        }
        let host = uri.host().unwrap_or_default();
        self.dialer.tls.to_server(host, stream).await
    }

    /// Always by CONNECT, so that the proxy learns the host and nothing else.
    async fn tunnel(&mut self, proxy: &Intercept, uri: Uri) -> Result<Stream, ConnectFailure> {
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.dialer.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let uri = with_port(uri);
        tunnel.call(uri).await.map_err(|error| {
            let kind = match &error {
                TunnelFailure::ProxyAuthRequired => TransportErrorKind::ProxyAuthentication,
                _ => TransportErrorKind::Proxy,
            };
            ConnectFailure::new(kind, error)
        })
    }
}

/// A tunnel takes no port for 443, whatever the scheme.
fn with_port(uri: Uri) -> Uri {
    if uri.port().is_some() || uri.scheme_str() != Some("http") {
        return uri;
    }
    let host = uri.host().unwrap_or_default();
    Uri::try_from(format!("http://{host}:80/")).unwrap_or(uri)
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectFailure;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let connecting = self.clone().connect(uri);
        let limited = tokio::time::timeout(self.timeout, connecting);
        Box::pin(async move {
            limited
                .await
                .unwrap_or_else(|_| Err(TransportErrorKind::ConnectTimeout.into()))
        })
    }
}

/// Makes the first leg: to the server, or to the proxy, TLS to it included.
#[derive(Clone)]
struct Dialer {
    tcp: HttpConnector<Resolver>,
    tls: Tls,
}

impl Dialer {
    async fn dial(&mut self, uri: Uri) -> Result<Stream, ConnectFailure> {
        match self.tcp.call(uri).await {
            Ok(tcp) => Ok(Stream::new(tcp.into_inner())),
            Err(error) => Err(ConnectFailure::new(dialing_kind(&error), error)),
        }
    }

    async fn dial_proxy(mut self, proxy: Uri) -> Result<Stream, ConnectFailure> {
        let stream = self.dial(proxy.clone()).await?;
        if proxy.scheme_str() != Some("https") {
            return Ok(stream);
        }
        let host = proxy.host().unwrap_or_default();
        self.tls.to_proxy(host, stream).await
    }
}

impl Service<Uri> for Dialer {
    type Response = Stream;
    type Error = ConnectFailure;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, proxy: Uri) -> Connecting {
        Box::pin(self.clone().dial_proxy(proxy))
    }
}

fn dialing_kind(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<ResolveFailure>() {
            return TransportErrorKind::Resolve;
        }
        // The system's own limit, or an address's share of ours.
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut) {
            return TransportErrorKind::ConnectTimeout;
        }
        cause = error.source();
    }
    TransportErrorKind::Connect
}
