//! The jobs that look for bad orderings, races and stray accesses natively: loom, Miri, ThreadSanitizer, AddressSanitizer.

use super::Context;
use crate::report::{Outcome, Tally};
use crate::toolchain::{self, Nightly};
use std::{iter, thread};

/// The package of the models.
const MODELS: &str = "web-sync-loom-tests";

/// Preemption bounds, in the order in which they run: 1 misses real bugs, beyond 3 a model takes minutes.
const BOUNDS: [u32; 2] = [2, 3];

/// Every model at each preemption bound, and the futex contract's promises, which are models when loom is the platform.
///
/// # Errors
/// When the package is absent or cargo cannot be started.
pub fn loom(context: &Context) -> Result<Outcome, String> {
    let project = &context.project;
    project.need(MODELS)?;
    let mut total = Tally::default();
    let mut seen = Vec::new();
    for bound in BOUNDS {
        let mut passed = [0, 0];
        let contract = ["--package", "web-sync", "--lib", "--", "conformance"];
        let only = filter(context);
        let runs: [(_, &[_]); 2] = [("models", &["--package", MODELS]), ("promises", &contract)];
        for (at, (what, args)) in runs.into_iter().enumerate() {
            if at == 1 && !only.is_empty() {
                continue;
            }
            println!("  {what} at preemption bound {bound}");
            let step = project.cargo().args(["test", "--release"]).args(args);
            let ended = step
                .args(if at == 0 { &only[..] } else { &[] })
                .without_env("CARGO_ENCODED_RUSTFLAGS")
                .env("RUSTFLAGS", "--cfg web_sync_loom")
                .env("LOOM_MAX_PREEMPTIONS", bound.to_string())
                .env("CARGO_TARGET_DIR", project.target.join("loom"))
                .limit(1800)
                .run()?;
            let mut tally = Tally::default();
            tally.add(&ended.output);
            passed[at] = tally.passed;
            total.passed += tally.passed;
            total.failed += tally.failed;
            let what = format!("{what} at bound {bound}");
            match (ended.ok(), tally.passed) {
                (false, _) => total.fail(&what, &ended),
                (true, 0) => total.wrong.push(format!("{what}: none ran")),
                (true, _) => {}
            }
        }
        let [models, promises] = passed;
        println!("  bound {bound}: {models} models and {promises} promises passed");
        seen.push(format!(
            "bound {bound}: {models} models, {promises} promises"
        ));
    }
    Ok(match total.outcome() {
        Outcome::Passed(_) => Outcome::Passed(seen.join("; ")),
        other => other,
    })
}

/// The native tests, interpreted, under many schedules. The unit tests take as long as all others, and run beside them.
///
/// # Errors
/// When there is no nightly or cargo cannot be started.
pub fn miri(context: &Context) -> Result<Outcome, String> {
    let project = &context.project;
    let nightly = Nightly::get()?;
    let dir = project.target.join("miri");
    let setup = nightly.cargo(project).args(["miri", "setup"]);
    let ended = setup.env("CARGO_TARGET_DIR", &dir).limit(600).run()?;
    if !ended.ok() {
        return Err(format!("cargo miri setup: {}", ended.why()));
    }
    let interpret = |run: &Schedules| {
        let Schedules { what, seeds, .. } = run;
        println!("  {what}: {seeds} schedules");
        let test = ["miri", "test", "--package", "web-sync", "--all-features"];
        let step = nightly.cargo(project).args(test).arg("--no-fail-fast");
        let more = run.flags;
        // A block's address is an integer in the channels' lists, with exposed provenance: no warning at each such cast.
        let flags = format!(
            "-Zmiri-many-seeds=0..{seeds} -Zmiri-preemption-rate=0.1 -Zmiri-permissive-provenance {more}"
        );
        step.args(&run.targets)
            .arg("--")
            .args(run.tests)
            .args(&context.only)
            .env("CARGO_TARGET_DIR", &dir)
            .env("MIRIFLAGS", flags)
            .limit(3600)
            .run()
    };
    let [unit, others @ ..] = schedules(context)?;
    let ended: Vec<_> = thread::scope(|scope| {
        let beside = scope.spawn(|| others.each_ref().map(interpret));
        let first = interpret(&unit);
        let beside = beside.join().expect("to run does not panic");
        iter::once(first).chain(beside).collect()
    });
    let mut tally = Tally::default();
    let mut ran = Vec::new();
    for (run, ended) in iter::once(&unit).chain(&others).zip(ended) {
        let (ended, mut own) = (ended?, Tally::default());
        let what = run.what;
        own.add(&ended.output);
        tally.add(&ended.output);
        ran.push(format!("{what}: {} schedules", run.seeds));
        if !ended.ok() {
            let mut said = ended
                .output
                .lines()
                .filter(|line| line.starts_with("error: "));
            let said = said.next().unwrap_or_default();
            tally.fail(&format!("{what} ({said})"), &ended);
        } else if own.passed == 0 && context.only.is_none() {
            tally.wrong.push(format!("{what}: none ran"));
        }
    }
    Ok(match tally.outcome() {
        // Schedules run side by side and their output mixes, so that a count would not be true.
        Outcome::Passed(_) => Outcome::Passed(ran.join(", ")),
        other => other,
    })
}

/// Tests that Miri runs, under how many schedules.
struct Schedules {
    what: &'static str,
    seeds: u32,
    /// Cargo's selection of targets.
    targets: Vec<String>,
    /// The selection of tests in them.
    tests: &'static [&'static str],
    /// Miri's flags besides the schedules.
    flags: &'static str,
}

/// How the tests' names begin that leak on purpose. No other test may leak.
const LEAKING: &str = "a_leaked_";

/// Everything that Miri runs. The stress tests contend, so they get most schedules; in a run of everything there is less time.
fn schedules(context: &Context) -> Result<[Schedules; 4], String> {
    let folder = context.project.need("web-sync")?.join("tests");
    let entries = std::fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let names = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let (stress, others): (Vec<_>, Vec<_>) = names.partition(|name| name == "stress");
    let select = |names: Vec<String>| {
        names
            .into_iter()
            .flat_map(|name| ["--test".to_owned(), name])
    };
    let others: Vec<_> = select(others).collect();
    let (few, many) = if context.named { (2, 16) } else { (1, 2) };
    Ok([
        Schedules {
            what: "unit tests",
            seeds: few,
            targets: vec!["--lib".to_owned()],
            tests: &[],
            flags: "",
        },
        Schedules {
            what: "API tests",
            seeds: few,
            targets: others.clone(),
            tests: &["--skip", LEAKING],
            flags: "",
        },
        Schedules {
            what: "tests that leak on purpose",
            seeds: few,
            targets: others,
            tests: &[LEAKING],
            flags: "-Zmiri-ignore-leaks",
        },
        Schedules {
            what: "stress tests",
            seeds: many,
            targets: select(stress).collect(),
            tests: &[],
            flags: "",
        },
    ])
}

/// The native tests under ThreadSanitizer, the standard library included. Its futex knows no happens-before, so it is the
/// judge of "only our atomics synchronise".
///
/// # Errors
/// When there is no nightly or cargo cannot be started.
pub fn tsan(context: &Context) -> Result<Outcome, String> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("runs on Linux only".into()));
    }
    let project = &context.project;
    let nightly = Nightly::get()?;
    let test = ["test", "--package", "web-sync", "--package", MODELS];
    let host = toolchain::host()?;
    let step = || {
        let step = nightly.cargo(project).args(test);
        step.args(["--all-features", "--no-fail-fast", "--lib", "--tests"])
            .args(["-Zbuild-std", "--target", &host])
            .env("RUSTFLAGS", "-Zsanitizer=thread")
            .env("CARGO_TARGET_DIR", project.target.join("tsan"))
    };
    let built = step().arg("--no-run").limit(900).run()?;
    if !built.ok() {
        return Err(format!("building with ThreadSanitizer: {}", built.why()));
    }
    let ended = step()
        .args(["--", "--skip", RESERVED])
        .args(&context.only)
        .env("TSAN_OPTIONS", "halt_on_error=1 second_deadlock_stack=1")
        // Of each model: it takes ten times as long here.
        .env("WEB_SYNC_REPEAT", "200")
        .limit(2400)
        .run()?;
    let mut tally = Tally::default();
    tally.add(&ended.output);
    let races = ended.output.matches("WARNING: ThreadSanitizer").count();
    if races > 0 {
        tally.wrong.push(format!("{races} reports"));
    }
    if !ended.ok() {
        tally.fail("cargo test", &ended);
    }
    Ok(tally.outcome())
}

/// The allocator's native tests under AddressSanitizer. To it a heap's memory is one block of the system's allocator: it sees what is read or
/// written before, behind or after that block. What happens inside, between the heap's own blocks, is for the tests' models to see.
///
/// # Errors
/// When there is no nightly or cargo cannot be started.
pub fn asan(context: &Context) -> Result<Outcome, String> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("runs on Linux only".into()));
    }
    let project = &context.project;
    let nightly = Nightly::get()?;
    let test = ["test", "--package", "web-sync", "--all-features"];
    let step = nightly.cargo(project).args(test);
    let ended = step
        .args(["--no-fail-fast", "--target", &toolchain::host()?])
        .args(["--lib", "--test", "alloc", "--test", "alloc_region"])
        .args(["--test", "alloc_engine"])
        .args(["--", "--skip", RESERVED])
        .args(&context.only)
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", project.target.join("asan"))
        // Leaks are not its business here: there are tests that leak on purpose.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .limit(1200)
        .run()?;
    let mut tally = Tally::default();
    tally.add(&ended.output);
    let reports = ended.output.matches("ERROR: AddressSanitizer").count();
    if reports > 0 {
        tally.wrong.push(format!("{reports} reports"));
    }
    if !ended.ok() {
        tally.fail("cargo test", &ended);
    }
    Ok(tally.outcome())
}

/// A test of how much memory the program has had. The sanitizer itself writes a shadow of all that is reserved.
const RESERVED: &str = "what_is_reserved_is_not_written";

/// `--only` as cargo's filter of tests.
fn filter(context: &Context) -> Vec<String> {
    let only = context.only.iter();
    only.flat_map(|only| ["--".to_owned(), only.clone()])
        .collect()
}
