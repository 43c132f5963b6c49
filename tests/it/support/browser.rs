//! A real headless Chromium, driven through chromedriver. Each test has its own driver and profile; both end with the value.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::child::Owned;
use super::{programs, run};

const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing of the machine's own browser is used, and nothing but our server is asked.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

pub struct Browser {
    pub page: Client,
    _driver: Owned,
    _profile: TempDir,
}

impl Browser {
    pub async fn with_scripts() -> Self {
        Self::start(json!({})).await
    }

    pub async fn without_scripts() -> Self {
        Self::start(json!({"profile.managed_default_content_settings.javascript": 2})).await
    }

    async fn start(preferences: Value) -> Self {
        let chromium = programs::need(&["chromium", "chromium-browser", "google-chrome"], "chromium");
        let driver = programs::need(&["chromedriver"], "chromium-driver");
        let profile = run::temporary("chromium-");
        let port = programs::free_port();
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}")).env("HOME", profile.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut driver = Owned::start(&mut command);
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(driver.ended().is_none() && begun.elapsed() < PATIENCE, "chromedriver does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut arguments: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().join("profile").display()));
        let options = json!({"binary": chromium, "args": arguments, "prefs": preferences});
        let mut capabilities = Map::new();
        capabilities.insert("browserName".into(), "chrome".into());
        capabilities.insert("goog:chromeOptions".into(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connected = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await;
        let page = connected.unwrap_or_else(|error| panic!("Chromium does not start: {error:?}"));
        announce(&page);
        Self { page, _driver: driver, _profile: profile }
    }

    pub async fn open(&self, url: &str) {
        self.page.goto(url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// The first element that matches, as soon as there is one and it can be seen.
    pub async fn find(&self, css: &str) -> Element {
        let begun = Instant::now();
        loop {
            for element in self.page.find_all(Locator::Css(css)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            if begun.elapsed() > PATIENCE {
                panic!("nothing to be seen matches {css}: {}", self.source().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text).await.unwrap_or_else(|error| panic!("{css} takes no text: {error}"));
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("{css} can't be pressed: {error}"));
    }

    /// Whether something matches right now.
    pub async fn has(&self, css: &str) -> bool {
        !self.page.find_all(Locator::Css(css)).await.unwrap_or_default().is_empty()
    }

    /// Path of the page that is shown.
    pub async fn path(&self) -> String {
        self.page.current_url().await.expect("a page is shown").path().to_owned()
    }

    /// Waits until the page says this.
    pub async fn wait_for_text(&self, words: &str) {
        let begun = Instant::now();
        while !self.source().await.contains(words) {
            assert!(begun.elapsed() < PATIENCE, "the page never says {words:?}: {}", self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The page as the browser has it now.
    pub async fn source(&self) -> String {
        self.page.source().await.unwrap_or_default()
    }

    /// Ends the browser in good order.
    pub async fn close(self) {
        self.page.close().await.expect("the browser closes");
    }
}

fn announce(page: &Client) {
    let version = page.capabilities().and_then(|granted| granted.get("browserVersion")).and_then(Value::as_str);
    let major = version.and_then(|text| text.split('.').next()).unwrap_or("of unknown version");
    programs::used(&format!("Chromium {major}"));
}
