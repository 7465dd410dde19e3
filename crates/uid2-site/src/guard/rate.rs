//! How much one peer may ask.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::StartError;
use crate::app::App;
use crate::options::{Limits, positive};

/// Counts by peer address: everything, and forms apart.
#[derive(Debug)]
pub(crate) struct RateLimit {
    all: DefaultKeyedRateLimiter<IpAddr>,
    forms: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl RateLimit {
    pub(crate) fn new(limits: Limits) -> Result<Self, StartError> {
        let all = Quota::per_second(positive(limits.per_second)?);
        let forms = Quota::per_minute(positive(limits.forms_per_minute)?);
        Ok(Self {
            all: RateLimiter::keyed(all.allow_burst(positive(limits.burst)?)),
            forms: RateLimiter::keyed(forms.allow_burst(positive(limits.form_burst)?)),
            clock: DefaultClock::default(),
        })
    }

    /// How long to wait, if it was too much.
    fn check(&self, peer: IpAddr, is_form: bool) -> Result<(), Duration> {
        let peer = network(peer);
        let now = self.clock.now();
        self.all
            .check_key(&peer)
            .map_err(|until| until.wait_time_from(now))?;
        if is_form {
            self.forms
                .check_key(&peer)
                .map_err(|until| until.wait_time_from(now))?;
        }
        Ok(())
    }

    /// Keeps memory in proportion to those who ask now.
    pub(crate) fn forget_the_idle(&self) {
        self.all.retain_recent();
        self.forms.retain_recent();
    }
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

pub(crate) async fn limit(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match app.rate.check(peer.ip(), request.method() == Method::POST) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)]).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_does_not_use_up_what_another_may() {
        let limits = Limits {
            per_second: 1,
            burst: 3,
            forms_per_minute: 1,
            form_burst: 1,
        };
        let rate = RateLimit::new(limits).unwrap();
        let peer = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = peer("192.0.2.1");
        assert!(rate.check(one, true).is_ok());
        assert!(rate.check(one, true).is_err());
        assert!(rate.check(one, false).is_ok());
        assert!(rate.check(one, false).is_err());
        assert!(rate.check(peer("192.0.2.2"), true).is_ok());
        // Neighbours in one network of IPv6 are one.
        assert!(rate.check(peer("2001:db8::1"), true).is_ok());
        assert!(rate.check(peer("2001:db8::2"), true).is_err());
        assert!(rate.check(peer("2001:db8:0:1::1"), true).is_ok());
        rate.forget_the_idle();
        assert!(rate.check(one, false).is_err());
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let limits = Limits {
            burst: 0,
            ..Limits::default()
        };
        assert!(matches!(RateLimit::new(limits), Err(StartError::NoLimit)));
    }
}
