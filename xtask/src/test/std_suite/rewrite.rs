//! Turns std's test sources into ours: other crates in the place of `std` and `rand`, and on the web tests that wait for their threads.
//!
//! | std | here, natively | here, on the web |
//! |---|---|---|
//! | `std::…`, `rand::…` | `as_std::…`, `as_std::rand::…` | the same |
//! | `#[test] fn a() {` | the same | `#[wasm_bindgen_test] async fn a() { as_std::ready(threads).await;` |
//! | a test that is left out | `#[cfg(any())]` | the same |
//!
//! After that one await the body runs as it is, on the agent that runs the test.

use super::tokens::{Token, after_group, reads, tokens};
use std::ops::Range;

/// Who runs the tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    /// std's harness and its threads.
    Native,
    /// `wasm-bindgen-test`, and a pool of so many workers.
    Web(usize),
}

/// A test that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Why it does not run.
    pub left_out: Option<String>,
}

/// A macro that makes several tests of one, by the prefixes of their names.
pub struct Multiplier {
    name: String,
    prefixes: Vec<String>,
}

/// A source in its new form.
pub struct Rewritten {
    /// The text.
    pub text: String,
    /// Its tests, in their order.
    pub tests: Vec<Test>,
}

/// The crates that have another name here.
const CRATES: &[(&str, &str)] = &[("std", "as_std"), ("rand", "as_std::rand")];

/// Rewrites a source for a world. `cut` says of the name of a test why it is left out.
pub fn rewrite(
    source: &str,
    world: World,
    multipliers: &[Multiplier],
    cut: impl Fn(&str) -> Option<String>,
) -> Rewritten {
    let tokens = tokens(source);
    let mut edits = Edits(Vec::new());
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Some((_, ours)) = CRATES.iter().find(|(std, _)| begins_path(&tokens, at, std)) {
            edits.replace(token.at..token.end(), ours);
        } else if reads(&tokens, at, ATTRIBUTE) {
            let Some(item) = Item::read(&tokens, at) else {
                continue;
            };
            let why = item.name.as_deref().and_then(&cut);
            item.edit(&mut edits, world, why.is_some());
            let ignored = item.ignored.map(|why| format!("std ignores it: {why}"));
            let left_out = why.or(ignored);
            found.extend(item.name.map(|name| Test { name, left_out }));
        } else if let Some(multiplier) = multipliers.iter().find(|m| invokes(&tokens, at, m)) {
            let prefixes = multiplier.prefixes.iter();
            let names = prefixes.map(|prefix| format!("{prefix}{}", tokens[at + 5].text));
            let names: Vec<_> = names.collect();
            let left_out = names.iter().find_map(|name| cut(name));
            if left_out.is_some() {
                edits.insert(token.at, CUT);
            }
            found.extend(names.into_iter().map(|name| Test {
                name,
                left_out: left_out.clone(),
            }));
        }
    }
    Rewritten {
        text: edits.apply(source),
        tests: found,
    }
}

/// The macros of a source that multiply tests.
pub fn multipliers(source: &str) -> Vec<Multiplier> {
    let tokens = tokens(source);
    let begins = (0..tokens.len()).filter(|&at| reads(&tokens, at, &["macro_rules", "!"]));
    let macros = begins.map(|at| {
        let end = after_group(&tokens, at + 3);
        let items = (at..end).filter(|&at| reads(&tokens, at, ATTRIBUTE));
        let items = items.filter_map(|at| Item::read(&tokens, at));
        Multiplier {
            name: tokens[at + 2].text.to_owned(),
            prefixes: items.filter_map(|item| item.prefix).collect(),
        }
    });
    macros.filter(|it| !it.prefixes.is_empty()).collect()
}

/// The root of a program: the crate's root `lib` with these of its modules only, and with our `common`.
pub fn root(lib: &str, modules: &[&str]) -> String {
    let tokens = tokens(lib);
    let mut edits = Edits(Vec::new());
    let mut attributes = None;
    let mut at = 0;
    while at < tokens.len() {
        if reads(&tokens, at, &["#", "["]) {
            attributes.get_or_insert(tokens[at].at);
            at = after_group(&tokens, at + 1);
            continue;
        }
        let from = attributes.take().unwrap_or(tokens[at].at);
        if tokens[at].text == "mod" && reads(&tokens, at + 2, &[";"]) {
            if !modules.contains(&tokens[at + 1].text) {
                edits.replace(from..tokens[at + 2].end(), "");
            }
            at += 2;
        }
        at += 1;
    }
    format!("{}\nuse as_std::common;\n", edits.apply(lib))
}

const ATTRIBUTE: &[&str] = &["#", "[", "test", "]"];

/// What removes the item that follows.
const CUT: &str = "#[cfg(any())] ";

/// Does a path of this crate begin here?
fn begins_path(tokens: &[Token<'_>], at: usize, name: &str) -> bool {
    let path = reads(tokens, at, &[name, ":", ":"]);
    // In `a::std::` it is a module's name; `::std::` begins a path.
    let inside =
        at >= 3 && reads(tokens, at - 2, &[":", ":"]) && tokens[at - 3].end() == tokens[at - 2].at;
    path && !inside
}

/// Does `multiplier!(name: x` begin here?
fn invokes(tokens: &[Token<'_>], at: usize, multiplier: &Multiplier) -> bool {
    reads(tokens, at, &[&multiplier.name, "!"])
        && reads(tokens, at + 3, &["name", ":"])
        && at + 5 < tokens.len()
}

/// A function with the attribute `#[test]`.
struct Item {
    attribute: Range<usize>,
    ignored: Option<String>,
    /// Where `fn` begins.
    function: usize,
    /// Where the body's first statement may stand.
    body: usize,
    name: Option<String>,
    /// In a multiplier: how the names begin.
    prefix: Option<String>,
}

impl Item {
    /// Reads it from its attribute on.
    fn read(tokens: &[Token<'_>], attribute: usize) -> Option<Self> {
        let mut at = attribute + ATTRIBUTE.len();
        let mut ignored = None;
        while reads(tokens, at, &["#", "["]) {
            if reads(tokens, at + 2, &["ignore"]) {
                let why = tokens.get(at + 4).map_or("]", |token| token.text);
                ignored = Some(why.trim_matches(['"', ']']).to_owned());
            }
            at = after_group(tokens, at + 1);
        }
        while tokens.get(at)?.text != "fn" {
            at += 1;
        }
        let function = tokens[at].at;
        let mut name = Some(tokens.get(at + 1)?.text.to_owned());
        let mut prefix = None;
        let mut after = at + 2;
        if reads(tokens, at + 1, &["$", "{", "concat", "("]) {
            (name, prefix) = (None, Some(tokens.get(at + 5)?.text.to_owned()));
            after = after_group(tokens, at + 2);
        }
        let open = tokens[after..].iter().position(|token| token.text == "{")?;
        // Inner attributes stay at the beginning of the body.
        let mut body = after + open;
        while reads(tokens, body + 1, &["#", "!", "["]) {
            body = after_group(tokens, body + 3) - 1;
        }
        Some(Self {
            attribute: tokens[attribute].at..tokens[attribute + 3].end(),
            ignored,
            function,
            body: tokens.get(body)?.end(),
            name,
            prefix,
        })
    }

    fn edit(&self, edits: &mut Edits, world: World, cut: bool) {
        if cut {
            edits.replace(self.attribute.clone(), CUT);
        } else if let World::Web(threads) = world {
            edits.replace(self.attribute.clone(), "");
            // Behind the other attributes, so that it finds `ignore` and `should_panic` without conditions around them.
            edits.insert(
                self.function,
                "#[::wasm_bindgen_test::wasm_bindgen_test] async ",
            );
            edits.insert(self.body, &format!(" ::as_std::ready({threads}).await;"));
        }
    }
}

/// Changes of a text, in any order.
struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    fn replace(&mut self, range: Range<usize>, text: &str) {
        self.0.push((range, text.to_owned()));
    }

    fn insert(&mut self, at: usize, text: &str) {
        self.replace(at..at, text);
    }

    fn apply(mut self, source: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let mut text = String::new();
        let mut at = 0;
        for (range, new) in self.0 {
            text.push_str(&source[at..range.start]);
            text.push_str(&new);
            at = range.end;
        }
        text.push_str(&source[at..]);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: World = World::Web(8);

    fn run(source: &str, world: World) -> String {
        rewrite(source, world, &[], |_| None).text
    }

    fn names(rewritten: &Rewritten) -> Vec<&str> {
        rewritten
            .tests
            .iter()
            .map(|test| test.name.as_str())
            .collect()
    }

    #[test]
    fn the_roots_of_paths_change() {
        let source = "use std::{sync, thread}; use ::std::mem; let x: Vec<std::rc::Rc<u8>>; a::std::b(); // std::x\n\"std::y\"; rand::z;";
        let expected = "use as_std::{sync, thread}; use ::as_std::mem; let x: Vec<as_std::rc::Rc<u8>>; a::std::b(); // std::x\n\"std::y\"; as_std::rand::z;";
        assert_eq!(run(source, World::Native), expected);
    }

    #[test]
    fn a_test_waits_for_its_threads_on_the_web() {
        let source = "#[test]\n#[should_panic(expected = \"{\")]\nfn a() {\n    b();\n}\nfn c() {}";
        assert_eq!(run(source, World::Native), source);
        assert_eq!(
            run(source, WEB),
            "\n#[should_panic(expected = \"{\")]\n#[::wasm_bindgen_test::wasm_bindgen_test] async fn a() { \
             ::as_std::ready(8).await;\n    b();\n}\nfn c() {}"
        );
    }

    #[test]
    fn inner_attributes_stay_in_front() {
        let text = run("#[test] fn a() { #![allow(x)] b(); }", WEB);
        assert!(
            text.ends_with("fn a() { #![allow(x)] ::as_std::ready(8).await; b(); }"),
            "{text}"
        );
    }

    #[test]
    fn what_is_left_out_is_cut_and_named() {
        let source = "#[test] fn a() {} #[test] fn b() {} #[test] #[ignore = \"flaky\"] fn c() {}";
        let cut = |test: &str| (test == "b").then(|| "why".to_owned());
        let rewritten = rewrite(source, World::Native, &[], cut);
        assert!(
            rewritten
                .text
                .starts_with("#[test] fn a() {} #[cfg(any())]  fn b() {}")
        );
        let reasons: Vec<_> = rewritten
            .tests
            .iter()
            .map(|test| test.left_out.as_deref())
            .collect();
        assert_eq!(names(&rewritten), ["a", "b", "c"]);
        assert_eq!(reasons, [None, Some("why"), Some("std ignores it: flaky")]);
    }

    const MACRO: &str = "macro_rules! twice { (name: $name:ident, body: {$($b:tt)*}) => { \
        #[test] fn ${concat(one_, $name)}() { $($b)* } #[test] fn ${concat(two_, $name)}() {} } }";

    #[test]
    fn a_macro_makes_two_tests() {
        let multipliers = multipliers(MACRO);
        let source = "twice!(name: a, body: { x }); twice! { name: b, body: {} }";
        let cut = |test: &str| (test == "two_b").then(|| "why".to_owned());
        let rewritten = rewrite(source, WEB, &multipliers, cut);
        assert_eq!(names(&rewritten), ["one_a", "two_a", "one_b", "two_b"]);
        let runs = rewritten.tests.iter().map(|test| test.left_out.is_none());
        assert_eq!(runs.collect::<Vec<_>>(), [true, true, false, false]);
        assert!(rewritten.text.contains("; #[cfg(any())] twice! {"));
        assert_eq!(run(MACRO, WEB).matches("async fn ${concat(").count(), 2);
        assert_eq!(
            run(MACRO, WEB)
                .matches("() { ::as_std::ready(8).await;")
                .count(),
            2
        );
    }

    #[test]
    fn a_root_keeps_the_modules_that_are_wanted() {
        let lib = "#![feature(x)]\nmod a;\n#[cfg(y)]\nmod b;\n#[path = \"z\"]\nmod common;\nuse c;";
        let root = root(lib, &["b"]);
        assert_eq!(
            root,
            "#![feature(x)]\n\n#[cfg(y)]\nmod b;\n\nuse c;\nuse as_std::common;\n"
        );
    }
}
