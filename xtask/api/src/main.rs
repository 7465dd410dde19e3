//! Prints the public API of the crate whose rustdoc JSON is named, a line an item.

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match list() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("no file is named")?;
    // What the compiler adds of itself says nothing that the rest does not.
    let api = public_api::Builder::from_rustdoc_json(path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    for item in api.items() {
        println!("{item}");
    }
    Ok(())
}
