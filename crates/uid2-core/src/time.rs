//! Points in time, as the protocol writes them.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since the Unix epoch, as on the wire.
///
/// The core has no clock. Whoever calls it says what time it is, which is what
/// makes every decision repeatable in a test.
///
/// Arithmetic saturates: a hostile or broken timestamp must not panic.
///
/// ```
/// use core::time::Duration;
/// use uid2_core::Timestamp;
///
/// let issued = Timestamp::from_millis(1_667_885_597_644);
/// let expires = issued.saturating_add(Duration::from_secs(3600));
/// assert!(issued < expires);
/// assert_eq!(expires.saturating_since(issued), Duration::from_secs(3600));
/// assert_eq!(issued.to_string(), "2022-11-08T05:33:17.644Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The latest representable time, for "never".
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch, saturating.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch; negative before it.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This time minus `duration`, saturating at the earliest representable time.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        let difference = self.0.saturating_sub(earlier.0);
        Duration::from_millis(if difference > 0 {
            difference.unsigned_abs()
        } else {
            0
        })
    }
}

/// Whole milliseconds of a duration, saturating.
const fn millis(duration: Duration) -> i64 {
    let millis = duration.as_millis();
    if millis > i64::MAX as u128 {
        i64::MAX
    } else {
        millis as i64
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::SystemTime::UNIX_EPOCH) {
            Ok(since) => Self::EPOCH.saturating_add(since),
            Err(before) => Self::EPOCH.saturating_sub(before.duration()),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.0)
    }
}

/// RFC 3339 in UTC with milliseconds, e.g. `2022-11-08T05:33:17.644Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 86_400_000;
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let of_day = self.0.rem_euclid(DAY);
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

/// The proleptic Gregorian date of a day number (0 is 1970-01-01), by the usual
/// era arithmetic: years counted from March so that the leap day comes last.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// By how much the server's clock is ahead of ours, in milliseconds; negative
/// when it is behind.
///
/// The service refuses requests that are two minutes old or more
/// (protocol, section 4), and an identity's three times are the server's: a
/// clock that is off makes tokens look fresh that are not.
///
/// ```
/// use uid2_core::{ClockSkew, Timestamp};
///
/// let skew = ClockSkew::between(Timestamp::from_secs(100), Timestamp::from_secs(70));
/// assert_eq!(skew.server_ahead_millis(), 30_000);
/// assert_eq!(skew.to_string(), "the local clock is 30.000 s behind the server's");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ClockSkew {
    server_ahead_millis: i64,
}

impl ClockSkew {
    /// The skew between what the server's clock and ours say.
    #[must_use]
    pub const fn between(server: Timestamp, local: Timestamp) -> Self {
        Self {
            server_ahead_millis: server.0.saturating_sub(local.0),
        }
    }

    /// Milliseconds by which the server is ahead; negative when it is behind.
    #[must_use]
    pub const fn server_ahead_millis(self) -> i64 {
        self.server_ahead_millis
    }

    /// The size of the skew, whatever its direction.
    #[must_use]
    pub const fn magnitude(self) -> Duration {
        Duration::from_millis(self.server_ahead_millis.unsigned_abs())
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.server_ahead_millis >= 0 {
            "behind"
        } else {
            "ahead of"
        };
        let magnitude = self.server_ahead_millis.unsigned_abs();
        let (secs, millis) = (magnitude / 1000, magnitude % 1000);
        write!(
            f,
            "the local clock is {secs}.{millis:03} s {direction} the server's"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn displays_known_dates() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_668_056_199_629, "2022-11-10T04:56:39.629Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, text) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_saturates_and_never_panics() {
        let far = Duration::from_secs(u64::MAX);
        assert_eq!(Timestamp::MAX.saturating_add(far), Timestamp::MAX);
        assert!(Timestamp::from_millis(i64::MIN).saturating_sub(far) < Timestamp::EPOCH);
        let widest = Timestamp::MAX.saturating_since(Timestamp::from_millis(i64::MIN));
        assert_eq!(widest, Duration::from_millis(i64::MAX.unsigned_abs()));
        let _ = Timestamp::MAX.to_string();
        let _ = Timestamp::from_millis(i64::MIN).to_string();
    }
}
