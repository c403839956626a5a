//! Where benchmarks run: browsers, and Node for those that need no page.

use crate::browser::{self, Browser};
use crate::http::Server;
use crate::install;
use crate::page::{self, Page};
use crate::process::Step;
use serde_json::Value;
use std::path::PathBuf;

/// Seconds that a group may take in one place.
const LIMIT: u64 = 1800;

/// The group that Node runs as well. The others ask what a window does.
const NODE: &str = "alloc";

/// Where a group runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The main thread is a page's.
    Browser(Browser),
    /// The main thread is Node's.
    Node,
}

/// A place that is here.
pub enum Ready {
    /// A browser.
    Browser(browser::Ready),
    /// The program `node`.
    Node(PathBuf),
}

/// What is run there.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The group.
    pub group: &'a str,
    /// How often each rival measures.
    pub rounds: u32,
    /// How the names of the cases begin; all if none is given.
    pub case: Option<&'a str>,
}

/// The places of a group that are named in a list like `chromium,node`; without a list, all.
///
/// # Errors
/// A name that is none, or Node for a group that needs a page.
pub fn places(group: &str, list: Option<&str>) -> Result<Vec<Place>, String> {
    let Some(list) = list else {
        let browsers = page::browsers(None)?.into_iter().map(Place::Browser);
        let node = (group == NODE).then_some(Place::Node);
        return Ok(browsers.chain(node).collect());
    };
    let place = |name: &str| match name.trim() {
        "node" if group == NODE => Ok(vec![Place::Node]),
        "node" => Err(format!("`{group}` is measured in browsers only")),
        name => {
            let browsers = page::browsers(Some(name));
            let browsers = browsers.map_err(|error| format!("{error}, node"))?;
            Ok(browsers.into_iter().map(Place::Browser).collect())
        }
    };
    let places: Result<Vec<_>, _> = list.split(',').map(place).collect();
    Ok(places?.concat())
}

impl Place {
    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser(browser) => browser.name(),
            Self::Node => "node",
        }
    }

    /// Finds or installs it.
    ///
    /// # Errors
    /// When it is absent and cannot be installed: why.
    pub fn get(self) -> Result<Ready, String> {
        match self {
            Self::Browser(browser) => browser.get().map(Ready::Browser),
            Self::Node => {
                let program = format!("node{}", std::env::consts::EXE_SUFFIX);
                install::node().map(|folder| Ready::Node(folder.join(program)))
            }
        }
    }
}

impl Ready {
    /// The program's name and version.
    ///
    /// # Errors
    /// When it does not start.
    pub fn version(&self) -> Result<String, String> {
        let (program, name) = match self {
            Self::Browser(ready) => (&ready.binary, ""),
            Self::Node(program) => (program, "Node "),
        };
        let version = Step::new(program).arg("--version").limit(30).quiet();
        let output = version.run()?.output;
        let line = output
            .lines()
            .find(|line| line.contains(char::is_numeric) && !line.contains(": "));
        Ok(format!("{name}{}", line.unwrap_or("unknown").trim()))
    }

    /// Runs a group and returns what it reports.
    ///
    /// # Errors
    /// When the place does not start, or nothing is reported in time.
    pub fn visit(&self, page: &Page, server: &Server, visit: Visit<'_>) -> Result<Value, String> {
        match self {
            Self::Browser(ready) => in_browser(ready, server, visit),
            Self::Node(program) => in_node(program, page, visit),
        }
    }
}

/// The page's report. What traps or hangs there is left out, and the page begins again; why it is not among the figures the report says.
fn in_browser(ready: &browser::Ready, server: &Server, visit: Visit<'_>) -> Result<Value, String> {
    let Visit {
        group,
        rounds,
        case,
    } = visit;
    let part = case.map(|case| format!("&case={}", encoded(case)));
    let part = part.unwrap_or_default();
    let query = format!("?group={group}&rounds={rounds}{part}");
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

/// What the page's module reports in Node, by a script that stands beside the page.
fn in_node(program: &PathBuf, page: &Page, visit: Visit<'_>) -> Result<Value, String> {
    let step = Step::new(program).arg(page.web.join("node.mjs"));
    let step = step.arg(&page.bindings).arg(visit.group);
    let step = step.arg(visit.rounds.to_string()).args(visit.case);
    let ended = step.limit(LIMIT).data().run()?;
    if !ended.ok() {
        return Err(format!("node: {}", ended.why()));
    }
    let value = serde_json::from_str(&ended.output);
    value.map_err(|error| format!("the report: {error}: {}", ended.output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_a_place_of_one_group() {
        let (chromium, firefox) = (
            Place::Browser(Browser::Chromium),
            Place::Browser(Browser::Firefox),
        );
        let all = places("alloc", None);
        assert_eq!(all, Ok(vec![chromium, firefox, Place::Node]));
        assert_eq!(places("locks", None), Ok(vec![chromium, firefox]));
        let named = places("alloc", Some("node, firefox"));
        assert_eq!(named, Ok(vec![Place::Node, firefox]));
        let error = places("locks", Some("chromium,node")).expect_err("needs a page");
        assert!(error.contains("browsers only"), "{error}");
        let error = places("alloc", Some("netscape")).expect_err("unknown");
        assert!(
            error.contains("netscape") && error.ends_with("node"),
            "{error}"
        );
    }
}
