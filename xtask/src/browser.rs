//! The browsers: which are here, with which options they start.

use crate::install;
use crate::process::Step;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A browser that the project is tested with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Browser {
    /// Chromium (V8).
    Chromium,
    /// Firefox (SpiderMonkey).
    Firefox,
    /// WebKitGTK's MiniBrowser (JavaScriptCore): the nearest thing to Safari that runs on Linux.
    Webkit,
}

/// A browser that is here, with its driver.
pub struct Ready {
    /// Which one.
    pub browser: Browser,
    /// The browser's program.
    pub binary: PathBuf,
    /// The driver's program.
    pub driver: PathBuf,
}

impl Browser {
    /// The browser of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Chromium, Self::Firefox, Self::Webkit];
        all.into_iter().find(|browser| browser.name() == name)
    }

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }

    /// Finds or installs the browser and its driver.
    ///
    /// # Errors
    /// When it is absent and cannot be installed: why.
    pub fn get(self) -> Result<Ready, String> {
        let (binary, driver) = match self {
            Self::Chromium => (
                install::system(
                    &["chromium", "google-chrome", "chromium-browser", "chrome"],
                    &["chromium", "chromium-driver"],
                )?,
                install::system(&["chromedriver"], &["chromium-driver"])?,
            ),
            Self::Firefox => (
                install::system(&["firefox-esr", "firefox"], &["firefox-esr"])?,
                install::geckodriver()?,
            ),
            Self::Webkit => {
                let packages = ["webkit2gtk-driver", "xvfb", "xauth"];
                install::system(&["xvfb-run"], &packages)?;
                let driver = install::system(&["WebKitWebDriver"], &packages)?;
                (driver.clone(), driver)
            }
        };
        Ok(Ready {
            browser: self,
            binary,
            driver,
        })
    }
}

impl Ready {
    /// The WebDriver capabilities with which it starts, headless.
    pub fn capabilities(&self) -> Value {
        match self.browser {
            Browser::Chromium => json!({
                "goog:chromeOptions": { "binary": self.binary, "args": CHROMIUM },
                "goog:loggingPrefs": { "browser": "ALL" },
            }),
            Browser::Firefox => json!({
                "moz:firefoxOptions": {
                    "binary": self.binary,
                    "args": ["-headless"],
                    "prefs": {
                        "app.update.enabled": false,
                        "datareporting.policy.dataSubmissionEnabled": false,
                        "toolkit.telemetry.enabled": false,
                        "network.captive-portal-service.enabled": false,
                        "network.connectivity-service.enabled": false,
                        "media.autoplay.default": 0,
                        "media.autoplay.blocking_policy": 0,
                    },
                },
            }),
            Browser::Webkit => json!({}),
        }
    }

    /// The variables by which `wasm-bindgen-test-runner` finds the driver.
    pub fn runner_variables(&self) -> Vec<(&'static str, OsString)> {
        let driver = self.driver.clone().into_os_string();
        match self.browser {
            Browser::Chromium => vec![("CHROMEDRIVER", driver)],
            Browser::Firefox => vec![("GECKODRIVER", driver)],
            Browser::Webkit => {
                let mut args = OsString::from("--auto-servernum ");
                args.push(&driver);
                let mut variables = vec![
                    ("SAFARIDRIVER", OsString::from("xvfb-run")),
                    ("SAFARIDRIVER_ARGS", args),
                ];
                let more = WEBKIT.iter();
                variables.extend(more.map(|(name, value)| (*name, OsString::from(value))));
                variables
            }
        }
    }

    /// The driver's program with what it needs around it, for use without the test runner.
    pub fn driver_step(&self) -> Step {
        match self.browser {
            Browser::Webkit => {
                let step = Step::new("xvfb-run").arg("--auto-servernum");
                let step = step.arg(&self.driver);
                WEBKIT
                    .iter()
                    .fold(step, |step, (name, value)| step.env(name, value))
            }
            _ => Step::new(&self.driver),
        }
    }

    /// Writes the capabilities to a file for `wasm-bindgen-test-runner` and returns its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn capabilities_file(&self, target: &Path) -> Result<PathBuf, String> {
        let dir = target.join("webdriver");
        let path = dir.join(format!("{}.json", self.browser.name()));
        let text = self.capabilities().to_string();
        std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

/// Chromium's options: headless, without the sandbox (which does not work as root), without background traffic, and without
/// the throttling of windows that nobody sees.
const CHROMIUM: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
];

/// WebKitGTK's environment: `SharedArrayBuffer` is switched off by default there, and the sandbox does not work as root.
const WEBKIT: &[(&str, &str)] = &[
    ("JSC_useSharedArrayBuffer", "1"),
    ("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1"),
];
