//! `cargo xtask demo`: the demo page, served for a person or checked headless.

use crate::args::Args;
use crate::browser::{Browser, Ready};
use crate::http::Server;
use crate::page::{self, Page};
use crate::project::Project;
use crate::report::Outcome;
use crate::test::in_ci;

/// The port when none is given.
const PORT: u16 = 8080;

/// Seconds that the page has for its check.
const LIMIT: u64 = 180;

/// Runs the verb.
///
/// # Errors
/// A mistake on the command line, a build that fails, a port that is taken.
pub fn run(args: &[String]) -> Result<bool, String> {
    let args = Args::read(args, &["check"], &["port", "browser"])?;
    if let Some(name) = args.names.first() {
        return Err(format!("demo takes no `{name}`"));
    }
    let port = match args.number("port")? {
        None if args.has("check") => 0,
        None => PORT,
        Some(port) => u16::try_from(port).map_err(|_| format!("--port {port} is no port"))?,
    };
    let browsers = page::browsers(args.value("browser"))?;
    let project = Project::load()?;
    if args.has("check") {
        let outcome = check(&project, &browsers, port)?;
        println!("demo: {}", outcome.text());
        return Ok(!matches!(outcome, Outcome::Failed(_)));
    }
    let server = build(&project)?.serve(port)?;
    println!("\n  http://{}/   (Ctrl-C ends it)", server.address);
    for post in server.posts {
        println!("  {}: {}", post.path, post.body);
    }
    Ok(true)
}

fn build(project: &Project) -> Result<Page, String> {
    Page::build(project, "web-sync-demo", "demo")
}

/// Opens the page in each browser and asks it to check itself; takes a screenshot of each.
///
/// # Errors
/// When the build fails or the port is taken.
pub fn check(project: &Project, browsers: &[Browser], port: u16) -> Result<Outcome, String> {
    let server = build(project)?.serve(port)?;
    let (mut wrong, mut seen) = (false, false);
    let mut words = Vec::new();
    for &browser in browsers {
        let name = browser.name();
        words.push(match browser.get() {
            Err(why) => {
                wrong |= in_ci();
                format!("{name} skipped ({why})")
            }
            Ok(ready) => match visit(project, &server, &ready) {
                Ok(()) => {
                    seen = true;
                    format!("{name} ok")
                }
                Err(why) => {
                    wrong = true;
                    format!("{name} FAILED ({why})")
                }
            },
        });
    }
    let words = words.join(", ");
    Ok(match (wrong, seen) {
        (true, _) => Outcome::Failed(words),
        (false, true) => Outcome::Passed(words),
        (false, false) => Outcome::Skipped(words),
    })
}

fn visit(project: &Project, server: &Server, ready: &Ready) -> Result<(), String> {
    let name = ready.browser.name();
    println!("  checking in {name}");
    let reported = page::visit(server, ready, "?check", LIMIT)?;
    for line in reported.value["lines"].as_array().into_iter().flatten() {
        println!("    {}", line.as_str().unwrap_or_default());
    }
    let file = project.target.join(match ready.browser {
        Browser::Chromium => "demo.png".to_owned(),
        _ => format!("demo-{name}.png"),
    });
    std::fs::write(&file, reported.picture?).map_err(|error| error.to_string())?;
    println!("  screenshot: {}", file.display());
    match reported.value["ok"].as_bool() {
        Some(true) => Ok(()),
        _ => Err("the page says no".into()),
    }
}
