//! The system's resolver, with an error of its own: hyper-util's tells a name
//! that does not resolve from a connection that was refused by words only.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower_service::Service;

#[derive(Clone, Debug)]
pub(super) struct Resolver(GaiResolver);

impl Resolver {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

/// The name does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(super) struct ResolveFailure(#[source] io::Error);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = ResolveFailure;
    type Future = Pin<Box<dyn Future<Output = Result<GaiAddrs, ResolveFailure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ResolveFailure>> {
        self.0.poll_ready(cx).map_err(ResolveFailure)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let addresses = self.0.call(name);
        Box::pin(async move { addresses.await.map_err(ResolveFailure) })
    }
}
