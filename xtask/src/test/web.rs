//! The wasm tests, one process and one browser per test program.

use super::{Context, in_ci};
use crate::browser::Browser;
use crate::install;
use crate::process::Step;
use crate::report::{Outcome, Tally};
use crate::toolchain::{self, Nightly};
use crate::wasm::{self, Place, Program, Runner};

/// The package whose tests need one agent only.
const LIBRARY: &str = "web-sync";

/// The packages whose tests start workers.
const WORKERS: &[&str] = &["web-sync-browser-tests", "web-sync-fixed-tests"];

fn select(context: &Context, step: Step, workers: bool) -> Step {
    let more = WORKERS.iter().filter(|_| workers);
    let more = more.filter(|name| context.project.package(name).is_some());
    step.args(["--package", LIBRARY])
        .args(more.flat_map(|name| ["--package", name]))
        .args(["--lib", "--tests", "--all-features"])
}

/// The tests with threads; those that start workers only if `workers`.
fn threaded(context: &Context, workers: bool) -> Result<Vec<Program>, String> {
    let nightly = Nightly::get()?;
    println!("  building with threads ({})", nightly.name());
    let step = nightly.threads(&context.project, "test");
    wasm::build(select(context, step, workers))
}

/// The library's tests as a module without atomics.
fn single(context: &Context) -> Result<Vec<Program>, String> {
    println!("  building without atomics (default toolchain)");
    let step = toolchain::single(&context.project, "test")?;
    wasm::build(select(context, step, false))
}

/// Runs every program in every place that it may run in.
fn run_all(
    context: &Context,
    runner: &Runner<'_>,
    programs: &[Program],
    places: &[Place],
) -> Result<Outcome, String> {
    let mut tally = Tally::default();
    for &place in places {
        for program in programs.iter().filter(|p| context.wants(&p.name)) {
            match program.pinned {
                // A program that insists on a place runs there, once, with the first of our places.
                Some(pinned) if (pinned == Place::Node) != (place == Place::Node) => continue,
                Some(pinned) if pinned != place && place != places[0] => continue,
                Some(pinned) if pinned != place && places.contains(&pinned) => continue,
                _ => {}
            }
            let place = program.pinned.unwrap_or(place);
            let package = context.project.name_at(&program.package);
            let name = format!("{package}/{} on {}", program.name, place.name());
            println!("  {name}");
            let before = tally.passed + tally.failed;
            let ended = runner.run(program, place)?;
            tally.add(&ended.output);
            let ran = (tally.passed + tally.failed - before) as usize;
            if !ended.ok() {
                tally.fail(&name, &ended);
            } else if ran != program.tests {
                let count = program.tests;
                tally
                    .wrong
                    .push(format!("{name}: {ran} of {count} tests ran"));
            }
        }
    }
    Ok(tally.outcome())
}

/// Runs `programs` on Node.
fn on_node(context: &Context, programs: &[Program]) -> Result<Outcome, String> {
    let node = match install::node() {
        Ok(node) => node,
        Err(why) if in_ci() => return Err(why),
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let tools = install::wasm_bindgen(&context.project)?;
    let runner = Runner {
        tools: &tools,
        node: Some(&node),
        browser: None,
        no_isolation: false,
    };
    run_all(context, &runner, programs, &[Place::Node])
}

/// Runs `programs` in a browser.
fn in_browser(
    context: &Context,
    browser: Browser,
    no_isolation: bool,
    programs: &[Program],
    places: &[Place],
) -> Result<Outcome, String> {
    let ready = match browser.get() {
        Ok(ready) => ready,
        Err(why) if in_ci() && browser != Browser::Webkit => return Err(why),
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let tools = install::wasm_bindgen(&context.project)?;
    let capabilities = ready.capabilities_file(&context.project.target)?;
    let runner = Runner {
        tools: &tools,
        node: None,
        browser: Some((&ready, &capabilities)),
        no_isolation,
    };
    run_all(context, &runner, programs, places)
}

/// The tests with threads on Node.
///
/// # Errors
/// When the build fails or a tool cannot be started.
pub fn node(context: &Context) -> Result<Outcome, String> {
    on_node(context, &threaded(context, true)?)
}

/// The tests with threads in a browser: on the window, and again in a dedicated worker (not in WebKit).
///
/// # Errors
/// When the build fails or a tool cannot be started.
pub fn browser(context: &Context, browser: Browser) -> Result<Outcome, String> {
    let programs = threaded(context, true)?;
    // WebKit takes half a minute to start; its window is what differs.
    let places = match browser {
        Browser::Webkit => &[Place::Window][..],
        _ => &[Place::Window, Place::Worker],
    };
    in_browser(context, browser, false, &programs, places)
}

/// A module without atomics, in Node and on Chromium's window.
///
/// # Errors
/// When the build fails or a tool cannot be started.
pub fn no_atomics(context: &Context) -> Result<Outcome, String> {
    let programs = single(context)?;
    let node = on_node(context, &programs)?;
    let places = [Place::Window];
    let chromium = in_browser(context, Browser::Chromium, false, &programs, &places)?;
    Ok(Outcome::both(("node", node), ("chromium", chromium)))
}

/// A module with threads in a page without cross-origin isolation: it must load and work, on its one agent.
///
/// # Errors
/// When the build fails or a tool cannot be started.
pub fn no_isolation(context: &Context) -> Result<Outcome, String> {
    let programs = threaded(context, false)?;
    let run = |browser| in_browser(context, browser, true, &programs, &[Place::Window]);
    let (chromium, firefox) = (run(Browser::Chromium)?, run(Browser::Firefox)?);
    Ok(Outcome::both(("chromium", chromium), ("firefox", firefox)))
}
