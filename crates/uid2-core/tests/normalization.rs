//! Normalization and hashes: against a second formulation, and rule by rule.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/reference.rs"]
mod reference;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use proptest::sample::select;
use sha2::{Digest, Sha256};
use uid2_core::{
    Dii, DiiKey, DiiKind, Email, EmailError, EmailHash, HashError, Phone, PhoneError, PhoneHash,
};

/// Pieces that the rules are about, and some that they must not be about.
const PIECES: [&str; 26] = [
    "@",
    "@",
    "@",
    "+",
    "+",
    ".",
    ".",
    " ",
    " ",
    "  ",
    "gmail.com",
    "GMail.Com",
    "GMAIL.COM",
    "googlemail.com",
    "gmail.com.",
    "example.com",
    "jane",
    "Doe",
    "A",
    "\t",
    "\n",
    "\u{a0}",
    "\u{0}",
    "İ",
    "\u{212a}",
    "é",
];

fn email_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-zA-Z0-9]{1,40}",
    ];
    let soup = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    // Mostly one '@' with something on both sides, so that most are valid.
    let shaped = (
        "[ a-zA-Z.+é]{0,12}",
        "[ ]{0,2}",
        select(PIECES.to_vec()),
        "[ ]{0,3}",
    )
        .prop_map(|(local, before, domain, after)| format!("{local}{before}@{domain}{after}"));
    let long = ("[ a-zA-Z.+]{100,300}", "[a-zA-Z.]{1,200}")
        .prop_map(|(local, domain)| format!("{local}@{domain}"));
    prop_oneof![4 => soup, 4 => shaped, 1 => long]
}

fn phone_like() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r"\+[0-9]{8,17}",
        1 => r"\+?[0-9 ()-]{8,17}",
        1 => r"\+[0-9]{5}[0-9٠-٩a]{5}[0-9]{0,5}",
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        failure_persistence: None, // a failure prints its input
        ..ProptestConfig::default()
    })]

    #[test]
    fn emails_agree_with_the_second_formulation(input in email_like()) {
        let expected = reference::normalize_email(&input);
        let email = Email::parse(&input);
        prop_assert_eq!(email.as_ref().ok().map(Email::as_str), expected.as_deref());
        // Both ways to a hash, and the plain hash of what the reference says.
        let hash = expected.map(|text| EmailHash::from_bytes(Sha256::digest(text).into()));
        prop_assert_eq!(email.as_ref().ok().map(Email::hash), hash);
        prop_assert_eq!(EmailHash::of(&input).ok(), hash);
        // The errors agree too.
        prop_assert_eq!(EmailHash::of(&input).err(), email.err());
    }

    #[test]
    fn normalization_is_idempotent(input in email_like()) {
        if let Ok(email) = Email::parse(&input) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
        }
    }

    #[test]
    fn phones_agree_with_the_second_formulation(input in phone_like()) {
        let phone = Phone::parse(&input);
        prop_assert_eq!(phone.is_ok(), reference::is_phone(&input), "{}", input);
        if let Ok(phone) = &phone {
            prop_assert_eq!(phone.as_str(), &input);
            let hash = PhoneHash::from_bytes(Sha256::digest(&input).into());
            prop_assert_eq!(phone.hash(), hash);
            prop_assert_eq!(PhoneHash::of(&input), Ok(hash));
        }
        prop_assert_eq!(PhoneHash::of(&input).err(), phone.err());
    }

    #[test]
    fn hashes_round_trip_as_base64_and_hex(bytes: [u8; 32], upper: bool) {
        let hash = EmailHash::from_bytes(bytes);
        let base64 = hash.to_base64();
        prop_assert_eq!(base64.as_str(), STANDARD.encode(bytes));
        let hex = hex(&bytes, upper);
        prop_assert_eq!(EmailHash::parse(base64.as_str()), Ok(hash));
        prop_assert_eq!(hex.parse(), Ok(hash));
        prop_assert_eq!(PhoneHash::parse(&hex), PhoneHash::parse(base64.as_str()));
    }

    #[test]
    fn base64_of_another_length_is_no_hash(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
        let text = STANDARD.encode(&bytes);
        prop_assert_eq!(EmailHash::parse(&text).is_ok(), bytes.len() == 32, "{}", text);
    }

    #[test]
    fn any_text_is_a_hash_only_if_it_is_canonical(text in "[A-Za-z0-9+/=_ -]{42,46}") {
        let canonical = STANDARD
            .decode(&text)
            .is_ok_and(|bytes| bytes.len() == 32 && STANDARD.encode(bytes) == text);
        prop_assert_eq!(PhoneHash::parse(&text).is_ok(), canonical);
    }

    #[test]
    fn a_keyed_hash_names_a_person_not_a_form(
        local in "[a-z]{1,10}", digits in "[0-9]{10,15}", key: [u8; 32], other: [u8; 32],
    ) {
        let email = Dii::email(&format!("{local}@example.com")).unwrap();
        let phone = Dii::phone(&format!("+{digits}")).unwrap();
        let (key, other) = (DiiKey::from_bytes(key), DiiKey::from_bytes(other));
        prop_assert_eq!(email.keyed_hash(&key), email.to_hashed().keyed_hash(&key));
        prop_assert_eq!(phone.keyed_hash(&key), phone.to_hashed().keyed_hash(&key));
        prop_assert_ne!(email.keyed_hash(&key), phone.keyed_hash(&key));
        prop_assert_ne!(email.keyed_hash(&key), email.keyed_hash(&other));
    }
}

fn hex(bytes: &[u8], upper: bool) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    let hex: String = digits.collect();
    if upper { hex.to_uppercase() } else { hex }
}

#[test]
fn every_rule_of_an_email_has_its_error() {
    for (input, error) in [
        ("", EmailError::NoAt),
        ("jane.example.com", EmailError::NoAt),
        ("a@b@c", EmailError::SeveralAt),
        ("@@", EmailError::SeveralAt),
        ("\"a@b\"@c", EmailError::SeveralAt),
        ("@example.com", EmailError::EmptyLocal),
        ("   @example.com", EmailError::EmptyLocal),
        (".+.@gmail.com", EmailError::EmptyLocal),
        ("+x@gmail.com", EmailError::EmptyLocal),
        ("jane@", EmailError::EmptyDomain),
        ("jane@   ", EmailError::EmptyDomain),
    ] {
        assert_eq!(Email::parse(input), Err(error), "{input:?}");
        assert_eq!(EmailHash::of(input), Err(error), "{input:?}");
    }
}

#[test]
fn every_rule_of_a_phone_has_its_error() {
    for (input, error) in [
        ("", PhoneError::NoPlus),
        ("12345678901", PhoneError::NoPlus),
        (" +12345678901", PhoneError::NoPlus),
        ("+", PhoneError::TooShort),
        ("+123456789", PhoneError::TooShort),
        ("+1234567890123456", PhoneError::TooLong),
        ("+1 2345678901", PhoneError::NotADigit),
        ("+12345678901 ", PhoneError::NotADigit),
        ("++1234567890", PhoneError::NotADigit),
        ("+١٢٣٤٥٦٧٨٩٠", PhoneError::NotADigit),
    ] {
        assert_eq!(Phone::parse(input), Err(error), "{input:?}");
    }
    for input in ["+1234567890", "+123456789012345", "+00000000000"] {
        assert_eq!(Phone::parse(input).unwrap().as_str(), input);
    }
}

const HASH: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";

#[test]
fn forms_of_a_hash_that_a_decoder_might_take_are_refused() {
    let bytes = STANDARD.decode(HASH).unwrap();
    let no_padding = HASH.trim_end_matches('=');
    let cases = [
        (String::new(), HashError::Length { found: 0 }),
        (no_padding.to_owned(), HashError::Length { found: 43 }),
        (format!("{HASH}="), HashError::Length { found: 45 }),
        (format!("{HASH}\n"), HashError::Length { found: 45 }),
        (URL_SAFE.encode(&bytes), HashError::Base64),
        // 31 and 33 bytes, which the operator lets through.
        (STANDARD.encode(&bytes[..31]), HashError::Base64),
        (STANDARD.encode([0; 33]), HashError::Base64),
        // Stray bits in the last character: the same 32 bytes to a lenient decoder.
        (HASH.replace("RQ=", "RR="), HashError::Base64),
        (format!(" {no_padding}"), HashError::Base64),
        (format!("{no_padding} "), HashError::Base64),
        (format!("={no_padding}"), HashError::Base64),
        // 44 bytes of text, but not of ASCII.
        (format!("é{}", &HASH[2..]), HashError::Base64),
        ("0".repeat(63), HashError::Length { found: 63 }),
        ("0".repeat(65), HashError::Length { found: 65 }),
        (format!("0x{}", "0".repeat(62)), HashError::Hex),
        (format!("{}g", "0".repeat(63)), HashError::Hex),
        (format!("{} ", "0".repeat(63)), HashError::Hex),
        (format!("+{}", "0".repeat(63)), HashError::Hex),
        (format!("é{}", "0".repeat(62)), HashError::Hex),
    ];
    for (text, error) in cases {
        assert_eq!(EmailHash::parse(&text), Err(error), "{text:?}");
        assert_eq!(PhoneHash::parse(&text), Err(error), "{text:?}");
    }
}

#[test]
fn all_four_kinds_of_dii_are_told_apart() {
    let email = Dii::email("user@example.com").unwrap();
    let phone = Dii::phone("+12345678901").unwrap();
    assert_eq!(email.kind(), DiiKind::Email);
    assert_eq!(phone.kind(), DiiKind::Phone);
    assert_eq!(email.to_hashed(), Dii::email_hash(HASH).unwrap());
    assert_eq!(email.to_hashed().hash_bytes(), email.hash_bytes());
    assert_ne!(
        Dii::email_hash(HASH).unwrap(),
        Dii::phone_hash(HASH).unwrap()
    );
    assert_eq!(phone.to_hashed().kind(), DiiKind::Phone);
}
