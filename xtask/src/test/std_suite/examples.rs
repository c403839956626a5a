//! The examples in the documentation of std's sources, as tests.

use super::tokens::{reads, tokens};
use std::collections::{BTreeSet, HashMap};

/// An example.
#[derive(PartialEq, Eq, Debug)]
pub struct Example {
    /// `example_` and the name of what it documents, and a number behind it from the second on.
    pub name: String,
    /// Its code, without `#![feature]`.
    pub code: String,
    /// Is it only compiled?
    pub no_run: bool,
    /// Must it panic?
    pub should_panic: bool,
}

/// Everything that a file shows.
#[derive(Default)]
pub struct Examples {
    /// In their order.
    pub list: Vec<Example>,
    /// The unstable features that they name.
    pub features: BTreeSet<String>,
    /// How many of them std compiles and does not run.
    pub compiled_only: usize,
    /// How many more show what does not compile.
    pub refused: usize,
}

/// Reads the examples of a source.
pub fn examples(source: &str) -> Examples {
    let mut found = Examples::default();
    let lines: Vec<&str> = source.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let Some(mark) = ["///", "//!"].into_iter().find(|m| documents(lines[at], m)) else {
            at += 1;
            continue;
        };
        let end = lines[at..].iter().position(|line| !documents(line, mark));
        let end = end.map_or(lines.len(), |length| at + length);
        let text = lines[at..end].iter().map(|line| &line.trim_start()[3..]);
        let item = match mark {
            "///" => item(&lines[end..]),
            _ => "module".to_owned(),
        };
        for (kind, code) in blocks(text) {
            found.add(&item, kind, &code);
        }
        at = end;
    }
    found.number();
    found
}

impl Examples {
    fn add(&mut self, item: &str, kind: &str, code: &[&str]) {
        let words: Vec<&str> = kind
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .collect();
        if words.contains(&"compile_fail") {
            self.refused += 1;
        }
        let known = |word: &&str| matches!(*word, "rust" | "no_run" | "should_panic");
        if !words.iter().all(known) {
            return;
        }
        self.compiled_only += usize::from(words.contains(&"no_run"));
        let mut kept = String::new();
        for line in code {
            // rustdoc hides a line by `#`, and shows one that begins so by `##`.
            let line = match line.trim_start() {
                "#" => "",
                hidden if hidden.starts_with("# ") => &hidden[2..],
                shown if shown.starts_with("##") => &shown[1..],
                _ => line,
            };
            let feature = line.trim().strip_prefix("#![feature(");
            if let Some(features) = feature.and_then(|rest| rest.strip_suffix(")]")) {
                let features = features.split(',').map(|name| name.trim().to_owned());
                self.features.extend(features);
            } else {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        self.list.push(Example {
            name: format!("example_{item}"),
            code: kept,
            no_run: words.contains(&"no_run"),
            should_panic: words.contains(&"should_panic"),
        });
    }

    /// Tells examples of the same name apart.
    fn number(&mut self) {
        let mut named = HashMap::<String, u32>::new();
        for example in &mut self.list {
            let count = named.entry(example.name.clone()).or_insert(0);
            *count += 1;
            if *count > 1 {
                example.name.push_str(&format!("_{count}"));
            }
        }
    }

    /// The examples as the functions of one file; the unstable features are the root's affair.
    pub fn module(&self) -> String {
        let mut text = String::new();
        for example in &self.list {
            let Example { name, code, .. } = example;
            let mut head = String::new();
            if !example.no_run {
                head.push_str("#[test]\n");
            }
            if example.should_panic {
                head.push_str("#[should_panic]\n");
            }
            let tokens = tokens(code);
            let main = (0..tokens.len()).find(|&at| reads(&tokens, at, &["fn", "main", "(", ")"]));
            let call = match main {
                None => "",
                Some(main) if reads(&tokens, main + 4, &["-"]) => "main().unwrap();\n",
                Some(_) => "main();\n",
            };
            text.push_str(&format!("{head}fn {name}() {{\n{code}{call}}}\n\n"));
        }
        text
    }
}

fn documents(line: &str, mark: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(mark) && !line.starts_with("////")
}

/// The blocks of code of a documentation: what stands behind the fence, and the lines.
fn blocks<'a>(text: impl Iterator<Item = &'a str>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut found = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in text {
        let fence = line.trim().strip_prefix("```");
        match (fence, &mut open) {
            (Some(kind), None) => open = Some((kind, Vec::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some((_, code))) => code.push(line.strip_prefix(' ').unwrap_or(line)),
            (None, None) => {}
        }
    }
    found
}

/// The name of the item that follows a documentation.
fn item(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| line.trim());
    for line in lines.filter(|line| !line.starts_with(['#', '/'])) {
        let tokens = tokens(line);
        let after = |word: &str| {
            let at = tokens.iter().position(|token| token.text == word)?;
            let name = tokens.get(at + 1)?.text;
            // Not the `fn()` of a type.
            name.starts_with(char::is_alphabetic)
                .then(|| name.to_owned())
        };
        // `fn` first, since a function may be `const`.
        let words = [
            "fn", "struct", "enum", "trait", "mod", "type", "static", "const",
        ];
        if let Some(name) = words.iter().find_map(|word| after(word)) {
            return name;
        }
        if tokens.iter().any(|token| token.text == "impl") {
            return "impl".to_owned();
        }
    }
    "item".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! ```
//! module();
//! ```

/// Text.
///
/// ```rust
/// #![feature(a, b)]
/// # hidden();
/// shown();
/// ## [x]
/// ```
///
/// ```text
/// not code
/// ```
#[stable(feature = \"x\")]
pub const fn make() {}

impl X {
    /// ```no_run
    /// fn main() {
    ///     indented();
    /// }
    /// ```
    pub fn make(&self) {}

    /// ```compile_fail,E0001
    /// ```
    fn other() {}
}

/// ```should_panic
/// fn main() -> Result<(), ()> { Ok(()) }
/// ```
pub struct Type<F = fn()>(F);
";

    #[test]
    fn examples_are_named_after_what_they_show() {
        let found = examples(SOURCE);
        let names: Vec<_> = found
            .list
            .iter()
            .map(|example| example.name.as_str())
            .collect();
        let expected = [
            "example_module",
            "example_make",
            "example_make_2",
            "example_Type",
        ];
        assert_eq!(names, expected);
        assert_eq!(found.list[1].code, "hidden();\nshown();\n# [x]\n");
        assert_eq!(found.list[2].code, "fn main() {\n    indented();\n}\n");
        assert_eq!(found.features.iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((found.compiled_only, found.refused), (1, 1));
    }

    #[test]
    fn a_module_calls_the_examples_main() {
        let module = examples(SOURCE).module();
        assert!(module.contains("#[test]\nfn example_make() {\nhidden();"));
        assert!(
            module.contains(
                "\n\nfn example_make_2() {\nfn main() {\n    indented();\n}\nmain();\n}\n"
            )
        );
        assert!(module.contains("#[test]\n#[should_panic]\nfn example_Type() {"));
        assert!(module.contains("main().unwrap();\n}\n"));
    }
}
