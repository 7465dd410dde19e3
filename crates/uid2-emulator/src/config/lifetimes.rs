//! How long tokens and keys live.

use core::time::Duration;

/// How long things live. The default is the mock configuration of the
/// protocol, section 13.
///
/// ```
/// use core::time::Duration;
/// use uid2_emulator::Lifetimes;
///
/// let short = Lifetimes::new(
///     Duration::from_secs(1),
///     Duration::from_secs(3),
///     Duration::from_secs(10),
/// )?;
/// assert_eq!(short.identity(), Duration::from_secs(3));
/// # Ok::<(), uid2_emulator::LifetimesError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    refresh_from: Duration,
    identity: Duration,
    refresh: Duration,
    sharing_token: Duration,
}

impl Lifetimes {
    /// Lifetimes of an advertising token: from when on it should be refreshed,
    /// until when it is valid, until when it can be refreshed.
    ///
    /// # Errors
    /// [`LifetimesError`] if they are not in this order, or one is zero or
    /// longer than a hundred years.
    pub fn new(
        refresh_from: Duration,
        identity: Duration,
        refresh: Duration,
    ) -> Result<Self, LifetimesError> {
        const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
        if refresh_from.is_zero() || identity.is_zero() || refresh.is_zero() {
            return Err(LifetimesError::Zero);
        }
        if refresh_from > identity || identity > refresh {
            return Err(LifetimesError::Order);
        }
        if refresh > LONGEST {
            return Err(LifetimesError::TooLong);
        }
        Ok(Self {
            refresh_from,
            identity,
            refresh,
            ..Self::default()
        })
    }

    /// With another lifetime of sharing tokens, which the key endpoints tell.
    #[must_use]
    pub const fn with_sharing_token(mut self, lifetime: Duration) -> Self {
        self.sharing_token = lifetime;
        self
    }

    /// After how long a token should be refreshed.
    #[must_use]
    pub const fn refresh_from(&self) -> Duration {
        self.refresh_from
    }

    /// How long an advertising token is valid.
    #[must_use]
    pub const fn identity(&self) -> Duration {
        self.identity
    }

    /// How long a refresh token is.
    #[must_use]
    pub const fn refresh(&self) -> Duration {
        self.refresh
    }

    /// How long sharing tokens should live.
    #[must_use]
    pub const fn sharing_token(&self) -> Duration {
        self.sharing_token
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            refresh_from: Duration::from_secs(900),
            identity: Duration::from_secs(3600),
            refresh: Duration::from_secs(86_400),
            sharing_token: Duration::from_secs(2_592_000),
        }
    }
}

/// Why lifetimes are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifetimesError {
    /// One of them is zero or less.
    #[error("a lifetime is zero or less: give each at least a millisecond")]
    Zero,
    /// Out of order.
    #[error("lifetimes are out of order: refresh_from ≤ identity ≤ refresh must hold")]
    Order,
    /// Longer than a hundred years.
    #[error("a lifetime is longer than a hundred years")]
    TooLong,
}
