//! The endpoints a publisher's server calls, each as a prepare/finish pair.
//!
//! Every operation is driven in three steps, whatever carries the bytes:
//!
//! 1. *Prepare*: `Generate::new(&dii).prepare(&caller, now, &mut rng)` gives a
//!    [`Request`] and a pending value.
//! 2. *Carry*: send the request as it is and read the whole response. Any HTTP
//!    status is a response; do not follow redirects, for the request carries
//!    the API key.
//! 3. *Finish*: `pending.finish(response, now)` consumes the pending value, so
//!    that one response answers one request.
//!
//! To try again, go back to step 1: the operator refuses a request that is two
//! minutes old (protocol, section 4), and an IV must not be used twice.
//!
//! ```
//! use uid2_core::operation::{Caller, Generate, GenerateOutcome, Request, Response};
//! use uid2_core::{Dii, Timestamp};
//! # use rand_chacha::ChaCha20Rng;
//! # use rand_core::SeedableRng;
//! # fn carry(_: Request) -> (u16, Vec<u8>) { (401, br#"{"status":"unauthorized"}"#.to_vec()) }
//!
//! let caller = Caller::new(
//!     "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?,
//!     "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?,
//! );
//! let dii = Dii::email("user@example.com")?;
//! # let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! # let now = Timestamp::from_millis(1_700_000_000_000);
//! let (request, pending) = Generate::new(&dii).prepare(&caller, now, &mut rng);
//! let (status, body) = carry(request); // your HTTP client
//! match pending.finish(Response::new(status, &body), now) {
//!     Ok(reply) => match reply.outcome {
//!         GenerateOutcome::Success(identity) => println!("until {}", identity.identity_expires()),
//!         GenerateOutcome::OptOut => println!("opted out: remember it and do not ask again"),
//!         _ => println!("no consent"),
//!     },
//!     Err(error) => println!("{error}: {:?}", error.action()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod caller;
mod error;
mod generate;
mod logout;
mod message;
mod refresh;
mod reply;
mod validate;

pub use caller::{Caller, CallerError};
pub use error::{Action, Error, Refusal, RefusalKind};
pub use generate::{Generate, GenerateOutcome, PendingGenerate};
pub use logout::{Logout, LogoutOutcome, PendingLogout};
pub use message::{Header, Request, Response};
pub use refresh::{PendingRefresh, Refresh, RefreshOutcome};
pub use reply::Reply;
pub use validate::{PendingValidate, Validate, ValidateOutcome};
