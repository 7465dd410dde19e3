//! What is promised of the heap: hashing needs none, and a value needs no more
//! than it keeps.
#![allow(clippy::unwrap_used)]

use allocation_counter::{AllocationInfo, measure};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::{
    ClientSecret, Dii, DiiKey, Email, EmailHash, Phone, PhoneHash, ResponseKey, Timestamp,
};

const EMAILS: [&str; 4] = [
    "jane@example.com",
    "  Jane.Doe+News@Gmail.com  ",
    "J a n e@Example.com ",
    "very.long.local.part.very.long.local.part.very.long.local.part.very.long.local.part.\
     very.long.local.part.very.long.local.part.very.long.LOCAL.part@example.com",
];
const PHONE: &str = "+12345678901";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// What `work` did to the heap; its result is kept until the measurement is over,
/// so that bytes it holds are told from bytes it had.
fn of<T>(work: impl FnOnce() -> T) -> (T, AllocationInfo) {
    let mut result = None;
    let info = measure(|| result = Some(work()));
    (result.unwrap(), info)
}

#[test]
fn the_counter_counts() {
    let (kept, info) = of(|| vec![0_u8; 100]);
    assert_eq!((info.count_total, info.bytes_total), (1, 100));
    assert_eq!((info.count_current, info.bytes_current), (1, 100));
    drop(kept);
}

#[test]
fn hashing_allocates_nothing() {
    let email = Email::parse(EMAILS[0]).unwrap();
    let phone = Phone::parse(PHONE).unwrap();
    let dii = Dii::email(EMAILS[0]).unwrap();
    let key = DiiKey::from_bytes([7; 32]);
    for input in EMAILS {
        assert_eq!(
            of(|| EmailHash::of(input).unwrap().to_base64())
                .1
                .count_total,
            0
        );
    }
    assert_eq!(
        of(|| PhoneHash::of(PHONE).unwrap().to_base64())
            .1
            .count_total,
        0
    );
    assert_eq!(of(|| (email.hash(), phone.hash())).1.count_total, 0);
    assert_eq!(
        of(|| (dii.hash_bytes(), dii.keyed_hash(&key)))
            .1
            .count_total,
        0
    );
    let text = email.hash().to_base64();
    assert_eq!(
        of(|| EmailHash::parse(text.as_str()).unwrap())
            .1
            .count_total,
        0
    );
    let hex = "0f".repeat(32);
    assert_eq!(of(|| PhoneHash::parse(&hex).unwrap()).1.count_total, 0);
}

#[test]
fn an_email_allocates_once_and_exactly() {
    for input in EMAILS {
        let (email, info) = of(|| Email::parse(input).unwrap());
        let len = u64::try_from(email.as_str().len()).unwrap();
        assert_eq!((info.count_total, info.bytes_total), (1, len), "{input:?}");
    }
}

#[test]
fn what_is_refused_allocates_nothing() {
    for input in ["", "no at", "a@b@c", "@x", "x@"] {
        assert_eq!(of(|| Email::parse(input).is_err()).1.count_total, 0);
    }
    assert_eq!(of(|| Phone::parse("+1").is_err()).1.count_total, 0);
    assert_eq!(of(|| EmailHash::parse("AAAA").is_err()).1.count_total, 0);
}

#[test]
fn a_phone_allocates_nothing() {
    assert_eq!(of(|| Phone::parse(PHONE).unwrap()).1.count_total, 0);
}

#[test]
fn sealing_allocates_the_message_and_its_text() {
    let secret = ClientSecret::from_bytes([7; 32]);
    let payload = [b'x'; 100];
    for (encoding, count) in [(Encoding::Binary, 1), (Encoding::Text, 2)] {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let (sealed, info) =
            of(|| envelope::seal_request(&secret, &payload, encoding, NOW, &mut rng));
        assert_eq!(info.count_total, count, "{encoding:?}");
        // What is kept is the body, to the byte.
        assert_eq!(
            info.bytes_current,
            i64::try_from(sealed.body.len()).unwrap()
        );
    }
}

#[test]
fn opening_allocates_the_message_only() {
    let secret = ClientSecret::from_bytes([7; 32]);
    let key = ResponseKey::from_bytes([8; 32]);
    let nonce = Nonce::from_bytes([1; 8]);
    for encoding in [Encoding::Binary, Encoding::Text] {
        let body = envelope::seal_response(&secret, b"{}", encoding, NOW, [3; 12], nonce);
        let (_, info) = of(|| envelope::open_response(&secret, &body, encoding, nonce).unwrap());
        assert_eq!(info.count_total, 1, "{encoding:?}");
        let body = envelope::seal_refresh_response(&key, b"{}", encoding, [3; 12]);
        let (_, info) = of(|| envelope::open_refresh_response(&key, &body, encoding).unwrap());
        assert_eq!(info.count_total, 1, "{encoding:?}");
    }
}

#[test]
fn clones_of_credentials_allocate_nothing() {
    let secret = ClientSecret::from_bytes([7; 32]);
    let key = uid2_core::ApiKey::parse("LOCALkey").unwrap();
    let (_copies, info) = of(|| (secret.clone(), key.clone()));
    assert_eq!(info.count_total, 0);
}
