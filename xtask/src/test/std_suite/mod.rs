//! std's own tests, with this project's crate in the place of `std::sync`: `library/std/tests/sync` and the examples of `std::sync`'s
//! documentation, from the `rust-src` component of the project's nightly. They are rewritten below the target folder at each run
//! ([`rewrite`] says how), so that nothing of std is kept here.
//!
//! On the web panics unwind, unlike elsewhere in this project: half of std's tests are about panics.

mod examples;
mod generate;
mod results;
mod rewrite;
mod tables;
mod tokens;

use super::{Context, in_ci};
use crate::browser::Browser;
use crate::install;
use crate::report::Outcome;
use crate::toolchain::Nightly;
use crate::wasm::{self, Place, Runner};
use generate::{Package, Program, generate};
use results::Results;
use rewrite::World;
use tables::THREADS;

/// Where the tests run on the web: each body on a window's main thread, and in a worker.
const PLACES: &[Place] = &[Place::Window, Place::Worker];

/// Seconds that a test may take which runs alone.
const ALONE: u64 = 40;

/// All of it, natively and in Chromium and Firefox.
///
/// # Errors
/// When the sources cannot be read, the tables do not fit them, a build fails or a tool cannot be started.
pub fn run(context: &Context) -> Result<Outcome, String> {
    let nightly = Nightly::get()?;
    let library = nightly.library()?.join("std");
    let here = generate(&context.project, &library, World::Native)?;
    let web = generate(&context.project, &library, World::Web(THREADS))?;
    if wanted(context, &here).next().is_none() {
        return Ok(Outcome::Skipped("has no program of that name".to_owned()));
    }
    let mut all = vec![native(context, &nightly, &here)?];
    let built = build(context, &nightly, &web)?;
    let mut skipped = Vec::new();
    for browser in [Browser::Chromium, Browser::Firefox] {
        match in_browser(context, browser, &web, &built)? {
            Ok(results) => all.extend(results),
            Err(why) => skipped.push(why),
        }
    }
    println!("  left out:");
    for (count, why) in &here.left_out {
        println!("  {count:4}  {why}");
    }
    Ok(results::close(&all, &skipped))
}

/// The tests on std's own threads.
fn native(context: &Context, nightly: &Nightly, package: &Package) -> Result<Results, String> {
    println!("  native ({})", nightly.name());
    let test = || {
        let step = nightly.cargo(&context.project).dir(&package.folder);
        let step = step.arg("test").args(targets(context, package)).limit(600);
        step.env("CARGO_TARGET_DIR", package.folder.with_file_name("build"))
    };
    let built = test().arg("--no-run").run()?;
    if !built.ok() {
        return Err(format!("the native build: {}", built.why()));
    }
    let ended = test().arg("--no-fail-fast").run()?;
    let mut results = Results::new("native", package.left_out());
    let expected = wanted(context, package).flat_map(|program| program.tests.clone());
    let expected: Vec<_> = expected.collect();
    let mut unknown = results.read(&ended, &expected);
    if let Some(test) = unknown.pop() {
        results.unfinished(&test, &ended, unknown.len());
    }
    Ok(results)
}

/// Builds the programs for the web.
fn build(
    context: &Context,
    nightly: &Nightly,
    package: &Package,
) -> Result<Vec<wasm::Program>, String> {
    println!("  building with threads and unwinding ({})", nightly.name());
    let step = nightly.unwinding(&context.project, "test");
    wasm::build(step.dir(&package.folder).args(targets(context, package)))
}

/// The tests in a browser; why not, when it is absent.
fn in_browser(
    context: &Context,
    browser: Browser,
    package: &Package,
    built: &[wasm::Program],
) -> Result<Result<Vec<Results>, String>, String> {
    let ready = match browser.get() {
        Ok(ready) => ready,
        Err(why) if in_ci() => return Err(why),
        Err(why) => return Ok(Err(why)),
    };
    let tools = install::wasm_bindgen(&context.project)?;
    let capabilities = ready.capabilities_file(&context.project.target)?;
    let runner = Runner {
        tools: &tools,
        node: None,
        browser: Some((&ready, &capabilities)),
        no_isolation: false,
    };
    let mut all = Vec::new();
    for &place in PLACES {
        let place_name = format!("{} {}", browser.name(), place.name());
        let mut results = Results::new(&place_name, package.left_out());
        for program in wanted(context, package) {
            println!("  {} on {place_name}", program.name);
            let file = built.iter().find(|built| built.name == program.name);
            let file = file.ok_or_else(|| format!("{} was not built", program.name))?;
            let ended = runner.run(file, place)?;
            // A test that does not end ends the page, which cannot say any more which one it was. The harness runs them in
            // the reverse order of their names.
            let mut unknown = results.read(&ended, &program.tests);
            if !ended.ok() && !unknown.is_empty() {
                results.interrupted(&program.name, &ended, &unknown);
            }
            while let Some(test) = unknown.pop() {
                println!("  {test} alone on {place_name}");
                let ended = runner.run_one(file, place, &test, ALONE)?;
                if !results.read(&ended, std::slice::from_ref(&test)).is_empty() {
                    results.unfinished(&test, &ended, unknown.len());
                    break;
                }
            }
        }
        all.push(results);
    }
    Ok(Ok(all))
}

/// The programs that the caller wants.
fn wanted<'a>(context: &Context, package: &'a Package) -> impl Iterator<Item = &'a Program> {
    let wants = |program: &&Program| context.wants(&program.name);
    package.programs.iter().filter(wants)
}

/// Cargo's selection of them.
fn targets<'a>(context: &Context, package: &'a Package) -> impl Iterator<Item = &'a str> {
    wanted(context, package).flat_map(|program| ["--test", &program.name])
}
