//! Which compiler builds what. This is the one file that knows.
//!
//! Native builds use the default toolchain and no flags of ours. Threaded wasm needs a nightly compiler, a standard library
//! built with atomics and the linker flags below; they are handed to cargo by environment variables, so that no
//! configuration file changes what a plain `cargo build` does.

use crate::process::Step;
use crate::project::Project;
use std::path::PathBuf;

/// The nightly that the project is tested with. Another installed nightly takes its place only when this one can't be had.
const PINNED: &str = "nightly-2026-10-01";

/// The wasm target.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The variable by which cargo takes flags for the wasm target only.
const WASM_FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// The compiler's and linker's flags for a module whose memory is shared between agents.
const THREADS: &[&str] = &[
    "-Ctarget-feature=+atomics",
    "-Clink-arg=--shared-memory",
    "-Clink-arg=--max-memory=1073741824",
    "-Clink-arg=--import-memory",
    "-Clink-arg=--export=__heap_base",
    "-Clink-arg=--export=__wasm_init_tls",
    "-Clink-arg=--export=__tls_size",
    "-Clink-arg=--export=__tls_align",
    "-Clink-arg=--export=__tls_base",
];

/// A nightly toolchain with what the project needs of it.
#[derive(Clone)]
pub struct Nightly {
    name: String,
}

impl Nightly {
    /// The pinned nightly with `rust-src`, `miri` and the wasm target; installs what is absent and says so.
    ///
    /// # Errors
    /// When there is no nightly and none can be installed.
    pub fn get() -> Result<Self, String> {
        let installed = rustup(&["toolchain", "list"])?;
        let has = |name: &str| installed.lines().any(|line| line.starts_with(name));
        if !has(PINNED) {
            println!("  installing the toolchain {PINNED}");
            let profile = ["--profile", "minimal"];
            let step = Step::new("rustup").args(["toolchain", "install", PINNED]);
            if !step.args(profile).limit(1200).run()?.ok() {
                println!("  {PINNED} cannot be installed");
            }
        }
        let installed = rustup(&["toolchain", "list"])?;
        let names = installed
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let mut nightlies: Vec<_> = names.filter(|name| name.starts_with("nightly")).collect();
        // The pinned one first, then the undated one, then the newest.
        nightlies.sort_by_key(|name| {
            let dated = name["nightly".len()..].starts_with("-2");
            (!name.starts_with(PINNED), dated, std::cmp::Reverse(*name))
        });
        let name = nightlies.first().ok_or("no nightly toolchain")?.to_string();
        if !name.starts_with(PINNED) {
            println!("  using {name} in place of {PINNED}");
        }
        let nightly = Self { name };
        nightly.complete()?;
        Ok(nightly)
    }

    fn complete(&self) -> Result<(), String> {
        let components = ["rust-src", "miri", "rustfmt", "clippy"];
        add_components(Some(&self.name), &components)?;
        add_target(Some(&self.name), WASM)
    }

    /// The toolchain's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cargo of this toolchain, in the workspace's root, with nobody's flags.
    pub fn cargo(&self, project: &Project) -> Step {
        let cargo = Step::new("cargo").arg(format!("+{}", self.name));
        clean(cargo.dir(&project.root))
    }

    /// Cargo's `verb` for wasm with threads, in a target directory of its own.
    pub fn threads(&self, project: &Project, verb: &str) -> Step {
        self.cargo(project)
            .arg(verb)
            .args(["--target", WASM, "-Zbuild-std=std,panic_abort"])
            .env("CARGO_TARGET_DIR", threads_dir(project))
            .env(WASM_FLAGS, THREADS.join(" "))
    }

    /// The same with panics that unwind instead of aborting.
    pub fn unwinding(&self, project: &Project, verb: &str) -> Step {
        self.cargo(project)
            .arg(verb)
            .args(["--target", WASM, "-Zbuild-std=std,panic_unwind"])
            .env("CARGO_TARGET_DIR", project.target.join("unwinding"))
            .env(WASM_FLAGS, format!("-Cpanic=unwind {}", THREADS.join(" ")))
    }

    /// The folder of the standard library's sources.
    ///
    /// # Errors
    /// When the compiler does not answer.
    pub fn library(&self) -> Result<PathBuf, String> {
        let step = Step::new("rustc").arg(format!("+{}", self.name));
        let step = step.args(["--print", "sysroot"]).limit(30).quiet();
        let ended = step.run()?;
        if !ended.ok() {
            return Err(format!("rustc --print sysroot: {}", ended.why()));
        }
        let sysroot = PathBuf::from(ended.output.trim());
        Ok(sysroot.join("lib/rustlib/src/rust/library"))
    }
}

/// The target directory of builds with threads.
pub fn threads_dir(project: &Project) -> PathBuf {
    project.target.join("threads")
}

/// Cargo's `verb` for wasm without atomics, on the default toolchain.
///
/// # Errors
/// When the wasm target is absent and cannot be installed.
pub fn single(project: &Project, verb: &str) -> Result<Step, String> {
    elsewhere(project, WASM, verb)
}

/// Cargo on the default toolchain for another system.
///
/// # Errors
/// When the target is absent and cannot be installed.
pub fn elsewhere(project: &Project, target: &str, verb: &str) -> Result<Step, String> {
    add_target(None, target)?;
    let cargo = clean(project.cargo());
    Ok(cargo.arg(verb).args(["--target", target]))
}

/// Keeps flags that the caller's shell may have set from builds that bring their own.
fn clean(step: Step) -> Step {
    step.without_env("RUSTFLAGS")
        .without_env("CARGO_ENCODED_RUSTFLAGS")
        .without_env(WASM_FLAGS)
}

/// Adds what `cargo xtask tidy` needs of the default toolchain.
///
/// # Errors
/// When it is absent and cannot be installed.
pub fn complete_default() -> Result<(), String> {
    add_components(None, &["rustfmt", "clippy"])
}

fn add_components(toolchain: Option<&str>, wanted: &[&str]) -> Result<(), String> {
    let choose = toolchain.map(|name| ["--toolchain", name]);
    let choose: Vec<_> = choose.iter().flatten().copied().collect();
    let list = [&["component", "list", "--installed"], &choose[..]].concat();
    let installed = rustup(&list)?;
    let has = |component: &str| installed.lines().any(|line| line.starts_with(component));
    let missing = wanted.iter().copied().filter(|component| !has(component));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!(
        "  adding {} to {}",
        missing.join(", "),
        toolchain.unwrap_or("the default toolchain")
    );
    let step = Step::new("rustup").args(["component", "add"]).args(choose);
    let ended = step.args(&missing).limit(600).run()?;
    match ended.ok() {
        true => Ok(()),
        false => Err(format!("rustup component add: {}", ended.why())),
    }
}

fn add_target(toolchain: Option<&str>, target: &str) -> Result<(), String> {
    let choose = toolchain.map(|name| ["--toolchain", name]);
    let choose = choose.iter().flatten();
    let list = ["target", "list", "--installed"].iter().chain(choose);
    let list: Vec<_> = list.copied().collect();
    if rustup(&list)?.lines().any(|line| line == target) {
        return Ok(());
    }
    println!("  adding the target {target}");
    let step = Step::new("rustup").args(["target", "add", target]);
    let step = step.args(toolchain.iter().flat_map(|name| ["--toolchain", name]));
    let ended = step.limit(600).run()?;
    if ended.ok() {
        return Ok(());
    }
    Err(format!("rustup target add {target}: {}", ended.why()))
}

fn rustup(args: &[&str]) -> Result<String, String> {
    let ended = Step::new("rustup").args(args).limit(60).quiet().run()?;
    if ended.ok() {
        return Ok(ended.output);
    }
    Err(format!("rustup {}: {}", args.join(" "), ended.why()))
}

/// The triple of this machine.
///
/// # Errors
/// When the compiler does not answer.
pub fn host() -> Result<String, String> {
    let ended = Step::new("rustc").arg("-vV").limit(30).quiet().run()?;
    let mut lines = ended.output.lines();
    let host = lines.find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or("rustc -vV names no host".into())
}

/// The compiler's version line, for the headers of stored results.
///
/// # Errors
/// When the compiler does not answer.
pub fn version(nightly: &Nightly) -> Result<String, String> {
    let step = Step::new("rustc").arg(format!("+{}", nightly.name));
    let ended = step.arg("--version").limit(30).quiet().run()?;
    Ok(ended.output.trim().to_owned())
}
