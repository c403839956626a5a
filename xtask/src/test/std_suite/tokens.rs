//! Rust source as tokens with their places: enough to find a test and to change a word without touching comments and strings.

/// A token: a word, a number, a literal, a lifetime, or one character of punctuation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// Its text.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub at: usize,
}

impl Token<'_> {
    /// Where it ends.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of a source, without comments.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let length = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += block_comment(rest);
            continue;
        } else if let Some(length) = literal(rest) {
            length
        } else if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let text = &rest[..length];
        found.push(Token { text, at });
        at += length;
    }
    found
}

/// The index after the group of brackets that opens at `from`.
pub fn after_group(tokens: &[Token<'_>], from: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Are these the texts of the tokens from `at` on?
pub fn reads(tokens: &[Token<'_>], at: usize, texts: &[&str]) -> bool {
    let here = tokens.get(at..at + texts.len());
    here.is_some_and(|here| {
        here.iter()
            .map(|token| token.text)
            .eq(texts.iter().copied())
    })
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a string, a character or a lifetime, with its prefix.
fn literal(text: &str) -> Option<usize> {
    let prefixed = text.find(|c| !matches!(c, 'b' | 'c' | 'r'))?;
    let quoted = &text[prefixed..];
    let hashes = quoted.find(|c| c != '#')?;
    if text[..prefixed].ends_with('r') && quoted[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let open = prefixed + hashes + 1;
        return Some(open + text[open..].find(&end)? + end.len());
    }
    if quoted.starts_with('"') {
        return Some(prefixed + closed(quoted, '"')?);
    }
    if !quoted.starts_with('\'') {
        return None;
    }
    let mut chars = quoted.chars().skip(1);
    match (chars.next()?, chars.next()) {
        (_, Some('\'')) | ('\\', _) => Some(prefixed + closed(quoted, '\'')?),
        // A lifetime has no prefix.
        _ => (prefixed == 0).then(|| {
            let name = &text[1..];
            1 + name.find(|c| !word(c)).unwrap_or(name.len())
        }),
    }
}

/// The length of a literal whose first character opened it.
fn closed(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_and_punctuation_part() {
        let source = "use a_1::{b, c}; // d\nx/* e /* f */ g */+=1;";
        let expected = "use a_1 : : { b , c } ; x + = 1 ;";
        assert_eq!(texts(source).join(" "), expected);
        let places = tokens(source);
        assert!(places.iter().all(|t| source[t.at..t.end()] == *t.text));
    }

    #[test]
    fn literals_are_one_token() {
        for text in [
            r#""a\"b""#,
            r##"r#"a"b"#"##,
            r#"b"a""#,
            "br\"a\"",
            "c\"a\"",
            "'a'",
            r"'\''",
            r"'\u{1}'",
            "b'a'",
            "'a",
            "'static",
        ] {
            assert_eq!(texts(&format!("f({text})")), ["f", "(", text, ")"]);
        }
        assert_eq!(texts("broken"), ["broken"]);
        assert_eq!(texts("r.b"), ["r", ".", "b"]);
    }

    #[test]
    fn groups_nest() {
        let tokens = tokens("a(b[c], {d}) e");
        assert_eq!(tokens[after_group(&tokens, 1)].text, "e");
        assert!(reads(&tokens, 0, &["a", "("]) && !reads(&tokens, 13, &["x"]));
    }
}
