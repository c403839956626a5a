//! A folder is a layer; imports run downwards only. And what belongs to one layer stays in it: atomics below the typed API (in
//! `channel` too, whose buffers have data *and* orderings), platforms in `sys`, the model checker in `sys`.

use super::source::Source;

/// The layers of `src/`, each with those that it may import from besides itself. Whatever is not named is the typed API.
const LAYERS: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("alloc", &["sys"]),
    ("queue", &["sys"]),
    ("raw", &["sys", "queue"]),
    ("channel", &["sys", "queue", "raw"]),
    ("realtime", &["sys"]),
];

/// The typed API's layer.
const TYPED: &str = "typed";

/// The crate's root only re-exports, and so names every layer.
const ROOT: &str = "src/lib.rs";

/// Imports that run upwards.
pub fn edges(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path != ROOT) {
        let Some(from) = layer(&source.path) else {
            continue;
        };
        let may = LAYERS.iter().find(|(name, _)| *name == from);
        for (line, to) in imports(source) {
            let allowed = match may {
                Some((_, below)) => to == from || below.contains(&to),
                None => true,
            };
            if !allowed {
                found.push(source.at(line, &format!("`{from}` imports from `{to}`")));
            }
        }
    }
    found
}

fn layer(path: &str) -> Option<&'static str> {
    let first = path.strip_prefix("src/")?.split(['/', '.']).next()?;
    let found = LAYERS.iter().find(|(name, _)| *name == first);
    Some(found.map_or(TYPED, |(name, _)| name))
}

/// Every `crate::x`, and every `super::…::x` that leads out of the top module: the line and the layer of `x`.
fn imports(source: &Source) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let depth = module_depth(&source.path);
    // An import may be spread over lines: the groups are read from the whole text.
    let text = source.code.join("\n");
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            if text[..at]
                .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$')
            {
                continue;
            }
            let mut rest = &text[at..];
            let mut ups = 0;
            while let Some(next) = rest.strip_prefix("super::") {
                (rest, ups) = (next, ups + 1);
            }
            match rest.strip_prefix("crate::") {
                Some(next) => rest = next,
                None if ups < depth => continue,
                None => {}
            }
            let line = text[..at].matches('\n').count() + 1;
            found.extend(firsts(rest).into_iter().map(|name| (line, named(name))));
        }
    }
    found
}

/// How many modules deep a file is: `super` leads out of `src/queue/waiter.rs` when written twice.
fn module_depth(path: &str) -> usize {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').count()
}

/// The first names of a path or of a group of paths: `a::b` gives `a`, `{a::b, c}` gives both.
fn firsts(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        return vec![&rest[..end.unwrap_or(rest.len())]];
    };
    let mut names = Vec::new();
    let (mut depth, mut start) = (1, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            let name = group[start..at]
                .trim()
                .split("::")
                .next()
                .unwrap_or_default();
            names.push(name.trim());
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn named(name: &str) -> &'static str {
    // The root's public modules of the lowest layer.
    let name = if matches!(name, "agent" | "futex") {
        "sys"
    } else {
        name
    };
    let found = LAYERS.iter().find(|(layer, _)| *layer == name);
    found.map_or(TYPED, |(layer, _)| layer)
}

/// Atomics in the typed API.
pub fn atomics(sources: &[Source]) -> Vec<String> {
    let typed = |source: &&Source| layer(&source.path) == Some(TYPED) && source.path != ROOT;
    let mut found = Vec::new();
    for source in sources.iter().filter(typed) {
        for (line, code) in source.shipped() {
            let words = [
                "Ordering::",
                "atomic::",
                "AtomicU",
                "AtomicI",
                "AtomicB",
                "AtomicP",
            ];
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                found.push(source.at(line, &format!("`{word}` above the raw layer")));
            }
        }
    }
    found
}

/// Platforms named outside `sys`. (The width of a pointer is no platform.)
pub fn platforms(sources: &[Source]) -> Vec<String> {
    let words = [
        "target_arch",
        "target_os",
        "target_family",
        "target_feature",
        "target_env",
        "target_vendor",
        "core::arch",
        "std::arch",
    ];
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| above_sys(&source.path)) {
        for (line, code) in source.lines() {
            // The root's own attributes switch on unstable features.
            if source.path == ROOT && inner_attribute(source, line) {
                continue;
            }
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                found.push(source.at(line, &format!("`{word}` outside sys")));
            }
        }
    }
    found
}

/// Is this line part of a `#![…]`?
fn inner_attribute(source: &Source, line: usize) -> bool {
    let before = source.code[..line].iter().rev();
    let mut before = before.skip_while(|code| !code.contains('['));
    before
        .next()
        .is_some_and(|code| code.trim_start().starts_with("#!["))
}

/// The model checker's cfg outside `sys`. Assertions about layout may leave it out of account: its atomics are larger.
pub fn models(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| above_sys(&source.path)) {
        for (line, code) in source.lines() {
            let layout = source
                .code
                .get(line)
                .is_some_and(|next| next.starts_with("const _: "));
            if code.contains("web_sync_loom") && !layout {
                found.push(source.at(line, "`web_sync_loom` outside sys"));
            }
        }
    }
    found
}

fn above_sys(path: &str) -> bool {
    layer(path).is_some_and(|layer| layer != "sys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str, text: &str) -> Vec<Source> {
        vec![Source::new(path, text)]
    }

    #[test]
    fn an_import_upwards_is_found() {
        assert_eq!(
            edges(&one("src/queue/mod.rs", "use crate::raw::Lock;")).len(),
            1
        );
        assert_eq!(
            edges(&one(
                "src/sys/agent.rs",
                "use crate::{\n    mutex::Mutex,\n    sys::x,\n};"
            ))
            .len(),
            1
        );
        assert_eq!(
            edges(&one("src/queue/waiter.rs", "use super::super::raw::Lock;")).len(),
            1
        );
        assert_eq!(
            edges(&one("src/raw/mod.rs", "fn f() { crate::guard::x() }")).len(),
            1
        );
        assert_eq!(
            edges(&one("src/raw/event.rs", "use crate::channel::Channel;")).len(),
            1
        );
        assert_eq!(
            edges(&one("src/channel/list.rs", "use crate::mutex::Mutex;")).len(),
            1
        );
    }

    #[test]
    fn an_import_downwards_is_right() {
        assert!(
            edges(&one(
                "src/raw/lock.rs",
                "use crate::{queue::Q, sys::{a, b}};\nuse super::state;"
            ))
            .is_empty()
        );
        assert!(edges(&one("src/mutex.rs", "use crate::raw::RawMutex;")).is_empty());
        assert!(edges(&one("src/mpsc.rs", "use crate::channel::Sender;")).is_empty());
        assert!(edges(&one("src/channel/mod.rs", "use crate::raw::RawEvent;")).is_empty());
        assert!(
            edges(&one(
                "src/sys/a.rs",
                "// crate::raw\nlet s = \"crate::raw\";"
            ))
            .is_empty()
        );
        assert!(edges(&one("src/lib.rs", "pub use crate::mutex::Mutex;")).is_empty());
    }

    #[test]
    fn an_atomic_in_the_typed_api_is_found() {
        assert_eq!(
            atomics(&one("src/mutex.rs", "x.load(Ordering::Relaxed);")).len(),
            1
        );
        assert!(atomics(&one("src/raw/lock.rs", "x.load(Ordering::Relaxed);")).is_empty());
        assert!(atomics(&one("src/channel/list.rs", "x.load(Ordering::Relaxed);")).is_empty());
    }

    #[test]
    fn a_platform_outside_sys_is_found() {
        assert_eq!(
            platforms(&one("src/raw/a.rs", "#[cfg(target_arch = \"wasm32\")]")).len(),
            1
        );
        assert!(platforms(&one("src/sys/a.rs", "#[cfg(target_arch = \"wasm32\")]")).is_empty());
        assert!(
            platforms(&one(
                "src/lib.rs",
                "#![cfg_attr(\n    all(target_arch = \"wasm32\"),\n    feature(x)\n)]"
            ))
            .is_empty()
        );
        assert_eq!(
            platforms(&one(
                "src/lib.rs",
                "#[cfg(\n    target_arch = \"wasm32\"\n)]"
            ))
            .len(),
            1
        );
    }

    #[test]
    fn the_models_cfg_outside_sys_is_found() {
        assert_eq!(
            models(&one("src/raw/a.rs", "#[cfg(web_sync_loom)]\nfn f() {}")).len(),
            1
        );
        assert!(
            models(&one(
                "src/raw/a.rs",
                "#[cfg(not(web_sync_loom))]\nconst _: () = assert!(true);"
            ))
            .is_empty()
        );
    }
}
