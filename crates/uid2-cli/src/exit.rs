//! Exit statuses. They are an interface: scripts depend on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Success,
    /// It could not, or not for all of its input. What it wrote says why.
    Failure,
    /// The command line is wrong, or does not go with what it names.
    Usage,
    /// The person has opted out.
    OptedOut,
    /// EUID only: the consent string does not grant what the service needs.
    NoConsent,
}

/// As [`Exit::Usage`], where the process is ended at once.
pub(crate) const USAGE: i32 = 2;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0_u8,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::OptedOut => 3,
            Exit::NoConsent => 4,
        })
    }
}

/// For `--help`.
pub(crate) const HELP: &str = "\
Exit statuses:
  0  done
  1  not done, or not for every line: the output says why
  2  the command line is wrong: the message on stderr says how
  3  the person has opted out: remember it, and do not ask again
  4  EUID only: the TCF consent string does not grant what the service needs";
