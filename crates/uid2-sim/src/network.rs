//! The way between a publisher and the operator: it loses, delays, repeats and
//! alters what it carries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use uid2_emulator::Operator;
use uid2_http::{Runtime, Transport, TransportError, TransportErrorKind};

use crate::faults::Weather;
use crate::ledger::Ledger;
use crate::runtime::{Node, Sim};

/// How long a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// Told of a user, as the store names users.
pub type Hook = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// One node's way to the operator.
#[derive(Clone)]
pub struct Network {
    /// Whose.
    pub node: Node,
    /// Time.
    pub sim: Sim,
    /// The other end.
    pub operator: Arc<Operator>,
    /// What goes wrong.
    pub weather: Weather,
    /// Who watches.
    pub ledger: Ledger,
    /// Told of every refresh that leaves, and of whom.
    pub on_refresh: Hook,
    /// How many nodes may refresh one user at a time: one where there are leases.
    pub nodes_at_a_time: usize,
}

impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let flight = self.note_refresh(&request);
        let response = self.carry(request).await;
        drop(flight);
        response
    }
}

impl Network {
    fn note_refresh(&self, request: &Request<Bytes>) -> Option<crate::ledger::Refreshing> {
        if !request.uri().path().ends_with("/token/refresh") {
            return None;
        }
        let token = std::str::from_utf8(request.body()).ok()?;
        let at = self.sim.passed();
        let flight = self.ledger.refreshing(at, self.node, token)?;
        (self.on_refresh)(flight.key());
        if self.ledger.nodes_refreshing(flight.key()) > self.nodes_at_a_time {
            let what = "a user is refreshed on two nodes at a time, in spite of leases";
            self.ledger.violate(at, what);
        }
        Some(flight)
    }

    async fn carry(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let faults = self.weather.now();
        self.delay(faults.slow).await?;
        if self.sim.chance(faults.resets) {
            return Err(TransportError::new(TransportErrorKind::Reset));
        }
        if self.sim.chance(faults.lost_requests) {
            return self.silence().await;
        }
        if self.sim.chance(faults.refused) {
            return Ok(self.refusal());
        }
        if self.sim.chance(faults.duplicated) {
            drop(self.deliver(request.clone()));
        }
        let response = self.deliver(request);
        self.delay(faults.slow).await?;
        if self.sim.chance(faults.lost_responses) {
            return self.silence().await;
        }
        if self.sim.chance(faults.corrupted) {
            return Ok(self.alter(response));
        }
        Ok(response)
    }

    /// Most messages take milliseconds, some the better part of a minute: then
    /// the client gives up before.
    async fn delay(&self, slow: u64) -> Result<(), TransportError> {
        let millis = if self.sim.chance(slow) {
            self.sim.below(60_000)
        } else {
            1 + self.sim.below(150)
        };
        let delay = Duration::from_millis(millis);
        self.sim.sleep(delay.min(PATIENCE)).await;
        if delay >= PATIENCE {
            return Err(TransportError::new(TransportErrorKind::ReadTimeout));
        }
        Ok(())
    }

    async fn silence(&self) -> Result<Response<Bytes>, TransportError> {
        self.sim.sleep(PATIENCE).await;
        Err(TransportError::new(TransportErrorKind::TotalTimeout))
    }

    fn deliver(&self, request: Request<Bytes>) -> Response<Bytes> {
        let now = self.sim.true_time();
        self.operator.handle(request, now, &mut self.sim.rng())
    }

    /// What front ends say, with and without a hint and a page.
    fn refusal(&self) -> Response<Bytes> {
        let (status, body) = match self.sim.below(3) {
            0 => (StatusCode::TOO_MANY_REQUESTS, ""),
            1 => (StatusCode::SERVICE_UNAVAILABLE, "<html>busy</html>"),
            _ => (StatusCode::BAD_GATEWAY, ""),
        };
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = status;
        if self.sim.chance(500) {
            let secs = 1 + self.sim.below(30);
            response
                .headers_mut()
                .insert(http::header::RETRY_AFTER, secs.into());
        }
        response
    }

    fn alter(&self, response: Response<Bytes>) -> Response<Bytes> {
        let (parts, body) = response.into_parts();
        let mut body = body.to_vec();
        let place = self.sim.below(body.len() as u64);
        let bit = self.sim.below(8);
        let byte = usize::try_from(place).ok().and_then(|at| body.get_mut(at));
        if let Some(byte) = byte {
            *byte ^= 1 << bit;
        }
        Response::from_parts(parts, body.into())
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
