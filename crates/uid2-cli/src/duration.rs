//! Durations on the command line: `900ms`, `90s`, `15m`, `1h`, `30d`.

use std::time::Duration;

/// Reads a whole number with a unit; without one, it is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let millis_per_unit = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = digits.parse().map_err(|_| EXPECTED.to_owned())?;
    number
        .checked_mul(millis_per_unit)
        .map(Duration::from_millis)
        .ok_or_else(|| "that is longer than can be counted".into())
}

const EXPECTED: &str = "expected a whole number with a unit: 500ms, 90s, 15m, 1h or 30d";

/// Writes a duration in the largest unit that shows it whole.
pub(crate) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    units
        .iter()
        .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit))
        .map_or_else(
            || format!("{millis}ms"),
            |(unit, name)| format!("{}{name}", millis / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["1ms", "1500ms", "90s", "15m", "1h", "25h", "30d"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(parse("90").unwrap(), Duration::from_secs(90));
    }

    #[test]
    fn refuses_anything_else() {
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "1 s",
            "1w",
            "18446744073709551615d",
            "٣s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
