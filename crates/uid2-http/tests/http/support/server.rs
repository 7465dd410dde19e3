//! Servers that count and remember.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use uid2_core::envelope::{self, Encoding, Opened};
use uid2_core::{BaseUrl, ClientSecret};

use super::CLIENT_SECRET;

/// A request as a server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// From 0 on, in order of arrival.
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) version: Version,
}

impl Seen {
    /// The request envelope.
    pub(crate) fn opened(&self) -> Opened {
        let secret: ClientSecret = CLIENT_SECRET.parse().unwrap();
        envelope::open_request(&secret, &self.body, Encoding::Text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Handler = dyn Fn(&Seen) -> Response<Bytes> + Send + Sync;

/// An HTTP server; the handler says what it answers. Ends with its value.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Log>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Seen) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::serve(None, Arc::new(handler)).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Seen) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(Arc::new(config).into()), Arc::new(handler)).await
    }

    async fn serve(tls: Option<TlsAcceptor>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::new(Log::default());
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&log), handler));
        Self {
            address,
            scheme,
            log,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn base_url(&self) -> BaseUrl {
        format!("{}://{}", self.scheme, self.address)
            .parse()
            .unwrap()
    }

    /// With a host name in place of the address.
    pub(crate) fn base_url_as(&self, host: &str) -> BaseUrl {
        let port = self.address.port();
        format!("{}://{host}:{port}", self.scheme).parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    log: Arc<Log>,
    handler: Arc<Handler>,
) {
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        log.connections.fetch_add(1, Ordering::SeqCst);
        let (log, handler, tls) = (Arc::clone(&log), Arc::clone(&handler), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(tcp, false, log, handler).await,
                Some(tls) => {
                    // A client that does not trust us is a case of its own.
                    if let Ok(tls) = tls.accept(tcp).await {
                        let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                        connection(tls, http2, log, handler).await;
                    }
                }
            }
        });
    }
}

async fn connection(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    log: Arc<Log>,
    handler: Arc<Handler>,
) {
    let service = service_fn(move |request| {
        let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
        async move { Ok::<_, Infallible>(answer(request, &log, &*handler).await) }
    });
    // How a connection ends is the client's business.
    if http2 {
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(io), service)
            .await;
    } else {
        let _ = http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service)
            .await;
    }
}

async fn answer(request: Request<Incoming>, log: &Log, handler: &Handler) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = {
        let mut all = log.seen.lock();
        let seen = Seen {
            number: all.len(),
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body,
            version: head.version,
        };
        all.push(seen.clone());
        seen
    };
    handler(&seen).map(Full::new)
}

/// A server of bytes: each connection is handled by a script.
pub(crate) struct RawServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl RawServer {
    /// The script gets the connection and its number, from 0 on.
    pub(crate) async fn start<F: Future<Output = ()> + Send + 'static>(
        script: impl Fn(TcpStream, usize) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tcp.set_nodelay(true).unwrap();
                tokio::spawn(script(tcp, count.fetch_add(1, Ordering::SeqCst)));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn base_url(&self) -> BaseUrl {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one request with a `Content-Length`, or the head of one without.
pub(crate) async fn read_request(tcp: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return bytes;
            }
        }
        if tcp.read_buf(&mut bytes).await.unwrap() == 0 {
            return bytes;
        }
    }
}
