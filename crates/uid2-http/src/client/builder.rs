//! How a client comes to be.

use std::sync::Arc;
use std::time::Duration;

use uid2_core::BaseUrl;
use uid2_core::operation::Caller;

use super::hosts::Hosts;
use super::policy::RetryPolicy;
use super::{Client, Inner};
use crate::observe::SkewAlarm;
use crate::runtime::Runtime;
#[cfg(feature = "tokio")]
use crate::runtime::TokioRuntime;
use crate::transport::Transport;

/// How long a base URL that failed is left alone.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// Makes a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use uid2_core::Environment;
/// use uid2_core::operation::Caller;
/// use uid2_http::{Client, RetryPolicy};
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use uid2_http::TransportError;
/// # let my_transport = async |_: Request<Bytes>| Ok::<_, TransportError>(Response::new(Bytes::new()));
/// # let caller = Caller::new(
/// #     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
/// #     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
/// # );
///
/// let client = Client::builder(caller, Environment::Uid2Production)
///     .fallback(Environment::Uid2ProductionUsEast)
///     .retry(RetryPolicy::default().with_deadline(Duration::from_secs(5)))
///     .build(my_transport);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    caller: Caller,
    primary: BaseUrl,
    fallbacks: Vec<BaseUrl>,
    cool_down: Duration,
    policy: RetryPolicy,
}

impl Client<(), ()> {
    /// A client for `caller` of the operator at `base_url`, which is a
    /// [`BaseUrl`] or an [`Environment`](uid2_core::Environment).
    pub fn builder(caller: Caller, base_url: impl Into<BaseUrl>) -> ClientBuilder {
        ClientBuilder {
            caller,
            primary: base_url.into(),
            fallbacks: Vec::new(),
            cool_down: COOL_DOWN,
            policy: RetryPolicy::default(),
        }
    }
}

impl ClientBuilder {
    /// Another base URL of the *same environment*, for when the ones before it
    /// fail: keys and tokens of one environment mean nothing in another.
    ///
    /// After a failure that another host may not share (no connection, a
    /// timeout, a 5xx, a response that cannot be trusted, something that is no
    /// operator) the call goes on with the next base URL at once, and so do the
    /// calls that follow: the choice is kept. Once the
    /// [cool-down](Self::cool_down) has passed, one call at a time tries the
    /// primary again; when it answers, all return to it. A 429 does not make a
    /// call go elsewhere, for limits are kept for the key.
    ///
    /// A host that is silent until the call's own deadline has failed as well: the
    /// call has no time left for another, but the calls that follow go there.
    pub fn fallback(mut self, base_url: impl Into<BaseUrl>) -> Self {
        self.fallbacks.push(base_url.into());
        self
    }

    /// How long the primary base URL is left alone after it failed; 30 seconds
    /// unless told otherwise. For longer if it asks for that by `Retry-After`, up
    /// to an hour.
    pub const fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// How often and how long to try.
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// A client over `transport`, with the clock, timer and randomness of the
    /// system and tokio.
    #[cfg(feature = "tokio")]
    pub fn build<T: Transport>(self, transport: T) -> Client<T, TokioRuntime> {
        self.build_on(transport, TokioRuntime)
    }

    /// A client over `transport`, on another runtime.
    pub fn build_on<T: Transport, R: Runtime>(self, transport: T, runtime: R) -> Client<T, R> {
        let inner = Inner {
            caller: self.caller,
            hosts: Hosts::new(self.primary, self.fallbacks, self.cool_down),
            policy: self.policy,
            transport,
            runtime,
            skew_alarm: SkewAlarm::default(),
        };
        Client {
            inner: Arc::new(inner),
        }
    }
}
