//! The README's second example, carried out: the core alone with somebody else's
//! HTTP client, against `uid2 emulator`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::error::Error;
use std::time::SystemTime;

use support::EmulatorProcess;
use uid2_core::operation::{Caller, Generate, GenerateOutcome, Refresh, RefreshOutcome, Request};
use uid2_core::{BaseUrl, Dii};

struct Operator {
    base: BaseUrl,
    caller: Caller,
    agent: ureq::Agent,
}

impl Operator {
    fn carry(&self, request: Request) -> Result<http::Response<Vec<u8>>, Box<dyn Error>> {
        let response = self.agent.run(request.into_http(&self.base)?)?;
        let (head, mut body) = response.into_parts();
        Ok(http::Response::from_parts(head, body.read_to_vec()?))
    }

    fn generate(&self, dii: &Dii) -> Result<GenerateOutcome, Box<dyn Error>> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let now = SystemTime::now().into();
        let (request, pending) = Generate::new(dii).prepare(&self.caller, now, &mut rng);
        let response = self.carry(request)?;
        let reply = pending.finish((&response).into(), SystemTime::now().into())?;
        Ok(reply.outcome)
    }
}

#[test]
fn the_core_alone_with_an_http_client_of_ones_own() {
    let emulator = EmulatorProcess::start(&[]);
    let operator = Operator {
        base: emulator.url.parse().unwrap(),
        caller: Caller::new(
            emulator.api_key.parse().unwrap(),
            emulator.client_secret.parse().unwrap(),
        ),
        agent: ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .build()
            .new_agent(),
    };

    let dii = Dii::email("user@example.com").unwrap();
    let GenerateOutcome::Success(identity) = operator.generate(&dii).unwrap() else {
        panic!("no identity");
    };
    let (request, pending) = Refresh::new(&identity).prepare(&operator.caller);
    let response = operator.carry(request).unwrap();
    let RefreshOutcome::Success(next) = pending.finish((&response).into()).unwrap().outcome else {
        panic!("no next identity");
    };
    assert_ne!(next.advertising_token(), identity.advertising_token());

    let opted_out = Dii::email("optout@example.com").unwrap();
    assert_eq!(
        operator.generate(&opted_out).unwrap(),
        GenerateOutcome::OptOut
    );
}
