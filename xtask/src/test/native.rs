//! Plain cargo on the default toolchain: what anyone gets who runs `cargo test`.

use super::Context;
use crate::project::Project;
use crate::report::{Outcome, Tally};
use crate::toolchain;

/// Packages that are built for the web only, or by a job of their own.
const ELSEWHERE: &[&str] = &[
    "web-sync-browser-tests",
    "web-sync-fixed-tests",
    "web-sync-demo",
    "web-sync-bench",
];

/// Cargo's arguments that leave those packages out.
pub fn elsewhere(project: &Project) -> Vec<&'static str> {
    let here = ELSEWHERE.iter();
    let here = here.filter(|name| project.package(name).is_some());
    here.flat_map(|name| ["--exclude", name]).collect()
}

/// Tests and doc tests of the workspace with all features, then those of the library with none.
///
/// # Errors
/// When cargo cannot be started.
pub fn run(context: &Context) -> Result<Outcome, String> {
    let project = &context.project;
    let mut tally = Tally::default();
    let all = project
        .cargo()
        .args(["test", "--workspace", "--all-features"]);
    let none = ["test", "--package", "web-sync", "--no-default-features"];
    let none = project.cargo().args(none);
    for (what, step) in [
        ("all features", all.args(elsewhere(project))),
        ("no features", none),
    ] {
        println!("  {what}");
        let ended = step.limit(900).run()?;
        tally.add(&ended.output);
        if !ended.ok() {
            tally.fail(what, &ended);
        }
    }
    Ok(tally.outcome())
}

/// Systems on which the library is not run here, but has to compile.
const OTHERS: &[&str] = &["x86_64-pc-windows-msvc", "aarch64-apple-darwin"];

/// Tests of what sleeping threads allocate: with that futex, whose queues are parking_lot's, the first sleep of a thread does.
const ALLOCATES: &str = "contention_allocates_nothing";

/// What the library does where the system is not Linux: the tests of the library on the futex that is used there, and a check for the
/// other systems.
///
/// # Errors
/// When cargo cannot be started, or a target is absent and cannot be installed.
pub fn portable(context: &Context) -> Result<Outcome, String> {
    let project = &context.project;
    let mut tally = Tally::default();
    let test = ["test", "--package", "web-sync", "--all-features"];
    let ended = project
        .cargo()
        .args(test)
        .args(["--lib", "--tests", "--", "--skip", ALLOCATES])
        .without_env("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "--cfg web_sync_portable")
        .env("CARGO_TARGET_DIR", project.target.join("portable"))
        .limit(900)
        .run()?;
    tally.add(&ended.output);
    if !ended.ok() {
        tally.fail("cargo test", &ended);
    }
    for target in OTHERS {
        let step = toolchain::elsewhere(project, target, "check")?;
        let step = step.args(["--package", "web-sync", "--all-features"]);
        let ended = step.limit(600).run()?;
        if !ended.ok() {
            tally.fail(&format!("cargo check for {target}"), &ended);
        }
    }
    Ok(tally.outcome())
}
