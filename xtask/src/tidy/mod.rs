//! `cargo xtask tidy`: layers, comments, sizes of files, then rustfmt, clippy and rustdoc without warnings.

mod comments;
mod layers;
mod source;

use crate::args::Args;
use crate::process::Step;
use crate::project::Project;
use crate::report::{Outcome, Report};
use crate::test::native;
use crate::toolchain::{self, Nightly};
use source::Source;

/// Lines that a file may have: fewer where the library's memory orderings live.
const LINES: usize = 700;
const LINES_WITH_ORDERINGS: usize = 450;

/// Packages that are built for the web.
const WEB: &[&str] = &[
    "web-sync",
    "web-sync-testkit",
    "web-sync-as-std",
    "web-sync-test-bodies",
    "web-sync-browser-tests",
    "web-sync-fixed-tests",
    "web-sync-footprint",
    "web-sync-demo",
    "web-sync-bench",
];

type Rule = fn(&[Source]) -> Vec<String>;

/// The rules about sources.
const RULES: &[(&str, Rule)] = &[
    ("imports run downwards", layers::edges),
    ("no atomics in the typed API", layers::atomics),
    ("platforms are named in sys only", layers::platforms),
    ("the models' cfg is in sys only", layers::models),
    ("unsafe has SAFETY", comments::safety),
    ("orderings have ORDERING", comments::ordering),
    ("SeqCst is for fences", comments::seqcst),
    ("known tags, finished code", comments::tags),
    ("files are short", lengths),
];

/// Files that are too long.
fn lengths(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let lines = source.code.len();
        let mut code = source.code.iter();
        let orderings = comments::ships(source) && code.any(|code| code.contains("Ordering::"));
        let limit = if orderings {
            LINES_WITH_ORDERINGS
        } else {
            LINES
        };
        if lines > limit + 1 {
            found.push(source.at(limit, &format!("{lines} lines, {limit} are enough")));
        }
    }
    found
}

/// Runs the verb.
///
/// # Errors
/// A mistake on the command line, or a workspace that cargo cannot read.
pub fn run(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &["sources"], &[])?;
    if let Some(name) = args.names.first() {
        return Err(format!("tidy takes no `{name}`"));
    }
    let project = Project::load()?;
    let mut report = Report::new();
    report.job("sources", || sources(&project));
    if !args.has("sources") {
        for &(name, tool) in TOOLS {
            report.job(name, || verdict(tool(&project)?));
        }
    }
    Ok(report.close())
}

/// All of it as one job of `cargo xtask test`.
///
/// # Errors
/// When a file cannot be read or a tool cannot be started.
pub fn job(project: &Project) -> Result<Outcome, String> {
    let mut wrong = Vec::new();
    if let Outcome::Failed(text) = sources(project)? {
        wrong.push(text);
    }
    toolchain::complete_default()?;
    for &(name, tool) in TOOLS {
        println!("  {name}");
        if let Outcome::Failed(text) = verdict(tool(project)?)? {
            wrong.push(format!("{name}: {text}"));
        }
    }
    if wrong.is_empty() {
        let rules = RULES.len() + TOOLS.len();
        return Ok(Outcome::Passed(format!("{rules} rules")));
    }
    Ok(Outcome::Failed(wrong.join("; ")))
}

fn sources(project: &Project) -> Result<Outcome, String> {
    let sources = source::read_all(&project.root)?;
    let mut count = 0;
    for (name, rule) in RULES {
        let found = rule(&sources);
        for finding in &found {
            println!("  {finding} ({name})");
        }
        count += found.len();
    }
    Ok(match count {
        0 => Outcome::Passed(format!("{} rules, {} files", RULES.len(), sources.len())),
        _ => Outcome::Failed(format!("{count} findings in the sources")),
    })
}

type Tool = fn(&Project) -> Result<Step, String>;

/// Tools that must have nothing to say.
const TOOLS: &[(&str, Tool)] = &[
    ("rustfmt", |project| {
        Ok(project.cargo().args(["fmt", "--all", "--check"]))
    }),
    ("clippy, native", |project| {
        let step =
            project
                .cargo()
                .args(["clippy", "--workspace", "--all-targets", "--all-features"]);
        Ok(step
            .args(native::elsewhere(project))
            .args(["--", "-D", "warnings"]))
    }),
    ("clippy, wasm with threads", |project| {
        let step = Nightly::get()?.threads(project, "clippy");
        let web = WEB.iter().filter(|name| project.package(name).is_some());
        let step = step.args(web.flat_map(|name| ["--package", name]));
        Ok(step.args(["--all-targets", "--", "-D", "warnings"]))
    }),
    ("clippy, wasm without threads", |project| {
        let step = toolchain::single(project, "clippy")?;
        let step = step.args(["--package", "web-sync", "--all-targets", "--all-features"]);
        Ok(step.args(["--", "-D", "warnings"]))
    }),
    ("rustdoc, native", |project| {
        let step = project.cargo().args([
            "doc",
            "--no-deps",
            "--all-features",
            "--package",
            "web-sync",
        ]);
        Ok(step.env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("rustdoc, wasm", |project| {
        let step = toolchain::single(project, "doc")?;
        let step = step.args(["--no-deps", "--all-features", "--package", "web-sync"]);
        Ok(step.env("RUSTDOCFLAGS", "-D warnings"))
    }),
];

fn verdict(step: Step) -> Result<Outcome, String> {
    let ended = step.limit(900).run()?;
    if ended.ok() {
        return Ok(Outcome::Passed("nothing to say".into()));
    }
    Ok(Outcome::Failed(ended.why()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let long = "fn f() {}\n".repeat(LINES_WITH_ORDERINGS + 1);
        assert!(lengths(&[Source::new("a.rs", &long)]).is_empty());
        let orderings = format!("{long}Ordering::Relaxed;\n");
        assert_eq!(lengths(&[Source::new("src/a.rs", &orderings)]).len(), 1);
        assert!(lengths(&[Source::new("tests/a.rs", &orderings)]).is_empty());
        let longer = "fn f() {}\n".repeat(LINES + 1);
        assert_eq!(lengths(&[Source::new("a.rs", &longer)]).len(), 1);
    }
}
