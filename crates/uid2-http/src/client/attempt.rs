//! One attempt: prepared, carried, finished.

use bytes::Bytes;
use http::HeaderMap;
use uid2_core::BaseUrl;
use uid2_core::Timestamp;
use uid2_core::operation::{self, RefusalKind, Reply, Response};

use super::Inner;
use super::operation::Operation;
use super::retry_after::{clock_skew, retry_after};
use crate::error::{ErrorKind, Failure};
use crate::runtime::Runtime;
use crate::transport::{Transport, TransportError, TransportErrorKind};

impl<T: Transport, R: Runtime> Inner<T, R> {
    /// Seals with the time and the randomness of this moment, for a sealed
    /// request is good for one attempt only.
    pub(super) async fn attempt<O: Operation>(
        &self,
        operation: &O,
        base_url: &BaseUrl,
    ) -> Result<Reply<O::Outcome>, Failure> {
        let (request, pending) = self.prepare(operation, base_url)?;
        let response = self.transport.send(request).await?;
        let now = self.runtime.now();
        O::finish(pending, Response::from(&response), now)
            .map_err(|error| failure(error, response.status().as_u16(), response.headers(), now))
    }

    fn prepare<O: Operation>(
        &self,
        operation: &O,
        base_url: &BaseUrl,
    ) -> Result<(http::Request<Bytes>, O::Pending), TransportError> {
        let now = self.runtime.now();
        let (request, pending) = operation.prepare(&self.caller, now, &mut self.runtime.rng());
        let request = request.into_http(base_url).map_err(|error| {
            TransportError::new(TransportErrorKind::InvalidRequest).with_source(error)
        })?;
        Ok((request.map(Bytes::from), pending))
    }
}

fn failure(
    error: operation::Error,
    http_status: u16,
    headers: &HeaderMap,
    now: Timestamp,
) -> Failure {
    let kind = match &error {
        operation::Error::Refused(refusal) => Some(refusal.kind()),
        _ => None,
    };
    let busy = matches!(
        kind,
        Some(RefusalKind::RateLimited | RefusalKind::Unavailable)
    );
    let drift = kind == Some(RefusalKind::ClockDrift);
    Failure {
        kind: ErrorKind::Operation(error),
        http_status: Some(http_status),
        retry_after: busy.then(|| retry_after(headers, now)).flatten(),
        clock_skew: drift.then(|| clock_skew(headers, now)).flatten(),
    }
}
