//! `uid2 token validate --csv`: a call for each row of a file.
//!
//! The output file is what says how far it is: one row for each row of the input,
//! each written at once when its turn has come. Beside it lies, until it is
//! complete, a small file that says how it was made, so that nothing else is
//! taken for its beginning.

mod ask;
mod checkpoint;
mod question;
mod resume;

use std::fs::File;
use std::path::{Path, PathBuf};

use uid2_http::RetryPolicy;

use crate::credentials::CredentialArgs;
use crate::csv::{Column, CsvOptions, Kind, Progress, Source, Summary, open};
use crate::exit::Exit;
use crate::failure::Failure;
use ask::Asker;
use checkpoint::Checkpoint;
use question::Plan;
use resume::Written;

const KINDS: &[Kind] = &[
    Kind::Token,
    Kind::Email,
    Kind::Phone,
    Kind::EmailHash,
    Kind::PhoneHash,
];

/// What only calls for each row need.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "CSV files")]
pub(super) struct SheetOptions {
    /// The column of advertising tokens
    #[arg(long, value_name = "COLUMN", requires = "csv", value_parser = Column::parse)]
    token_column: Option<Column>,

    /// The column of hashes of e-mail addresses
    #[arg(long, value_name = "COLUMN", requires = "csv", value_parser = Column::parse)]
    email_hash_column: Option<Column>,

    /// The column of hashes of phone numbers
    #[arg(long, value_name = "COLUMN", requires = "csv", value_parser = Column::parse)]
    phone_hash_column: Option<Column>,

    /// Go on after the last complete row of --output
    #[arg(long, requires = "output", conflicts_with = "overwrite")]
    resume: bool,

    /// How many calls are under way at once
    #[arg(long, value_name = "NUMBER", requires = "csv", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    in_flight: u16,

    /// How often a call is tried before all of it stops
    #[arg(long, value_name = "NUMBER", requires = "csv", default_value_t = 6)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
}

pub(super) fn run(
    csv: &CsvOptions,
    sheet: &SheetOptions,
    credentials: CredentialArgs,
    json: bool,
) -> Result<Exit, Failure> {
    let Some(output) = csv.output.as_deref() else {
        return Err(Failure::usage(
            "no file to write to: give --output, so that --resume can go on with it",
        ));
    };
    let retry = RetryPolicy::default()
        .with_max_attempts(sheet.attempts)
        .with_deadline(std::time::Duration::from_secs(60));
    let client = credentials.client_with(retry)?;
    let source = Source::open(csv.csv.as_deref().unwrap_or_else(|| "-".as_ref()))?;
    let (length, metadata) = (source.len(), source.metadata);
    let others = [
        (Kind::Token, sheet.token_column.clone()),
        (Kind::EmailHash, sheet.email_hash_column.clone()),
        (Kind::PhoneHash, sheet.phone_hash_column.clone()),
    ];
    let mut opened = open(source.reader, csv, KINDS, others)?;
    let plan = Plan::of(&opened, csv.keep_columns)?;
    let checkpoint = Checkpoint::of(&plan, metadata.as_ref());
    let beside = beside(output);

    // Killed before it had written anything at all.
    let nothing_yet = sheet.resume && !beside.exists() && is_empty(output);
    let written = if sheet.resume && output.exists() && !nothing_yet {
        resume::go_on(output, &beside, &checkpoint, &plan, &mut opened)?
    } else {
        let file = create(output, csv.overwrite || nothing_yet)?;
        checkpoint.write(&beside)?;
        Written::begin(file, &plan, &opened)?
    };
    let resumed = written.tally.rows;
    let progress = Progress::of_bytes(length, false);
    let asker = Asker::new(client, usize::from(sheet.in_flight), plan);
    let done = asker.run(opened, written, &progress);
    drop(progress);
    let done = done.map_err(|failure| can_go_on(failure, output))?;
    checkpoint::remove(&beside);

    let mut more = vec![("matching", done.matching), ("not_matching", done.others)];
    if resumed > 0 {
        more.push(("done_before", resumed));
    }
    let summary = Summary {
        tally: done.tally,
        verb: "checked",
        more,
    };
    summary.tell(json, false);
    Ok(summary.exit())
}

fn beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".resume");
    PathBuf::from(name)
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

fn create(path: &Path, overwrite: bool) -> Result<File, Failure> {
    let mut options = File::options();
    options.write(true).truncate(overwrite);
    match overwrite {
        true => options.create(true),
        false => options.create_new(true),
    };
    options.open(path).map_err(|error| {
        let path = path.display();
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let message = format!("{path} exists: give --resume to go on with it, or --overwrite");
            return Failure::said("output_exists", message);
        }
        Failure::said("unwritable_file", format!("cannot write {path}: {error}"))
    })
}

fn can_go_on(mut failure: Failure, output: &Path) -> Failure {
    let output = output.display();
    failure.message = format!(
        "{}; {output} has all rows before that: mend it and give --resume",
        failure.message
    );
    failure
}
