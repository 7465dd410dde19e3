//! The publisher's server: what a real one would have, in few lines.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use uid2_core::operation::Caller;
use uid2_core::{AdvertisingToken, BaseUrl, Identity};
use uid2_emulator::Emulator;
use uid2_http::{Client, HyperTransport};
use uid2_publisher::{NoToken, OptOut, Publisher, TokenOutcome};
use uid2_store::FileStore;

use super::users::User;
use super::wire::Tap;

pub(super) type Trouble = Box<dyn Error + Send + Sync>;

/// How long calls under way may take at the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// A publisher over a real socket and a real file.
pub(super) struct Site {
    pub(super) publisher: Publisher<Tap, FileStore>,
    pub(super) client: Client<Tap>,
    pub(super) tap: Tap,
    store: FileStore,
}

impl Site {
    pub(super) async fn open(operator: &Emulator, file: &Path) -> Result<Self, Trouble> {
        let caller = Caller::new(
            operator.api_key().parse()?,
            operator.client_secret().parse()?,
        );
        // This machine only: whatever proxy there is has no part in it.
        let tap = Tap::new(HyperTransport::builder().no_proxy().build()?);
        let base_url = BaseUrl::parse(operator.url())?;
        let client = Client::builder(caller, base_url).build(tap.clone());
        let store = FileStore::open(file).await?;
        let publisher = Publisher::builder(client.clone(), store.clone()).build()?;
        Ok(Self {
            publisher,
            client,
            tap,
            store,
        })
    }

    /// Refreshes ahead of need from now on, until the site is closed.
    pub(super) fn refresh_in_background(&self) {
        drop(tokio::spawn(self.publisher.refresher().run()));
    }

    /// As a server does that is told to stop. Says whether every call ended.
    pub(super) async fn shut_down(&self) -> bool {
        self.publisher.shutdown(PATIENCE).await
    }

    /// Lets go of the file.
    pub(super) async fn close(self) {
        self.store.close().await;
    }

    /// What a bid request of this user would carry.
    pub(super) async fn token(&self, user: &User) -> Result<Option<AdvertisingToken>, Trouble> {
        Ok(self.publisher.token(user.id).await?.valid())
    }

    /// Whether this user is known to have opted out, and why.
    pub(super) async fn opt_out(&self, user: &User) -> Result<Option<OptOut>, Trouble> {
        Ok(self.publisher.token(user.id).await?.opt_out())
    }

    /// Whether nobody is signed in under this user's id.
    pub(super) async fn is_signed_out(&self, user: &User) -> Result<bool, Trouble> {
        let outcome = self.publisher.token(user.id).await?;
        Ok(outcome == TokenOutcome::None(NoToken::NoIdentity))
    }

    /// The whole identity of a user who has a valid token.
    pub(super) async fn identity(&self, user: &User) -> Result<Option<Identity>, Trouble> {
        let json = self.publisher.identity_json(user.id).await?;
        Ok(match json {
            Some(json) => Some(Identity::from_json(json.as_bytes())?),
            None => None,
        })
    }
}
