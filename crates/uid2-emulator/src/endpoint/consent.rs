//! TCF consent strings, as far as EUID looks at them (protocol, section 6).
//!
//! The core segment of a TCF 2 string is bits in URL-safe base64; other
//! segments, after a dot, say nothing about vendors' purposes.

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
    use super::*;

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
