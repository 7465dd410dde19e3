//! Tokens as text: two alphabets.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD,
};

use crate::error::TokenError;

/// Padding may be there or not, but must be right; the bits of the last
/// character that say nothing must be zero, so that a token has one spelling.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const EITHER_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const EITHER_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Reads either alphabet, but not a mixture of both (protocol, section 16).
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    let engine = if text.contains(['-', '_']) {
        EITHER_URL_SAFE
    } else {
        EITHER_STANDARD
    };
    engine.decode(text).map_err(|_| TokenError::NotBase64)
}

/// Standard base64 with padding, as versions 2 and 3 are written.
pub(crate) fn standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// URL-safe base64 without padding, as version 4 is written.
pub(crate) fn url_safe(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn url_safe_text_is_as_in_the_official_sdks() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/tokens.json")).unwrap();
        let mut checked = 0;
        for vector in vectors.as_array().unwrap() {
            if vector["class"] != "base64url_nopad" {
                continue;
            }
            let hex = vector["bytes_hex"].as_str().unwrap();
            let bytes: Vec<u8> = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            let encoded = vector["encoded"].as_str().unwrap();
            assert_eq!(url_safe(&bytes), encoded.to_string());
            assert_eq!(decode(encoded), Ok(bytes));
            checked += 1;
        }
        assert_eq!(checked, 4);
    }
}
