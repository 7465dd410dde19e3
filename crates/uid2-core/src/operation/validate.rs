//! `POST /v2/token/validate` (protocol, section 8).

use rand_core::CryptoRng;

use super::caller::Caller;
use super::error::Error;
use super::message::{Request, Response};
use super::reply::{Message, PendingEnvelope, Reply};
use crate::dii::Dii;
use crate::json::{member_len, write_member};
use crate::time::Timestamp;
use crate::wipe::Wiped;

const PATH: &str = "/v2/token/validate";

/// Asks whether an advertising token was made from this DII: a check of an
/// integration, not a step of it.
///
/// ```
/// use uid2_core::operation::{Caller, Validate};
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
/// let (request, pending) = Validate::new("AgAAAA...", &dii).prepare(&caller, now, &mut rng);
/// assert_eq!(request.path(), "/v2/token/validate");
/// // Send it, and give `pending` the response: see the module.
/// # let _ = pending;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Validate<'a> {
    token: &'a str,
    dii: &'a Dii,
    raw: bool,
}

impl<'a> Validate<'a> {
    /// Of this token against this person.
    #[must_use]
    pub const fn new(token: &'a str, dii: &'a Dii) -> Self {
        Self {
            token,
            dii,
            raw: false,
        }
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
    ) -> (Request, PendingValidate) {
        let len = 3 + member_len("token", self.token) + self.dii.member_len(self.raw);
        let mut json = Wiped::with_capacity(len);
        json.push(b'{');
        write_member(&mut json, "token", self.token);
        json.push(b',');
        self.dii.write_member(self.raw, &mut json);
        json.push(b'}');
        let (request, pending) = caller.seal(PATH, &json, now, rng);
        (request, PendingValidate(pending))
    }
}

impl core::fmt::Debug for Validate<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Validate").finish_non_exhaustive()
    }
}

/// What came of [`Validate`]. Neither expiry nor opt-out is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidateOutcome {
    /// The token was made from this DII.
    Match,
    /// The token was made from other DII.
    NoMatch,
}

/// Waits for the response to a [`Validate`].
#[derive(Debug)]
#[must_use = "the response is finished with this"]
pub struct PendingValidate(PendingEnvelope);

impl PendingValidate {
    /// Reads the response.
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub fn finish(
        self,
        response: Response<'_>,
        now: Timestamp,
    ) -> Result<Reply<ValidateOutcome>, Error> {
        self.0.finish(response, now, read)
    }
}

fn read(message: &Message<'_>) -> Result<ValidateOutcome, Error> {
    match (&*message.status, message.require_body()) {
        ("success", Ok(b"true")) => Ok(ValidateOutcome::Match),
        ("success", Ok(b"false")) => Ok(ValidateOutcome::NoMatch),
        ("success", Ok(_)) => Err(Error::UnexpectedBody {
            expected: "true or false",
        }),
        ("success", Err(error)) => Err(error),
        _ => Err(message.unknown_status()),
    }
}
