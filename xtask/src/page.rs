//! Pages of the workspace (the demo, the benchmarks): build with threads, serve, open in headless browsers.

use crate::browser::{Browser, Ready};
use crate::http::{self, Post, Server};
use crate::install;
use crate::process::Step;
use crate::project::Project;
use crate::toolchain::Nightly;
use crate::webdriver::Session;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// A built page.
pub struct Page {
    /// The folder of its HTML file.
    pub web: PathBuf,
    /// The folder of the module and its JS file.
    pub bindings: PathBuf,
}

/// What a page has reported.
pub struct Reported {
    /// The JSON that it posted to `/report`.
    pub value: Value,
    /// What the page looked like then.
    pub picture: Result<Vec<u8>, String>,
}

impl Page {
    /// Builds `package` with threads, in release mode, and its bindings under the name `name`.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(project: &Project, package: &str, name: &str) -> Result<Self, String> {
        let dir = project.need(package)?;
        let folders = ["web", "www", "."].map(|folder| dir.join(folder));
        let mut folders = folders.into_iter();
        let web = folders.find(|folder| folder.join("index.html").is_file());
        let web = web.ok_or_else(|| format!("{package} has no index.html"))?;
        let nightly = Nightly::get()?;
        println!("  building {package} with threads ({})", nightly.name());
        let step = nightly.threads(project, "build");
        let step = step.args(["--release", "--package", package]);
        let module = module(step.limit(1200), dir)?;
        let tool = install::wasm_bindgen(project)?.join("wasm-bindgen");
        let bindings = project.target.join("pages").join(name);
        let step = Step::new(tool).args(["--target", "web", "--no-typescript", "--out-name", name]);
        let ended = step.arg("--out-dir").arg(&bindings).arg(module);
        let ended = ended.limit(120).run()?;
        if !ended.ok() {
            return Err(format!("wasm-bindgen for {package}: {}", ended.why()));
        }
        Ok(Self { web, bindings })
    }

    /// Serves it.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn serve(&self, port: u16) -> Result<Server, String> {
        let mounts = vec![("/", self.web.clone()), ("/pkg/", self.bindings.clone())];
        http::serve(port, mounts)
    }
}

/// Runs a build and finds the module among what it made.
fn module(build: Step, package: &Path) -> Result<PathBuf, String> {
    let ended = build
        .arg("--message-format=json-render-diagnostics")
        .data()
        .run()?;
    if !ended.ok() {
        return Err(format!("the build: {}", ended.why()));
    }
    let manifest = package.join("Cargo.toml");
    let messages = ended.output.lines();
    let messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut files = messages
        .filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(&manifest))
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| Some(PathBuf::from(file.as_str()?)))
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        });
    files.next().ok_or("the build made no wasm file".into())
}

/// Seconds after which an attempt counts as hung.
const ATTEMPT: u64 = 20;

/// Opens the page in a headless browser and waits for its report; prints its progress. A page that posts a name to `/attempt` says that
/// what it does next may hang it; if it does, `{"trapped": [name, "hangs"]}` is the report.
///
/// # Errors
/// When the browser does not start or the page does not report in time; the console's lines are printed then.
pub fn visit(
    server: &Server,
    ready: &Ready,
    query: &str,
    seconds: u64,
) -> Result<Reported, String> {
    let session = Session::open(ready)?;
    // Where a browser refuses, its default size will do.
    let _ = session.resize(1280, 1000);
    // What an earlier page has posted is not this one's.
    while server.posts.try_recv().is_ok() {}
    session.open_page(&format!("http://{}/{query}", server.address))?;
    let start = Instant::now();
    let mut beat = Instant::now();
    let mut attempt: Option<(String, Instant)> = None;
    while start.elapsed() < Duration::from_secs(seconds) {
        match server.posts.recv_timeout(Duration::from_secs(1)) {
            Ok(Post { path, body }) if path == "/report" => {
                let value = serde_json::from_str(&body);
                let value = value.map_err(|error| format!("the report: {error}: {body}"))?;
                let picture = session.screenshot();
                return Ok(Reported { value, picture });
            }
            Ok(Post { path, body }) if path == "/attempt" => {
                attempt = (!body.is_empty()).then(|| (body, Instant::now()));
            }
            Ok(Post { path, body }) if path == "/progress" => {
                beat = Instant::now();
                println!("  {}: {body}", ready.browser.name());
            }
            Ok(Post { path, .. }) => println!("  the page posted to {path}, which means nothing"),
            Err(RecvTimeoutError::Timeout)
                if let Some((name, since)) = &attempt
                    && since.elapsed().as_secs() >= ATTEMPT =>
            {
                let value = serde_json::json!({ "trapped": [name, "hangs"] });
                let picture = Err("the page hangs".into());
                return Ok(Reported { value, picture });
            }
            Err(RecvTimeoutError::Timeout) if beat.elapsed().as_secs() >= 20 => {
                beat = Instant::now();
                println!(
                    "  … {}: {} s",
                    ready.browser.name(),
                    start.elapsed().as_secs()
                );
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let console = session.console();
    for line in &console {
        println!("  console: {line}");
    }
    Err(format!(
        "{}: no report after {seconds} s",
        ready.browser.name()
    ))
}

/// The browsers named in a list like `chromium,firefox`; without one, those that every run uses.
///
/// # Errors
/// A name that is none.
pub fn browsers(list: Option<&str>) -> Result<Vec<Browser>, String> {
    let names = list.unwrap_or("chromium,firefox").split(',');
    names
        .map(|name| {
            Browser::named(name.trim()).ok_or_else(|| {
                format!("there is no browser `{name}`; known: chromium, firefox, webkit")
            })
        })
        .collect()
}
