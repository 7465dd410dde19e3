//! Compiling the shim, and running the script above it.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::log::{self, Entry};

/// Which operation fails, and how.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Those that count, by their letters.
    pub(crate) kinds: &'static str,
    /// Which of them, from 1.
    pub(crate) at: usize,
    /// Whether those after it fail too.
    pub(crate) lasts: bool,
    pub(crate) errno: i32,
    /// How many steps after a call that failed the process ends, without closing the
    /// store.
    pub(crate) leaves_after: u64,
}

pub(crate) struct Shim {
    folder: TempDir,
    /// Which test runs the script, and which one.
    test: &'static str,
    script: &'static str,
}

impl Shim {
    /// `None` where there is no C compiler.
    pub(crate) fn compile(test: &'static str, script: &'static str) -> Option<Self> {
        let shim = Self {
            folder: TempDir::new().unwrap(),
            test,
            script,
        };
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine_faults/shim.c");
        let Ok(output) = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", source, "-o"])
            .arg(shim.library())
            .args(["-pthread"])
            .output()
        else {
            println!("SKIPPED {test}: no C compiler");
            return None;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Some(shim)
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("shim.so")
    }

    /// Runs the script. Gives its folder, and what happened.
    pub(crate) fn play(&self, fault: Option<&Fault>, encrypted: bool) -> (TempDir, Vec<Entry>) {
        let folder = TempDir::new().unwrap();
        let log = self.folder.path().join("log");
        let _ = std::fs::remove_file(&log);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", self.test, "--nocapture"])
            .env("LD_PRELOAD", self.library())
            .env("FAULT_FOLDER", folder.path())
            .env("FAULT_LOG", &log)
            .env("FAULT_SCRIPT", self.script)
            .env("FAULT_ENCRYPTED", if encrypted { "1" } else { "0" });
        if let Some(fault) = fault {
            command
                .env("FAULT_KINDS", fault.kinds)
                .env("FAULT_AT", fault.at.to_string())
                .env("FAULT_LASTS", if fault.lasts { "1" } else { "0" })
                .env("FAULT_ERRNO", fault.errno.to_string())
                .env("FAULT_LEAVES_AFTER", fault.leaves_after.to_string());
        }
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{fault:?}, encrypted {encrypted}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let log = log::read(&log);
        assert_eq!(log.last().map(|entry| entry.kind), Some(b'z'), "cut short");
        (folder, log)
    }
}
