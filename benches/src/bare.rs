//! Envelopes in the fewest steps: what sealing and opening cannot do without.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::Rng;
use serde::de::DeserializeOwned;
use uid2_core::envelope::Encoding;

use crate::{NOW, SECRET};

const IV: usize = 12;
const STAMP: usize = 16;
const TAG: usize = 16;

/// AES-256-GCM and nothing else: no error is told from another, nothing is wiped.
#[derive(Debug)]
pub struct Bare(Aes256Gcm);

#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what does not fit ends the benchmark"
)]
impl Bare {
    /// With the key of [`SECRET`].
    ///
    /// # Panics
    /// Never: the secret is a constant.
    #[must_use]
    pub fn new() -> Self {
        let key = STANDARD.decode(SECRET).expect("base64");
        let key: [u8; 32] = key.try_into().expect("32 bytes");
        Self(Aes256Gcm::new(&key.into()))
    }

    /// Encrypts in place; the tag is returned.
    ///
    /// # Panics
    /// When there are more than 64 GiB.
    pub fn encrypt(&self, iv: [u8; IV], message: &mut [u8]) -> [u8; TAG] {
        self.0
            .encrypt_inout_detached(&iv.into(), &[], InOutBuf::from(message))
            .expect("short")
            .into()
    }

    /// A request's envelope.
    ///
    /// # Panics
    /// When there are more than 64 GiB.
    pub fn seal(&self, rng: &mut impl Rng, payload: &[u8], encoding: Encoding) -> Vec<u8> {
        let mut random = [0; 20];
        rng.fill_bytes(&mut random);
        let iv: [u8; IV] = *random.first_chunk().expect("20 bytes");
        let mut message = Vec::with_capacity(1 + IV + STAMP + payload.len() + TAG);
        message.push(1);
        message.extend_from_slice(&iv);
        message.extend_from_slice(&NOW.as_millis().to_be_bytes());
        message.extend_from_slice(&random[IV..]);
        message.extend_from_slice(payload);
        let tag = self.encrypt(iv, &mut message[1 + IV..]);
        message.extend_from_slice(&tag);
        match encoding {
            Encoding::Binary => message,
            Encoding::Text => STANDARD.encode(&message).into_bytes(),
        }
    }

    /// What is in a response's envelope, in text.
    ///
    /// # Panics
    /// When it does not open, or holds something else.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, body: &[u8]) -> T {
        let mut message = STANDARD.decode(body).expect("base64");
        let iv: [u8; IV] = *message.first_chunk().expect("an IV");
        let tag: [u8; TAG] = *message.last_chunk().expect("a tag");
        let end = message.len() - TAG;
        self.0
            .decrypt_inout_detached(
                &iv.into(),
                &[],
                InOutBuf::from(&mut message[IV..end]),
                &tag.into(),
            )
            .expect("authentic");
        serde_json::from_slice(&message[IV + STAMP..end]).expect("JSON")
    }
}

impl Default for Bare {
    fn default() -> Self {
        Self::new()
    }
}

/// The members of an identity, as serde derives them.
#[derive(Debug, serde::Deserialize)]
#[expect(missing_docs, reason = "as on the wire")]
pub struct PlainIdentity {
    pub advertising_token: String,
    pub refresh_token: String,
    pub refresh_response_key: String,
    pub identity_expires: i64,
    pub refresh_expires: i64,
    pub refresh_from: i64,
}
