//! Brings the tools that are absent, into the user's cache or by the system's package manager, and says what it does.
//!
//! | tool | from | where |
//! |---|---|---|
//! | `wasm-bindgen`, `wasm-bindgen-test-runner` | `cargo install`, the version in `Cargo.lock` | `<cache>/wasm-bindgen-cli-X` |
//! | `geckodriver` | `cargo install` | `<cache>/geckodriver` |
//! | Node, 22 or later | the npm package `node`, unless `PATH` has it | `<cache>/node-X` |
//! | browsers, drivers, Xvfb | `apt-get`, on Debian as root | the system |

use crate::process::{Step, find};
use crate::project::{Project, cache};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The Node that is installed when `PATH` has none that will do.
const NODE: &str = "24.21.0";

/// Node 20 miscompiles atomic compare-exchange in its baseline compiler: locks break. 22 and later are sound.
const NODE_LEAST: u32 = 22;

/// The folder with `wasm-bindgen` and `wasm-bindgen-test-runner` of the version that `Cargo.lock` names.
///
/// # Errors
/// When it cannot be installed.
pub fn wasm_bindgen(project: &Project) -> Result<PathBuf, String> {
    let version = project.locked("wasm-bindgen")?;
    let root = cache().join(format!("wasm-bindgen-cli-{version}"));
    let bin = root.join("bin");
    let have = |tool: &str| bin.join(format!("{tool}{}", std::env::consts::EXE_SUFFIX));
    if !have("wasm-bindgen").is_file() || !have("wasm-bindgen-test-runner").is_file() {
        cargo_install("wasm-bindgen-cli", Some(&version), &root)?;
    }
    Ok(bin)
}

/// The WebDriver of Firefox.
///
/// # Errors
/// When it cannot be installed.
pub fn geckodriver() -> Result<PathBuf, String> {
    if let Some(path) = find("geckodriver") {
        return Ok(path);
    }
    let root = cache().join("geckodriver");
    let name = format!("geckodriver{}", std::env::consts::EXE_SUFFIX);
    let path = root.join("bin").join(name);
    if !path.is_file() {
        cargo_install("geckodriver", None, &root)?;
    }
    Ok(path)
}

fn cargo_install(package: &str, version: Option<&str>, root: &Path) -> Result<(), String> {
    let what = version.map_or(package.to_owned(), |version| format!("{package} {version}"));
    println!("  installing {what} with cargo; this takes a few minutes");
    let step = Step::new("cargo").args(["install", package, "--root"]);
    let step = step.arg(root).limit(1800);
    // The workspace's flags and target directory are none of its business.
    let step = step
        .without_env("RUSTFLAGS")
        .without_env("CARGO_TARGET_DIR");
    let version = version.map(|version| ["--version".to_owned(), format!("={version}")]);
    let ended = step.args(version.iter().flatten()).run()?;
    if ended.ok() {
        return Ok(());
    }
    Err(format!("cargo install {what}: {}", ended.why()))
}

/// The folder with a `node` that runs atomics right.
///
/// # Errors
/// When there is none and npm cannot bring one.
pub fn node() -> Result<PathBuf, String> {
    if let Some(path) = find("node").filter(|path| node_will_do(path)) {
        return Ok(path.parent().unwrap_or(Path::new("")).to_owned());
    }
    let prefix = cache().join(format!("node-{NODE}"));
    let bin = prefix.join("node_modules").join("node").join("bin");
    let node = bin.join(format!("node{}", std::env::consts::EXE_SUFFIX));
    if !node.is_file() {
        let npm = find("npm").ok_or("needs Node >= 22, or npm to install it")?;
        println!("  installing Node {NODE} with npm");
        std::fs::create_dir_all(&prefix).map_err(|error| error.to_string())?;
        let step = Step::new(npm).args(["install", "--no-audit", "--no-fund", "--prefix"]);
        let step = step.arg(&prefix).arg(format!("node@{NODE}"));
        let ended = step.limit(600).run()?;
        if !ended.ok() {
            return Err(format!("npm install node@{NODE}: {}", ended.why()));
        }
    }
    if node_will_do(&node) {
        return Ok(bin);
    }
    Err(format!("{} does not run", node.display()))
}

fn node_will_do(path: &Path) -> bool {
    let ended = Step::new(path).arg("--version").limit(20).quiet().run();
    ended.is_ok_and(|ended| node_major(&ended.output).is_some_and(|major| major >= NODE_LEAST))
}

fn node_major(version: &str) -> Option<u32> {
    let major = version.trim().strip_prefix('v')?.split('.').next()?;
    major.parse().ok()
}

/// The first of `programs` that `PATH` has; otherwise installs Debian's `packages` and looks again.
///
/// # Errors
/// When the program is absent and this machine gives no way to install it.
pub fn system(programs: &[&str], packages: &[&str]) -> Result<PathBuf, String> {
    let look = || programs.iter().find_map(|program| find(program));
    if let Some(path) = look() {
        return Ok(path);
    }
    let absent = format!("{} is absent", programs[0]);
    let debian = Path::new("/etc/debian_version").exists() && find("apt-get").is_some();
    if !debian || !is_root() {
        return Err(format!(
            "{absent}; it is installed by itself only on Debian as root"
        ));
    }
    apt(packages)?;
    look().ok_or(absent)
}

fn apt(packages: &[&str]) -> Result<(), String> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    let apt = || {
        let step = Step::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
        // A mirror may be slow to answer, and another process at work.
        step.args(["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"])
    };
    UPDATED.get_or_init(|| {
        println!("  apt-get update");
        // A failure shows in the install that follows.
        let _ = apt().arg("update").limit(300).quiet().run();
    });
    println!("  apt-get install {}", packages.join(" "));
    let step = apt().args(["install", "-y", "--no-install-recommends"]);
    let ended = step.args(packages).limit(1200).run()?;
    if ended.ok() {
        return Ok(());
    }
    Err(format!("apt-get install: {}", ended.why()))
}

/// Is this the superuser?
pub fn is_root() -> bool {
    let ended = Step::new("id").arg("-u").limit(10).quiet().run();
    ended.is_ok_and(|ended| ended.output.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_s_major_version_is_read() {
        assert_eq!(node_major("v20.20.2\n"), Some(20));
        assert_eq!(node_major("v26.10.0"), Some(26));
        assert_eq!(node_major("garbage"), None);
    }
}
