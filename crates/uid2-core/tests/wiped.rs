//! Secrets are gone from memory when they are dropped: this program looks for
//! them in its own, through `/proc/self/mem`, which takes no unsafe code.
//!
//! The stack is left out: what the compiler leaves there when it moves a value
//! nobody can wipe, and the next calls write over it. So everything here is on the
//! heap, and the program has no other thread (and no test harness), whose stack
//! would be on the heap, too.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of tests, which reads what the core must not"
)]

use std::any::Any;
use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use uid2_core::envelope::{self, Encoding};
use uid2_core::operation::{Caller, Generate, Refresh, Response};
use uid2_core::{
    ApiKey, ClientSecret, Dii, DiiKey, Email, Identity, Phone, ResponseKey, Timestamp,
};

#[cfg(target_os = "linux")]
fn main() {
    self_test();
    for Case { name, secret, keep } in cases() {
        assert_eq!(memory::found(secret), 0, "{name}: there before it is made");
        let kept = keep();
        assert!(memory::found(secret) > 0, "{name}: not there while kept");
        drop(black_box(kept));
        assert_eq!(
            memory::found(secret),
            0,
            "{name}: there after it was dropped"
        );
        println!("{name}: wiped");
    }
    for Passing { name, pass } in passing() {
        pass();
        assert_eq!(memory::found(SECRET), 0, "{name}: left something behind");
        println!("{name}: nothing left");
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    let _ = black_box((cases().len(), passing().len()));
    println!("skipped: there is no /proc/self/mem on this system");
}

/// What is not wiped is found, when it is kept and after it was dropped.
#[cfg(target_os = "linux")]
fn self_test() {
    let bare = kept(secret());
    assert_eq!(memory::found(SECRET), 1, "the self-test does not find it");
    drop(black_box(bare));
    assert_eq!(memory::found(SECRET), 1, "it is gone without being wiped");
    // Over it, lest it be found later.
    drop(black_box(kept([0_u8; 32])));
    assert_eq!(memory::found(SECRET), 0, "the allocator did not reuse it");
}

/// A secret as it is looked for: complemented, for it must not stand in this
/// program as it is, and without its beginning, over which the allocator writes
/// when memory is given back.
type Sought = &'static [u8];

const MASKED: [u8; 32] = mask(*b"k7vx2mz9pl4sr8tb1nc6wd3fg5hj0yaq");
const MASKED_PHONE: [u8; 16] = mask(*b"+491512345678901");
const SECRET: Sought = MASKED.split_at(16).1;
const PHONE: Sought = MASKED_PHONE.split_at(4).1;

const fn mask<const N: usize>(mut text: [u8; N]) -> [u8; N] {
    let mut at = 0;
    while at < N {
        text[at] = !text[at];
        at += 1;
    }
    text
}

/// The secret, on the stack.
fn secret() -> [u8; 32] {
    mask(black_box(MASKED))
}

/// `before`, the secret, `after`: on the stack, handed on as text.
fn with_text<R>(before: &str, after: &str, use_it: impl FnOnce(&str) -> R) -> R {
    let mut text = [0; 640];
    let mut len = 0;
    for part in [before.as_bytes(), &secret(), after.as_bytes()] {
        text[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    use_it(std::str::from_utf8(&text[..len]).unwrap())
}

/// The secret in base64.
fn with_base64<R>(use_it: impl FnOnce(&str) -> R) -> R {
    let mut text = [0; 44];
    let len = STANDARD.encode_slice(secret(), &mut text).unwrap();
    use_it(std::str::from_utf8(&text[..len]).unwrap())
}

/// An identity whose refresh token has the secret in it.
fn with_identity_json<R>(before: &str, after: &str, use_it: impl FnOnce(&str) -> R) -> R {
    let before = format!(r#"{before}{{"advertising_token":"A","refresh_token":"R"#);
    let after = format!(
        r#"","refresh_from":1700000900000,"identity_expires":1700003600000,
        "refresh_expires":1700086400000,
        "refresh_response_key":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}{after}"#
    );
    with_text(&before, &after, use_it)
}

fn identity() -> Identity {
    with_identity_json("", "", |json| Identity::from_json(json.as_bytes())).unwrap()
}

fn email() -> Email {
    with_text("", "@example.com", Email::parse).unwrap()
}

fn caller() -> Caller {
    let key = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
    Caller::new(key.parse().unwrap(), ClientSecret::from_bytes([9; 32]))
}

/// Something on the heap that keeps the secret.
struct Case {
    name: &'static str,
    secret: Sought,
    keep: fn() -> Box<dyn Any>,
}

/// On the heap, away from where the allocator writes.
#[repr(C)]
struct Padded<T> {
    before: [u64; 8],
    value: T,
}

fn kept<T: 'static>(value: T) -> Box<dyn Any> {
    let before = [0; 8];
    Box::new(Padded { before, value })
}

fn cases() -> Vec<Case> {
    let case = |name, keep| Case {
        name,
        secret: SECRET,
        keep,
    };
    vec![
        case("ApiKey", || {
            kept(with_text("UID2-C-L-9-fCXrMM.", "abcdef", ApiKey::parse).unwrap())
        }),
        case("ClientSecret", || {
            kept(with_base64(ClientSecret::parse).unwrap())
        }),
        case("ClientSecret from bytes", || {
            kept(ClientSecret::from_bytes(secret()))
        }),
        case("ResponseKey", || {
            kept(with_base64(ResponseKey::parse).unwrap())
        }),
        case("DiiKey", || kept(with_base64(DiiKey::parse).unwrap())),
        case("Email", || kept(email())),
        case("Dii", || kept(Dii::from(email()))),
        Case {
            name: "Phone",
            secret: PHONE,
            keep: || {
                let digits = mask(black_box(MASKED_PHONE));
                kept(Phone::parse(std::str::from_utf8(&digits).unwrap()).unwrap())
            },
        },
        case("RefreshToken", || kept(identity().refresh_token().clone())),
        case("Identity", || kept(identity())),
        case("Identity as JSON", || kept(identity().to_json())),
        case("a refresh to be sent", || {
            kept(Refresh::new(&identity()).prepare(&caller()))
        }),
    ]
}

/// Something that has the secret for a moment only.
struct Passing {
    name: &'static str,
    pass: fn(),
}

fn passing() -> Vec<Passing> {
    vec![
        Passing {
            name: "sealing an address",
            pass: || {
                let dii = Dii::from(email());
                let generate = Generate::new(&dii).sending_raw_dii();
                let mut rng = ChaCha20Rng::from_seed([3; 32]);
                let now = Timestamp::from_millis(1_700_000_000_000);
                drop(black_box(generate.prepare(&caller(), now, &mut rng)));
            },
        },
        Passing {
            name: "opening the answer to a refresh",
            pass: || {
                let key = ResponseKey::from_bytes([7; 32]);
                let answer = with_identity_json("{\"body\":", ",\"status\":\"success\"}", |json| {
                    envelope::seal_refresh_response(&key, json.as_bytes(), Encoding::Text, [1; 12])
                });
                let (_, pending) = Refresh::new(&identity()).prepare(&caller());
                let reply = pending.finish(Response::new(200, &answer)).unwrap();
                drop(black_box(reply));
            },
        },
    ]
}

/// This program's own memory.
#[cfg(target_os = "linux")]
mod memory {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    const PAGE: usize = 4096;
    /// What could begin in one piece and end in the next.
    const OVERLAP: usize = 32;

    /// How often the secret stands in what can be written to, the stack aside.
    pub(crate) fn found(masked: &[u8]) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let writable = maps
            .lines()
            .filter(|line| line.contains(" rw") && !line.ends_with("[stack]"));
        let ranges = writable.map(|line| {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split(' ').next().unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            number(from)..number(to)
        });
        let mut total = 0;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                // On the stack, so that it is not found here.
                let mut page = [0; PAGE + OVERLAP];
                let len = (range.end - at).min(page.len());
                // What was unmapped since, the list of maps itself, is no loss.
                let read = memory.read_at(&mut page[..len], at as u64).unwrap_or(0);
                total += count(&page[..read], masked);
                at += PAGE;
            }
        }
        total
    }

    /// Those that begin in the first page.
    fn count(bytes: &[u8], masked: &[u8]) -> usize {
        let candidates = bytes.windows(masked.len()).take(PAGE);
        let same = |window: &&[u8]| window.iter().zip(masked).all(|(a, b)| *a == !*b);
        candidates.filter(same).count()
    }
}
