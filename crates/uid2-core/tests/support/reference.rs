//! A second formulation of normalization, written from protocol, section 1, and
//! from nothing else: characters and collected lists, rule after rule, with no
//! thought of speed. It shares no code with the crate, so that the two agree
//! only where both are right. Fuzz targets include this file by its path.

// Spelt out for who includes this where there is no standard prelude.
use std::string::String;
use std::vec;
use std::vec::Vec;

/// The normalized e-mail address, or `None` where the service refuses it.
pub(crate) fn normalize_email(input: &str) -> Option<String> {
    // "Exactly one `@`, else invalid."
    if input.chars().filter(|c| *c == '@').count() != 1 {
        return None;
    }
    // "Only ASCII A–Z are lower-cased; nothing Unicode-aware happens."
    let lowered: Vec<char> = input.chars().map(lower).collect();
    let at = lowered.iter().position(|c| *c == '@')?;

    // "Local part: every U+0020 is dropped, wherever it stands."
    let mut local: Vec<char> = lowered[..at].to_vec();
    local.retain(|c| *c != '\u{20}');

    // "Domain: only trailing U+0020 are dropped, inner and leading ones stay."
    let mut domain: Vec<char> = lowered[at + 1..].to_vec();
    while domain.last() == Some(&'\u{20}') {
        domain.pop();
    }

    // "If the domain is then exactly gmail.com, the local part is cut at its
    // first `+` and loses its dots."
    if domain.iter().collect::<String>() == "gmail.com" {
        if let Some(plus) = local.iter().position(|c| *c == '+') {
            local.truncate(plus);
        }
        local.retain(|c| *c != '.');
    }

    // "Local part and domain must both be non-empty."
    if local.is_empty() || domain.is_empty() {
        return None;
    }
    Some([local, vec!['@'], domain].concat().into_iter().collect())
}

fn lower(c: char) -> char {
    match "ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(c) {
        Some(index) => char::from(b'a' + index as u8),
        None => c,
    }
}

/// Whether the service takes this phone number: "`+` and 10 to 15 ASCII digits,
/// nothing else; a leading zero after `+` is allowed."
pub(crate) fn is_phone(input: &str) -> bool {
    let mut rest = input.chars();
    if rest.next() != Some('+') {
        return false;
    }
    let digits: Vec<char> = rest.collect();
    (10..=15).contains(&digits.len()) && digits.iter().all(|c| "0123456789".contains(*c))
}
