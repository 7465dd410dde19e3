//! A site, running.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use uid2_core::Scope;
use uid2_emulator::Emulator;
use uid2_http::{Client, HyperTransport, RetryPolicy, Runtime};
use uid2_publisher::Publisher;
use uid2_store::FileStore;

use crate::app::{self, App};
use crate::clock::SiteClock;
use crate::guard::rate::RateLimit;
use crate::keys::Keys;
use crate::observed::Observed;
use crate::operator::Ready;
use crate::options::Options;
use crate::records::Records;
use crate::{StartError, serve};

/// How often sessions that have ended are forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// How long the last refreshes may take when the site stops.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// The publisher of this site.
pub(crate) type SitePublisher = Publisher<HyperTransport, Observed, SiteClock>;

/// A publisher's web site that is running. It ends when it is dropped; better,
/// [`stop`](Self::stop) it.
#[derive(Debug)]
pub struct Site {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Site {
    pub(crate) async fn start(options: Options) -> Result<Self, StartError> {
        let folder = options.folder();
        make_private_folder(&folder).map_err(|source| StartError::Folder {
            path: folder.clone(),
            source,
        })?;
        let key_file = folder.join("key");
        let keys = Keys::load(&key_file).map_err(|source| StartError::Key {
            path: key_file.clone(),
            source,
        })?;
        // First: it is what a second site on the same folder is refused by.
        let store = FileStore::open(folder.join("identities.db")).await?;
        let records = Records::open(&folder.join("site.db"))?;
        let rate = RateLimit::new(options.limits)?;
        let clock = SiteClock::ahead_by(match &options.operator {
            crate::Operator::Embedded => records.clock_ahead()?,
            // Nobody can let time pass for an operator elsewhere.
            crate::Operator::At(..) => 0,
        });
        let operator = Ready::start(options.operator.clone(), &clock).await?;
        let scope = operator.caller.api_key().scope().unwrap_or(Scope::Uid2);
        let retry = RetryPolicy::default()
            .with_max_attempts(2)
            .with_deadline(options.patience);
        let client = Client::builder(operator.caller, operator.base_url.clone())
            .retry(retry)
            .build_on(HyperTransport::new()?, clock.clone());
        let store = Observed::new(store, records.clone(), clock.clone());
        let publisher = Publisher::builder(client, store)
            .dii_key(keys.people())
            .build()?;
        let listener = serve::listen(options.port).await?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let app = Arc::new(App {
            publisher,
            records,
            clock,
            keys,
            scope,
            rate,
            operator_url: operator.base_url.as_str().trim_end_matches('/').into(),
            embedded: operator.embedded,
            address,
            origin: options.origin,
            sessions: options.sessions,
        });
        Ok(Self::spawn(app, listener))
    }

    fn spawn(app: Arc<App>, listener: tokio::net::TcpListener) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(serve::serve(listener, app::router(&app), stopped)),
            tokio::spawn(app.publisher.refresher().run()),
            tokio::spawn(keep_house(Arc::clone(&app))),
        ];
        Self { app, stop, tasks }
    }

    /// The address to open in a browser, e.g. `http://127.0.0.1:3033`, without a
    /// slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.own_origin()
    }

    /// Where the site listens: on loopback, whatever stands before it.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.app.address
    }

    /// The embedded operator, unless the site calls another one.
    #[must_use]
    pub fn emulator(&self) -> Option<&Emulator> {
        self.app.embedded.as_ref()
    }

    /// Stops in order: requests in flight are answered, refreshes in flight are
    /// waited for, and everything is on the disk when this returns.
    pub async fn stop(mut self) {
        // If the server has ended already there is nobody to tell.
        let _ = self.stop.send(true);
        let mut tasks = std::mem::take(&mut self.tasks).into_iter();
        if let Some(server) = tasks.next() {
            let _ = server.await;
        }
        self.app.publisher.shutdown(LAST_CALLS).await;
        for task in tasks {
            task.abort();
        }
        self.app.publisher.store().file().close().await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn keep_house(app: Arc<App>) {
    loop {
        app.rate.forget_the_idle();
        let (records, life, now) = (app.records.clone(), app.sessions, app.clock.now());
        let purged = tokio::task::spawn_blocking(move || records.purge_sessions(life, now)).await;
        if let Ok(Err(error)) = purged {
            tracing::warn!(%error, "ended sessions could not be forgotten");
        }
        tokio::time::sleep(HOUSEKEEPING).await;
    }
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
