//! Faults that an operator makes of its own accord.

use rand_core::CryptoRng;

use super::Fault;
use crate::shell::route::Endpoint;

/// A fault that happens to some requests.
///
/// ```
/// use uid2_emulator::{Endpoint, FaultRule};
///
/// let rule = FaultRule::new("status=503, retry-after=1".parse()?)
///     .only(Endpoint::TokenRefresh)
///     .with_probability(0.1);
/// # Ok::<(), uid2_emulator::FaultError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct FaultRule {
    fault: Fault,
    endpoint: Option<Endpoint>,
    probability: f64,
}

impl FaultRule {
    /// Happens to every request.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            endpoint: None,
            probability: 1.0,
        }
    }

    /// Happens to requests to this endpoint only.
    #[must_use]
    pub const fn only(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Happens with this probability; from 0 to 1, anything beyond counts as these.
    #[must_use]
    pub const fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn happens<R: CryptoRng + ?Sized>(&self, endpoint: Endpoint, rng: &mut R) -> bool {
        let applies = self.endpoint.is_none_or(|only| only == endpoint);
        // Drawn only where it matters, so that rules do not disturb each other.
        applies
            && f64::from(rng.next_u32()) / f64::from(u32::MAX) <= self.probability
            && self.probability > 0.0
    }
}

/// The first rule that happens.
pub(crate) fn draw<R: CryptoRng + ?Sized>(
    rules: &[FaultRule],
    endpoint: Endpoint,
    rng: &mut R,
) -> Option<Fault> {
    let rule = rules.iter().find(|rule| rule.happens(endpoint, rng))?;
    Some(rule.fault.clone())
}
