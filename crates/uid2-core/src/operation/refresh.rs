//! `POST /v2/token/refresh` (protocol, section 7).

use super::caller::Caller;
use super::error::Error;
use super::message::{Request, Response};
use super::reply::{Message, Reply, encoding_of, is_page, success_body, unopened};
use crate::envelope::{self, Encoding};
use crate::identity::Identity;
use crate::secret::ResponseKey;

const PATH: &str = "/v2/token/refresh";

/// Asks for the next identity of a person: steps 3-b and 3-c of the publisher
/// guide.
///
/// The body is the refresh token itself, which only the operator can read; so
/// neither a clock nor randomness is needed, and a repeat is safe. The answer is
/// sealed with the response key that came with the identity.
///
/// ```
/// use uid2_core::Identity;
/// use uid2_core::operation::{Caller, Refresh};
///
/// # let caller = Caller::new(
/// #     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
/// #     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
/// # );
/// let identity = Identity::from_json(
///     br#"{"advertising_token": "AgAAAA...", "refresh_token": "AAAAAA...",
///         "identity_expires": 1700003600000, "refresh_from": 1700000900000,
///         "refresh_expires": 1702592000000}"#,
/// )?;
/// let (request, pending) = Refresh::new(&identity).prepare(&caller);
/// assert_eq!(request.body(), b"AAAAAA...");
/// // Send it, and give `pending` the response: see the module.
/// # let _ = pending;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refresh<'a> {
    identity: &'a Identity,
}

impl<'a> Refresh<'a> {
    /// For this identity.
    #[must_use]
    pub const fn new(identity: &'a Identity) -> Self {
        Self { identity }
    }

    /// The request to send, and what its response is finished with.
    ///
    /// The API key is sent along, though the service does not insist on it: an
    /// authenticated caller is told why a refresh token was refused.
    pub fn prepare(&self, caller: &Caller) -> (Request, PendingRefresh) {
        let token = self.identity.refresh_token().expose();
        let request = caller.request(PATH, token.as_bytes().to_vec());
        let pending = PendingRefresh {
            key: self.identity.refresh_response_key().cloned(),
            encoding: caller.encoding,
        };
        (request, pending)
    }
}

/// What came of [`Refresh`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// The next identity: it takes the place of the one that was refreshed.
    Success(Identity),
    /// The person has opted out. The chain ends here: the old token must not be
    /// used again, even though it has not expired.
    OptOut,
}

/// Waits for the response to a [`Refresh`].
#[derive(Debug)]
#[must_use = "the response is finished with this"]
pub struct PendingRefresh {
    key: Option<ResponseKey>,
    encoding: Encoding,
}

impl PendingRefresh {
    /// Reads the response.
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub fn finish(self, response: Response<'_>) -> Result<Reply<RefreshOutcome>, Error> {
        let outcome = self.outcome(response).map_err(Error::in_refresh)?;
        Ok(Reply {
            outcome,
            server_time: None,
            skew: None,
        })
    }

    fn outcome(&self, response: Response<'_>) -> Result<RefreshOutcome, Error> {
        let body = success_body(response)?;
        let Some(key) = &self.key else {
            return read(&plain(body)?);
        };
        let encoding = encoding_of(response, self.encoding);
        let payload = envelope::open_refresh_response(key, body, encoding)
            .map_err(|error| unopened(body, error))?;
        read(&Message::read(payload.as_bytes())?)
    }
}

/// An identity without a response key is answered in plain JSON.
fn plain(body: &[u8]) -> Result<Message<'_>, Error> {
    Message::read(body).map_err(|error| {
        if is_page(body) {
            Error::NotAnOperator { http_status: 200 }
        } else {
            error
        }
    })
}

fn read(message: &Message<'_>) -> Result<RefreshOutcome, Error> {
    match &*message.status {
        "success" => Identity::from_json(message.require_body()?)
            .map(RefreshOutcome::Success)
            .map_err(Error::Identity),
        "optout" => Ok(RefreshOutcome::OptOut),
        _ => Err(message.unknown_status()),
    }
}
