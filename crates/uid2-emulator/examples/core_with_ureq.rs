//! `uid2-core` alone, with an HTTP client that it has never heard of: ureq, which
//! blocks, and needs no runtime.
//!
//! `cargo run -p uid2-emulator --example core_with_ureq`
//!
//! It is in this crate because the core must not know the emulator, not even for
//! an example. For another HTTP client, `carry` is all there is to write anew.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::time::{Duration, SystemTime};

use uid2_core::operation::{
    Action, Caller, Generate, GenerateOutcome, Refresh, RefreshOutcome, Request,
};
use uid2_core::{BaseUrl, Dii, Eid, Identity, OpenRtb, Scope};
use uid2_emulator::Emulator;

/// Real answers have less than 4 KiB.
const MAX_BODY: u64 = 64 * 1024;
/// A well-formed secret, and not the emulator's.
const NOT_THE_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn main() -> Result<(), Box<dyn Error>> {
    // The emulator is a server on tokio; it runs on a thread of its own, as if it
    // were far away.
    let far_away = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let emulator = far_away.block_on(Emulator::start())?;
    let site = Site {
        base_url: BaseUrl::parse(emulator.url())?,
        caller: Caller::new(
            emulator.api_key().parse()?,
            emulator.client_secret().parse()?,
        ),
        agent: agent(),
    };

    let Some(identity) = site.generate(&Dii::email("User@Example.com")?)? else {
        return Err("expected an identity".into());
    };
    let eid = Eid::new(Scope::Uid2, identity.advertising_token().clone());
    println!(
        "user object of the bid request: {}",
        eid.user_json(OpenRtb::V2_6)
    );
    let Some(next) = site.refresh(&identity)? else {
        return Err("expected the next identity".into());
    };
    println!("refreshed, good until {}", next.identity_expires());

    if site.generate(&Dii::email("optout@example.com")?)?.is_some() {
        return Err("expected an opt-out".into());
    }
    println!("optout@example.com has opted out: bid without, and do not ask again");

    let impostor = Site {
        caller: Caller::new(emulator.api_key().parse()?, NOT_THE_SECRET.parse()?),
        ..site
    };
    match impostor.generate(&Dii::email("user@example.com")?) {
        Err(error) => println!("with the wrong secret: {error}"),
        Ok(_) => return Err("expected a refusal".into()),
    }
    Ok(())
}

struct Site {
    base_url: BaseUrl,
    caller: Caller,
    agent: ureq::Agent,
}

/// What the protocol asks of whoever carries its requests: no redirects, for the
/// API key would go along; every status is an answer; an end to waiting.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent()
}

impl Site {
    /// The identity; `None` if there is none to have.
    fn generate(&self, dii: &Dii) -> Result<Option<Identity>, Box<dyn Error>> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let (request, pending) =
            Generate::new(dii).prepare(&self.caller, SystemTime::now().into(), &mut rng);
        let response = self.carry(request)?;
        let reply = pending.finish((&response).into(), SystemTime::now().into())?;
        if let Some(skew) = reply.skew {
            println!("careful: {skew}");
        }
        Ok(match reply.outcome {
            GenerateOutcome::Success(identity) => Some(identity),
            _ => None,
        })
    }

    /// The next identity; `None` if the user has to sign in again, or has left.
    fn refresh(&self, identity: &Identity) -> Result<Option<Identity>, Box<dyn Error>> {
        let (request, pending) = Refresh::new(identity).prepare(&self.caller);
        let response = self.carry(request)?;
        match pending.finish((&response).into()) {
            Ok(reply) => Ok(match reply.outcome {
                RefreshOutcome::Success(next) => Some(next),
                _ => None,
            }),
            Err(error) if error.action() == Action::SignInAgain => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn carry(&self, request: Request) -> Result<http::Response<Vec<u8>>, Box<dyn Error>> {
        let response = self.agent.run(request.into_http(&self.base_url)?)?;
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(MAX_BODY).read_to_vec()?;
        Ok(http::Response::from_parts(head, body))
    }
}
