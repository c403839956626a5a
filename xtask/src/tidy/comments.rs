//! What a comment must say: why an unsafe block is sound, what an ordering publishes; and which tags there are.

use super::source::Source;

/// The tags of comments.
const TAGS: &[&str] = &["SAFETY", "ORDERING", "INVARIANT", "WASM", "LOOM"];

/// How many lines above an operation its comment may start.
const ABOVE: usize = 12;

/// `unsafe` without a reason. Declarations (`unsafe fn`, `unsafe trait`) promise nothing yet; their docs say what they ask.
pub fn safety(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (line, code) in source.lines() {
            let asserted = ["unsafe {", "unsafe impl", "#[unsafe("];
            let asserted = asserted.iter().any(|word| code.contains(word));
            if asserted && !source.tagged(line, ABOVE, "SAFETY:") {
                found.push(source.at(line, "unsafe without `SAFETY:`"));
            }
        }
    }
    found
}

/// A memory ordering other than Relaxed without a word about its partner. The module's doc may say it for the whole file.
pub fn ordering(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| ships(source)) {
        let mut docs = source.comments.iter();
        if docs.any(|comment| comment.starts_with("//!") && comment.contains("ORDERING:")) {
            continue;
        }
        for (line, code) in source.shipped() {
            let strong = ["Acquire", "Release", "AcqRel", "SeqCst"];
            let strong = strong.iter().any(|word| has_word(code, word));
            if strong && !in_import(source, line) && !source.tagged(line, ABOVE, "ORDERING:") {
                found.push(source.at(line, "an ordering without `ORDERING:`"));
            }
        }
    }
    found
}

/// Is this a file of the library, and not one of its tests?
pub fn ships(source: &Source) -> bool {
    let path = &source.path;
    path.starts_with("src/") && !path.contains("/conformance/") && !path.ends_with("tests.rs")
}

/// SeqCst on anything but a fence.
pub fn seqcst(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| ships(source)) {
        for (line, code) in source.shipped() {
            if has_word(code, "SeqCst") && !code.contains("fence(") && !in_import(source, line) {
                found.push(source.at(line, "SeqCst outside a fence"));
            }
        }
    }
    found
}

/// Tags that are not on the list, and code that is not finished.
pub fn tags(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (at, comment) in source.comments.iter().enumerate() {
            let text = comment.trim_start_matches(['/', '!']).trim_start();
            if let Some(tag) = tag(text).filter(|tag| !TAGS.contains(tag)) {
                found.push(source.at(at + 1, &format!("unknown tag `{tag}:`")));
            }
        }
        for (line, code) in source.lines() {
            let unfinished = ["todo!(", "unimplemented!(", "#[ignore"];
            if let Some(word) = unfinished.iter().find(|word| code.contains(**word)) {
                found.push(source.at(line, &format!("`{word}`")));
            }
        }
    }
    found
}

/// The tag that a comment starts with: capitals, then a colon, or an invariant's number between them.
fn tag(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_uppercase())?;
    let (tag, rest) = text.split_at(end);
    let numbered = rest.strip_prefix(' ').and_then(|rest| rest.split_once(':'));
    let numbered = numbered.is_some_and(|(number, _)| {
        number.len() <= 4 && number.ends_with(|c: char| c.is_ascii_digit())
    });
    (tag.len() >= 3 && (rest.starts_with(": ") || rest == ":" || numbered)).then_some(tag)
}

/// Does the code use `word` as a word of its own?
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !part(before) && !part(after)
    })
}

/// Is this line part of a `use`?
fn in_import(source: &Source, line: usize) -> bool {
    let lines = source.code[..line].iter().rev();
    let mut statement = lines
        .enumerate()
        .take_while(|(at, code)| *at == 0 || !code.trim_end().ends_with([';', '}']));
    statement.any(|(_, code)| {
        let code = code.trim_start();
        code.starts_with("use ") || (code.starts_with("pub") && code.contains(" use "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Vec<Source> {
        vec![Source::new("src/raw/x.rs", text)]
    }

    #[test]
    fn unsafe_without_a_reason_is_found() {
        assert_eq!(safety(&one("let x = unsafe { y() };")).len(), 1);
        assert_eq!(safety(&one("unsafe impl Send for X {}")).len(), 1);
        assert!(
            safety(&one(
                "// SAFETY: y may be called here.\nlet x = unsafe { y() };"
            ))
            .is_empty()
        );
        assert!(safety(&one("unsafe fn y() {}\nlet s = \"unsafe {\";")).is_empty());
    }

    #[test]
    fn an_ordering_without_a_partner_is_found() {
        assert_eq!(ordering(&one("x.load(Acquire);")).len(), 1);
        assert_eq!(ordering(&one("x.load(Ordering::AcqRel);")).len(), 1);
        assert!(ordering(&one("x.load(Relaxed);")).is_empty());
        assert!(ordering(&one("// ORDERING: pairs with y.\nx.load(Acquire);")).is_empty());
        assert!(ordering(&one("//! ORDERING: all pair with y.\nx.load(Acquire);")).is_empty());
        assert!(ordering(&one("use std::atomic::{\n    Ordering::Acquire,\n};")).is_empty());
    }

    #[test]
    fn seqcst_is_for_fences() {
        assert_eq!(seqcst(&one("x.swap(1, SeqCst);")).len(), 1);
        assert!(seqcst(&one("fence(SeqCst);")).is_empty());
    }

    #[test]
    fn unknown_tags_and_unfinished_code_are_found() {
        assert_eq!(tags(&one("// TODO: later")).len(), 1);
        assert_eq!(tags(&one("/// NOTE: well")).len(), 1);
        assert_eq!(tags(&one("fn f() { todo!() }")).len(), 1);
        assert_eq!(tags(&one("#[ignore = \"x\"]")).len(), 1);
        assert!(
            tags(&one(
                "// INVARIANT Q3: x\n// SAFETY: y\n// JS: z\n// See https: x"
            ))
            .is_empty()
        );
    }
}
