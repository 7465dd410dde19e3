//! `uid2 emulator`: an operator on this machine.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Map, Value};
use uid2_core::Scope;
use uid2_emulator::{Config, Emulator, Lifetimes, LifetimesError};

use crate::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;

/// Run a local operator to develop and test against.
///
/// It speaks the real protocol, so that official SDKs of other languages work with
/// it unchanged, and keeps everything in memory. Prints where it is and the
/// credentials for it, and serves until it is interrupted (Ctrl-C or SIGTERM).
///
/// With --json it prints one line of JSON with url, api_key and client_secret, once
/// it accepts connections.
///
/// The credentials are public, well-known test credentials: keep it to this machine.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Where to listen; port 0 is any free one [default: 127.0.0.1:8080, or any
    /// free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    listen: Option<SocketAddr>,

    /// A configuration of clients, sites, faults and more, in TOML or, if its name
    /// ends in .json, JSON; the options here come before what it says
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where to listen for its administration (opt people out, move its clock,
    /// have it fail …), on this machine only; port 0 is any free one [default: none]
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    admin: Option<SocketAddr>,

    /// UID2, or its European sibling, which takes no phone numbers and asks for
    /// TCF consent strings [default: uid2]
    #[arg(long, value_enum)]
    scope: Option<ScopeArg>,

    /// After how long a token should be refreshed [default: 15m, or half of the
    /// token's lifetime if that is less]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    refresh_after: Option<Duration>,

    /// How long a token is valid [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    token_lifetime: Option<Duration>,

    /// How long a token can be refreshed [default: 24h, or the token's lifetime if
    /// that is more]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    refresh_lifetime: Option<Duration>,
}

const AFTER_HELP: &str = "\
TIME is a whole number with a unit: 500ms, 90s, 15m, 1h, 30d.

Test identities:
  optout@example.com, +00000000000           opted out from the start
  refresh-optout@example.com, +00000000002   opt out at the first refresh
  validate@example.com, +12345678901         never opt out

Examples:
  uid2 emulator
  uid2 emulator --token-lifetime 10s --refresh-after 3s
  uid2 emulator --listen 127.0.0.1:0 --json | jq -r .url
  uid2 emulator --config emulator.toml --admin 127.0.0.1:8090";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeArg {
    Uid2,
    Euid,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Uid2 => Self::Uid2,
            ScopeArg::Euid => Self::Euid,
        }
    }
}

const DEFAULT_PORT: u16 = 8080;

pub(crate) fn run(args: &Args, json: bool) -> Exit {
    match serve(args, json) {
        Ok(()) => Exit::Success,
        Err(error) => Failure::local("not_started", &*error).tell(json),
    }
}

#[tokio::main]
async fn serve(args: &Args, json: bool) -> Result<(), Box<dyn Error>> {
    let config = args.config()?;
    let lifetimes = config.lifetimes;
    let usual_clients = has_usual_clients(&config);
    let interrupted = interrupt()?;
    let emulator = start(args, config).await?;
    if json {
        print_json(&describe(&emulator, usual_clients));
    } else {
        // That nobody reads it is no reason not to serve.
        let _ = introduce(&emulator, lifetimes, usual_clients);
    }
    interrupted.await;
    emulator.stop().await;
    Ok(())
}

async fn start(args: &Args, config: Config) -> Result<Emulator, uid2_emulator::StartError> {
    let start_at = |address| {
        let builder = Emulator::builder().config(config.clone()).listen(address);
        match args.admin {
            Some(admin) => builder.admin(admin).start(),
            None => builder.start(),
        }
    };
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match args.listen {
        Some(address) => start_at(address).await,
        None => match start_at(loopback(DEFAULT_PORT)).await {
            Ok(emulator) => Ok(emulator),
            Err(_) => start_at(loopback(0)).await,
        },
    }
}

/// Whether the well-known credentials are good: not with clients of one's own.
fn has_usual_clients(config: &Config) -> bool {
    let names = |config: &Config| -> Vec<_> {
        let clients = config.clients.iter();
        clients.map(|client| client.name().to_owned()).collect()
    };
    names(config) == names(&Config::default())
}

fn describe(emulator: &Emulator, usual_clients: bool) -> Value {
    let mut told = Map::new();
    told.insert("url".into(), emulator.url().into());
    if usual_clients {
        told.insert("api_key".into(), emulator.api_key().into());
        told.insert("client_secret".into(), emulator.client_secret().into());
    }
    if let Some(url) = emulator.admin_url() {
        told.insert("admin_url".into(), url.into());
    }
    Value::Object(told)
}

impl Args {
    /// What the file says, and the options before it.
    fn config(&self) -> Result<Config, Box<dyn Error>> {
        let mut config = match &self.config {
            Some(path) => read_config(path)?,
            None => Config::default(),
        };
        if let Some(scope) = self.scope {
            config.scope = scope.into();
        }
        config.lifetimes = self.lifetimes(config.lifetimes)?;
        Ok(config)
    }

    /// The lifetimes that were asked for, and others that go with them.
    fn lifetimes(&self, usual: Lifetimes) -> Result<Lifetimes, LifetimesError> {
        let token = self.token_lifetime.unwrap_or(usual.identity());
        let refresh_after = self
            .refresh_after
            .unwrap_or_else(|| usual.refresh_from().min(token / 2));
        let refresh_lifetime = self
            .refresh_lifetime
            .unwrap_or_else(|| usual.refresh().max(token));
        let lifetimes = Lifetimes::new(refresh_after, token, refresh_lifetime)?;
        Ok(lifetimes.with_sharing_token(usual.sharing_token()))
    }
}

fn read_config(path: &Path) -> Result<Config, Box<dyn Error>> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    Ok(if is_json {
        Config::from_json(&text)?
    } else {
        Config::from_toml(&text)?
    })
}

fn introduce(emulator: &Emulator, lifetimes: Lifetimes, usual_clients: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (url, key, secret) = (emulator.url(), emulator.api_key(), emulator.client_secret());
    if usual_clients {
        writeln!(out, "An operator is at {url}. To call it from a shell:\n")?;
        writeln!(out, "  export UID2_BASE_URL={url}")?;
        writeln!(out, "  export UID2_API_KEY='{key}'")?;
        writeln!(out, "  export UID2_SECRET_KEY='{secret}'")?;
        writeln!(out, "  uid2 token generate --email user@example.com\n")?;
    } else {
        writeln!(out, "An operator is at {url}, with your clients.")?;
    }
    if let Some(url) = emulator.admin_url() {
        writeln!(out, "Its administration is at {url}.")?;
    }
    writeln!(
        out,
        "Tokens are valid for {}, to be refreshed after {}, and can be for {}.",
        duration::show(lifetimes.identity()),
        duration::show(lifetimes.refresh_from()),
        duration::show(lifetimes.refresh()),
    )?;
    if !emulator.address().ip().is_loopback() {
        writeln!(
            out,
            "Other machines may reach it, and its credentials are public: for a closed network only."
        )?;
    }
    writeln!(out, "Press Ctrl-C to stop.")?;
    out.flush()
}

/// Ends when the process is told to end. It listens from the call on, so that
/// whoever has read what we print can already stop us in order.
#[cfg(unix)]
pub(crate) fn interrupt() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub(crate) fn interrupt() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // If it cannot be listened for, the process ends by it anyway.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.replacen("localhost:", "127.0.0.1:", 1);
    numeric
        .parse()
        .map_err(|_| "expected an IP address and a port, e.g. 127.0.0.1:8080 or [::1]:0".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn lifetimes(line: &[&str]) -> Result<[u64; 3], LifetimesError> {
        let line = Line::try_parse_from([&["emulator"], line].concat()).unwrap();
        line.args
            .lifetimes(Lifetimes::default())
            .map(|of| [of.refresh_from(), of.identity(), of.refresh()].map(|time| time.as_secs()))
    }

    #[test]
    fn lifetimes_that_were_not_given_go_with_those_that_were() {
        assert_eq!(lifetimes(&[]), Ok([900, 3600, 86_400]));
        assert_eq!(lifetimes(&["--token-lifetime", "10s"]), Ok([5, 10, 86_400]));
        assert_eq!(
            lifetimes(&["--token-lifetime", "30d"]),
            Ok([900, 2_592_000, 2_592_000])
        );
        let all = [
            "--token-lifetime=3s",
            "--refresh-after=1s",
            "--refresh-lifetime=9s",
        ];
        assert_eq!(lifetimes(&all), Ok([1, 3, 9]));
        assert!(lifetimes(&["--refresh-after", "2h"]).is_err());
    }

    #[test]
    fn addresses() {
        assert_eq!(
            parse_address("localhost:0").unwrap(),
            parse_address("127.0.0.1:0").unwrap()
        );
        assert!(parse_address("[::1]:8080").is_ok());
        assert!(parse_address("8080").is_err());
    }
}
