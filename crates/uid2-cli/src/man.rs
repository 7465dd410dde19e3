//! `uid2 man`: manual pages, made of the same words as `--help`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde_json::json;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;

/// Write manual pages
///
/// One for each command with --out: uid2.1, uid2-hash.1, uid2-token-generate.1 …;
/// otherwise that of the whole to stdout, in roff.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder to write all pages to; it is made if there is none
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  uid2 man | man -l -
  uid2 man --out ~/.local/share/man/man1 && man uid2-token";

pub(crate) fn run(args: &Args, json: bool) -> Exit {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.out else {
        return match page(&command) {
            Ok(page) => {
                // That nobody reads it is not worth a word.
                let _ = io::stdout().lock().write_all(&page);
                Exit::Success
            }
            Err(error) => Failure::local("io", &error).tell(json),
        };
    };
    match write_all(&command, folder) {
        Ok(pages) => {
            if json {
                print_json(&json!({ "status": "success", "pages": pages }));
            } else {
                let _ = writeln!(io::stdout(), "{pages} pages in {}", folder.display());
            }
            Exit::Success
        }
        Err(error) => {
            let message = format!("cannot write to {}: {error}", folder.display());
            Failure::said("unwritable_file", message).tell(json)
        }
    }
}

fn write_all(command: &Command, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let mut pages = 0;
    let mut rest = vec![command.clone()];
    while let Some(command) = rest.pop() {
        let name = file_name(&command);
        fs::write(folder.join(name), page(&command)?)?;
        pages += 1;
        let shown = |sub: &&Command| sub.get_name() != "help" && !sub.is_hide_set();
        rest.extend(command.get_subcommands().filter(shown).cloned());
    }
    Ok(pages)
}

/// `uid2-token-generate.1`.
fn file_name(command: &Command) -> String {
    let name = command.get_display_name().unwrap_or(command.get_name());
    format!("{name}.1")
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
