//! Accepting connections, and letting go of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use crate::StartError;
use crate::options::Options;

/// Connections at any one time; further ones wait to be accepted.
const CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request in bytes.
const HEAD: usize = 16 * 1024;
/// How long requests in flight may take once the site is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// Pause after an error of `accept`, which is "too many open files" in practice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many ports are tried after the first.
const PORTS: u16 = 100;

/// Listens on loopback: on this port, the next free one after it, or any.
pub(crate) async fn listen(port: Option<u16>) -> Result<TcpListener, StartError> {
    let first = port.unwrap_or(Options::DEFAULT_PORT);
    let mut last_error = None;
    for port in first..=first.saturating_add(if first == 0 { 0 } else { PORTS }) {
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last_error = Some(error),
        }
    }
    let none = || std::io::Error::from(std::io::ErrorKind::AddrInUse);
    Err(StartError::Listen(last_error.unwrap_or_else(none)))
}

/// Serves until told to stop; then answers what is in flight.
pub(crate) async fn serve(listener: TcpListener, app: Router, mut stop: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        // The semaphore is never closed.
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            break;
        };
        tokio::select! {
            _ = stop.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connection(stream, peer, seat, &app, &graceful),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    // What is still open after the grace period is dropped with the runtime.
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: OwnedSemaphorePermit,
    app: &Router,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let app = app.clone().map_request(move |request: hyper::Request<_>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let connection = graceful.watch(connection);
    drop(tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
        drop(seat);
    }));
}
