//! `cargo xtask bench`: builds the benchmarks, runs them in browsers and in Node, stores, prints, plots and judges the figures.

mod place;
mod plot;
mod rows;
pub mod targets;

use crate::args::Args;
use crate::footprint;
use crate::page::Page;
use crate::project::Project;
use crate::test::in_ci;
use crate::toolchain::{self, Nightly};
use place::Visit;
pub use rows::Row;
use rows::Stored;
use std::path::Path;
use std::time::SystemTime;

/// Rounds when none are given.
const ROUNDS: u32 = 5;

/// Runs the verb.
///
/// # Errors
/// A mistake on the command line, a build that fails, figures that cannot be stored.
pub fn run(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &["check"], &["browser", "rounds", "case"])?;
    let groups = match args.names.as_slice() {
        [] => targets::GROUPS.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    for group in &groups {
        if !targets::GROUPS.contains(group) {
            let known = targets::GROUPS.join(", ");
            return Err(format!("there is no group `{group}`; known: {known}"));
        }
    }
    let rounds = args.number("rounds")?.unwrap_or(ROUNDS).max(1);
    let list = args.value("browser");
    let places = groups.iter().map(|group| place::places(group, list));
    let places: Vec<_> = places.collect::<Result<_, _>>()?;
    let case = args.value("case");
    if case.is_some() && args.has("check") {
        return Err("--case runs a part of a group, --check needs all of it".into());
    }
    let project = Project::load()?;
    let results = project.need("web-sync-bench")?.join("results");
    let page = Page::build(&project, "web-sync-bench", "bench")?;
    let server = page.serve(0)?;
    let mut code = Vec::new();
    for &group in groups.iter().filter(|_| code_is_wanted(case)) {
        if let Some(what) = footprint::of_group(group) {
            let sizes = footprint::measure(&project, what)?;
            let rows: Vec<_> = sizes.iter().map(|size| Row::code(what, size)).collect();
            code.push((group, rows));
        }
    }
    let mut ok = true;
    let mut judged = Vec::new();
    for (group, places) in groups.into_iter().zip(places) {
        let mut runs = Vec::new();
        for place in places {
            let ready = match place.get() {
                Ok(ready) => ready,
                Err(why) => {
                    println!("  {} skipped: {why}", place.name());
                    ok &= !in_ci();
                    continue;
                }
            };
            println!("\n━━━ {group} in {}, {rounds} rounds", place.name());
            let visit = Visit {
                group,
                rounds,
                case,
            };
            let reported = match ready.visit(&page, &server, visit) {
                Ok(value) => value,
                Err(error) => {
                    println!("  FAILED: {error}");
                    ok = false;
                    continue;
                }
            };
            if let Some(error) = reported["error"].as_str() {
                println!("  the page reports an error: {error}");
                ok = false;
            }
            let mut rows = rows::read(&reported)?;
            for (_, more) in code.iter().filter(|(of, _)| *of == group) {
                rows.extend_from_slice(more);
            }
            let stored = Stored {
                group: group.to_owned(),
                browser: place.name().to_owned(),
                header: header(&ready.version()?, rounds)?,
                rows,
                notes: rows::notes(&reported),
            };
            // What is kept are figures of one whole run.
            if case.is_none() {
                stored.write(&results)?;
            }
            runs.push(stored);
        }
        for run in &runs {
            println!("\n{group} in {} ({})", run.browser, run.header.join("; "));
            rows::print(&run.rows);
            for note in &run.notes {
                println!("    {note}");
            }
            judged.extend(targets::judge(group, &run.browser, &run.rows));
        }
        if !runs.is_empty() && case.is_none() {
            let file = results.join(format!("{group}.svg"));
            write(&file, &plot::svg(&runs))?;
            println!("\n  plot: benches/results/{group}.svg");
        }
    }
    if args.has("check") {
        ok &= verdict(&judged);
    }
    Ok(ok)
}

/// Sizes take builds of their own: a part of a group does without, unless it is they.
fn code_is_wanted(case: Option<&str>) -> bool {
    case.is_none_or(|case| "code".starts_with(case))
}

/// Prints each miss and the count.
fn verdict(judged: &[targets::Judged]) -> bool {
    println!("\ntargets");
    for target in judged.iter().filter(|target| !target.met) {
        println!("  MISSED: {}", target.text);
    }
    let met = judged.iter().filter(|target| target.met).count();
    println!("{met} of {} targets met", judged.len());
    met == judged.len() && met > 0
}

/// Machine, browser, compiler, date: what a figure means nothing without.
fn header(version: &str, rounds: u32) -> Result<Vec<String>, String> {
    let compiler = toolchain::version(&Nightly::get()?)?;
    Ok(vec![
        format!("machine: {}", machine()),
        format!("browser: {version}"),
        format!("compiler: {compiler}"),
        format!("date: {}", date(SystemTime::now())),
        format!("rounds: {rounds}"),
    ])
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} ({cores} cores, {} {})",
        model.unwrap_or("unknown processor"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// The day in UTC, `2026-01-31`.
fn date(now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let mut days = since.map_or(0, |since| since.as_secs() / 86_400);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let parent = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_are_dates() {
        let at = |days: u64| date(SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400));
        assert_eq!(at(0), "1970-01-01");
        assert_eq!(at(59), "1970-03-01");
        assert_eq!(at(11_016), "2000-02-29");
        assert_eq!(at(20_777), "2026-11-20");
    }
}
