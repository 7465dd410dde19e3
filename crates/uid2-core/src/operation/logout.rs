//! `POST /v2/token/logout` (protocol, section 9).

use rand_core::CryptoRng;

use super::caller::Caller;
use super::error::Error;
use super::message::{Request, Response};
use super::reply::{Message, PendingEnvelope, Reply};
use crate::dii::Dii;
use crate::json;
use crate::time::Timestamp;
use crate::wipe::Wiped;

const PATH: &str = "/v2/token/logout";

/// Opts a person out of the whole service. It needs a key with the OPTOUT role,
/// which publishers do not usually have.
///
/// This is *not* what a publisher does when a user logs out: that takes no call
/// at all, just forgetting the identity (steps 4-a and 4-b of the publisher
/// guide).
///
/// ```
/// use uid2_core::operation::{Caller, Logout};
/// use uid2_core::{Dii, Timestamp};
/// # use rand_chacha::ChaCha20Rng;
/// # use rand_core::SeedableRng;
///
/// # let caller = Caller::new(
/// #     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
/// #     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
/// # );
/// # let (now, mut rng) = (Timestamp::from_secs(1_700_000_000), ChaCha20Rng::from_seed([7; 32]));
/// let dii = Dii::email("user@example.com")?;
/// let (request, pending) = Logout::new(&dii).prepare(&caller, now, &mut rng);
/// assert_eq!(request.path(), "/v2/token/logout");
/// // Send it, and give `pending` the response: see the module.
/// # let _ = pending;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Logout<'a> {
    dii: &'a Dii,
    raw: bool,
}

impl<'a> Logout<'a> {
    /// Of this person.
    #[must_use]
    pub const fn new(dii: &'a Dii) -> Self {
        Self { dii, raw: false }
    }

    /// Sends an e-mail address or phone number as such, not its hash.
    #[must_use]
    pub const fn sending_raw_dii(mut self) -> Self {
        self.raw = true;
        self
    }

    /// The request to send now, and what its response is finished with.
    pub fn prepare<R: CryptoRng + ?Sized>(
        &self,
        caller: &Caller,
        now: Timestamp,
        rng: &mut R,
    ) -> (Request, PendingLogout) {
        let len = 2 + self.dii.member_len(self.raw);
        let mut json = Wiped::with_capacity(len);
        json.push(b'{');
        self.dii.write_member(self.raw, &mut json);
        json.push(b'}');
        let (request, pending) = caller.seal(PATH, &json, now, rng);
        (request, PendingLogout(pending))
    }
}

/// What came of [`Logout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutOutcome {
    /// The person is opted out of the service.
    OptedOut,
}

/// Waits for the response to a [`Logout`].
#[derive(Debug)]
#[must_use = "the response is finished with this"]
pub struct PendingLogout(PendingEnvelope);

impl PendingLogout {
    /// Reads the response.
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub fn finish(
        self,
        response: Response<'_>,
        now: Timestamp,
    ) -> Result<Reply<LogoutOutcome>, Error> {
        self.0.finish(response, now, read).map_err(Error::in_logout)
    }
}

fn read(message: &Message<'_>) -> Result<LogoutOutcome, Error> {
    match &*message.status {
        "success" => {
            let body: Body<'_> = json::read(message.require_body()?).map_err(|_| UNEXPECTED)?;
            if body.optout == "OK" {
                Ok(LogoutOutcome::OptedOut)
            } else {
                Err(UNEXPECTED)
            }
        }
        _ => Err(message.unknown_status()),
    }
}

const UNEXPECTED: Error = Error::UnexpectedBody {
    expected: r#"{"optout":"OK"}"#,
};

#[derive(serde::Deserialize)]
struct Body<'a> {
    optout: &'a str,
}
