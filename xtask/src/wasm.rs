//! Wasm test programs: building them, reading what they hold, running one in Node or in a browser.

use crate::browser::Ready;
use crate::process::{Ended, Step};
use serde_json::Value;
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

/// A built test program.
pub struct Program {
    /// Its name: the file under `tests/`, or the package's for unit tests.
    pub name: String,
    /// The wasm file.
    pub file: PathBuf,
    /// The package's folder.
    pub package: PathBuf,
    /// How many tests it exports.
    pub tests: usize,
    /// Where it must run, when it says so itself (`wasm_bindgen_test_configure!`).
    pub pinned: Option<Place>,
}

/// Where a test program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Node's main thread.
    Node,
    /// A browser's window.
    Window,
    /// A dedicated worker.
    Worker,
    /// A shared worker.
    SharedWorker,
    /// A service worker.
    ServiceWorker,
}

impl Place {
    /// Its name in a line of output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Window => "window",
            Self::Worker => "dedicated worker",
            Self::SharedWorker => "shared worker",
            Self::ServiceWorker => "service worker",
        }
    }

    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Node => None,
            Self::Window => Some("WASM_BINDGEN_USE_BROWSER"),
            Self::Worker => Some("WASM_BINDGEN_USE_DEDICATED_WORKER"),
            Self::SharedWorker => Some("WASM_BINDGEN_USE_SHARED_WORKER"),
            Self::ServiceWorker => Some("WASM_BINDGEN_USE_SERVICE_WORKER"),
        }
    }
}

/// Builds test programs by `cargo test --no-run` and lists those that hold at least one wasm test.
///
/// # Errors
/// When the build fails.
pub fn build(cargo_test: Step) -> Result<Vec<Program>, String> {
    let json = ["--no-run", "--message-format=json-render-diagnostics"];
    // The runner carries debug information through every run: without it each takes a third of the time.
    let step = cargo_test.args(json).env("CARGO_PROFILE_DEV_DEBUG", "0");
    let ended = step.limit(1200).data().run()?;
    if !ended.ok() {
        return Err(format!("the build: {}", ended.why()));
    }
    let mut programs = Vec::new();
    for (target, manifest, file) in artifacts(&ended.output) {
        let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (tests, pinned) = contents(&bytes)?;
        let package = manifest.parent().unwrap_or(Path::new(".")).to_owned();
        if tests > 0 {
            programs.push(Program {
                name: target,
                file,
                package,
                tests,
                pinned,
            });
        }
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

/// The executables among cargo's messages: target's name, manifest, file.
pub fn artifacts(messages: &str) -> Vec<(String, PathBuf, PathBuf)> {
    let messages = messages.lines();
    let messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let file = text(&message["executable"])?;
            let manifest = text(&message["manifest_path"])?;
            let name = text(&message["target"]["name"])?;
            Some((name, manifest.into(), file.into()))
        })
        .collect()
}

/// How many tests a test program exports, and where it insists to run.
fn contents(wasm: &[u8]) -> Result<(usize, Option<Place>), String> {
    let mut tests = 0;
    let mut pinned = None;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| error.to_string())? {
            Payload::ExportSection(exports) => {
                let names = exports.into_iter().filter_map(Result::ok);
                tests = names.filter(|e| e.name.starts_with("__wbgt_")).count();
            }
            Payload::CustomSection(section) if section.name() == "__wasm_bindgen_test_unstable" => {
                pinned = section.data().iter().find_map(|byte| match byte {
                    1 => Some(Place::Window),
                    2 => Some(Place::Worker),
                    3 => Some(Place::SharedWorker),
                    4 => Some(Place::ServiceWorker),
                    5 => Some(Place::Node),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok((tests, pinned))
}

/// What one run of a test program needs besides the program.
pub struct Runner<'a> {
    /// The folder of `wasm-bindgen-test-runner`.
    pub tools: &'a Path,
    /// The folder of `node`, for [`Place::Node`].
    pub node: Option<&'a Path>,
    /// The browser and its capabilities file, for the other places.
    pub browser: Option<(&'a Ready, &'a Path)>,
    /// Serves the page without cross-origin isolation.
    pub no_isolation: bool,
}

/// Seconds that one test program may take, by the runner's own clock; the outer limit leaves room for slow starts.
const PROGRAM_LIMIT: u64 = 120;

/// Whether a line of the runner's output says that tests have begun. (Firefox says on its own that it is running.)
fn says_tests_run(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("running ") && (line.ends_with(" test") || line.ends_with(" tests"))
        || line.starts_with("test result:")
}

impl Runner<'_> {
    /// Runs a test program. A browser that did not come up is started a second time; a test is never repeated.
    ///
    /// # Errors
    /// When the runner cannot be started.
    pub fn run(&self, program: &Program, place: Place) -> Result<Ended, String> {
        let run = || self.step(program, place, PROGRAM_LIMIT).run();
        let ended = run()?;
        let started = ended.output.lines().any(says_tests_run);
        if ended.ok() || started || place == Place::Node {
            return Ok(ended);
        }
        println!("  no test has started ({}): once more", ended.why());
        run()
    }

    /// Runs one test of a program.
    ///
    /// # Errors
    /// When the runner cannot be started.
    pub fn run_one(
        &self,
        program: &Program,
        place: Place,
        test: &str,
        seconds: u64,
    ) -> Result<Ended, String> {
        let step = self.step(program, place, seconds);
        step.args([test, "--exact"]).run()
    }

    fn step(&self, program: &Program, place: Place, seconds: u64) -> Step {
        let runner = self.tools.join("wasm-bindgen-test-runner");
        let mut step = Step::new(runner).arg(&program.file).dir(&program.package);
        for variable in [
            "CHROMEDRIVER",
            "GECKODRIVER",
            "SAFARIDRIVER",
            "CHROMEDRIVER_REMOTE",
            "GECKODRIVER_REMOTE",
            "WASM_BINDGEN_TEST_ONLY_NODE",
            "WASM_BINDGEN_TEST_ONLY_WEB",
        ] {
            step = step.without_env(variable);
        }
        if let (Some(variable), None) = (place.variable(), program.pinned) {
            step = step.env(variable, "1");
        }
        if let Some(node) = self.node {
            let mut path = vec![node.to_owned()];
            path.extend(std::env::split_paths(
                &std::env::var_os("PATH").unwrap_or_default(),
            ));
            step = step.env("PATH", std::env::join_paths(path).unwrap_or_default());
        }
        if let Some((ready, capabilities)) = self.browser {
            step = step.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities);
            for (name, value) in ready.runner_variables() {
                step = step.env(name, value);
            }
        }
        if self.no_isolation {
            step = step.env("WASM_BINDGEN_TEST_NO_ORIGIN_ISOLATION", "1");
        }
        step.env("WASM_BINDGEN_TEST_TIMEOUT", seconds.to_string())
            .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "30")
            .limit(seconds + 90)
    }
}
