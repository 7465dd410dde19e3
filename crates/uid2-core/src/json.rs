//! JSON is read by `serde_json`; the little that requests are made of is written
//! here, for that writes into an existing buffer only where the standard library is.

use alloc::vec::Vec;

use serde::Deserialize;

/// Reads JSON. That it is UTF-8 is asked once for the whole, which `serde_json`
/// otherwise asks of every piece.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    match core::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        // It may be well in what is passed over, and else says where it is not.
        Err(_) => serde_json::from_slice(json),
    }
}

/// Appends `"key":"value"`, escaped.
pub(crate) fn write_member(out: &mut Vec<u8>, key: &str, value: &str) {
    write_string(out, key);
    out.push(b':');
    write_string(out, value);
}

/// Appends a JSON string literal (RFC 8259, section 7).
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain);
        rest = match escaped {
            [byte, rest @ ..] => {
                write_escape(out, *byte);
                rest
            }
            [] => &[],
        };
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    if byte < 0x20 {
        let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
        out.extend_from_slice(b"\\u00");
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
    } else {
        out.extend_from_slice(&[b'\\', byte]);
    }
}

/// How many bytes [`write_member`] appends.
pub(crate) fn member_len(key: &str, value: &str) -> usize {
    string_len(key) + 1 + string_len(value)
}

/// How many bytes [`write_string`] appends. What is wiped on drop must not grow,
/// for growing leaves copies behind.
pub(crate) fn string_len(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        0..0x20 => r"\u0000".len(),
        b'"' | b'\\' => 2,
        _ => 1,
    });
    2 + escaped.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn what_is_written_reads_back() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        write_string(&mut out, &all);
        assert_eq!(out.len(), string_len(&all));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }

    #[test]
    fn the_length_of_a_member_is_known_beforehand() {
        for (key, value) in [("", ""), ("email", "jane@example.com"), ("a\"", "é\u{0}\\")] {
            let mut out = Vec::new();
            write_member(&mut out, key, value);
            assert_eq!(out.len(), member_len(key, value), "{key} {value}");
        }
    }
}
