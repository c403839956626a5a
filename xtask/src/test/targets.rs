//! What wasm-bindgen makes of a module that uses the crate, for each of its targets: glue without files of ours beside it
//! (inline snippets work on two targets only) and without code made from strings (a strict Content-Security-Policy).

use super::Context;
use crate::footprint;
use crate::install;
use crate::process::Step;
use crate::report::Outcome;
use std::path::Path;

const TARGETS: &[&str] = &["web", "no-modules", "bundler", "nodejs"];

/// Words that make code from strings.
const EVAL: &[&str] = &["eval(", "new Function", "Function("];

/// Runs wasm-bindgen over the footprint example, with threads and without, for every target.
///
/// # Errors
/// When the build fails or a tool cannot be started.
pub fn run(context: &Context) -> Result<Outcome, String> {
    let project = &context.project;
    let tool = install::wasm_bindgen(project)?.join("wasm-bindgen");
    let mut wrong = Vec::new();
    let mut done = 0;
    for (kind, file) in [
        ("threads", footprint::threads(project)?),
        ("no-atomics", footprint::single(project)?),
    ] {
        for target in TARGETS {
            let out = project.target.join("targets").join(kind).join(target);
            let _ = std::fs::remove_dir_all(&out);
            let step = Step::new(&tool).args(["--target", target, "--out-dir"]);
            let ended = step.arg(&out).arg(&file).limit(120).run()?;
            let name = format!("{kind}, --target {target}");
            if !ended.ok() {
                wrong.push(format!("{name}: {}", ended.why()));
                continue;
            }
            done += 1;
            wrong.extend(faults(&out)?.iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    if wrong.is_empty() {
        return Ok(Outcome::Passed(format!("{done} outputs")));
    }
    Ok(Outcome::Failed(wrong.join("; ")))
}

/// What is wrong with an output folder.
fn faults(out: &Path) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    let entries = std::fs::read_dir(out).map_err(|error| error.to_string())?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            faults.push(format!("a folder `{name}` beside the glue"));
        } else if path.extension().is_some_and(|extension| extension == "js") {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let found = EVAL.iter().filter(|word| makes_code(&text, word));
            faults.extend(found.map(|word| format!("{name} has `{word}`")));
        }
    }
    Ok(faults)
}

/// Does the text use `word` outside comments, as a word of its own?
fn makes_code(text: &str, word: &str) -> bool {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| !line.trim_start().starts_with('*'))
        .any(|line| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == '.')
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_from_strings_is_seen() {
        assert!(makes_code("  return eval('1');", "eval("));
        assert!(makes_code("x = new Function(text);", "new Function"));
        assert!(!makes_code("retrieval(x)", "eval("));
        assert!(!makes_code("// eval(x)", "eval("));
    }

    #[test]
    fn a_snippet_folder_is_a_fault() {
        let dir = std::env::temp_dir().join(format!("web-sync-targets-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("snippets")).expect("a temporary folder");
        std::fs::write(dir.join("x.js"), "new Function('a')").expect("a temporary file");
        let faults = faults(&dir).expect("readable");
        std::fs::remove_dir_all(&dir).expect("removable");
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
