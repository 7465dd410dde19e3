//! The command line as a whole.

use clap::{Parser, Subcommand};

use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::{
    completions, demo, doctor, emulator, envelope, hash, inspect, man, site, store, token,
};

/// UID2 (Unified ID 2.0) from the shell: watch it, try it, call it.
///
/// A publisher's server turns a signed-in user's e-mail address or phone number
/// into an advertising token, keeps the token fresh, and forgets it when the
/// user leaves. These commands show that, do single steps of it, and run a local
/// operator to develop against.
#[derive(Parser, Debug)]
#[command(name = "uid2", version, max_term_width = 100, after_help = after_help())]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print results and errors as one line of JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it lives once")]
enum Command {
    Demo(demo::Args),
    Site(site::Args),
    Emulator(emulator::Args),
    Hash(hash::Args),
    Token(token::Args),
    Store(store::Args),
    Inspect(inspect::Args),
    Envelope(envelope::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// Reads the arguments of this process. If they are wrong, or ask for help, that
    /// is told and the process ends.
    pub(crate) fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            let asks = std::env::args_os().any(|argument| argument == "--json");
            if !asks || error.exit_code() != exit::USAGE {
                error.exit();
            }
            // As clap says it, without the hints that follow.
            let text = error.to_string();
            let message = text.split("\n\n").next().unwrap_or_default();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            Failure::usage(message).tell(true);
            std::process::exit(exit::USAGE)
        })
    }

    pub(crate) fn run(self) -> Exit {
        let json = self.json;
        match self.command {
            Command::Completions(args) => completions::run(&args),
            Command::Demo(args) => demo::run(&args, json),
            Command::Doctor(args) => doctor::run(args, json),
            Command::Emulator(args) => emulator::run(&args, json),
            Command::Envelope(args) => envelope::run(&args, json),
            Command::Hash(args) => hash::run(&args, json),
            Command::Inspect(args) => inspect::run(&args, json),
            Command::Man(args) => man::run(&args, json),
            Command::Site(args) => site::run(args, json),
            Command::Store(args) => store::run(args, json),
            Command::Token(args) => token::run(args, json),
        }
    }
}

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}

const EXAMPLES: &str = "\
Examples:
  uid2 demo                                  the whole of it, in ten seconds
  uid2 emulator                              an operator to develop against
  uid2 site                                  a publisher's web site to try it on
  uid2 hash --email user@example.com         what it is normalized and hashed to
  uid2 hash --csv people.csv > hashes.csv    a whole file
  uid2 doctor                                why calls to the service do not work
  uid2 token generate --email user@example.com
  uid2 store stats identities.db             how much a store of identities holds
  uid2 help <COMMAND>";
