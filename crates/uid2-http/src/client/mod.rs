//! The client: operations carried over a transport, with what the protocol
//! leaves to a client.

mod attempt;
mod builder;
mod call;
mod hosts;
mod operation;
mod policy;
mod retry_after;

use std::fmt;
use std::sync::Arc;

use uid2_core::Identity;
use uid2_core::operation::{
    Caller, Generate, GenerateOutcome, Logout, LogoutOutcome, Refresh, RefreshOutcome, Reply,
    Validate, ValidateOutcome,
};

pub use builder::ClientBuilder;
pub use policy::RetryPolicy;

use crate::error::Error;
use crate::observe::SkewAlarm;
use crate::runtime::Runtime;
#[cfg(feature = "tokio")]
use crate::runtime::TokioRuntime;
use crate::transport::Transport;
use hosts::Hosts;

/// Calls an operator: seals, sends, tries again where that is safe and of use,
/// opens, and tells apart what came of it.
///
/// Cheap to clone; clones share connections and what was learned about base
/// URLs. Dropping the future of a call abandons it.
///
/// # Repeats
///
/// Every attempt is prepared anew: the operator refuses a request that is two
/// minutes old, and no IV is used twice (protocol, section 4). What is repeated:
///
/// | what happened | generate, refresh, validate | logout |
/// |---|---|---|
/// | no connection (name, refusal, timeout, proxy) | yes | yes: nothing was sent |
/// | 429 | yes | yes: it was turned away |
/// | 408, 5xx; a timeout or break-off after sending | yes | no: it may have been done |
/// | a response that does not open, or answers another request | yes | no |
/// | 400, 401 and other refusals, untrusted certificates, web pages | no | no |
///
/// Generating twice gives two good identities, a refresh token may be used more
/// than once (protocol, section 16), and validating changes nothing: so these
/// three are safe to repeat. A logout changes a person's standing with the
/// whole service; it is left to the caller to repeat it.
///
/// # Several base URLs
///
/// See [`ClientBuilder::fallback`].
///
/// ```no_run
/// use uid2_core::operation::{Caller, Generate, GenerateOutcome};
/// use uid2_core::{Dii, Environment};
/// use uid2_http::{Client, HyperTransport};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let caller = Caller::new(
///     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
///     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
/// );
/// let client = Client::builder(caller, Environment::Uid2Integration)
///     .build(HyperTransport::new()?);
///
/// let dii = Dii::email("user@example.com")?;
/// let reply = client.generate(&Generate::new(&dii)).await?;
/// if let GenerateOutcome::Success(identity) = reply.outcome {
///     client.refresh(&identity).await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Client<T, #[cfg(feature = "tokio")] R = TokioRuntime, #[cfg(not(feature = "tokio"))] R> {
    inner: Arc<Inner<T, R>>,
}

struct Inner<T, R> {
    caller: Caller,
    hosts: Hosts,
    policy: RetryPolicy,
    transport: T,
    runtime: R,
    skew_alarm: SkewAlarm,
}

impl<T: Transport, R: Runtime> Client<T, R> {
    /// Asks for an identity (protocol, section 6).
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub async fn generate(&self, generate: &Generate<'_>) -> Result<Reply<GenerateOutcome>, Error> {
        self.inner.call(generate).await
    }

    /// Asks for the next identity (protocol, section 7).
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub async fn refresh(&self, identity: &Identity) -> Result<Reply<RefreshOutcome>, Error> {
        self.inner.call(&Refresh::new(identity)).await
    }

    /// Asks whether a token was made from this DII (protocol, section 8).
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub async fn validate(&self, validate: &Validate<'_>) -> Result<Reply<ValidateOutcome>, Error> {
        self.inner.call(validate).await
    }

    /// Opts a person out of the whole service (protocol, section 9). This is not
    /// what happens when a user logs out of a site: see [`Logout`].
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it. Where
    /// [`TransportError::may_have_arrived`](crate::TransportError::may_have_arrived),
    /// on a 5xx and after the deadline, the person may be opted out all the same.
    pub async fn logout(&self, logout: &Logout<'_>) -> Result<Reply<LogoutOutcome>, Error> {
        self.inner.call(logout).await
    }

    /// Who is calling.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    /// The runtime, for whoever builds upon this client.
    #[must_use]
    pub fn runtime(&self) -> &R {
        &self.inner.runtime
    }
}

impl<T, R> Clone for Client<T, R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T, R> fmt::Debug for Client<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("hosts", &self.inner.hosts)
            .field("policy", &self.inner.policy)
            .finish_non_exhaustive()
    }
}
