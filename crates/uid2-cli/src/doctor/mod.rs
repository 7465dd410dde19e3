//! `uid2 doctor`: why it does not work, before it has to.

mod check;
mod local;
mod network;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use crate::credentials::CredentialArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;
use check::{Check, State};
use local::Setup;

/// Check credentials, network, TLS and clock, with a remedy for each fault
///
/// Looks at what UID2_BASE_URL, UID2_API_KEY and UID2_SECRET_KEY say, asks the
/// operator for its health without credentials, and then, if all else is well, for
/// an identity of the test address optout@example.com. That one is always opted out:
/// the answer shows that the credentials are good, and changes nothing.
///
/// Each line begins with ok, warn (it works, but look at it), fail, or skip (could
/// not be checked for what fails above).
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    credentials: CredentialArgs,

    /// Check what is set only, without any network
    #[arg(long)]
    offline: bool,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 doctor
  uid2 doctor --json | jq -r '.checks[] | select(.status == \"fail\") | .remedy'

Exit status: 0 if nothing fails, or 1.
Colours: on a terminal only, and not if NO_COLOR is set.";

pub(crate) fn run(args: Args, json: bool) -> Exit {
    let given = match args.credentials.find() {
        Ok(given) => given,
        Err(failure) => return failure.tell(json),
    };
    let (mut checks, setup) = Setup::examine(&given);
    match args.offline {
        true => network::skip_all(&mut checks, "--offline"),
        false => match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime.block_on(network::examine(&setup, &mut checks)),
            Err(error) => return Failure::local("other", &error).tell(json),
        },
    }
    tell(&checks, json);
    match worst(&checks) {
        State::Fail => Exit::Failure,
        _ => Exit::Success,
    }
}

fn worst(checks: &[Check]) -> State {
    let states = || checks.iter().map(|check| check.state);
    [State::Fail, State::Warn]
        .into_iter()
        .find(|state| states().any(|other| other == *state))
        .unwrap_or(State::Ok)
}

fn tell(checks: &[Check], as_json: bool) {
    if as_json {
        let list: Vec<_> = checks
            .iter()
            .map(|check| {
                json!({
                    "name": check.name,
                    "status": check.state.word(),
                    "message": check.message,
                    "remedy": check.remedy,
                })
            })
            .collect();
        print_json(&json!({ "status": worst(checks).word(), "checks": list }));
        return;
    }
    let mut out = anstream::stdout().lock();
    for check in checks {
        // That nobody reads it is not worth a word.
        let _ = write_line(&mut out, check);
    }
    let _ = out.flush();
}

fn write_line(out: &mut impl Write, check: &Check) -> std::io::Result<()> {
    let style = match check.state {
        State::Ok => AnsiColor::Green.on_default(),
        State::Warn => AnsiColor::Yellow.on_default().bold(),
        State::Fail => AnsiColor::Red.on_default().bold(),
        State::Skip => Style::new().dimmed(),
    };
    let Check {
        name,
        state,
        message,
        remedy,
    } = check;
    let word = state.word();
    writeln!(out, "{style}{word:<4}{style:#}  {name:<13} {message}")?;
    match remedy {
        Some(remedy) => writeln!(out, "{:20}→ {remedy}", ""),
        None => Ok(()),
    }
}
