//! The operator that the site calls, and what can be done with it.

use std::sync::Arc;

use uid2_core::operation::Caller;
use uid2_core::{ApiKey, BaseUrl, ClientSecret, Dii};
use uid2_emulator::{Emulator, FaultRule};
use uid2_http::Runtime;

use crate::StartError;
use crate::clock::SiteClock;
use crate::options::Operator;

/// An operator, ready to be called.
pub(crate) struct Ready {
    pub(crate) caller: Caller,
    pub(crate) base_url: BaseUrl,
    pub(crate) embedded: Option<Emulator>,
}

impl Ready {
    pub(crate) async fn start(operator: Operator, clock: &SiteClock) -> Result<Self, StartError> {
        match operator {
            Operator::At(caller, base_url) => Ok(Self {
                caller,
                base_url,
                embedded: None,
            }),
            Operator::Embedded => Self::embedded(clock.clone()).await,
        }
    }

    /// Its keys come of a fixed seed, so refresh tokens are good after a
    /// restart; and its clock is the site's, so that both move together.
    async fn embedded(clock: SiteClock) -> Result<Self, StartError> {
        let clock = Arc::new(move || clock.now());
        let emulator = Emulator::builder().clock(clock).start().await?;
        let api_key = ApiKey::parse(emulator.api_key()).map_err(|_| StartError::Credentials)?;
        let secret = ClientSecret::parse(emulator.client_secret());
        let secret = secret.map_err(|_| StartError::Credentials)?;
        let base_url = BaseUrl::parse(emulator.url()).map_err(|_| StartError::Credentials)?;
        Ok(Self {
            caller: Caller::new(api_key, secret),
            base_url,
            embedded: Some(emulator),
        })
    }
}

/// What a visitor may do with an embedded operator.
pub(crate) trait Workshop {
    /// Opts a person out of the whole service.
    fn opt_out_everywhere(&self, dii: &Dii);
    /// Whether it answers.
    fn is_out(&self) -> bool;
    /// Lets it fail every request, or answer again.
    fn set_out(&self, out: bool);
}

impl Workshop for Emulator {
    fn opt_out_everywhere(&self, dii: &Dii) {
        self.opt_out(dii);
    }

    fn is_out(&self) -> bool {
        self.operator().has_faults()
    }

    fn set_out(&self, out: bool) {
        let fault = if out { "drop".parse().ok() } else { None };
        let rules = fault.map(FaultRule::new).into_iter().collect();
        self.operator().set_faults(rules);
    }
}
