//! Who may see whose keys (protocol, section 12).

/// A set of keys of a site, and who may see them.
///
/// A site that has a client or a key pair and no keyset in the configuration
/// gets one of its own without a list, numbered after the site where that
/// number is free.
///
/// ```
/// use uid2_emulator::{Config, Keyset};
///
/// let mut config = Config::default();
/// // What site 1000 seals, site 1001 may open besides, and nobody else.
/// config.keysets.push(Keyset {
///     id: 40,
///     site_id: 1000,
///     allowed_sites: Some(vec![1001]),
///     disabled: false,
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keyset {
    /// Its number, which nothing else may have: above 2, and not 9999999, which
    /// is what clients are told for the master keys'.
    pub id: i32,
    /// Whose keys. Tokens are sealed with those of the first keyset of a site,
    /// or where that is disabled with those of the service's fallback.
    pub site_id: i32,
    /// The sites that may see the keys besides; nothing is every site whose
    /// client reads tokens.
    pub allowed_sites: Option<Vec<i32>>,
    /// Hidden from everybody, the site itself included.
    pub disabled: bool,
}

impl Keyset {
    /// A keyset without a list of who may see it.
    #[must_use]
    pub const fn new(id: i32, site_id: i32) -> Self {
        Self {
            id,
            site_id,
            allowed_sites: None,
            disabled: false,
        }
    }

    /// Whether clients of a site may see its keys.
    pub(crate) fn is_visible_to(&self, site_id: i32, reads_tokens: bool) -> bool {
        let is_allowed = || match &self.allowed_sites {
            Some(sites) => sites.contains(&site_id),
            None => reads_tokens,
        };
        !self.disabled && (self.site_id == site_id || is_allowed())
    }
}
