//! Nonces and IVs on the command line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// So many bytes: as hex digits, or in base64.
pub(super) fn parse<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let expected = || format!("expected {N} bytes: {} hex digits, or base64", N * 2);
    let bytes = match text.len() == N * 2 {
        true => of_hex(text),
        false => STANDARD.decode(text).ok(),
    };
    bytes
        .and_then(|bytes| <[u8; N]>::try_from(bytes).ok())
        .ok_or_else(expected)
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let pairs = digits?;
    pairs
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

/// As hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64() {
        let bytes = [0, 1, 2, 3, 4, 5, 0xfe, 0xff];
        assert_eq!(hex(&bytes), "000102030405feff");
        assert_eq!(parse("000102030405feff"), Ok(bytes));
        assert_eq!(parse("000102030405FEFF"), Ok(bytes));
        assert_eq!(parse("AAECAwQF/v8="), Ok(bytes));
        for bad in [
            "",
            "00",
            "000102030405fefg",
            "AAECAwQF/v8",
            "+00102030405feff",
        ] {
            assert!(parse::<8>(bad).is_err(), "{bad}");
        }
    }
}
