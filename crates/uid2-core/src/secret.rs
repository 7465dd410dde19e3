//! Credentials and keys: wiped from memory on drop, compared in constant time,
//! and never shown.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::dii::keyed_hash;
use crate::environment::Scope;

/// Longest API key we take; real ones have 60 to 70 characters.
const MAX_API_KEY: usize = 512;
const BEARER: &str = "Bearer ";

/// The API key, which says who is calling.
///
/// Cloning is cheap and shares the memory. `Debug` shows nothing of it.
///
/// ```
/// use uid2_core::{ApiKey, Scope};
///
/// let key: ApiKey = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?;
/// assert_eq!(key.scope(), Some(Scope::Uid2));
/// assert_eq!(key.site_id(), Some(999));
/// assert_eq!(format!("{key:?}"), "ApiKey(<redacted>)");
/// # Ok::<(), uid2_core::ApiKeyError>(())
/// ```
///
/// Nor does it go into a text by mistake: this does not compile.
///
/// ```compile_fail
/// # use uid2_core::ApiKey;
/// let key: ApiKey = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=".parse()?;
/// let text = format!("{key}");
/// # Ok::<(), uid2_core::ApiKeyError>(())
/// ```
#[derive(Clone)]
pub struct ApiKey {
    /// `Bearer <key>`, ready for the header of every request.
    authorization: Arc<Zeroizing<String>>,
}

impl ApiKey {
    /// Checks the form of an API key.
    ///
    /// Keys older than the `UID2-C-…` pattern are accepted as they are
    /// (protocol, section 3).
    ///
    /// # Errors
    /// [`ApiKeyError`] says what is wrong, and if the text is another kind of key.
    pub fn parse(key: &str) -> Result<Self, ApiKeyError> {
        check_api_key(key)?;
        let mut authorization = String::with_capacity(BEARER.len() + key.len());
        authorization.push_str(BEARER);
        authorization.push_str(key);
        Ok(Self {
            authorization: Arc::new(Zeroizing::new(authorization)),
        })
    }

    /// The key itself. It is a secret: it goes into the `Authorization` header
    /// and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.authorization_header()
            .strip_prefix(BEARER)
            .unwrap_or_default()
    }

    /// The value of the `Authorization` header: `Bearer <key>`.
    #[must_use]
    pub fn authorization_header(&self) -> &str {
        &self.authorization
    }

    /// UID2 or EUID, if the key has the pattern that tells.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        self.fields().map(|fields| fields.scope)
    }

    /// The environment that the key was issued for, if it tells.
    #[must_use]
    pub fn environment(&self) -> Option<KeyEnvironment> {
        self.fields().map(|fields| fields.environment)
    }

    /// The site that the key belongs to, if it tells. Not a secret.
    #[must_use]
    pub fn site_id(&self) -> Option<u32> {
        self.fields().map(|fields| fields.site_id)
    }

    fn fields(&self) -> Option<KeyFields> {
        KeyFields::read(self.expose())
    }
}

/// The environment letter of an API key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum KeyEnvironment {
    /// `L`: a local operator.
    Local,
    /// `T`: a test environment.
    Test,
    /// `I`: integration.
    Integration,
    /// `P`: production.
    Production,
}

/// What `UID2-C-L-999-…` says before its random part.
struct KeyFields {
    scope: Scope,
    environment: KeyEnvironment,
    site_id: u32,
}

impl KeyFields {
    /// `(?:UID2|EUID)-C-[LTIP]-<siteId>-.{6}\..{38}` (protocol, section 3).
    fn read(key: &str) -> Option<Self> {
        let mut pieces = key.splitn(5, '-');
        let scope = match pieces.next()? {
            "UID2" => Scope::Uid2,
            "EUID" => Scope::Euid,
            _ => return None,
        };
        if pieces.next()? != "C" {
            return None;
        }
        let environment = match pieces.next()? {
            "L" => KeyEnvironment::Local,
            "T" => KeyEnvironment::Test,
            "I" => KeyEnvironment::Integration,
            "P" => KeyEnvironment::Production,
            _ => return None,
        };
        let site_id = pieces.next()?;
        // `parse` alone would take a sign.
        if !site_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let site_id = site_id.parse().ok()?;
        let random = pieces.next()?;
        (random.len() == 45 && random.as_bytes().get(6) == Some(&b'.')).then_some(Self {
            scope,
            environment,
            site_id,
        })
    }
}

fn check_api_key(key: &str) -> Result<(), ApiKeyError> {
    if key.is_empty() {
        return Err(ApiKeyError::Empty);
    }
    if key.len() > MAX_API_KEY {
        return Err(ApiKeyError::TooLong);
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ApiKeyError::Character);
    }
    let Some(rest) = key.strip_prefix("UID2-").or(key.strip_prefix("EUID-")) else {
        return Ok(());
    };
    match rest.as_bytes() {
        [b'X' | b'Y', b'-', ..] => Err(ApiKeyError::ClientSideKey),
        [b'O', b'-', ..] => Err(ApiKeyError::OperatorKey),
        _ if KeyFields::read(key).is_some() => Ok(()),
        _ => Err(ApiKeyError::Malformed),
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyError;

    fn from_str(key: &str) -> Result<Self, ApiKeyError> {
        Self::parse(key)
    }
}

/// In constant time.
impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.authorization
            .as_bytes()
            .ct_eq(other.authorization.as_bytes())
            .into()
    }
}

impl Eq for ApiKey {}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(<redacted>)")
    }
}

/// Why a text is not an API key. Says nothing of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// Nothing there.
    #[error("the API key is empty")]
    Empty,
    /// Longer than any API key.
    #[error("the API key is longer than any API key is: check that it is not something else")]
    TooLong,
    /// A space, a line break or another character that no key has.
    #[error(
        "the API key contains white space or another character that no key has: \
         check for a line break or quotes at its end"
    )]
    Character,
    /// Begins like a key, but does not go on like one.
    #[error(
        "the API key begins like one but is cut off or altered: expected UID2-C-… or EUID-C-…, \
         with 45 characters after the site id"
    )]
    Malformed,
    /// The key of an operator.
    #[error("this is an operator's key (…-O-…), not a client's API key (…-C-…)")]
    OperatorKey,
    /// A key of the client-side integration.
    #[error(
        "this is a key of the client-side integration (…-X-… or …-Y-…), \
         not an API key for a server (…-C-…)"
    )]
    ClientSideKey,
}

/// The client secret: the AES-256 key that request and response envelopes are
/// sealed with.
///
/// The key schedule is expanded once, when the secret is made. Cloning is cheap
/// and shares it. `Debug` shows nothing of it.
///
/// ```
/// use uid2_core::ClientSecret;
///
/// let secret: ClientSecret = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=".parse()?;
/// assert_eq!(format!("{secret:?}"), "ClientSecret(<redacted>)");
/// # Ok::<(), uid2_core::KeyError>(())
/// ```
#[derive(Clone)]
pub struct ClientSecret(Arc<SecretKey>);

struct SecretKey {
    bytes: Zeroizing<[u8; 32]>,
    cipher: Aes256Gcm,
}

impl ClientSecret {
    /// From the base64 that the UID2 portal hands out.
    ///
    /// # Errors
    /// [`KeyError`] if it is not base64 of 32 bytes.
    pub fn parse(base64: &str) -> Result<Self, KeyError> {
        decode_key(base64).map(Self::from_key)
    }

    /// From the 32 bytes of the key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::from_key(Zeroizing::new(bytes))
    }

    fn from_key(bytes: Zeroizing<[u8; 32]>) -> Self {
        let cipher = Aes256Gcm::new((&*bytes).into());
        Self(Arc::new(SecretKey { bytes, cipher }))
    }

    pub(crate) fn cipher(&self) -> &Aes256Gcm {
        &self.0.cipher
    }

    /// A key for [`Dii::keyed_hash`](crate::Dii::keyed_hash) that only this
    /// secret gives. It changes when the secret is rotated.
    #[must_use]
    pub fn derive_dii_key(&self) -> DiiKey {
        let root = DiiKey(self.0.bytes.clone());
        DiiKey(Zeroizing::new(keyed_hash(&root, &[b"uid2-rs dii key v1"])))
    }
}

impl FromStr for ClientSecret {
    type Err = KeyError;

    fn from_str(base64: &str) -> Result<Self, KeyError> {
        Self::parse(base64)
    }
}

/// In constant time.
impl PartialEq for ClientSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes.ct_eq(&*other.0.bytes).into()
    }
}

impl Eq for ClientSecret {}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(<redacted>)")
    }
}

/// The key that opens the answer to one refresh. It comes with an identity and
/// is replaced by every refresh.
///
/// Compared in constant time, so it has no order and no hash, which would not be:
///
/// ```compile_fail
/// # use uid2_core::ResponseKey;
/// let keys: std::collections::BTreeSet<_> = [ResponseKey::from_bytes([1; 32])].into();
/// ```
#[derive(Clone)]
pub struct ResponseKey(Zeroizing<[u8; 32]>);

impl ResponseKey {
    /// From base64, as in an identity.
    ///
    /// # Errors
    /// [`KeyError`] if it is not base64 of 32 bytes.
    pub fn parse(base64: &str) -> Result<Self, KeyError> {
        decode_key(base64).map(Self)
    }

    /// From the 32 bytes of the key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key in base64, as it stands in an identity. It is a secret.
    #[must_use]
    pub fn expose_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    pub(crate) fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

/// In constant time.
impl PartialEq for ResponseKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for ResponseKey {}

impl fmt::Debug for ResponseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseKey(<redacted>)")
    }
}

/// The key under which DII is remembered without being told.
///
/// Opt-outs outlive everything else, so keep this key as long as the store.
///
/// ```
/// use uid2_core::{Dii, DiiKey};
///
/// let key = DiiKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
/// let typed = Dii::email("User@Example.com")?;
/// // The same person, whether named by address or by hash.
/// assert_eq!(typed.keyed_hash(&key), typed.to_hashed().keyed_hash(&key));
/// assert_ne!(typed.keyed_hash(&key), typed.keyed_hash(&DiiKey::from_bytes([1; 32])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DiiKey(Zeroizing<[u8; 32]>);

impl DiiKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// From base64 of 32 random bytes.
    ///
    /// # Errors
    /// [`KeyError`] if it is not base64 of 32 bytes.
    pub fn parse(base64: &str) -> Result<Self, KeyError> {
        decode_key(base64).map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DiiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiiKey(<redacted>)")
    }
}

/// Why a text is not a 32-byte key. Says nothing of the text but its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not standard base64.
    #[error("the key is not standard base64: copy it whole, with its '=' and without white space")]
    NotBase64,
    /// Base64, but not of 32 bytes.
    #[error(
        "the key has {found} bytes, expected 32: check that it is the secret and not the API key"
    )]
    Length {
        /// How many bytes there were.
        found: usize,
    },
}

fn decode_key(text: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let bytes = STANDARD
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::NotBase64)?;
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| KeyError::Length { found: bytes.len() })?;
    Ok(Zeroizing::new(key))
}
