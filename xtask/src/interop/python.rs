//! The Python SDK, `uid2-client` of `PyPI`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::operators::Operators;
use super::program;
use crate::run::{root, run};

/// What the program said, or why it cannot run here.
pub(super) fn run_program(operators: &Operators) -> Result<Result<String, String>> {
    let programs = root().join("xtask/interop/python");
    let python = match install(&programs, &operators.target().join("python")) {
        Ok(python) => python,
        Err(error) => {
            return Ok(Err(format!(
                "uid2-client of PyPI could not be installed: {error:#}"
            )));
        }
    };
    let mut command = Command::new(python);
    command
        .arg(programs.join("main.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1");
    operators.tell(&mut command);
    program::output(&mut command).map(Ok)
}

/// Installs the pinned versions into a virtual environment, once.
pub(crate) fn install(programs: &Path, venv: &Path) -> Result<PathBuf> {
    let python = venv.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let requirements = programs.join("requirements.txt");
    let wanted = fs::read(&requirements)?;
    let stamp = venv.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(python);
    }
    let mut create = Command::new("python3");
    run(create.args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--no-deps"]);
    install.args(["--disable-pip-version-check", "--requirement"]);
    run(install.arg(&requirements))?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}
