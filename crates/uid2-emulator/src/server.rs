//! A small HTTP/1.1 server around an operator.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::clock::Clock;
use crate::fault::Delivery;
use crate::operator::Operator;
use crate::socket::{Cut, FaultyBody, Socket};

/// How long requests in flight may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after an error of `accept`, which is "too many open files" in practice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What each connection needs.
#[derive(Clone)]
pub(crate) struct Service {
    operator: Arc<Operator>,
    clock: Clock,
    /// If this is the server of the administration.
    admin: Option<Admin>,
}

impl Service {
    pub(crate) const fn new(operator: Arc<Operator>, clock: Clock) -> Self {
        Self {
            operator,
            clock,
            admin: None,
        }
    }

    pub(crate) fn of_admin(admin: Admin) -> Self {
        Self {
            operator: Arc::clone(&admin.operator),
            clock: Arc::clone(&admin.clock),
            admin: Some(admin),
        }
    }

    async fn answer(&self, request: Request<Incoming>, rng: &Mutex<ChaCha20Rng>) -> Delivery {
        let (head, body) = request.into_parts();
        if body.size_hint().lower() > Operator::MAX_BODY as u64 {
            // Announced as too long: do not wait for it.
            let request = Request::from_parts(head, ());
            return Delivery::Whole(self.operator.refuse_too_long(&request, (self.clock)()));
        }
        match Limited::new(body, Operator::MAX_BODY).collect().await {
            Ok(body) => {
                let request = Request::from_parts(head, body.to_bytes());
                self.operate(request, rng).await
            }
            Err(error) if error.is::<LengthLimitError>() => {
                let request = Request::from_parts(head, ());
                Delivery::Whole(self.operator.refuse_too_long(&request, (self.clock)()))
            }
            // The client went away in mid-body: nobody reads an answer.
            Err(_) => Delivery::Reset,
        }
    }

    /// The operator's answer, and what may go wrong with it.
    async fn operate(&self, request: Request<Bytes>, rng: &Mutex<ChaCha20Rng>) -> Delivery {
        if let Some(admin) = &self.admin {
            return Delivery::Whole(admin.handle(&request));
        }
        let fault = self.operator.fault_for(&request, &mut *rng.lock());
        let delay = fault.delay(&mut *rng.lock());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let now = (self.clock)();
        let rng = &mut *rng.lock();
        self.operator.handle_with(request, now, &fault, rng)
    }
}

/// Accepts connections until told to stop, or dropped; then its connections
/// are dropped with it.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Service,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, service.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Forget those that have ended, so that memory stays constant.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // What is still open after the grace period is dropped.
    let _ = tokio::time::timeout(GRACE, all).await;
}

async fn connection(stream: TcpStream, service: Service, mut stopped: watch::Receiver<bool>) {
    let Some(rng) = generator() else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let (socket, reset) = Socket::new(stream);
    let respond = service_fn(|request| async {
        respond(service.answer(request, &rng).await).inspect_err(|_| reset.set())
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(socket), respond);
    let mut connection = core::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// As hyper sends it; an error ends the connection without an answer.
fn respond(delivery: Delivery) -> Result<Response<FaultyBody>, Cut> {
    match delivery {
        Delivery::Whole(response) => Ok(response.map(FaultyBody::whole)),
        Delivery::Truncated(response, bytes) => {
            Ok(response.map(|body| FaultyBody::truncated(body, bytes)))
        }
        Delivery::Stalled(response, bytes) => {
            Ok(response.map(|body| FaultyBody::stalled(body, bytes)))
        }
        Delivery::Reset => Err(Cut),
    }
}

/// A generator of its own for each connection, seeded by the system.
fn generator() -> Option<Mutex<ChaCha20Rng>> {
    let mut seed = [0; 32];
    match getrandom::fill(&mut seed) {
        Ok(()) => Some(Mutex::new(ChaCha20Rng::from_seed(seed))),
        Err(error) => {
            tracing::error!(%error, "the system has no randomness; dropping a connection");
            None
        }
    }
}
