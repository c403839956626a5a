//! Builds of `examples/footprint`, the module that uses the locks, or boxes and vectors, and does nothing else; `cargo xtask size`.

use crate::args::Args;
use crate::bench::{Row, targets};
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

/// Modules that differ in one thing.
pub struct Comparison {
    /// The group of benchmarks that has their sizes among its figures.
    pub group: &'static str,
    /// What the modules do, as the cell in these figures.
    pub program: &'static str,
    /// What differs, as the head of a table.
    what: &'static str,
    /// The figure that counts.
    pub bytes: fn(&Size) -> usize,
    variants: &'static [Variant],
}

/// One of the modules.
struct Variant {
    /// The name in the table.
    name: &'static str,
    /// The name among the benchmark's rivals.
    rival: &'static str,
    features: &'static str,
}

const fn variant(name: &'static str, rival: &'static str, features: &'static str) -> Variant {
    Variant {
        name,
        rival,
        features,
    }
}

/// The locks that are compared, sync only, by their code.
const LOCKS: Comparison = Comparison {
    group: "locks",
    program: "Mutex+RwLock+Condvar",
    what: "locks",
    bytes: |size| size.code,
    variants: &[
        variant("web_sync::nonpoison", "web-sync", "default"),
        variant("web_sync (poison)", "web_sync (poison)", "poison"),
        variant("parking_lot", "parking_lot", "parking-lot"),
        variant(
            "parking_lot, js-sys",
            "parking_lot, js-sys",
            "parking-lot,js",
        ),
        variant("std", "std", "std"),
    ],
};

/// The allocators that are compared, by the whole file: an allocator has tables, too. web-sync brings js-sys, through web-time, and that
/// exports functions that nobody calls; what they weigh shows beside std.
const ALLOCATORS: Comparison = Comparison {
    group: "alloc",
    program: "Box+Vec",
    what: "allocator",
    bytes: |size| size.file,
    variants: &[
        variant("std", "std", "boxes"),
        variant("std, js-sys", "std, js-sys", "boxes,js"),
        variant("alloc::Arenas", "web-sync", "boxes,arenas"),
        variant(
            "alloc::NeverWait<System>",
            "web-sync NeverWait",
            "boxes,never-wait",
        ),
    ],
};

/// What is compared for a group of benchmarks.
pub fn of_group(group: &str) -> Option<&'static Comparison> {
    let all: [&'static Comparison; 2] = [&LOCKS, &ALLOCATORS];
    all.into_iter().find(|each| each.group == group)
}

/// `cargo xtask size`: the size of a module with `Mutex`, `RwLock` and `Condvar` for each set of locks, and of one with a few boxes and
/// vectors for each allocator.
///
/// # Errors
/// A mistake on the command line, or a build that fails.
pub fn size(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &["check"], &["functions"])?;
    let known = [&LOCKS, &ALLOCATORS];
    for name in &args.names {
        if !known.iter().any(|each| each.group == name) {
            return Err(format!("size takes no `{name}`; known: locks, alloc"));
        }
    }
    let wanted = |each: &&Comparison| {
        args.names.is_empty() || args.names.iter().any(|name| name == each.group)
    };
    let project = Project::load()?;
    let functions = args.number("functions")?.unwrap_or(0);
    let mut judged = Vec::new();
    for each in known.into_iter().filter(wanted) {
        let sizes = measure(&project, each)?;
        print_table(each.what, &sizes);
        for size in sizes.iter().filter(|_| functions > 0) {
            println!("  the largest functions with {}", size.name);
            for (bytes, name) in size.functions.iter().take(functions as usize) {
                println!("    {bytes:6}  {name}");
            }
        }
        let rows: Vec<_> = sizes.iter().map(|size| Row::code(each, size)).collect();
        judged.extend(targets::code(each.group, &rows));
    }
    for target in &judged {
        let word = if target.met { "met" } else { "MISSED" };
        println!("  {word}: {}", target.text);
    }
    Ok(judged.iter().all(|target| target.met) || !args.has("check"))
}

/// What one variant weighs.
pub struct Size {
    /// The name in the table.
    pub name: &'static str,
    /// The name among the benchmark's rivals.
    pub rival: &'static str,
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
pub fn measure(project: &Project, comparison: &Comparison) -> Result<Vec<Size>, String> {
    let nightly = Nightly::get()?;
    let tool = install::wasm_bindgen(project)?.join("wasm-bindgen");
    let dir = project.target.join("size");
    let mut sizes = Vec::new();
    for &Variant {
        name,
        rival,
        features: feature,
    } in comparison.variants
    {
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
            rival,
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
fn print_table(what: &str, sizes: &[Size]) {
    println!("  {what:24} {:>10} {:>10}", "code", "file");
    for Size {
        name, code, file, ..
    } in sizes
    {
        println!("  {name:24} {code:>10} {file:>10}");
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
