//! One refresh in flight per user, joined by all who wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::Error;

/// How a refresh ended: `Ok` when there is something new to decide on.
pub(crate) type Landing = Result<(), Error>;

/// The refreshes in flight in this process, by key.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<InFlight>>);

type InFlight = HashMap<Box<[u8]>, watch::Receiver<Option<Landing>>>;

/// A refresh that somebody else carries out.
pub(crate) struct Passenger(watch::Receiver<Option<Landing>>);

/// The refresh that the holder has to carry out. Dropping it lands the flight,
/// whatever happened: nobody is left waiting, and the next may take off.
pub(crate) struct Pilot {
    flights: Flights,
    key: Box<[u8]>,
    landing: watch::Sender<Option<Landing>>,
}

impl Flights {
    /// Joins the flight of a key, and gives the pilot's seat to the first.
    pub(crate) fn board(&self, key: &[u8]) -> (Passenger, Option<Pilot>) {
        let mut flights = self.lock();
        if let Some(landing) = flights.get(key) {
            return (Passenger(landing.clone()), None);
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.into(), receiver.clone());
        let pilot = Pilot {
            flights: self.clone(),
            key: key.into(),
            landing: sender,
        };
        (Passenger(receiver), Some(pilot))
    }

    /// A panic elsewhere cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, InFlight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passenger {
    /// Waits for the end of the flight.
    pub(crate) async fn landed(mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await {
            Ok(landing) => landing.clone().unwrap_or(Err(Error::ShutDown)),
            // The pilot was dropped without landing: its runtime is going down.
            Err(_) => Err(Error::ShutDown),
        }
    }
}

impl Pilot {
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn land(self, landing: Landing) {
        // First off the map, then the news: who hears it may start the next.
        self.flights.lock().remove(&self.key);
        let _ = self.landing.send(Some(landing));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        // After `land`, another flight may be on the map already.
        let ours = flights
            .get(&self.key)
            .is_some_and(|landing| landing.same_channel(&self.landing.subscribe()));
        if ours {
            flights.remove(&self.key);
        }
    }
}
