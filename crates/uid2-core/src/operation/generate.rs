//! `POST /v2/token/generate` (protocol, section 6).

use core::fmt;

use rand_core::CryptoRng;

use super::caller::Caller;
use super::error::Error;
use super::message::{Request, Response};
use super::reply::{Message, PendingEnvelope, Reply};
use crate::dii::Dii;
use crate::identity::Identity;
use crate::json::{member_len, write_member};
use crate::time::Timestamp;
use crate::wipe::Wiped;

const PATH: &str = "/v2/token/generate";

/// Asks for an identity for a person: steps 1-d and 1-e of the publisher guide.
///
/// What is sent is the hash of the DII, sealed, unless
/// [`sending_raw_dii`](Self::sending_raw_dii) is asked for.
///
/// ```
/// use uid2_core::operation::{Caller, Generate};
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
/// let (request, pending) = Generate::new(&dii).prepare(&caller, now, &mut rng);
/// assert_eq!(request.path(), "/v2/token/generate");
/// // Send it, and give `pending` the response: see the module.
/// # let _ = pending;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Generate<'a> {
    dii: &'a Dii,
    raw: bool,
    tcf_consent_string: Option<&'a str>,
}

impl<'a> Generate<'a> {
    /// For this person.
    #[must_use]
    pub const fn new(dii: &'a Dii) -> Self {
        Self {
            dii,
            raw: false,
            tcf_consent_string: None,
        }
    }

    /// Sends an e-mail address or phone number as such, not its hash. The
    /// result is the same; the service then sees the address.
    #[must_use]
    pub const fn sending_raw_dii(mut self) -> Self {
        self.raw = true;
        self
    }

    /// The user's TCF consent string, which EUID asks for. UID2 ignores it.
    #[must_use]
    pub const fn with_tcf_consent_string(mut self, tcf: &'a str) -> Self {
        self.tcf_consent_string = Some(tcf);
        self
    }

    /// The request to send now, and what its response is finished with.
    pub fn prepare<R: CryptoRng + ?Sized>(
        &self,
        caller: &Caller,
        now: Timestamp,
        rng: &mut R,
    ) -> (Request, PendingGenerate) {
        let (request, pending) = caller.seal(PATH, &self.payload(), now, rng);
        (request, PendingGenerate(pending))
    }

    fn payload(&self) -> Wiped {
        const TCF: &str = "tcf_consent_string";
        let tcf_len = self
            .tcf_consent_string
            .map_or(0, |tcf| 1 + member_len(TCF, tcf));
        let len = 2 + self.dii.member_len(self.raw) + tcf_len;
        let mut json = Wiped::with_capacity(len);
        json.push(b'{');
        self.dii.write_member(self.raw, &mut json);
        if let Some(tcf) = self.tcf_consent_string {
            json.push(b',');
            write_member(&mut json, TCF, tcf);
        }
        json.push(b'}');
        json
    }
}

impl fmt::Debug for Generate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generate")
            .field("dii", &self.dii.kind())
            .field("raw", &self.raw)
            .field("tcf", &self.tcf_consent_string.is_some())
            .finish_non_exhaustive()
    }
}

/// What came of [`Generate`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateOutcome {
    /// An identity: store it for this user before anything else.
    Success(Identity),
    /// The person has opted out of the service. Remember it, and do not ask
    /// again for this DII (protocol, section 16).
    OptOut,
    /// EUID only: the TCF string does not grant what the service needs. There
    /// is no identity, until the user consents.
    InsufficientConsent,
}

/// Waits for the response to a [`Generate`].
#[derive(Debug)]
#[must_use = "the response is finished with this"]
pub struct PendingGenerate(PendingEnvelope);

impl PendingGenerate {
    /// Reads the response.
    ///
    /// # Errors
    /// [`Error`]; see [`Error::action`] for what to do about it.
    pub fn finish(
        self,
        response: Response<'_>,
        now: Timestamp,
    ) -> Result<Reply<GenerateOutcome>, Error> {
        self.0.finish(response, now, read)
    }
}

fn read(message: &Message<'_>) -> Result<GenerateOutcome, Error> {
    match &*message.status {
        "success" => Identity::from_json(message.require_body()?)
            .map(GenerateOutcome::Success)
            .map_err(Error::Identity),
        "optout" => Ok(GenerateOutcome::OptOut),
        "insufficient_user_consent" => Ok(GenerateOutcome::InsufficientConsent),
        _ => Err(message.unknown_status()),
    }
}
