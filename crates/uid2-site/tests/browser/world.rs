//! A site and a browser before it.

use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::json;
use tempfile::TempDir;
use uid2_site::{Options, Site};

use crate::driver::{Driver, complaints, devtools};
use crate::look::look;

/// How long something that is to happen may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) browser: Client,
    pub(crate) site: Option<Site>,
    pub(crate) base: String,
    axe: String,
    folder: TempDir,
    _profile: TempDir,
    /// HTTP statuses of pages that are meant to be, and that the browser notes.
    expected: Vec<u16>,
}

impl World {
    pub(crate) async fn new(driver: &Driver, axe: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = options(&folder).port(0).start().await.unwrap();
        let (browser, profile) = driver.browser().await;
        let world = Self {
            base: site.url(),
            site: Some(site),
            axe: axe.to_owned(),
            browser,
            folder,
            _profile: profile,
            expected: Vec::new(),
        };
        world.go("/").await;
        world
    }

    pub(crate) fn site(&self) -> &Site {
        self.site.as_ref().unwrap()
    }

    /// Stops the site, and starts it on the same folder and port.
    pub(crate) async fn restart(&mut self) {
        let port = self.site().address().port();
        self.site.take().unwrap().stop().await;
        let site = options(&self.folder).port(port).start().await.unwrap();
        assert_eq!(site.address().port(), port);
        self.site = Some(site);
    }

    /// This status is meant to be: the browser may note it.
    pub(crate) fn expect(&mut self, status: u16) {
        self.expected.push(status);
    }

    /// Fails if the browser had anything else to complain about.
    pub(crate) async fn finish(self) {
        let meant = |complaint: &String| {
            let mut statuses = self.expected.iter();
            statuses.any(|status| complaint.contains(&format!("with a status of {status} ")))
        };
        let complaints = complaints(&self.browser).await;
        let unexpected: Vec<_> = complaints.iter().filter(|it| !meant(it)).collect();
        assert!(unexpected.is_empty(), "{unexpected:#?}");
        self.browser.close().await.unwrap();
    }

    pub(crate) async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.browser.goto(&url).await.unwrap();
    }

    pub(crate) async fn look(&self, name: &str) {
        look(&self.browser, &self.axe, name).await;
    }

    pub(crate) async fn find(&self, css: &str) -> Element {
        let found = self.browser.find(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn heading(&self) -> String {
        self.text("h1").await
    }

    pub(crate) async fn token(&self) -> String {
        self.text("#token").await
    }

    /// The latest of the timeline.
    pub(crate) async fn latest(&self) -> String {
        self.text(".timeline li:first-child strong").await
    }

    /// Clicks the button or link of this name, and waits for the page that comes.
    pub(crate) async fn click(&self, name: &str) {
        // Without a script: it must work where those are switched off.
        let page = self.find("html").await;
        self.press(name).await;
        let is_gone = async || page.tag_name().await.is_err();
        self.wait("another page", is_gone).await;
        let footer = self.browser.wait().for_element(Locator::Css("footer"));
        footer.await.unwrap();
    }

    /// Clicks the button or link of this name.
    pub(crate) async fn press(&self, name: &str) {
        // What stands in the page itself comes before the menu.
        let inside =
            format!("//main//*[self::button or self::a][contains(normalize-space(.), '{name}')]");
        let anywhere = format!("//*[self::button or self::a][normalize-space(.) = '{name}']");
        let element = match self.browser.find(Locator::XPath(&inside)).await {
            Ok(element) => element,
            Err(_) => {
                let found = self.browser.find(Locator::XPath(&anywhere)).await;
                found.unwrap_or_else(|error| panic!("{name}: {error}"))
            }
        };
        assert!(element.is_displayed().await.unwrap(), "{name} is hidden");
        element.click().await.unwrap();
    }

    /// Waits until something has happened.
    pub(crate) async fn wait(&self, what: &str, has_happened: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !has_happened().await {
            assert!(begun.elapsed() < PATIENCE, "{what} does not come");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into the field, in the place of what is there.
    pub(crate) async fn fill(&self, text: &str) {
        let field = self.find("#dii").await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub(crate) async fn agree(&self) {
        let consent = self.find("#consent").await;
        if !consent.is_selected().await.unwrap() {
            consent.click().await.unwrap();
        }
    }

    /// From the front page to the account, by hand.
    pub(crate) async fn sign_in(&self, dii: &str) {
        self.go("/").await;
        self.fill(dii).await;
        self.agree().await;
        self.click("Sign in").await;
    }

    /// Lets time pass behind the page's back, as another tab would.
    pub(crate) async fn pass_unseen(&self, minutes: u32) {
        let script = "const [minutes, done] = arguments;
            const csrf = document.querySelector('input[name=csrf]').value;
            fetch('/time', { method: 'POST', body: new URLSearchParams({ csrf, minutes }) })
                .then((answer) => done(answer.status), (error) => done(String(error)));";
        let done = self
            .browser
            .execute_async(script, vec![json!(minutes)])
            .await;
        assert_eq!(done.unwrap(), json!(200));
    }

    /// As in a browser that has scripts switched off.
    pub(crate) async fn switch_scripts(&self, on: bool) {
        let params = json!({ "value": !on });
        devtools(
            &self.browser,
            "Emulation.setScriptExecutionDisabled",
            params,
        )
        .await;
    }
}

fn options(folder: &TempDir) -> Options {
    let plenty = uid2_site::Limits {
        per_second: 1000,
        burst: 1000,
        forms_per_minute: 60_000,
        form_burst: 1000,
    };
    Options::new(folder.path())
        .limits(plenty)
        .patience(Duration::from_secs(1))
}
