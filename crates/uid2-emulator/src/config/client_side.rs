//! The client-side integration: sites and their key pairs (protocol, section 10).

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::SecretKey;
use p256::pkcs8::DecodePrivateKey;

/// A site and where its client-side tokens may come from.
///
/// ```
/// use uid2_emulator::{Config, Site};
///
/// let mut config = Config::default();
/// config.sites.push(Site {
///     id: 1000,
///     domain_names: vec!["example.com".into()],
///     app_names: vec!["com.example.app".into()],
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// Its number.
    pub id: i32,
    /// Registrable domains, or `localhost`; their subdomains may call, too.
    pub domain_names: Vec<String>,
    /// Apps; case makes no difference.
    pub app_names: Vec<String>,
}

impl Site {
    pub(crate) fn allows_app(&self, name: &str) -> bool {
        self.app_names
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether an `Origin` is of one of its domains.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split([':', '/']).next().unwrap_or_default();
        self.domain_names.iter().any(|domain| {
            let before = host
                .len()
                .checked_sub(domain.len())
                .and_then(|at| host.split_at_checked(at));
            before.is_some_and(|(before, end)| {
                end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.'))
            })
        })
    }
}

/// The key pair of a subscription: P-256. `Debug` does not show the private key.
#[derive(Clone)]
pub struct Keypair {
    subscription_id: String,
    site_id: i32,
    private_key: SecretKey,
    disabled: bool,
}

impl Keypair {
    /// From the private key as the portal writes it: a prefix like `UID2-Y-L-`
    /// and PKCS #8 in base64.
    ///
    /// # Errors
    /// [`KeypairError`] if it is not one.
    pub fn new(
        subscription_id: &str,
        site_id: i32,
        private_key: &str,
    ) -> Result<Self, KeypairError> {
        const PREFIX: usize = 9;
        let (prefix, base64) = private_key
            .split_at_checked(PREFIX)
            .ok_or(KeypairError::Prefix)?;
        if !prefix.starts_with("UID2-Y-") && !prefix.starts_with("EUID-Y-") {
            return Err(KeypairError::Prefix);
        }
        let der = STANDARD.decode(base64).map_err(|_| KeypairError::Key)?;
        let private_key = SecretKey::from_pkcs8_der(&der).map_err(|_| KeypairError::Key)?;
        Ok(Self {
            subscription_id: subscription_id.into(),
            site_id,
            private_key,
            disabled: false,
        })
    }

    /// The same, but refused.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Its subscription.
    #[must_use]
    pub fn subscription_id(&self) -> &str {
        &self.subscription_id
    }

    /// Its site.
    #[must_use]
    pub const fn site_id(&self) -> i32 {
        self.site_id
    }

    /// Whether it is refused.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.disabled
    }

    pub(crate) const fn private_key(&self) -> &SecretKey {
        &self.private_key
    }

    /// The public mock key pair of the official operator.
    pub(crate) fn mock_keypairs() -> Vec<Self> {
        const PRIVATE_KEY: &str = "UID2-Y-L-MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCBop1Dw/\
            IwDcstgicr/3tDoyR3OIpgAWgw8mD6oTO+1ug==";
        Self::new("4WvryDGbR5", 123, PRIVATE_KEY)
            .into_iter()
            .collect()
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair")
            .field("subscription_id", &self.subscription_id)
            .field("site_id", &self.site_id)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// The site of the mock key pair.
pub(crate) fn mock_sites() -> Vec<Site> {
    let texts = |texts: &[&str]| texts.iter().copied().map(String::from).collect();
    vec![Site {
        id: 123,
        domain_names: texts(&["localhost", "uidapi.com"]),
        app_names: texts(&[
            "com.123.Game.App.android",
            "123456789",
            "com.123.Game.App.ios",
            "com.uid2.devapp",
        ]),
    }]
}

/// Why a key pair cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeypairError {
    /// Does not begin like a private key.
    #[error("the private key must begin with UID2-Y- or EUID-Y-, a letter and a dash")]
    Prefix,
    /// Not base64 of a P-256 key in PKCS #8.
    #[error("after its prefix, the private key is not base64 of a P-256 key in PKCS #8")]
    Key,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mock_key_pair_is_one() {
        assert_eq!(Keypair::mock_keypairs().len(), 1);
        let short = Keypair::new("x", 1, "UID2-Y");
        assert_eq!(short.err(), Some(KeypairError::Prefix));
        let public = Keypair::new("x", 1, "UID2-X-L-AAAA");
        assert_eq!(public.err(), Some(KeypairError::Prefix));
        let garbage = Keypair::new("x", 1, "UID2-Y-L-AAAA");
        assert_eq!(garbage.err(), Some(KeypairError::Key));
    }

    #[test]
    fn origins() {
        let site = &mock_sites()[0];
        for origin in [
            "https://uidapi.com",
            "https://www.UIDAPI.com:8443",
            "http://localhost:3000",
        ] {
            assert!(site.allows_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "uidapi.com",
            "null",
            "https://notuidapi.com",
            "https://uidapi.com.evil.example",
            "https://",
        ] {
            assert!(!site.allows_origin(origin), "{origin}");
        }
    }
}
