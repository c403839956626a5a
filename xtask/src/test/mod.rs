//! `cargo xtask test`: the jobs, which of them run, the closing table.

mod check_wasm;
mod models;
pub mod native;
mod std_suite;
mod targets;
mod web;

use crate::args::Args;
use crate::browser::Browser;
use crate::demo;
use crate::project::Project;
use crate::report::{Outcome, Report};
use crate::tidy;

/// What a job is given.
pub struct Context {
    /// The workspace.
    pub project: Project,
    /// Of the test programs, only those whose name contains this.
    pub only: Option<String>,
    /// Whether the jobs that run were asked for by name.
    pub named: bool,
}

impl Context {
    /// Does the caller want this test program?
    pub fn wants(&self, program: &str) -> bool {
        let only = self.only.as_deref();
        only.is_none_or(|only| program.contains(only))
    }
}

/// Something that `cargo xtask test` can run.
struct Job {
    name: &'static str,
    about: &'static str,
    run: fn(&Context) -> Result<Outcome, String>,
}

/// Every job, in the order in which they run: what fails fastest comes first.
const JOBS: &[Job] = &[
    Job {
        name: "tidy",
        about: "cargo xtask tidy",
        run: |context| tidy::job(&context.project),
    },
    Job {
        name: "native",
        about: "cargo test on the default toolchain, all features and none",
        run: native::run,
    },
    Job {
        name: "portable",
        about: "the library's tests on the futex of other systems than Linux, and a check that it compiles there",
        run: native::portable,
    },
    Job {
        name: "std-suite",
        about: "std's own tests of std::sync with web-sync in its place, natively and in Chromium and Firefox",
        run: std_suite::run,
    },
    Job {
        name: "wasm-check",
        about: "reads the built wasm: one wait instruction, clean release paths, code size",
        run: check_wasm::run,
    },
    Job {
        name: "targets",
        about: "wasm-bindgen's targets: no snippets, no eval",
        run: targets::run,
    },
    Job {
        name: "no-atomics",
        about: "the library's tests on wasm without atomics, in Node and Chromium",
        run: web::no_atomics,
    },
    Job {
        name: "loom",
        about: "every model at preemption bounds 2 and 3",
        run: models::loom,
    },
    Job {
        name: "node",
        about: "the wasm tests with threads in Node >= 22",
        run: web::node,
    },
    Job {
        name: "chromium",
        about: "the wasm tests on Chromium's window and in a dedicated worker",
        run: |context| web::browser(context, Browser::Chromium),
    },
    Job {
        name: "firefox",
        about: "the same in Firefox",
        run: |context| web::browser(context, Browser::Firefox),
    },
    Job {
        name: "demo",
        about: "cargo xtask demo --check: the demo checks itself in Chromium and Firefox",
        run: |context| demo::check(&context.project, &[Browser::Chromium, Browser::Firefox], 0),
    },
    Job {
        name: "no-isolation",
        about: "the library's tests in a page without cross-origin isolation",
        run: web::no_isolation,
    },
    Job {
        name: "webkit",
        about: "the wasm tests on WebKitGTK's window; only when named",
        run: |context| web::browser(context, Browser::Webkit),
    },
    Job {
        name: "tsan",
        about: "the native tests under ThreadSanitizer",
        run: models::tsan,
    },
    Job {
        name: "asan",
        about: "the allocator's native tests under AddressSanitizer",
        run: models::asan,
    },
    Job {
        name: "miri",
        about: "the native tests interpreted by Miri, many schedules",
        run: models::miri,
    },
];

/// Jobs that run only when they are named, and why.
const UNASKED: &[(&str, &str)] = &[(
    "webkit",
    "runs when named: in WebKitGTK time-outs of Atomics.waitAsync never fire in a worklet (futex_worklet fails), \
     and a trap's message is another (kit fails)",
)];

/// The lines of the help text about jobs.
pub fn help() -> String {
    let width = JOBS.iter().map(|job| job.name.len()).max().unwrap_or(0);
    let lines = JOBS.iter();
    lines
        .map(|Job { name, about, .. }| format!("        {name:width$}  {about}\n"))
        .collect()
}

/// Runs the verb.
///
/// # Errors
/// A mistake on the command line, or a workspace that cargo cannot read.
pub fn run(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &[], &["only"])?;
    for name in &args.names {
        if !JOBS.iter().any(|job| job.name == name) {
            return Err(format!(
                "there is no job `{name}`; the jobs are\n{}",
                help()
            ));
        }
    }
    let context = Context {
        project: Project::load()?,
        only: args.value("only").map(str::to_owned),
        named: !args.names.is_empty(),
    };
    let mut report = Report::new();
    for Job { name, run, .. } in JOBS {
        if args.names.iter().any(|wanted| wanted == name) {
            report.job(name, || run(&context));
        } else if args.names.is_empty() {
            let unasked = UNASKED.iter().find(|(job, _)| job == name);
            report.job(name, || match unasked {
                Some((_, why)) => Ok(Outcome::Skipped((*why).to_owned())),
                None => run(&context),
            });
        }
    }
    Ok(report.close())
}

/// Is this a continuous-integration machine, where Chromium and Firefox are required?
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}
