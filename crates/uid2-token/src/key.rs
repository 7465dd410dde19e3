//! Keys that tokens are sealed with, and rings of them.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use uid2_core::KeyError;
use zeroize::Zeroizing;

use crate::error::TokenError;

const GCM_IV: usize = 12;
const GCM_TAG: usize = 16;
const CBC_IV: usize = 16;

/// An AES-256 key with its number, as `/v2/key/sharing` and
/// `/v2/key/bidstream` hand them out (protocol, section 12).
///
/// Cloning is cheap and shares the memory, which is wiped on drop. `Debug`
/// shows the number only.
///
/// ```
/// use uid2_token::TokenKey;
///
/// let key = TokenKey::parse(164, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
/// assert_eq!(key.id(), 164);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TokenKey {
    id: i32,
    secret: Arc<Secret>,
}

struct Secret {
    bytes: Zeroizing<[u8; 32]>,
    gcm: Aes256Gcm,
}

impl TokenKey {
    /// A key from its number and 32 bytes.
    #[must_use]
    pub fn new(id: i32, secret: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(secret);
        let gcm = Aes256Gcm::new((&*bytes).into());
        Self {
            id,
            secret: Arc::new(Secret { bytes, gcm }),
        }
    }

    /// A key from its number and base64 of 32 bytes.
    ///
    /// # Errors
    /// [`KeyError`] if it is not base64 of 32 bytes.
    pub fn parse(id: i32, base64: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD
            .decode(base64)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::NotBase64)?;
        let secret = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| KeyError::Length { found: bytes.len() })?;
        Ok(Self::new(id, secret))
    }

    /// The number by which tokens name it.
    #[must_use]
    pub const fn id(&self) -> i32 {
        self.id
    }

    /// The 32 bytes. They are a secret: for the key endpoints of an operator.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.secret.bytes
    }

    /// `iv ‖ GCM(plain) ‖ tag`.
    pub(crate) fn seal_gcm<R: CryptoRng + ?Sized>(&self, plain: &[u8], rng: &mut R) -> Vec<u8> {
        let mut iv = [0; GCM_IV];
        rng.fill_bytes(&mut iv);
        let mut message = Vec::with_capacity(GCM_IV + plain.len() + GCM_TAG);
        message.extend_from_slice(&iv);
        message.extend_from_slice(plain);
        let text = message.get_mut(GCM_IV..).unwrap_or_default();
        // GCM refuses only messages of 64 GiB and more.
        let sealed = self
            .secret
            .gcm
            .encrypt_inout_detached(&iv.into(), &[], text.into());
        if let Ok(tag) = sealed {
            message.extend_from_slice(&tag);
        }
        message
    }

    /// Opens `iv ‖ ciphertext ‖ tag`.
    pub(crate) fn open_gcm(&self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let too_short = TokenError::TooShort {
            found: message.len(),
            min: GCM_IV + GCM_TAG,
        };
        let (iv, rest) = message.split_first_chunk::<GCM_IV>().ok_or(too_short)?;
        let (text, tag) = rest.split_last_chunk::<GCM_TAG>().ok_or(too_short)?;
        let mut plain = Zeroizing::new(text.to_vec());
        self.secret
            .gcm
            .decrypt_inout_detached(
                &(*iv).into(),
                &[],
                InOutBuf::from(plain.as_mut_slice()),
                &(*tag).into(),
            )
            .map_err(|_| TokenError::Decrypt)?;
        Ok(plain)
    }

    /// `iv ‖ CBC(plain)` with PKCS #7 padding.
    pub(crate) fn seal_cbc<R: CryptoRng + ?Sized>(&self, plain: &[u8], rng: &mut R) -> Vec<u8> {
        let mut iv = [0; CBC_IV];
        rng.fill_bytes(&mut iv);
        let cipher = cbc::Encryptor::<aes::Aes256>::new((&*self.secret.bytes).into(), &iv.into());
        let mut message = iv.to_vec();
        message.extend(cipher.encrypt_padded_vec::<Pkcs7>(plain));
        message
    }

    /// Opens `iv ‖ CBC`. There is no authentication in CBC: an altered message
    /// may well open, to something else.
    pub(crate) fn open_cbc(&self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let (iv, text) = message
            .split_first_chunk::<CBC_IV>()
            .ok_or(TokenError::TooShort {
                found: message.len(),
                min: CBC_IV,
            })?;
        let cipher =
            cbc::Decryptor::<aes::Aes256>::new((&*self.secret.bytes).into(), &(*iv).into());
        cipher
            .decrypt_padded_vec::<Pkcs7>(text)
            .map(Zeroizing::new)
            .map_err(|_| TokenError::Decrypt)
    }
}

/// The number in the open, the bytes in constant time.
impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && bool::from(self.secret.bytes.ct_eq(&*other.secret.bytes))
    }
}

impl Eq for TokenKey {}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Keys by their number.
///
/// ```
/// use uid2_token::{KeyRing, TokenError, TokenKey};
///
/// let ring = [TokenKey::new(2, [2; 32]), TokenKey::new(164, [3; 32])];
/// assert_eq!(ring.key(164).map(TokenKey::id), Some(164));
/// assert!(matches!(ring.require(5), Err(TokenError::UnknownKey { id: 5 })));
/// ```
pub trait KeyRing {
    /// The key with this number.
    fn key(&self, id: i32) -> Option<&TokenKey>;

    /// The key with this number, or the error that says it is not there.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`].
    fn require(&self, id: i32) -> Result<&TokenKey, TokenError> {
        self.key(id).ok_or(TokenError::UnknownKey { id })
    }
}

/// A ring of one.
impl KeyRing for TokenKey {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        (self.id == id).then_some(self)
    }
}

impl KeyRing for [TokenKey] {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        self.iter().find(|key| key.id == id)
    }
}

impl<const N: usize> KeyRing for [TokenKey; N] {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        self.as_slice().key(id)
    }
}

impl KeyRing for Vec<TokenKey> {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        self.as_slice().key(id)
    }
}

impl KeyRing for BTreeMap<i32, TokenKey> {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        self.get(&id)
    }
}

impl<K: KeyRing + ?Sized> KeyRing for &K {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        (**self).key(id)
    }
}
