//! How to connect to Redis.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::{Client, TlsCertificates};
use rustls::crypto::CryptoProvider;

use super::RedisStore;
use super::connection::{Connection, typed};
use crate::{Codec, StoreError};

/// How to connect to a [`RedisStore`].
///
/// ```no_run
/// # async fn example() -> Result<(), uid2_store::StoreError> {
/// use std::time::Duration;
/// use uid2_store::RedisStore;
///
/// let store = RedisStore::options()
///     .prefix("publisher-17")
///     .response_timeout(Duration::from_secs(1))
///     .connect("rediss://user:password@redis.example.com:6380")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    pub(super) prefix: String,
    pub(super) grace: Duration,
    pub(super) codec: Codec,
    pub(super) read_only: bool,
    response_timeout: Duration,
    connection_timeout: Duration,
    root_certificate: Option<Vec<u8>>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "uid2".to_owned(),
            grace: Duration::from_secs(24 * 3600),
            codec: Codec::plain(),
            read_only: false,
            response_timeout: Duration::from_secs(2),
            connection_timeout: Duration::from_secs(5),
            root_certificate: None,
        }
    }
}

impl RedisOptions {
    /// What all keys in Redis begin with: `uid2` unless told otherwise. Stores
    /// with different prefixes are independent of each other.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for an answer; two seconds unless told otherwise. A
    /// write that was not answered in time may still have taken place.
    #[must_use]
    pub const fn response_timeout(mut self, time: Duration) -> Self {
        self.response_timeout = time;
        self
    }

    /// How long to wait for a connection; five seconds unless told otherwise.
    #[must_use]
    pub const fn connection_timeout(mut self, time: Duration) -> Self {
        self.connection_timeout = time;
        self
    }

    /// How long a record stays after it has expired, on the server's clock; a
    /// day unless told otherwise. A clock that is wrong by less loses nothing.
    /// Opt-outs stay for good.
    #[must_use]
    pub const fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// Only look: nothing is written to the server, not even that there is a
    /// store; so [`connect`](Self::connect) gives [`StoreError::NotAStore`] where
    /// there is none. Works with a replica too.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// A certificate in PEM to trust beside those of the system, for `rediss://`.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Encrypts the store with the keys of a ring: values with AES-256-GCM, and
    /// keyed hashes in the place of user ids. What Redis sees are times only.
    #[cfg(feature = "encryption")]
    #[cfg_attr(docsrs, doc(cfg(feature = "encryption")))]
    #[must_use]
    pub fn encrypt(mut self, ring: crate::KeyRing) -> Self {
        self.codec = Codec::sealed(ring);
        self
    }

    /// Connects to one server: `redis://` or, with TLS, `rediss://`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the address is malformed or the password is
    /// wrong, [`StoreError::Unavailable`] if the server does not answer, and
    /// those of a store that is not ours or of a newer format.
    pub async fn connect(self, url: &str) -> Result<RedisStore, StoreError> {
        choose_cryptography();
        let client = match self.certificates() {
            Some(certificates) => Client::build_with_tls(url, certificates),
            None => Client::open(url),
        };
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.response_timeout))
            .set_connection_timeout(Some(self.connection_timeout))
            // Callers wait meanwhile: they are told soon, and try again.
            .set_number_of_retries(3)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_secs(1));
        let manager = ConnectionManager::new_with_config(client.map_err(typed)?, config);
        let connection = Connection::Single(manager.await.map_err(typed)?);
        RedisStore::build(connection, self).await
    }

    /// Connects to a cluster, of which at least one node must be reachable at
    /// the addresses given.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_cluster(self, urls: &[&str]) -> Result<RedisStore, StoreError> {
        choose_cryptography();
        let mut builder = ClusterClientBuilder::new(urls.iter().copied())
            .response_timeout(self.response_timeout)
            .connection_timeout(self.connection_timeout);
        if let Some(certificates) = self.certificates() {
            builder = builder.certs(certificates);
        }
        let client = builder.build().map_err(typed)?;
        let connection = client.get_async_connection().await.map_err(typed)?;
        RedisStore::build(Connection::Cluster(connection), self).await
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let root_cert = Some(self.root_certificate.clone()?);
        Some(TlsCertificates {
            client_tls: None,
            root_cert,
        })
    }
}

/// The `redis` crate takes the cryptography for TLS that the process has chosen,
/// and panics if it has chosen none. A program that has its own choice keeps it.
fn choose_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have chosen meanwhile, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .field("grace", &self.grace)
            .field("codec", &self.codec)
            .field("read_only", &self.read_only)
            .field("response_timeout", &self.response_timeout)
            .field("connection_timeout", &self.connection_timeout)
            .finish_non_exhaustive()
    }
}
