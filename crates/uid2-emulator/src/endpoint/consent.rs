//! TCF consent strings, as far as EUID looks at them (protocol, section 6).
//!
//! The core segment of a TCF 2 string is bits in URL-safe base64; other
//! segments, after a dot, say nothing about vendors' purposes.
//!
//! This reader is our own because a stranger sends the string, and neither
//! published crate stands that: `iab_gpp` 0.1.2 spells ranges out in a set
//! (8 kB of overlapping ranges took 3.2 s), and `lib_tcstring` 0.5.0 panics on
//! some truncated strings. The first serves as this one's judge in the tests.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a consent string comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Consent {
    Sufficient,
    Insufficient,
    Invalid,
}

/// The vendor that EUID is in the global vendor list.
const VENDOR: u16 = 21;
/// The purposes that EUID needs, each by consent or by legitimate interest.
const PURPOSES: [usize; 6] = [1, 2, 3, 4, 7, 10];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads a consent string.
pub(crate) fn read(text: &str) -> Consent {
    let core = text.split('.').next().unwrap_or_default();
    let Ok(bytes) = BASE64.decode(core) else {
        return Consent::Invalid;
    };
    match Core::read(&mut Bits::new(&bytes)) {
        None => Consent::Invalid,
        Some(core) if PURPOSES.iter().all(|purpose| core.allows(*purpose)) => Consent::Sufficient,
        Some(_) => Consent::Insufficient,
    }
}

/// What the core segment says that matters here.
struct Core {
    purposes_consented: u64,
    purposes_legitimate: u64,
    vendor_consented: bool,
    vendor_legitimate: bool,
}

impl Core {
    /// Widths as in the IAB's specification of the string, version 2.
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        if bits.take(6)? != 2 {
            return None;
        }
        // Created, updated, CMP id, CMP version, screen, language, vendor list
        // version, policy version, two flags, special features.
        for width in [36, 36, 12, 12, 6, 12, 12, 6, 1, 1, 12] {
            bits.take(width)?;
        }
        let purposes_consented = bits.take(24)?;
        let purposes_legitimate = bits.take(24)?;
        // Purpose one treatment, publisher's country.
        bits.take(1 + 12)?;
        Some(Self {
            purposes_consented,
            purposes_legitimate,
            vendor_consented: has_vendor(bits)?,
            vendor_legitimate: has_vendor(bits)?,
        })
    }

    fn allows(&self, purpose: usize) -> bool {
        // The first of 24 purposes is the highest bit.
        let bit = 1 << (24 - purpose);
        (self.vendor_consented && self.purposes_consented & bit != 0)
            || (self.vendor_legitimate && self.purposes_legitimate & bit != 0)
    }
}

/// Whether our vendor is in the vendors' section that comes next.
fn has_vendor(bits: &mut Bits<'_>) -> Option<bool> {
    let max = bits.take(16)?;
    let is_range = bits.take(1)? == 1;
    if is_range {
        return has_vendor_in_ranges(bits);
    }
    let mut found = false;
    for vendor in 1..=max {
        found |= bits.take(1)? == 1 && vendor == u64::from(VENDOR);
    }
    Some(found)
}

fn has_vendor_in_ranges(bits: &mut Bits<'_>) -> Option<bool> {
    let mut found = false;
    for _ in 0..bits.take(12)? {
        let is_range = bits.take(1)? == 1;
        let first = bits.take(16)?;
        let last = if is_range { bits.take(16)? } else { first };
        found |= (first..=last).contains(&u64::from(VENDOR));
    }
    Some(found)
}

/// Bits from the highest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, width: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..width {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use iab_gpp::sections::tcfeuv2::{Core as Judge, TcfEuV2};
    use proptest::prelude::*;

    use super::*;

    /// What the independent reader makes of a string, by the same rule.
    fn judged(text: &str) -> Consent {
        let allows = |core: &Judge, purpose: &u8| {
            (core.vendor_consents.contains(&VENDOR)
                && core.purpose_consents.contains(&u16::from(*purpose)))
                || (core.vendor_legitimate_interests.contains(&VENDOR)
                    && core
                        .purpose_legitimate_interests
                        .contains(&u16::from(*purpose)))
        };
        match text.parse::<TcfEuV2>() {
            Err(_) => Consent::Invalid,
            Ok(TcfEuV2 { core, .. }) if [1, 2, 3, 4, 7, 10].iter().all(|at| allows(&core, at)) => {
                Consent::Sufficient
            }
            Ok(_) => Consent::Insufficient,
        }
    }

    /// A vendors' section: the highest, then bits or ranges around ours.
    fn vendors() -> impl Strategy<Value = Vec<(u64, u32)>> {
        let bits = prop::collection::vec(0..2_u64, 0..40).prop_map(|bits| {
            let head = [(bits.len() as u64, 16), (0, 1)];
            head.into_iter()
                .chain(bits.into_iter().map(|bit| (bit, 1)))
                .collect()
        });
        let range = (any::<bool>(), 1..40_u64, 0..10_u64);
        let ranges = prop::collection::vec(range, 0..4).prop_map(|ranges| {
            let mut fields = vec![(60, 16), (1, 1), (ranges.len() as u64, 12)];
            for (many, first, more) in ranges {
                fields.extend([(u64::from(many), 1), (first, 16)]);
                fields.extend(many.then_some((first + more, 16)));
            }
            fields
        });
        prop_oneof![bits, ranges]
    }

    /// Purposes as a mask of 24: the six that count, those without one of them, or any.
    fn purposes() -> impl Strategy<Value = u64> {
        let needed = PURPOSES.iter().fold(0, |mask, at| mask | 1 << (24 - at));
        prop_oneof![
            Just(needed),
            (0..6_usize).prop_map(move |at| needed & !(1 << (24 - PURPOSES[at]))),
            0..1_u64 << 24,
        ]
    }

    fn encoded(fields: &[(u64, u32)]) -> String {
        let bits: Vec<u8> = fields
            .iter()
            .flat_map(|(value, width)| (0..*width).rev().map(move |at| (value >> at & 1) as u8))
            .collect();
        let bytes: Vec<u8> = bits
            .chunks(8)
            .map(|bits| {
                let byte = bits.iter().fold(0, |byte, bit| byte << 1 | bit);
                byte << (8 - bits.len())
            })
            .collect();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_reader(
            by_consent in purposes(),
            by_interest in purposes(),
            consents in vendors(),
            interests in vendors(),
        ) {
            let mut fields = vec![(2, 6)];
            fields.extend([36, 36, 12, 12, 6, 12, 12, 6, 1, 1, 12].map(|width| (0, width)));
            fields.extend([(by_consent, 24), (by_interest, 24), (0, 1), (0, 12)]);
            fields.extend(consents);
            fields.extend(interests);
            // No publisher restrictions.
            fields.push((0, 12));
            let text = encoded(&fields);
            prop_assert_eq!(read(&text), judged(&text));
        }
    }

    #[test]
    fn overlapping_ranges_cost_no_more_than_their_bits() {
        let mut fields = vec![(2, 6)];
        fields.extend([36, 36, 12, 12, 6, 12, 12, 6, 1, 1, 12, 24, 24, 1, 12].map(|w| (0, w)));
        fields.extend([(65_535, 16), (1, 1), (4_095, 12)]);
        for _ in 0..4_095 {
            fields.extend([(1, 1), (1, 16), (65_535, 16)]);
        }
        fields.extend([(0, 16), (0, 1)]);
        // Spelled out these would be 268 million vendors.
        assert_eq!(read(&encoded(&fields)), Consent::Insufficient);
    }

    #[test]
    fn the_known_strings() {
        let sufficient = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
        let insufficient = "CPehXK9PehXK9ABAMBFRACBoADAAAEJAAIYgAKwAQAKgArABAAqAAA";
        assert_eq!(read(sufficient), Consent::Sufficient);
        assert_eq!(read(insufficient), Consent::Insufficient);
        assert_eq!(
            read(&format!("{sufficient}.YAAAAAAAAAA")),
            Consent::Sufficient
        );
    }

    #[test]
    fn anything_else_is_invalid_and_nothing_panics() {
        let sufficient = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
        for text in [
            "",
            ".",
            "invalid consent string",
            "DPhJRpMPhJRpM",
            "AAAA",
            "ü",
        ] {
            assert_eq!(read(text), Consent::Invalid, "{text}");
        }
        for end in 0..sufficient.len() {
            let _ = read(&sufficient[..end]);
        }
        assert_eq!(read(&sufficient[..30]), Consent::Invalid);
    }
}
