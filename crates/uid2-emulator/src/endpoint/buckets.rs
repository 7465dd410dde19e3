//! `POST /v2/identity/buckets` (protocol, section 11).

use serde::Serialize;
use uid2_core::Timestamp;

use super::input;
use crate::shell::answer::Answer;
use crate::shell::envelope::Sealed;

#[derive(Serialize)]
struct Bucket {
    bucket_id: String,
    last_updated: String,
}

/// The buckets that were changed after a time.
pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let Some(payload) = request.payload.as_ref() else {
        return Answer::internal_server_error();
    };
    let Some(since) = input::text(payload, "since_timestamp") else {
        return Answer::client_error("missing parameter since_timestamp");
    };
    let Some(since) = parse_local(&since) else {
        return Answer::client_error("invalid date, must conform to ISO 8601");
    };
    let state = request.state.read();
    let changed = state
        .salts
        .rows()
        .iter()
        .filter(|row| row.last_updated() > since);
    let buckets = changed.map(|row| Bucket {
        bucket_id: state.salts.bucket_id(row),
        last_updated: row.last_updated().to_string().replace('Z', ""),
    });
    Answer::success(buckets.collect::<Vec<_>>())
}

/// An ISO local date-time, taken as UTC: `2023-04-19T13:00:00`, seconds and
/// their fraction may be left out, a zone must not be there.
fn parse_local(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = fields::<3>(date, '-', &[4, 2, 2])?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, millis(fraction)?),
        None => (time, 0),
    };
    let has_seconds = time.matches(':').count() == 2;
    let [hour, minute, second] = if has_seconds {
        fields::<3>(time, ':', &[2, 2, 2])?
    } else if fraction == 0 {
        let [hour, minute] = fields::<2>(time, ':', &[2, 2])?;
        [hour, minute, 0]
    } else {
        return None;
    };
    let valid = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = (days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    valid.then(|| Timestamp::from_millis(seconds * 1000 + fraction))
}

/// Numbers of exactly these widths.
fn fields<const N: usize>(text: &str, separator: char, widths: &[usize; N]) -> Option<[i64; N]> {
    let mut pieces = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let piece = pieces.next()?;
        let is_number = piece.len() == *width && piece.bytes().all(|b| b.is_ascii_digit());
        *number = is_number.then(|| piece.parse().ok())??;
    }
    pieces.next().is_none().then_some(numbers)
}

/// A fraction of up to nine digits as whole milliseconds.
fn millis(fraction: &str) -> Option<i64> {
    let is_fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    let padded = format!("{fraction:0<3}");
    is_fraction.then(|| padded.get(..3)?.parse().ok())?
}

const fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// The day number of a date, years counted from March so that the leap day
/// comes last.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_date_times() {
        for (text, shown) in [
            ("2022-11-08T05:33:17.644", "2022-11-08T05:33:17.644Z"),
            ("2024-02-29T00:00:00", "2024-02-29T00:00:00.000Z"),
            ("2000-03-01T23:59", "2000-03-01T23:59:00.000Z"),
            ("1969-12-31T23:59:59.9", "1969-12-31T23:59:59.900Z"),
            ("2023-04-19T13:00:00.123456789", "2023-04-19T13:00:00.123Z"),
        ] {
            assert_eq!(parse_local(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "T",
            "2023-04-19",
            "2023-04-19 13:00:00",
            "2023-04-19T13:00:00Z",
            "2023-04-19T13:00:00+01:00",
            "2023-02-29T00:00:00",
            "2023-13-01T00:00:00",
            "2023-1-1T00:00:00",
            "2023-04-19T24:00:00",
            "2023-04-19T13:00.5",
            "2023-04-19T13:00:00.",
            "+023-04-19T13:00:00",
        ] {
            assert_eq!(parse_local(text), None, "{text}");
        }
    }
}
