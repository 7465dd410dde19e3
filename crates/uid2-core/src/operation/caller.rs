//! Who is calling, and how.

use alloc::borrow::Cow;
use core::time::Duration;

use rand_core::CryptoRng;

use super::message::Request;
use super::reply::PendingEnvelope;
use crate::envelope::{self, Encoding};
use crate::secret::{ApiKey, ClientSecret};
use crate::time::Timestamp;
use crate::wipe::Wiped;

/// What `X-UID2-Client-Version` says unless told otherwise.
const CLIENT_VERSION: &str = concat!("uid2-rs-", env!("CARGO_PKG_VERSION"));
/// Half of what the operator tolerates: a warning that comes before the refusal.
const SKEW_TOLERANCE: Duration = Duration::from_secs(60);

/// Who is calling and how: credentials and the few choices that are the same
/// for every operation. Cheap to clone.
///
/// ```
/// use uid2_core::envelope::Encoding;
/// use uid2_core::operation::Caller;
///
/// let caller = Caller::new(
///     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
///     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
/// )
/// .with_encoding(Encoding::Binary)
/// .with_client_version("my-shop-4.2")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) api_key: ApiKey,
    pub(super) client_secret: ClientSecret,
    pub(super) encoding: Encoding,
    client_version: Cow<'static, str>,
    pub(super) skew_tolerance: Duration,
}

impl Caller {
    /// A caller with the credentials of the UID2 portal.
    #[must_use]
    pub const fn new(api_key: ApiKey, client_secret: ClientSecret) -> Self {
        Self {
            api_key,
            client_secret,
            encoding: Encoding::Text,
            client_version: Cow::Borrowed(CLIENT_VERSION),
            skew_tolerance: SKEW_TOLERANCE,
        }
    }

    /// How bodies are written; text unless told otherwise.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// What `X-UID2-Client-Version` says; this library's name and version
    /// unless told otherwise.
    ///
    /// # Errors
    /// [`CallerError`] if the text cannot stand in a header.
    pub fn with_client_version(
        mut self,
        version: impl Into<Cow<'static, str>>,
    ) -> Result<Self, CallerError> {
        let version = version.into();
        let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if version.trim().is_empty() || !version.bytes().all(fits) {
            return Err(CallerError::ClientVersion);
        }
        self.client_version = version;
        Ok(self)
    }

    /// How far the operator's clock and `now` may be apart before a reply reports
    /// [skew](super::Reply::skew); a minute unless told otherwise.
    #[must_use]
    pub const fn with_skew_tolerance(mut self, tolerance: Duration) -> Self {
        self.skew_tolerance = tolerance;
        self
    }

    /// The API key.
    #[must_use]
    pub const fn api_key(&self) -> &ApiKey {
        &self.api_key
    }

    /// The client secret.
    #[must_use]
    pub const fn client_secret(&self) -> &ClientSecret {
        &self.client_secret
    }

    /// A request whose body is `payload`, sealed.
    pub(super) fn seal<R: CryptoRng + ?Sized>(
        &self,
        path: &'static str,
        payload: &[u8],
        now: Timestamp,
        rng: &mut R,
    ) -> (Request, PendingEnvelope) {
        let sealed = envelope::seal_request(&self.client_secret, payload, self.encoding, now, rng);
        let pending = PendingEnvelope {
            secret: self.client_secret.clone(),
            nonce: sealed.nonce,
            encoding: self.encoding,
            skew_tolerance: self.skew_tolerance,
        };
        (self.request(path, sealed.body), pending)
    }

    /// A request with a body as it is.
    pub(super) fn request(&self, path: &'static str, body: alloc::vec::Vec<u8>) -> Request {
        Request {
            path,
            body: Wiped::new(body),
            content_type: self.encoding.content_type(),
            authorization: Some(self.api_key.clone()),
            client_version: self.client_version.clone(),
        }
    }
}

/// Why a [`Caller`] could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// The client version is empty or not printable ASCII.
    #[error("the client version must be printable ASCII, for it travels in a header")]
    ClientVersion,
}
