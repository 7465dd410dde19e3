//! Operators to try SDKs with: as a user starts them, with `uid2 emulator`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::built;
use crate::run::target;

/// The site of the credentials that the emulator tells.
const SITE: &str = "999";
/// Another client of the official mock configuration (protocol, section 3): the
/// DSP, which reads tokens.
const OTHER_API_KEY: &str = "UID2-C-L-123-t32pCM.5NCX1E94UgOd2f8zhsKmxzCoyhXohHYSSWR8U=";
const OTHER_SECRET_KEY: &str = "FsD4bvtjMkeTonx6HvQp6u0EiI1ApGH4pIZzZ5P7UcQ=";
/// The key pair of the official mock configuration, which browsers call with.
const CLIENT_SIDE: [(&str, &str); 3] = [
    ("CLIENT_SIDE_SUBSCRIPTION_ID", "4WvryDGbR5"),
    ("CLIENT_SIDE_SITE_ID", "123"),
    (
        "CLIENT_SIDE_PUBLIC_KEY",
        "UID2-X-L-MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsziOqRXZ7II0uJusaMxxCxlxgj8el/MUYLFMtWfB71Q3\
         G1juyrAnzyqruNiPPnIuTETfFOridglP9UQNlwzNQg==",
    ),
];

/// Three operators. They end with this.
pub(super) struct Operators {
    usual: Operator,
    short_lived: Operator,
    euid: Operator,
    target: PathBuf,
}

impl Operators {
    pub(super) fn start() -> Result<Self> {
        let uid2 = built::program("uid2")?;
        Ok(Self {
            usual: Operator::start(&uid2, &[])?,
            short_lived: Operator::start(
                &uid2,
                &[
                    "--refresh-after=1s",
                    "--token-lifetime=2s",
                    "--refresh-lifetime=3s",
                ],
            )?,
            euid: Operator::start(&uid2, &["--scope=euid"])?,
            target: target().join("interop"),
        })
    }

    /// Tells a program where they are.
    pub(super) fn tell(&self, command: &mut Command) {
        self.usual.tell(command);
        command
            .env("SHORT_LIVED_BASE_URL", &self.short_lived.url)
            .env("EUID_BASE_URL", &self.euid.url)
            .env("SITE_ID", SITE)
            .envs(CLIENT_SIDE)
            .env("OTHER_API_KEY", OTHER_API_KEY)
            .env("OTHER_SECRET_KEY", OTHER_SECRET_KEY)
            // They are on this machine, whatever proxy leads out of it.
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
    }

    /// The one of a scope.
    pub(super) const fn of_scope(&self, euid: bool) -> &Operator {
        if euid { &self.euid } else { &self.usual }
    }

    /// Where to put what is installed and built.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }
}

/// An operator in a process of its own.
pub(crate) struct Operator {
    process: Child,
    url: String,
    api_key: String,
    client_secret: String,
}

impl Operator {
    fn start(uid2: &Path, args: &[&str]) -> Result<Self> {
        let mut command = Command::new(uid2);
        command.args(["emulator", "--json", "--listen=127.0.0.1:0"]);
        Self::started(command.args(args))
    }

    /// One that a command starts, which tells where it is in a line of JSON.
    pub(crate) fn started(command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the emulator")?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        // From here on it ends with this, whatever happens.
        let mut operator = Self {
            process,
            url: String::new(),
            api_key: String::new(),
            client_secret: String::new(),
        };
        let told: Value = serde_json::from_str(&line).context("the emulator told nothing")?;
        let field = |name: &str| {
            let value = told.get(name).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| anyhow!("the emulator did not tell its {name}"))
        };
        operator.url = field("url")?;
        operator.api_key = field("api_key")?;
        operator.client_secret = field("client_secret")?;
        Ok(operator)
    }

    /// Tells a program where it is.
    pub(crate) fn tell(&self, command: &mut Command) {
        command
            .env("UID2_BASE_URL", &self.url)
            .env("UID2_API_KEY", &self.api_key)
            .env("UID2_SECRET_KEY", &self.client_secret);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
