//! The life of an identity as a pure decision table: what is stored + what
//! happened + now → what to serve, what to do next, what to store.
//!
//! ```text
//!                      establish                  refresh: success
//!   (nothing) ─────────────────────▶ Identity ◀───────────────────┐
//!       ▲                            │  │  │ └────────────────────┘
//!       │ purge      logout          │  │  │
//!       └───────── LoggedOut ◀───────┘  │  └──▶ OptOut (service): refresh or establish
//!                                       └─────▶ OptOut (publisher): the site's own
//! ```
//!
//! - [`Record`] is what is stored for a user.
//! - [`Policy`] decides. It is a handful of functions without state: give it a
//!   record and the time, and do what it says.
//! - [`Session`] is one user's record with what is in flight, for who has no
//!   store: the same decisions behind a small state machine.
//!
//! What holds whatever happens, clocks that jump included:
//!
//! - Nothing is served after a logout, an opt-out, or the token's expiry.
//! - While a refresh is in flight, no second one is asked for.
//! - A failed refresh keeps a token that is still valid, and waits before the next.
//! - An identity that has expired but can be refreshed is refreshed, not thrown away.
//! - Nothing is deleted because of what a clock says. A clock that is a day
//!   ahead makes identities look dead; when it is set right they are alive again.

mod policy;
mod record;
mod session;

pub use policy::{Decision, Failure, NoToken, Policy};
pub use record::{OptOut, OptOutReason, Record, RefreshState, StoredIdentity};
pub use session::{Session, SessionEvent, Ticket};
