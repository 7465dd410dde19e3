//! A site to try, and a visitor without a browser.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uid2_site::{Limits, Options, Site};

/// Everything that this process logs, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A site, the folder that it keeps its data in, and what it runs on.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) site: Option<Site>,
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(configure: impl FnOnce(Options) -> Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut world = Self {
            folder,
            site: None,
            runtime,
        };
        world.start(configure);
        world
    }

    /// Starts on the folder of before.
    pub(crate) fn start(&mut self, configure: impl FnOnce(Options) -> Options) {
        let plenty = Limits {
            per_second: 1000,
            burst: 1000,
            forms_per_minute: 60_000,
            form_burst: 1000,
        };
        let options = Options::new(self.folder.path())
            .port(0)
            .limits(plenty)
            .patience(Duration::from_millis(600));
        let site = self.runtime.block_on(configure(options).start()).unwrap();
        self.site = Some(site);
    }

    pub(crate) fn stop(&mut self) {
        self.runtime.block_on(self.site.take().unwrap().stop());
    }

    pub(crate) fn site(&self) -> &Site {
        self.site.as_ref().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.site().address().port()
    }

    /// `127.0.0.1` and the port.
    pub(crate) fn host(&self) -> String {
        self.site().url().split_once("://").unwrap().1.to_owned()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::of(&self.site().url())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn title(&self) -> &str {
        between(&self.body, "<title>", " ·").unwrap_or_default()
    }

    pub(crate) fn heading(&self) -> &str {
        let at = self.body.find("<h1").unwrap();
        between(&self.body[at..], ">", "</h1>").unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        between(&self.body, "aria-label=\"Advertising token\">", "</p>").unwrap()
    }

    /// The titles of the timeline, the latest first.
    pub(crate) fn story(&self) -> Vec<&str> {
        let parts = self.body.split("<p class=\"event\"><strong>").skip(1);
        parts
            .map(|part| part.split("</strong>").next().unwrap())
            .collect()
    }

    fn csrf(&self) -> Option<&str> {
        between(&self.body, "name=\"csrf\" value=\"", "\"")
    }
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let from = text.find(before)? + before.len();
    let len = text[from..].find(after)?;
    Some(&text[from..from + len])
}

/// Keeps the cookie and the token of forms, and follows nothing by itself.
#[derive(Clone)]
pub(crate) struct Visitor {
    agent: ureq::Agent,
    pub(crate) base: String,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Visitor {
    pub(crate) fn of(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self {
            agent,
            base: base.to_owned(),
            cookie: None,
            csrf: String::new(),
            headers: Vec::new(),
        }
    }

    /// Adds a header to every request from now on.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in self.all_headers() {
            request = request.header(name, value);
        }
        let response = request.call().unwrap();
        self.read(response)
    }

    /// Gets, and follows where it leads.
    pub(crate) fn see(&mut self, path: &str) -> Page {
        let page = self.get(path);
        self.follow(page)
    }

    /// Sends a form of the last page, and follows where it leads.
    pub(crate) fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.post(path, fields);
        self.follow(page)
    }

    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf.clone();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post_raw(path, &fields)
    }

    pub(crate) fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in self.all_headers() {
            request = request.header(name, value);
        }
        let response = request.send_form(fields.iter().copied()).unwrap();
        self.read(response)
    }

    fn all_headers(&self) -> Vec<(&'static str, String)> {
        let cookie = self.cookie.iter().map(|cookie| ("cookie", cookie.clone()));
        self.headers.iter().cloned().chain(cookie).collect()
    }

    fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            if page.status != 303 {
                return page;
            }
            let to = page.header("location").to_owned();
            page = self.get(&to);
        }
        panic!("round in circles");
    }

    fn read(&mut self, mut response: http::Response<ureq::Body>) -> Page {
        let page = Page {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_string().unwrap(),
        };
        if let Some(set) = page.headers.get("set-cookie") {
            let set = set.to_str().unwrap();
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        if let Some(csrf) = page.csrf() {
            self.csrf = csrf.to_owned();
        }
        page
    }

    pub(crate) fn sign_in(&mut self, dii: &str) -> Page {
        self.see("/");
        self.send("/sign-in", &[("dii", dii), ("consent", "yes")])
    }
}
