//! Plain cargo on the default toolchain: what anyone gets who runs `cargo test`.

use super::Context;
use crate::project::Project;
use crate::report::{Outcome, Tally};

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
