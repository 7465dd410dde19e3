//! `uid2 completions`: the command's words, for shells.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;

/// Write the completions of this command for a shell
///
/// To stdout: put them where the shell looks for them.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  uid2 completions bash > ~/.local/share/bash-completion/completions/uid2
  uid2 completions zsh > ~/.zfunc/_uid2          # with fpath+=~/.zfunc in ~/.zshrc
  uid2 completions fish > ~/.config/fish/completions/uid2.fish
  uid2 completions powershell >> $PROFILE";

pub(crate) fn run(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "uid2", &mut script);
    // That nobody reads it is not worth a word.
    let _ = std::io::stdout().lock().write_all(&script);
    Exit::Success
}
