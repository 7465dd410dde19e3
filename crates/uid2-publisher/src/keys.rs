//! What things are called in the store.

use uid2_core::{Dii, DiiKey};
use uid2_store::TokenStore;

use crate::Error;

/// The space of records about users.
const USER: u8 = b'u';
/// The space of opt-outs remembered for DII.
const DII: u8 = b'd';
/// Ids up to this long need no allocation to look up.
const INLINE: usize = 64;

/// The key of a user: `u` and the publisher's own id.
///
/// An empty id would be shared by everybody who is not signed in, so it is refused.
pub(crate) struct UserKey {
    inline: [u8; INLINE],
    len: usize,
    spilled: Option<Box<[u8]>>,
}

impl UserKey {
    pub(crate) fn new<S: TokenStore>(user: &str) -> Result<Self, Error> {
        let len = 1 + user.len();
        if user.is_empty() {
            return Err(Error::EmptyUserId);
        }
        if len > S::MAX_KEY {
            return Err(Error::UserIdTooLong {
                found: user.len(),
                max: S::MAX_KEY - 1,
            });
        }
        let mut key = Self {
            inline: [0; INLINE],
            len,
            spilled: None,
        };
        match key.inline.get_mut(..len) {
            Some(inline) => fill(inline, user),
            None => {
                let mut spilled = vec![0; len].into_boxed_slice();
                fill(&mut spilled, user);
                key.spilled = Some(spilled);
            }
        }
        Ok(key)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.spilled {
            Some(spilled) => spilled,
            None => self.inline.get(..self.len).unwrap_or_default(),
        }
    }

    pub(crate) fn to_boxed(&self) -> Box<[u8]> {
        self.as_bytes().into()
    }
}

fn fill(key: &mut [u8], user: &str) {
    if let Some((space, id)) = key.split_first_mut() {
        *space = USER;
        id.copy_from_slice(user.as_bytes());
    }
}

/// The name of DII in the store: a keyed hash, which tells nothing without its key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiiTag(pub(crate) [u8; 32]);

impl DiiTag {
    pub(crate) fn new(key: &DiiKey, dii: &Dii) -> Self {
        Self(dii.keyed_hash(key))
    }

    pub(crate) fn store_key(self) -> [u8; 33] {
        let mut key = [DII; 33];
        key[1..].copy_from_slice(&self.0);
        key
    }
}

/// Whether a key of the store is a user's: only those come due.
pub(crate) fn is_user(key: &[u8]) -> bool {
    key.first() == Some(&USER)
}
