//! `uid2 site`: a publisher's web site on this machine.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;
use uid2_site::{Operator, Options, Site, default_data_folder};

use crate::credentials::CredentialArgs;
use crate::emulator::interrupt;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;

/// Run a publisher's web site, to see UID2 from a visitor's side.
///
/// Sign in with an e-mail address or a phone number, see the token that would go to
/// an ad exchange, watch it being refreshed, opt out, sign out. Without credentials
/// it brings an operator of its own: no account is needed, and nothing leaves this
/// machine. With --json it prints one line with url and data once it accepts
/// connections. What it keeps (sessions, identities, its key) survives a restart.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The first port to try, on this machine only; the next free one is taken if
    /// it is in use; 0 is any free one
    #[arg(long, default_value_t = Options::DEFAULT_PORT)]
    port: u16,

    /// The folder to keep sessions and identities in [default: uid2-site in the
    /// folder for the state of programs, e.g. ~/.local/state/uid2-site]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// The address that browsers use, if a TLS proxy on this machine stands before
    /// the site; cookies are then for https only
    #[arg(long, value_name = "URL")]
    origin: Option<String>,

    #[command(flatten)]
    credentials: CredentialArgs,
}

const AFTER_HELP: &str = "\
Each operator has a folder of its own in PATH: the tokens of one mean nothing to
another. The folder `embedded` may be deleted to begin anew.

What it logs goes to stderr, and tells nothing personal: warnings, or what RUST_LOG
says (RUST_LOG=info for a line a request).

Examples:
  uid2 site
  uid2 site --port 8000 --data ./site
  UID2_BASE_URL=https://operator-integ.uidapi.com UID2_API_KEY=… UID2_SECRET_KEY=… uid2 site";

pub(crate) fn run(args: Args, json: bool) -> Exit {
    let started = args.options().and_then(|(options, folder, embedded)| {
        let told = Told {
            folder,
            json,
            embedded,
        };
        serve(options, &told).map_err(|error| Failure::local("not_started", &*error))
    });
    match started {
        Ok(()) => Exit::Success,
        Err(failure) => failure.tell(json),
    }
}

/// How to tell of it.
struct Told {
    folder: PathBuf,
    json: bool,
    embedded: bool,
}

impl Args {
    fn options(self) -> Result<(Options, PathBuf, bool), Failure> {
        let folder = self.data.unwrap_or_else(default_data_folder);
        let mut options = Options::new(&folder).port(self.port);
        let operator = self.credentials.operator()?;
        let embedded = operator.is_none();
        if let Some((caller, base_url)) = operator {
            options = options.operator(Operator::At(caller, base_url));
        }
        if let Some(origin) = self.origin {
            let with_origin = options.origin(&origin);
            options = with_origin.map_err(|error| Failure::usage(error.to_string()))?;
        }
        Ok((options, folder, embedded))
    }
}

#[tokio::main]
async fn serve(options: Options, told: &Told) -> Result<(), Box<dyn Error>> {
    log();
    let interrupted = interrupt()?;
    let site = options.start().await?;
    if told.json {
        let data = told.folder.display().to_string();
        print_json(&serde_json::json!({ "url": site.url(), "data": data }));
    } else {
        // That nobody reads it is no reason not to serve.
        let _ = introduce(&site, told);
    }
    interrupted.await;
    site.stop().await;
    Ok(())
}

/// To stderr, so that stdout can be read by a program.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours);
    // Only a second one in a process is refused.
    let _ = log.with_writer(io::stderr).try_init();
}

fn introduce(site: &Site, told: &Told) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "A publisher's site is at {}", site.url())?;
    if told.embedded {
        writeln!(
            out,
            "It has an operator of its own: try any e-mail address, or the examples on the page."
        )?;
    }
    writeln!(out, "What it keeps is in {}.", told.folder.display())?;
    writeln!(out, "Press Ctrl-C to stop.")?;
    out.flush()
}
