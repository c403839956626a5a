//! `cargo xtask bench`: builds the benchmarks, runs them in browsers, stores, prints, plots and judges the figures.

mod plot;
mod rows;
mod targets;

use crate::args::Args;
use crate::browser::Ready;
use crate::footprint;
use crate::http::Server;
use crate::page::{self, Page};
use crate::process::Step;
use crate::project::Project;
use crate::test::in_ci;
use crate::toolchain::{self, Nightly};
use rows::{Row, Stored};
use serde_json::Value;
use std::path::Path;
use std::time::SystemTime;

/// Rounds when none are given.
const ROUNDS: u32 = 5;

/// Seconds that a group may take in one browser.
const LIMIT: u64 = 1800;

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
    let browsers = page::browsers(args.value("browser"))?;
    let case = args.value("case");
    if case.is_some() && args.has("check") {
        return Err("--case runs a part of a group, --check needs all of it".into());
    }
    let project = Project::load()?;
    let results = project.need("web-sync-bench")?.join("results");
    let page = Page::build(&project, "web-sync-bench", "bench")?;
    let server = page.serve(0)?;
    let sizes = match groups.contains(&"locks") {
        true => footprint::measure(&project)?,
        false => Vec::new(),
    };
    let mut ok = true;
    let mut judged = Vec::new();
    for group in groups {
        let mut runs = Vec::new();
        for &browser in &browsers {
            let ready = match browser.get() {
                Ok(ready) => ready,
                Err(why) => {
                    println!("  {} skipped: {why}", browser.name());
                    ok &= !in_ci();
                    continue;
                }
            };
            println!("\n━━━ {group} in {}, {rounds} rounds", browser.name());
            let part = case.map(|case| format!("&case={}", case.replace(' ', "%20")));
            let part = part.unwrap_or_default();
            let query = format!("?group={group}&rounds={rounds}{part}");
            let reported = match visit(&server, &ready, &query) {
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
            if group == "locks" {
                rows.extend(sizes.iter().map(Row::code));
            }
            let stored = Stored {
                group: group.to_owned(),
                browser: browser.name().to_owned(),
                header: header(&ready, rounds)?,
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

/// The page's report. What traps or hangs there is left out, and the page begins again; why it is not among the figures the report says.
fn visit(server: &Server, ready: &Ready, query: &str) -> Result<Value, String> {
    let mut trapped: Vec<Value> = Vec::new();
    loop {
        let known = encoded(&Value::from(trapped.clone()).to_string());
        let query = format!("{query}&trapped={known}");
        let value = page::visit(server, ready, &query, LIMIT)?.value;
        let Some(more) = value["trapped"].as_array() else {
            return Ok(value);
        };
        println!(
            "  {}: begins again, for {}",
            ready.browser.name(),
            value["trapped"]
        );
        if trapped.contains(&more[0]) {
            return Err(format!("{} again", value["trapped"]));
        }
        trapped.extend(more.iter().cloned());
    }
}

/// A text as part of a query.
fn encoded(text: &str) -> String {
    let bytes = text.bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
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
fn header(ready: &Ready, rounds: u32) -> Result<Vec<String>, String> {
    let version = Step::new(&ready.binary).arg("--version");
    let version = version.limit(30).quiet().run()?.output;
    let version = version
        .lines()
        .find(|line| line.contains(char::is_numeric) && !line.contains(": "));
    let compiler = toolchain::version(&Nightly::get()?)?;
    Ok(vec![
        format!("machine: {}", machine()),
        format!("browser: {}", version.unwrap_or("unknown").trim()),
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
