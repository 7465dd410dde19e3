//! Envelopes: what travels between a client and the operator, sealed with
//! AES-256-GCM (protocol, sections 4 and 5).
//!
//! A request is `0x01 ‖ iv[12] ‖ GCM(timestamp i64 ‖ nonce[8] ‖ payload) ‖ tag[16]`,
//! a response the same without the version byte, and the response to a refresh
//! just `iv ‖ GCM(payload) ‖ tag`. Text is the same in standard base64.
//!
//! [`operation`](crate::operation) uses these for you. They are public for
//! whoever debugs an integration, tests one, or writes the other end.
//!
//! ```
//! use uid2_core::envelope::{self, Encoding};
//! use uid2_core::{ClientSecret, Timestamp};
//! # use rand_chacha::ChaCha20Rng;
//! # use rand_core::SeedableRng;
//!
//! let secret: ClientSecret = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?;
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! # let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! let sealed = envelope::seal_request(&secret, b"{}", Encoding::Text, now, &mut rng);
//!
//! let request = envelope::open_request(&secret, &sealed.body, Encoding::Text)?;
//! assert_eq!(request.payload(), b"{}");
//! assert_eq!(request.timestamp(), now);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::vec::Vec;
use core::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::secret::{ClientSecret, ResponseKey};
use crate::time::Timestamp;
use crate::wipe::Wiped;

const VERSION: u8 = 1;
const IV: usize = 12;
const TAG: usize = 16;
const TIMESTAMP: usize = 8;
const NONCE: usize = 8;
const STAMP: usize = TIMESTAMP + NONCE;

/// How an envelope is written in an HTTP body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Encoding {
    /// Standard base64, `text/plain`. Passes through anything.
    #[default]
    Text,
    /// Raw bytes, `application/octet-stream`. A quarter smaller.
    Binary,
}

impl Encoding {
    /// The `Content-Type` that tells the operator.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Binary => "application/octet-stream",
        }
    }

    /// The encoding of a body with this `Content-Type`, if it is one of an envelope.
    #[must_use]
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        [Self::Text, Self::Binary]
            .into_iter()
            .find(|encoding| essence.eq_ignore_ascii_case(encoding.content_type()))
    }
}

/// Eight random bytes that tie a response to its request.
#[derive(Clone, Copy)]
pub struct Nonce([u8; NONCE]);

impl Nonce {
    /// From eight bytes, which must be random and fresh for each request.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; NONCE]) -> Self {
        Self(bytes)
    }

    /// The eight bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; NONCE] {
        &self.0
    }
}

/// In constant time.
impl PartialEq for Nonce {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Nonce {}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(<redacted>)")
    }
}

/// A sealed request, and the nonce that its response must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRequest {
    /// The HTTP body.
    pub body: Vec<u8>,
    /// What the response must repeat.
    pub nonce: Nonce,
}

/// Seals a request: IV and nonce are drawn from `rng`.
pub fn seal_request<R: CryptoRng + ?Sized>(
    secret: &ClientSecret,
    payload: &[u8],
    encoding: Encoding,
    now: Timestamp,
    rng: &mut R,
) -> SealedRequest {
    // At once, for the system's randomness costs a call each time.
    let mut random = [0; IV + NONCE];
    rng.fill_bytes(&mut random);
    let (mut iv, mut nonce) = ([0; IV], [0; NONCE]);
    let (first, second) = random.split_at(IV);
    iv.copy_from_slice(first);
    nonce.copy_from_slice(second);
    let nonce = Nonce(nonce);
    SealedRequest {
        body: seal_request_with(secret, payload, encoding, now, iv, nonce),
        nonce,
    }
}

/// Seals a request with a given IV and nonce, for known-answer tests.
///
/// An IV must never be used twice with one secret: whoever sees two messages
/// under one IV can read and forge. [`seal_request`] draws both.
#[must_use]
pub fn seal_request_with(
    secret: &ClientSecret,
    payload: &[u8],
    encoding: Encoding,
    now: Timestamp,
    iv: [u8; IV],
    nonce: Nonce,
) -> Vec<u8> {
    let sealed = seal(secret.cipher(), &[VERSION], Some((now, nonce)), payload, iv);
    encode(sealed, encoding)
}

/// Seals a response, as an operator does.
#[must_use]
pub fn seal_response(
    secret: &ClientSecret,
    payload: &[u8],
    encoding: Encoding,
    now: Timestamp,
    iv: [u8; IV],
    nonce: Nonce,
) -> Vec<u8> {
    encode(
        seal(secret.cipher(), &[], Some((now, nonce)), payload, iv),
        encoding,
    )
}

/// Seals the response to a refresh, as an operator does: without a timestamp
/// and a nonce.
#[must_use]
pub fn seal_refresh_response(
    key: &ResponseKey,
    payload: &[u8],
    encoding: Encoding,
    iv: [u8; IV],
) -> Vec<u8> {
    encode(seal(&key.cipher(), &[], None, payload, iv), encoding)
}

/// Opens the response to the request that was sealed with `nonce`.
///
/// # Errors
/// [`EnvelopeError`]; nothing of an altered or foreign response is returned.
pub fn open_response(
    secret: &ClientSecret,
    body: &[u8],
    encoding: Encoding,
    nonce: Nonce,
) -> Result<Opened, EnvelopeError> {
    let opened = open_stamped(secret.cipher(), decode(body, encoding)?, 0)?;
    if opened.nonce() == nonce {
        Ok(opened)
    } else {
        Err(EnvelopeError::NonceMismatch)
    }
}

/// Opens the response to a refresh, with the key that came with the identity
/// whose refresh token was sent.
///
/// # Errors
/// [`EnvelopeError`]; nothing of an altered or foreign response is returned.
pub fn open_refresh_response(
    key: &ResponseKey,
    body: &[u8],
    encoding: Encoding,
) -> Result<Payload, EnvelopeError> {
    open(&key.cipher(), decode(body, encoding)?, 0)
}

/// Opens a request, as an operator does.
///
/// Text must be canonical base64. An operator also takes it without padding and
/// with stray bits in its last character (protocol, section 4): who wants that
/// decodes the text and opens the bytes as [`Encoding::Binary`].
///
/// # Errors
/// [`EnvelopeError`], in the order in which the operator checks.
pub fn open_request(
    secret: &ClientSecret,
    body: &[u8],
    encoding: Encoding,
) -> Result<Opened, EnvelopeError> {
    let message = decode(body, encoding)?;
    let min = 1 + IV + STAMP + TAG;
    if message.len() < min {
        let found = message.len();
        return Err(EnvelopeError::TooShort { found, min });
    }
    match message.first() {
        Some(&VERSION) => open_stamped(secret.cipher(), message, 1),
        found => Err(EnvelopeError::Version {
            found: found.copied().unwrap_or_default(),
        }),
    }
}

/// An opened payload; wiped on drop, for it may carry keys.
///
/// The bytes are a part of the message that was decrypted in place.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    message: Wiped,
    start: usize,
    end: usize,
}

impl Payload {
    /// The plaintext.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.message.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload(<{} bytes redacted>)", self.as_bytes().len())
    }
}

/// An opened envelope: when it was sealed, its nonce and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    timestamp: Timestamp,
    nonce: Nonce,
    payload: Payload,
}

impl Opened {
    /// What the sealer's clock said.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The nonce inside.
    #[must_use]
    pub const fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// The plaintext.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }
}

/// Why an envelope could not be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not standard base64 (white space and line breaks included).
    #[error("the envelope is not standard base64: was the body altered or re-encoded on its way?")]
    NotBase64,
    /// Too short to be an envelope.
    #[error("the envelope has {found} bytes and needs at least {min}: it was cut off")]
    TooShort {
        /// How many bytes there were.
        found: usize,
        /// How many there must be at least.
        min: usize,
    },
    /// A request with an unknown version byte.
    #[error("the envelope has version {found}, expected 1")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// The key does not fit, or the message was altered: GCM cannot tell which.
    #[error("the envelope does not open: it was sealed with another key, or altered on its way")]
    Decrypt,
    /// It opened, but answers another request: a replay or a mix-up.
    #[error("the response answers another request: its nonce is not the one that was sent")]
    NonceMismatch,
}

/// `head ‖ iv ‖ GCM([timestamp ‖ nonce ‖] payload) ‖ tag` in a single allocation.
fn seal(
    cipher: &Aes256Gcm,
    head: &[u8],
    stamp: Option<(Timestamp, Nonce)>,
    payload: &[u8],
    iv: [u8; IV],
) -> Vec<u8> {
    let plain = head.len() + IV;
    let stamp_len = if stamp.is_some() { STAMP } else { 0 };
    let mut message = Vec::with_capacity(plain + stamp_len + payload.len() + TAG);
    message.extend_from_slice(head);
    message.extend_from_slice(&iv);
    if let Some((now, nonce)) = stamp {
        message.extend_from_slice(&now.as_millis().to_be_bytes());
        message.extend_from_slice(&nonce.0);
    }
    message.extend_from_slice(payload);
    let text = message.get_mut(plain..).unwrap_or_default();
    match cipher.encrypt_inout_detached(&iv.into(), &[], text.into()) {
        Ok(tag) => message.extend_from_slice(&tag),
        // GCM refuses only messages of 64 GiB and more: nothing goes out, rather
        // than the plaintext.
        Err(_) => message.zeroize(),
    }
    message
}

/// Opens `skip` bytes ‖ iv ‖ ciphertext ‖ tag, in place.
fn open(cipher: &Aes256Gcm, mut message: Wiped, skip: usize) -> Result<Payload, EnvelopeError> {
    let found = message.len();
    let start = skip + IV;
    let too_short = EnvelopeError::TooShort {
        found,
        min: start + TAG,
    };
    let end = found.checked_sub(TAG).ok_or(too_short)?;
    let (head, tag) = message.split_at_mut(end);
    let (head, text) = head.split_at_mut_checked(start).ok_or(too_short)?;
    let iv: [u8; IV] = head.last_chunk().copied().ok_or(too_short)?;
    let tag: [u8; TAG] = tag.first_chunk().copied().ok_or(too_short)?;
    cipher
        .decrypt_inout_detached(&iv.into(), &[], InOutBuf::from(text), &tag.into())
        .map_err(|_| EnvelopeError::Decrypt)?;
    Ok(Payload {
        message,
        start,
        end,
    })
}

/// As [`open`], with a timestamp and a nonce before the payload.
fn open_stamped(cipher: &Aes256Gcm, message: Wiped, skip: usize) -> Result<Opened, EnvelopeError> {
    let too_short = EnvelopeError::TooShort {
        found: message.len(),
        min: skip + IV + STAMP + TAG,
    };
    let mut payload = open(cipher, message, skip)?;
    let (timestamp, rest) = payload
        .as_bytes()
        .split_first_chunk::<TIMESTAMP>()
        .ok_or(too_short)?;
    let timestamp = Timestamp::from_millis(i64::from_be_bytes(*timestamp));
    let nonce = Nonce(*rest.first_chunk::<NONCE>().ok_or(too_short)?);
    payload.start += STAMP;
    Ok(Opened {
        timestamp,
        nonce,
        payload,
    })
}

fn encode(message: Vec<u8>, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Binary => message,
        Encoding::Text => STANDARD.encode(message).into_bytes(),
    }
}

fn decode(body: &[u8], encoding: Encoding) -> Result<Wiped, EnvelopeError> {
    match encoding {
        Encoding::Binary => Ok(Wiped::new(body.to_vec())),
        Encoding::Text => STANDARD
            .decode(body)
            .map(Wiped::new)
            .map_err(|_| EnvelopeError::NotBase64),
    }
}
