//! Chromium by way of chromedriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// A chromedriver that ends with this.
pub(crate) struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not installed");
        let out = BufReader::new(process.stdout.take().unwrap());
        let mut lines = out.lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| {
                line.split_once("successfully on port ")
                    .map(|(_, port)| port.to_owned())
            })
            .expect("chromedriver does not start");
        // Read on, lest it blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
            process,
        }
    }

    /// A browser as if just installed.
    pub(crate) async fn browser(&self) -> (Client, TempDir) {
        let profile = tempfile::tempdir().unwrap();
        let args = [
            "--headless",
            // Tests may run as root, and in containers.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(wanted) = wanted else {
            unreachable!()
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(wanted).connect(&self.url).await;
        (client.expect("a browser"), profile)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It takes its browsers with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the standard of web drivers does not have, and chromedriver does.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// A command of the protocol of the browser's developer tools.
pub(crate) async fn devtools(client: &Client, command: &str, params: Value) -> Value {
    let body = json!({ "cmd": command, "params": params });
    let path = "goog/cdp/execute";
    client.issue_cmd(Extra { path, body }).await.expect(command)
}

/// What the browser has complained about since the last time.
pub(crate) async fn complaints(client: &Client) -> Vec<String> {
    // What happened last may still be on its way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let body = json!({ "type": "browser" });
    let log = client
        .issue_cmd(Extra {
            path: "se/log",
            body,
        })
        .await
        .expect("the log");
    let entries = log.as_array().expect("a list").iter();
    entries
        .map(|entry| format!("{}: {}", entry["level"], entry["message"]))
        .collect()
}
