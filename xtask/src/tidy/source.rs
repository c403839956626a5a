//! Rust source as the rules see it: code without comments and string contents, comments without code, line by line.

use std::path::Path;

/// One file.
pub struct Source {
    /// The path from the workspace's root, with `/`.
    pub path: String,
    /// The code of each line; comments and the contents of strings are blank.
    pub code: Vec<String>,
    /// The comments of each line, with their slashes.
    pub comments: Vec<String>,
    /// Where the unit tests at the end of the file start (the number of lines, if there are none).
    pub tests_at: usize,
}

impl Source {
    /// Splits a text.
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let tests_at = code.windows(2).position(|two| {
            two[0].trim() == "#[cfg(test)]"
                && two[1].trim_start().starts_with("mod ")
                && two[1].contains('{')
        });
        Self {
            path: path.to_owned(),
            tests_at: tests_at.unwrap_or(code.len()),
            code,
            comments,
        }
    }

    /// The lines of code, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().enumerate();
        lines.map(|(at, line)| (at + 1, line.as_str()))
    }

    /// The lines of code before the unit tests.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take(self.tests_at)
    }

    /// Has this line, or one of the `above` lines before it, a comment with `tag`?
    pub fn tagged(&self, line: usize, above: usize, tag: &str) -> bool {
        let from = line.saturating_sub(1 + above);
        let comments = self.comments[from..line].iter();
        comments.rev().any(|comment| comment.contains(tag))
    }

    /// A finding at a line.
    pub fn at(&self, line: usize, text: &str) -> String {
        format!("{}:{line}: {text}", self.path)
    }
}

/// Reads every Rust file below `root`, build output and hidden folders left out.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn read_all(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !name.starts_with('.') && !name.starts_with("target") && name != "node_modules" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path);
                let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
                let name = path.strip_prefix(root).unwrap_or(&path);
                let name = name.to_string_lossy().replace('\\', "/");
                sources.push(Source::new(&name, &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

#[derive(Clone, Copy)]
enum State {
    Code,
    Line,
    Block(u32),
    /// In a string; the number of `#` that end it, or none for one with escapes.
    Text(Option<usize>),
}

fn split(text: &str) -> (Vec<String>, Vec<String>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (vec![String::new()], vec![String::new()]);
    let mut state = State::Code;
    let mut at = 0;
    while at < chars.len() {
        let (this, next) = (chars[at], chars.get(at + 1).copied().unwrap_or(' '));
        if this == '\n' {
            code.push(String::new());
            comments.push(String::new());
            if let State::Line = state {
                state = State::Code;
            }
            at += 1;
            continue;
        }
        let last = code.len() - 1;
        let mut step = 1;
        match state {
            State::Code => match (this, next) {
                ('/', '/') => {
                    comments[last].push_str("//");
                    (state, step) = (State::Line, 2);
                }
                ('/', '*') => (state, step) = (State::Block(1), 2),
                ('"', _) => {
                    code[last].push('"');
                    state = State::Text(None);
                }
                ('r', '"' | '#') if !ends_in_word(&code[last]) => {
                    match raw_string(&chars[at + 1..]) {
                        Some(hashes) => {
                            code[last].push('"');
                            (state, step) = (State::Text(Some(hashes)), hashes + 2);
                        }
                        None => code[last].push(this),
                    }
                }
                ('\'', _) => match char_literal(&chars[at..]) {
                    Some(length) => {
                        code[last].push_str("' '");
                        step = length;
                    }
                    None => code[last].push(this),
                },
                _ => code[last].push(this),
            },
            State::Line => comments[last].push(this),
            State::Block(depth) => match (this, next) {
                ('/', '*') => (state, step) = (State::Block(depth + 1), 2),
                ('*', '/') if depth == 1 => (state, step) = (State::Code, 2),
                ('*', '/') => (state, step) = (State::Block(depth - 1), 2),
                _ => comments[last].push(this),
            },
            State::Text(None) => match this {
                '\\' if next != '\n' => step = 2,
                '"' => {
                    code[last].push('"');
                    state = State::Code;
                }
                _ => {}
            },
            State::Text(Some(hashes)) => {
                let end = chars[at + 1..].iter().take_while(|c| **c == '#').count();
                if this == '"' && end >= hashes {
                    code[last].push('"');
                    (state, step) = (State::Code, 1 + hashes);
                }
            }
        }
        at += step;
    }
    (code, comments)
}

fn ends_in_word(code: &str) -> bool {
    let last = code.chars().next_back();
    // `b` begins a byte string and belongs to it.
    last.is_some_and(|c| (c.is_alphanumeric() && c != 'b') || c == '_')
}

/// After an `r`: the number of `#` before the quote.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

/// The length of a character literal; none for a lifetime.
fn char_literal(rest: &[char]) -> Option<usize> {
    if rest.get(1) == Some(&'\\') {
        let end = rest.iter().skip(3).position(|c| *c == '\'')?;
        return Some(end + 4);
    }
    (rest.get(2) == Some(&'\'')).then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_comments_part() {
        let source = Source::new(
            "x.rs",
            "let a = \"// no\"; // yes\nlet b = r#\"x\"/*\"#; /* c\nd */ e('\"', 'x, '\\'');",
        );
        assert_eq!(source.code[0], "let a = \"\"; ");
        assert_eq!(source.comments[0], "// yes");
        assert_eq!(source.code[1], "let b = \"\"; ");
        assert_eq!(source.comments[1], " c");
        assert_eq!(source.code[2], " e(' ', 'x, ' ');");
    }

    #[test]
    fn unit_tests_are_found() {
        let source = Source::new("x.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(source.shipped().count(), 1);
    }
}
