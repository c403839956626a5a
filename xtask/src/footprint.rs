//! Builds of `examples/footprint`, the module that uses the locks and does nothing else; `cargo xtask size`.

use crate::args::Args;
use crate::callgraph::Graph;
use crate::install;
use crate::process::{Step, find};
use crate::project::Project;
use crate::toolchain::{self, Nightly, WASM};
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

const PACKAGE: &str = "web-sync-footprint";
const FILE: &str = "web_sync_footprint.wasm";

/// The module with threads and with the entry points of the check.
///
/// # Errors
/// When the build fails.
pub fn threads(project: &Project) -> Result<PathBuf, String> {
    let nightly = Nightly::get()?;
    let step = nightly.threads(project, "build");
    build(step.args(["--features", "check"]))?;
    Ok(output(&toolchain::threads_dir(project)))
}

/// The same without atomics.
///
/// # Errors
/// When the build fails.
pub fn single(project: &Project) -> Result<PathBuf, String> {
    let step = toolchain::single(project, "build")?;
    build(step.args(["--features", "check"]))?;
    Ok(output(&project.target))
}

fn build(step: Step) -> Result<(), String> {
    let step = step.args(["--release", "--package", PACKAGE]);
    // The names of functions are what the check goes by.
    let step = step.env("CARGO_PROFILE_RELEASE_STRIP", "none");
    let ended = step.limit(900).run()?;
    if ended.ok() {
        return Ok(());
    }
    Err(format!("building {PACKAGE}: {}", ended.why()))
}

fn output(target: &Path) -> PathBuf {
    target.join(WASM).join("release").join(FILE)
}

/// The locks that are compared: name in the table, feature.
const VARIANTS: &[(&str, &str)] = &[
    ("web_sync::nonpoison", "default"),
    ("web_sync (poison)", "poison"),
    ("parking_lot", "parking-lot"),
    ("parking_lot, js-sys", "parking-lot,js"),
    ("std", "std"),
];

/// `cargo xtask size`: the size of a module with `Mutex`, `RwLock` and `Condvar`, sync only, for each set of locks.
///
/// # Errors
/// A mistake on the command line, or a build that fails.
pub fn size(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &["check"], &["functions"])?;
    if let Some(name) = args.names.first() {
        return Err(format!("size takes no `{name}`"));
    }
    let project = Project::load()?;
    let sizes = measure(&project)?;
    print_table(&sizes);
    if let Some(count) = args.number("functions")? {
        for size in &sizes {
            println!("  the largest functions with {}", size.name);
            for (bytes, name) in size.functions.iter().take(count as usize) {
                println!("    {bytes:6}  {name}");
            }
        }
    }
    let of = |name: &str| sizes.iter().find(|size| size.name == name);
    let code = |name| of(name).map_or(0, |size| size.code);
    let (ours, theirs) = (code("web_sync::nonpoison"), code("parking_lot"));
    let word = if ours <= theirs {
        "not larger"
    } else {
        "LARGER"
    };
    println!(
        "web_sync::nonpoison is {word} than parking_lot: {ours} against {theirs} bytes of code"
    );
    Ok(ours <= theirs || !args.has("check"))
}

/// What one variant weighs.
pub struct Size {
    /// The locks.
    pub name: &'static str,
    /// Bytes of code.
    pub code: usize,
    /// Bytes of the whole module, names left out.
    pub file: usize,
    /// The functions, the largest first.
    pub functions: Vec<(usize, String)>,
}

/// Builds every variant with link-time optimisation for size and weighs what wasm-bindgen makes of it.
///
/// # Errors
/// When a build or a tool fails.
pub fn measure(project: &Project) -> Result<Vec<Size>, String> {
    let nightly = Nightly::get()?;
    let tool = install::wasm_bindgen(project)?.join("wasm-bindgen");
    let dir = project.target.join("size");
    let mut sizes = Vec::new();
    for &(name, feature) in VARIANTS {
        println!("  {name}");
        let step = nightly.threads(project, "build");
        let step = step
            .args(["--features", feature])
            .env("CARGO_TARGET_DIR", &dir)
            .env("CARGO_PROFILE_RELEASE_LTO", "fat")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
        build(step)?;
        let out = dir.join("bindgen").join(feature);
        let step = Step::new(&tool).args(["--target", "web", "--out-dir"]);
        let ended = step.arg(&out).arg(output(&dir)).limit(120).run()?;
        if !ended.ok() {
            return Err(format!("wasm-bindgen for {name}: {}", ended.why()));
        }
        let mut file = out.join("web_sync_footprint_bg.wasm");
        if let Some(wasm_opt) = find("wasm-opt") {
            let optimised = out.join("optimised.wasm");
            let step = Step::new(wasm_opt).args(["-Os", "-g", "--all-features", "-o"]);
            let ended = step.arg(&optimised).arg(&file).limit(300).run()?;
            if !ended.ok() {
                return Err(format!("wasm-opt for {name}: {}", ended.why()));
            }
            file = optimised;
        }
        let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (code, custom) = section_sizes(&bytes)?;
        sizes.push(Size {
            name,
            code,
            file: bytes.len() - custom,
            functions: functions(&bytes)?,
        });
    }
    Ok(sizes)
}

/// A module's functions, the largest first.
fn functions(wasm: &[u8]) -> Result<Vec<(usize, String)>, String> {
    let functions = Graph::read(wasm)?.functions.into_iter();
    let mut functions: Vec<_> = functions.map(|each| (each.size, each.name)).collect();
    functions.sort_by(|a, b| b.cmp(a));
    Ok(functions)
}

/// Prints the sizes.
fn print_table(sizes: &[Size]) {
    println!("  {:22} {:>10} {:>10}", "locks", "code", "file");
    for Size {
        name, code, file, ..
    } in sizes
    {
        println!("  {name:22} {code:>10} {file:>10}");
    }
}

/// Bytes of a module's code, and of its custom sections (names and the like).
///
/// # Errors
/// When it is not a module.
pub fn section_sizes(wasm: &[u8]) -> Result<(usize, usize), String> {
    let (mut code, mut custom) = (0, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| error.to_string())? {
            Payload::CodeSectionStart { size, .. } => code = size as usize,
            Payload::CustomSection(section) => custom += section.range().len(),
            _ => {}
        }
    }
    Ok((code, custom))
}
