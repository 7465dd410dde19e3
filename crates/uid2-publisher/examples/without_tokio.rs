//! A publisher with background refresh, and no tokio: smol runs it, and ureq,
//! which blocks, carries its calls on threads.
//!
//! `cargo run -p uid2-publisher --example without_tokio`
//!
//! In a program of yours:
//! `uid2-publisher = { default-features = false, features = ["file"] }`, and no
//! runtime of tokio's is in the tree, only its locks and channels. (The operator
//! that this example starts is a server on tokio; it has a thread of its own, as
//! if it were far away.)

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use rand_core::{CryptoRng, UnwrapErr};
use uid2_emulator::{Emulator, Endpoint, Lifetimes};
use uid2_publisher::core::operation::Caller;
use uid2_publisher::core::{BaseUrl, Timestamp};
use uid2_publisher::http::{Client, Runtime, Transport, TransportError, TransportErrorKind};
use uid2_publisher::store::FileStore;
use uid2_publisher::{Dii, Established, Publisher};

/// Answers of an operator have less than 4 KiB.
const MAX_BODY: u64 = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let far_away = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let seconds = Duration::from_secs;
    // Tokens that are due after a second, for an example that does not take long.
    let lifetimes = Lifetimes::new(seconds(1), seconds(4), seconds(60))?;
    let emulator = far_away.block_on(Emulator::builder().lifetimes(lifetimes).start())?;
    smol::block_on(run(&emulator))
}

async fn run(emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = FileStore::open(folder.path().join("uid2.db")).await?;
    let caller = Caller::new(
        emulator.api_key().parse()?,
        emulator.client_secret().parse()?,
    );
    let client =
        Client::builder(caller, BaseUrl::parse(emulator.url())?).build_on(Ureq::new(), Smol);
    let publisher = Publisher::builder(client, store).build()?;
    let refresher = smol::spawn(publisher.refresher().run());

    let dii = Dii::email("user@example.com")?;
    let Established::Token(first) = publisher.establish("user-1", dii).await? else {
        return Err("expected a token".into());
    };
    println!("signed in; from here on nobody asks for a token");
    let refreshes = || emulator.operator().requests(Endpoint::TokenRefresh);
    let begun = Instant::now();
    while refreshes() < 2 {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err("the background refresher did nothing".into());
        }
        Smol.sleep(Duration::from_millis(50)).await;
    }
    println!(
        "refreshed twice in {:.1} s, ahead of need",
        begun.elapsed().as_secs_f32()
    );
    match publisher.token_now("user-1").await?.valid() {
        Some(token) if token != first => println!("and the token is another one"),
        _ => return Err("expected a refreshed token".into()),
    }

    publisher.logout("user-1").await?;
    if publisher.token("user-1").await?.valid().is_some() {
        return Err("a token after the logout".into());
    }
    if !publisher.shutdown(Duration::from_secs(5)).await {
        return Err("calls were still under way".into());
    }
    refresher.await;
    println!("logged out; the refresher has ended with the publisher");
    publisher.store().close().await;
    Ok(())
}

/// Clock and randomness of the system, timer and tasks of smol.
#[derive(Clone, Copy)]
struct Smol;

impl Runtime for Smol {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let timer = smol::Timer::after(duration);
        async move {
            timer.await;
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        UnwrapErr(getrandom::SysRng)
    }
}

/// ureq, which blocks, on smol's threads for what blocks.
///
/// If its future is dropped, the thread goes on until ureq's timeout: more than
/// that cannot be done to a call that blocks.
struct Ureq(ureq::Agent);

impl Ureq {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(3)))
            .timeout_global(Some(Duration::from_secs(10)));
        Self(config.build().into())
    }
}

impl Transport for Ureq {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let agent = self.0.clone();
        smol::unblock(move || carry(&agent, request))
            .await
            .map_err(|error| TransportError::new(kind(&error)).with_source(error))
    }
}

fn carry(agent: &ureq::Agent, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
    let (head, body) = request.into_parts();
    let response = agent.run(Request::from_parts(head, &body[..]))?;
    let (head, mut body) = response.into_parts();
    let body = body.with_config().limit(MAX_BODY).read_to_vec()?;
    Ok(Response::from_parts(head, body.into()))
}

/// What the client goes by: whether the request may have arrived, and whether
/// another attempt may help.
fn kind(error: &ureq::Error) -> TransportErrorKind {
    use ureq::Timeout::{Connect, Resolve};
    match error {
        ureq::Error::HostNotFound => TransportErrorKind::Resolve,
        ureq::Error::ConnectionFailed => TransportErrorKind::Connect,
        ureq::Error::Timeout(Connect | Resolve) => TransportErrorKind::ConnectTimeout,
        ureq::Error::Timeout(_) => TransportErrorKind::TotalTimeout,
        ureq::Error::BodyExceedsLimit(_) => TransportErrorKind::TooLarge,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            TransportErrorKind::Connect
        }
        ureq::Error::Io(_) => TransportErrorKind::Reset,
        _ => TransportErrorKind::Other,
    }
}
