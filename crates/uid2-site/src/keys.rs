//! The keys of a site, all from one file.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;

use axum_extra::extract::cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uid2_core::DiiKey;
use zeroize::Zeroizing;

/// What a site signs and hashes with. Made from 32 random bytes in a file that
/// only its owner may read, so that cookies outlive a restart.
#[derive(Clone)]
pub(crate) struct Keys {
    cookies: cookie::Key,
    forms: Zeroizing<[u8; 32]>,
    people: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// The keys of the file, which is made if there is none.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        let mut master = Zeroizing::new([0; 32]);
        match OpenOptions::new().read(true).open(path) {
            Ok(mut file) => file.read_exact(&mut *master)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                getrandom::fill(&mut *master).map_err(io::Error::other)?;
                create_private(path)?.write_all(&*master)?;
            }
            Err(error) => return Err(error),
        }
        Ok(Self::derive(&master))
    }

    /// A key of its own for each use, so that none can stand in for another.
    fn derive(master: &[u8; 32]) -> Self {
        let part = |label| mac(master, &[label]);
        let signing = Zeroizing::new([part(b"cookies 1"), part(b"cookies 2")].concat());
        Self {
            cookies: cookie::Key::from(&signing),
            forms: Zeroizing::new(part(b"forms")),
            people: Zeroizing::new(part(b"people")),
        }
    }

    /// Signs the cookie.
    pub(crate) const fn cookies(&self) -> &cookie::Key {
        &self.cookies
    }

    /// Hashes DII, so that a person can be found again but not read.
    pub(crate) fn people(&self) -> DiiKey {
        DiiKey::from_bytes(*self.people)
    }

    /// What a form must bring to be this visitor's.
    pub(crate) fn form_token(&self, visitor: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.forms, &[visitor.as_bytes()]))
    }

    /// Whether a form is this visitor's; takes the same time whatever it brings.
    pub(crate) fn is_form_token(&self, visitor: &str, token: &str) -> bool {
        let expected = self.form_token(visitor);
        expected.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(<redacted>)")
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads shorter keys with zeros to a block: so does this.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// 256 random bits, to name a session by.
pub(crate) fn random_id() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn create_private(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_differ_by_site() {
        let folder = tempfile::tempdir().unwrap();
        let load = |name: &str| Keys::load(&folder.path().join(name)).unwrap();
        let (one, again, other) = (load("a"), load("a"), load("b"));
        assert_eq!(one.form_token("v"), again.form_token("v"));
        assert_eq!(one.cookies().master(), again.cookies().master());
        assert!(one.is_form_token("v", &again.form_token("v")));
        for wrong in ["", "v", &other.form_token("v"), &one.form_token("w")] {
            assert!(!one.is_form_token("v", wrong), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Keys::load(&path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_cut_short_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, [7; 31]).unwrap();
        assert!(Keys::load(&path).is_err());
    }
}
