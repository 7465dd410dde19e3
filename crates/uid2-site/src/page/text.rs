//! Times, as people read them.

use std::time::Duration;

use uid2_core::Timestamp;

/// A time that is yet to come, or is past; the page's script keeps it up to date.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    at: Timestamp,
    /// Of what it is the end began, for a bar.
    from: Timestamp,
    now: Timestamp,
}

impl Deadline {
    pub(crate) const fn new(at: Timestamp, from: Timestamp, now: Timestamp) -> Self {
        Self { at, from, now }
    }

    pub(super) fn millis(self) -> i64 {
        self.at.as_millis()
    }

    pub(super) fn iso(self) -> String {
        self.at.to_string()
    }

    pub(super) fn words(self) -> String {
        let left = self.at.saturating_since(self.now);
        if left.is_zero() {
            return "now".into();
        }
        format!("in {}", in_words(left))
    }

    pub(super) fn total(self) -> u64 {
        seconds(self.at.saturating_since(self.from)).max(1)
    }

    pub(super) fn left(self) -> u64 {
        seconds(self.at.saturating_since(self.now)).min(self.total())
    }
}

/// A time that is past.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    at: Timestamp,
    now: Timestamp,
}

impl Moment {
    pub(crate) const fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    pub(super) fn iso(self) -> String {
        self.at.to_string()
    }

    pub(super) fn words(self) -> String {
        let since = self.now.saturating_since(self.at);
        if since < Duration::from_secs(5) {
            return "just now".into();
        }
        format!("{} ago", in_words(since))
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

/// The two largest units, as the page's script writes them too.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut words = Vec::new();
    for (unit, name) in units {
        let count = left / unit;
        left %= unit;
        if count > 0 || (unit == 1 && words.is_empty()) {
            words.push(format!("{count} {name}"));
        } else if !words.is_empty() {
            // Only units that stand beside each other: not "1 d 3 s".
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (899, "14 min 59 s"),
            (3600, "1 h"),
            (3601, "1 h"),
            (3660, "1 h 1 min"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn what_is_past_has_come() {
        let at = Timestamp::from_secs;
        let deadline = Deadline::new(at(100), at(40), at(70));
        assert_eq!(
            (deadline.words(), deadline.total(), deadline.left()),
            ("in 30 s".into(), 60, 30)
        );
        let past = Deadline::new(at(100), at(40), at(100));
        assert_eq!((past.words(), past.left()), ("now".into(), 0));
        assert_eq!(Moment::new(at(10), at(70)).words(), "1 min ago");
        assert_eq!(Moment::new(at(70), at(10)).words(), "just now");
    }
}
