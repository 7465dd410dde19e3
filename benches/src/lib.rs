//! What the benchmarks share: fixed keys, identities and the bare work that
//! each is measured against.

mod bare;
mod server;
mod threads;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};
use uid2_core::operation::Caller;
use uid2_core::{ApiKey, ClientSecret, Identity, Timestamp};

pub use bare::{Bare, PlainIdentity};
pub use server::{answering, bare_client};
pub use threads::{fillings, on_threads};

/// The operator's local credentials (protocol, section 3).
pub const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
/// The secret that goes with [`API_KEY`].
pub const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
/// The time at which everything happens.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The caller of the benchmarks.
///
/// # Panics
/// Never: the credentials are constants.
#[must_use]
#[expect(clippy::expect_used, reason = "constants")]
pub fn caller() -> Caller {
    let api_key: ApiKey = API_KEY.parse().expect("an API key");
    let secret: ClientSecret = SECRET.parse().expect("a secret");
    Caller::new(api_key, secret)
}

/// A generator that gives the same each time.
#[must_use]
pub fn rng() -> impl CryptoRng {
    ChaCha20Rng::from_seed([7; 32])
}

/// The JSON of an identity of the usual sizes, fresh for an hour from [`NOW`].
#[must_use]
pub fn identity_json(serial: usize) -> String {
    let token = format!("A4AAAAB{serial:0>211}");
    let refresh = format!("AAAAAGb{serial:0>381}");
    let now = NOW.as_millis();
    format!(
        r#"{{"advertising_token":"{token}","refresh_token":"{refresh}","identity_expires":{},"refresh_expires":{},"refresh_from":{},"refresh_response_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}"#,
        now + 3_600_000,
        now + 86_400_000,
        now + 900_000,
    )
}

/// An identity of the usual sizes.
///
/// # Panics
/// Never: the JSON is well-formed.
#[must_use]
#[expect(clippy::expect_used, reason = "a constant")]
pub fn identity(serial: usize) -> Identity {
    Identity::from_json(identity_json(serial).as_bytes()).expect("an identity")
}
