//! An operator behind a server.

use core::fmt;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use uid2_core::{Dii, Timestamp};

use crate::admin::Admin;
use crate::clock::{Clock, offset_clock, system_clock};
use crate::config::{Client, Config, Lifetimes};
use crate::config::{ClientError, DEFAULT_API_KEY, DEFAULT_CLIENT_SECRET, Roles};
use crate::operator::Operator;
use crate::server;

/// A local operator that serves over HTTP, on a free loopback port unless told
/// otherwise. It ends when it is dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use uid2_core::Dii;
/// use uid2_emulator::Emulator;
///
/// let emulator = Emulator::start().await?;
/// println!("{} {} {}", emulator.url(), emulator.api_key(), emulator.client_secret());
/// emulator.opt_out(&Dii::email("user@example.com")?);
/// emulator.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Emulator {
    operator: Arc<Operator>,
    clock: Clock,
    url: String,
    address: SocketAddr,
    credentials: Credentials,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    admin: Option<(String, JoinHandle<()>)>,
    offset: Arc<AtomicI64>,
}

/// What a client of the emulator calls with.
#[derive(Clone)]
struct Credentials {
    api_key: String,
    client_secret: String,
}

impl Emulator {
    /// Starts an emulator with the defaults. It accepts connections once this
    /// returns.
    ///
    /// Must be called within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`StartError`] if no port can be had.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// To start an emulator with other than the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base URL, e.g. `http://127.0.0.1:40123`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API key of the default client, or of the one that the builder was
    /// given.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.credentials.api_key
    }

    /// The client secret that belongs to [`api_key`](Self::api_key), in base64.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.credentials.client_secret
    }

    /// The base URL of the administration, if the builder was asked for one.
    #[must_use]
    pub fn admin_url(&self) -> Option<&str> {
        self.admin.as_ref().map(|(url, _)| url.as_str())
    }

    /// Moves the emulator's clock on, without waiting.
    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.offset.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets how many milliseconds the emulator's clock is ahead of its base
    /// clock; negative is behind.
    pub fn set_clock_offset(&self, millis: i64) {
        self.offset.store(millis, Ordering::Relaxed);
    }

    /// The operator behind the server.
    #[must_use]
    pub const fn operator(&self) -> &Arc<Operator> {
        &self.operator
    }

    /// What time it is to the emulator.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Opts a person out of the whole service, as of now.
    pub fn opt_out(&self, dii: &Dii) {
        self.operator.opt_out(dii, self.now());
    }

    /// Stops: no new connections, requests in flight are answered, for at most
    /// five seconds.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            // It only fails if it was aborted, and then it has stopped too.
            let _ = server.await;
        }
        if let Some((_, admin)) = self.admin.take() {
            let _ = admin.await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            // Dropping the server drops its connections with it.
            server.abort();
        }
        if let Some((_, admin)) = &self.admin {
            admin.abort();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("url", &self.url)
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

/// How to start an [`Emulator`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use uid2_emulator::{Emulator, Lifetimes};
///
/// let seconds = Duration::from_secs;
/// let emulator = Emulator::builder()
///     .lifetimes(Lifetimes::new(seconds(1), seconds(2), seconds(30))?)
///     .start()
///     .await?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Builder {
    config: Config,
    listen: SocketAddr,
    clock: Clock,
    credentials: Credentials,
    extra: Option<Result<Client, ClientError>>,
    admin: Option<SocketAddr>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: system_clock(),
            credentials: Credentials {
                api_key: DEFAULT_API_KEY.into(),
                client_secret: DEFAULT_CLIENT_SECRET.into(),
            },
            extra: None,
            admin: None,
        }
    }
}

impl Builder {
    /// The whole configuration. Call this before the others.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How long things live.
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.config.lifetimes = lifetimes;
        self
    }

    /// Where to listen; port 0 is any free one. Keep to loopback: the
    /// credentials are public.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// What time it is. The system's clock unless told otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where to listen for the administration, which must be loopback; port 0 is
    /// any free one. There is none unless asked for.
    pub const fn admin(mut self, address: SocketAddr) -> Self {
        self.admin = Some(address);
        self
    }

    /// A client with these credentials and every role, besides those of the
    /// configuration. [`Emulator::api_key`] and [`Emulator::client_secret`]
    /// then tell these.
    pub fn credentials(mut self, api_key: &str, client_secret: &str) -> Self {
        let site_id = uid2_core::ApiKey::parse(api_key)
            .ok()
            .and_then(|key| key.site_id())
            .and_then(|site_id| i32::try_from(site_id).ok())
            .unwrap_or(999);
        let client = Client::new("Own", site_id, Roles::ALL, api_key, client_secret);
        self.extra = Some(client);
        self.credentials = Credentials {
            api_key: api_key.into(),
            client_secret: client_secret.into(),
        };
        self
    }

    /// Starts. The emulator accepts connections once this returns.
    ///
    /// Must be called within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`StartError`] if the address cannot be had or a credential is not one.
    pub async fn start(mut self) -> Result<Emulator, StartError> {
        if let Some(client) = self.extra {
            // First, so that nobody else's key is in its way.
            self.config.clients.insert(0, client?);
        }
        let listener = bind(self.listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(StartError::Listen)?;
        let operator = Arc::new(Operator::new(self.config));
        let (stop, stopped) = watch::channel(false);
        let offset = Arc::new(AtomicI64::new(0));
        let clock = offset_clock(self.clock, Arc::clone(&offset));
        let admin = match self.admin {
            Some(address) => {
                let admin = Admin {
                    operator: Arc::clone(&operator),
                    clock: Arc::clone(&clock),
                    offset: Arc::clone(&offset),
                };
                Some(administer(address, admin, stopped.clone())?)
            }
            None => None,
        };
        let service = server::Service::new(Arc::clone(&operator), Arc::clone(&clock));
        let server = tokio::spawn(server::serve(listener, service, stopped));
        Ok(Emulator {
            operator,
            clock,
            url: format!("http://{address}"),
            address,
            credentials: self.credentials,
            stop,
            server: Some(server),
            admin,
            offset,
        })
    }
}

fn administer(
    address: SocketAddr,
    admin: Admin,
    stopped: watch::Receiver<bool>,
) -> Result<(String, JoinHandle<()>), StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::AdminNotLoopback);
    }
    let listener = bind(address)?;
    let url = listener.local_addr().map_err(StartError::Listen)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(StartError::Listen)?;
    let service = server::Service::of_admin(admin);
    let server = tokio::spawn(server::serve(listener, service, stopped));
    Ok((format!("http://{url}"), server))
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).map_err(StartError::Listen)?;
    listener.set_nonblocking(true).map_err(StartError::Listen)?;
    Ok(listener)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen: is the port taken? Port 0 is any free one")]
    Listen(#[source] std::io::Error),
    /// The administration would be open to other machines.
    #[error("the administration has no credentials: listen on a loopback address")]
    AdminNotLoopback,
    /// A credential of the builder is not one.
    #[error("the credentials given to the emulator are not usable")]
    Credentials(#[from] ClientError),
}
