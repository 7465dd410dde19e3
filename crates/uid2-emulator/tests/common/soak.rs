//! Many generate calls over loopback sockets, and what becomes of this
//! process's memory. Shared by a test and the example `soak`.

use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uid2_core::operation::{Caller, Generate};
use uid2_core::{Dii, Timestamp};
use uid2_emulator::{Emulator, Endpoint};

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What became of it.
pub(crate) struct Soaked {
    /// Generate calls that were answered with 200.
    pub(crate) answered: u64,
    /// By how many KiB resident memory grew after the warm-up.
    pub(crate) grown_kib: u64,
    /// How many KiB are resident at the end.
    pub(crate) resident_kib: u64,
}

/// Sends `warm_up` calls, looks at the memory, sends `calls` more and looks
/// again. As many are in flight as there are connections, each kept alive.
pub(crate) async fn soak(warm_up: u32, calls: u32, connections: u32) -> Result<Soaked, Broken> {
    let emulator = Emulator::start().await?;
    send(&emulator, warm_up, connections).await?;
    let before = resident_kib()?;
    send(&emulator, calls, connections).await?;
    let resident_kib = resident_kib()?;
    let answered = emulator.operator().requests(Endpoint::TokenGenerate);
    emulator.stop().await;
    Ok(Soaked {
        answered,
        grown_kib: resident_kib.saturating_sub(before),
        resident_kib,
    })
}

async fn send(emulator: &Emulator, calls: u32, connections: u32) -> Result<(), Broken> {
    let mut all = JoinSet::new();
    for number in 0..connections {
        let stream = TcpStream::connect(emulator.address()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        all.spawn(async move { connection.await.map_err(Broken::from) });
        let caller = Caller::new(
            emulator.api_key().parse()?,
            emulator.client_secret().parse()?,
        );
        let share = calls / connections;
        all.spawn(one_connection(sender, caller, number, share));
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(())
}

/// Each call is for another person.
async fn one_connection(
    mut sender: SendRequest<Full<Bytes>>,
    caller: Caller,
    number: u32,
    calls: u32,
) -> Result<(), Broken> {
    let mut rng = ChaCha20Rng::seed_from_u64(number.into());
    for call in 0..calls {
        let dii = Dii::email(&format!("user-{number}-{call}@example.com"))?;
        let now = Timestamp::from(SystemTime::now());
        let (request, _) = Generate::new(&dii).prepare(&caller, now, &mut rng);
        let base = uid2_core::BaseUrl::parse("http://localhost")?;
        let request = request
            .into_http(&base)?
            .map(|body| Full::new(Bytes::from(body)));
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        if status != 200 {
            return Err(format!("answered with {status}").into());
        }
    }
    Ok(())
}

/// Resident memory of this process, which holds clients and emulator.
pub(crate) fn resident_kib() -> Result<u64, Broken> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.ok_or("no VmRSS in /proc/self/status")?.parse()?)
}
