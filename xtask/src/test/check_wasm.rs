//! Reads the built wasm of `examples/footprint`: this crate's wait instructions stand in exactly one function, and releasing
//! (unlock, notify, drop of a future) reaches neither that function nor the allocator. What may allocate, as sending over a channel, does
//! not reach that function either. `Arenas` reaches no wait instruction at all, nor an import, a call through a pointer or a panic; so does what
//! `NeverWait` frees, and when it allocates it waits in that function, and nothing else of these.
//!
//! Calls through the function table can't be followed. On a release path they are the vtables of `Waker`s, which run in the
//! wake paths by design and belong to the executor; so the functions that hold such calls are listed, and each must be on
//! [`POINTERS`].

use super::Context;
use crate::callgraph::Graph;
use crate::footprint;
use crate::report::Outcome;
use std::collections::BTreeMap;

/// Functions outside this crate that may hold wait instructions, by a part of their name, and why.
const WAITS: &[(&str, &str)] = &[
    ("__wasm_init_memory", "the linker's start code"),
    ("std::sys::", "std's own locks, for its panic hook"),
    ("std::thread::", "std's parking and sleeping"),
];

/// Names of the allocator's functions.
const ALLOCATOR: &[&str] = &[
    "__rust_alloc",
    "__rust_dealloc",
    "__rust_realloc",
    "__rustc::__rust",
    "__rustc::__rdl",
    "__rdl_",
    "dlmalloc",
    "__wbindgen_malloc",
    "__wbindgen_free",
];

/// Where a path ends that only a bug in this crate or a broken contract can take: a panic is no release.
const PANICS: &[&str] = &[
    "core::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
];

/// Functions on release paths that may call through a pointer, by a part of their name, and why.
const POINTERS: &[(&str, &str)] = &[
    ("web_sync::queue", "the vtable of a task's Waker"),
    ("web_sync::raw", "the vtable of a task's Waker"),
    ("core::task::wake::Waker", "the vtable of a task's Waker"),
    ("web_sync::sys::wake", "the vtable of a task's Waker"),
    ("release_lock_future", "drops the future's Waker"),
    ("release_read_future", "drops the future's Waker"),
    ("release_write_future", "drops the future's Waker"),
    ("release_wait_future", "drops the future's Waker"),
    ("release_call_once_future", "drops the future's Waker"),
    ("release_wait_once_future", "drops the future's Waker"),
    ("release_recv_future", "drops the future's Waker"),
    ("release_acquire_future", "drops the future's Waker"),
    ("release_wait_event_future", "drops the future's Waker"),
    ("release_meet", "the vtable of a task's Waker"),
    ("release_once", "the vtable of a task's Waker"),
    ("release_park_future", "drops the future's Waker"),
    ("drop_glue::<web_sync::", "drops the future's Waker"),
    ("web_sync::sys::signal::Signal", "drops the timer's Waker"),
];

/// Runs the check.
///
/// # Errors
/// When the build fails or the module cannot be read.
pub fn run(context: &Context) -> Result<Outcome, String> {
    let file = footprint::threads(&context.project)?;
    let wasm = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let graph = Graph::read(&wasm)?;
    let mut wrong = waits(&graph);
    pointers(&graph);
    let (releases, faults) = releases(&graph);
    wrong.extend(faults);
    let (pure, faults) = pure(&graph);
    wrong.extend(faults);
    let (code, _) = footprint::section_sizes(&wasm)?;
    if wrong.is_empty() {
        return Ok(Outcome::Passed(format!(
            "one wait, {releases} release paths and {pure} entries of the allocator clean; {code} bytes of code (cargo xtask size compares)"
        )));
    }
    for fault in &wrong {
        println!("  WRONG: {fault}");
    }
    Ok(Outcome::Failed(format!(
        "{} faults, first: {}",
        wrong.len(),
        wrong[0]
    )))
}

/// This crate waits in exactly one function; nobody waits who is not on the list.
fn waits(graph: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ours = Vec::new();
    for function in graph.functions.iter().filter(|f| f.waits > 0) {
        let name = &function.name;
        let listed = WAITS.iter().find(|(part, _)| name.contains(part));
        if name.contains("web_sync::") {
            ours.push(name.as_str());
            println!("  wait: {name} (ours, {} instructions)", function.waits);
        } else if let Some((_, why)) = listed {
            println!("  wait: {name} ({why})");
        } else {
            wrong.push(format!(
                "a wait instruction in `{name}`, which is not on the list"
            ));
        }
    }
    if ours.len() != 1 {
        wrong.push(format!(
            "this crate waits in {} functions: {ours:?}",
            ours.len()
        ));
    }
    wrong
}

/// What each release reaches; the number of releases and the faults. A seeded fault that is not seen is a fault.
fn releases(graph: &Graph) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, &start) in &graph.exports {
        if name.starts_with("release_") {
            count += 1;
            wrong.extend(faults(graph, start).into_iter().map(|(_, fault)| fault));
        } else if name.starts_with("waitless_") {
            count += 1;
            let faults = faults(graph, start).into_iter();
            let faults = faults.filter(|(kind, _)| *kind != "allocation");
            wrong.extend(faults.map(|(_, fault)| fault));
        } else if let Some(kind) = name.strip_prefix("seeded_") {
            let found = faults(graph, start)
                .into_iter()
                .find(|(found, _)| *found == kind);
            match found {
                Some((_, fault)) => println!("  seeded fault seen: {fault}"),
                None => wrong.push(format!("the seeded fault of `{name}` was not seen")),
            }
        }
    }
    if count == 0 {
        wrong.push("the module exports no release".into());
    }
    (count, wrong)
}

/// What the allocator's entries reach; their number and the faults. A seeded fault that is not seen is a fault.
fn pure(graph: &Graph) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, &start) in &graph.exports {
        if name.starts_with("pure_") {
            count += 1;
            let reached = graph.reach(start, |_| false, |_| false).len();
            println!("  {name} reaches {reached} functions");
            wrong.extend(impurities(graph, start).into_iter().map(|(_, fault)| fault));
        } else if name.starts_with("sleeping_") {
            count += 1;
            let reached = graph.reach(start, |_| false, |_| false);
            let waits = reached
                .keys()
                .filter(|&&index| graph.functions[index].waits > 0);
            let waits: Vec<_> = waits.map(|&index| &graph.functions[index].name).collect();
            println!(
                "  {name} reaches {} functions, and waits in {waits:?}",
                reached.len()
            );
            if waits.len() != 1 || !waits[0].contains("web_sync::sys") {
                wrong.push(format!("`{name}` waits in {waits:?}"));
            }
            let faults = impurities(graph, start).into_iter();
            let faults = faults.filter(|(kind, _)| *kind != "wait");
            wrong.extend(faults.map(|(_, fault)| fault));
        } else if let Some(kind) = name.strip_prefix("impure_") {
            let found = impurities(graph, start).into_iter();
            let mut found = found.filter(|(found, _)| *found == kind);
            let found = found.next();
            match found {
                Some((_, fault)) => println!("  seeded fault seen: {fault}"),
                None => wrong.push(format!("the seeded fault of `{name}` was not seen")),
            }
        }
    }
    if count == 0 {
        wrong.push("the module exports no entry of the allocator".into());
    }
    (count, wrong)
}

/// What an entry of the allocator reaches that it must not.
fn impurities(graph: &Graph, start: usize) -> Vec<(&'static str, String)> {
    let reached = graph.reach(start, |_| false, |_| false);
    let mut faults = Vec::new();
    for &index in reached.keys() {
        let function = &graph.functions[index];
        let kinds = [
            ("wait", function.waits > 0),
            ("import", function.import),
            ("pointer", function.indirect > 0),
            ("panic", function.name.contains("core::panicking::")),
        ];
        for (kind, _) in kinds.into_iter().filter(|(_, is)| *is) {
            let way = graph.path(&reached, index);
            faults.push((kind, format!("reaches a {kind}: {way}")));
        }
    }
    faults
}

/// Prints the functions on release paths that call through a pointer, each once, with its reason.
fn pointers(graph: &Graph) {
    let mut listed = BTreeMap::new();
    let releases = graph.exports.iter();
    let releases =
        releases.filter(|(name, _)| name.starts_with("release_") || name.starts_with("waitless_"));
    for (_, &start) in releases {
        for index in graph.reach(start, is_panic, is_allocator).into_keys() {
            let function = &graph.functions[index];
            let reason = POINTERS
                .iter()
                .find(|(part, _)| function.name.contains(part));
            if let Some((_, why)) = reason.filter(|_| function.indirect > 0) {
                listed.insert(function.name.as_str(), *why);
            }
        }
    }
    for (name, why) in listed {
        println!("  calls a pointer: {name} ({why})");
    }
}

fn is_panic(name: &str) -> bool {
    PANICS.iter().any(|part| name.contains(part))
}

fn is_allocator(name: &str) -> bool {
    ALLOCATOR.iter().any(|part| name.contains(part))
}

/// What a release does that it must not: the kind of fault, and by which way it is reached.
fn faults(graph: &Graph, start: usize) -> Vec<(&'static str, String)> {
    let reached = graph.reach(start, is_panic, is_allocator);
    let mut faults = Vec::new();
    for &index in reached.keys() {
        let function = &graph.functions[index];
        let name = &function.name;
        let way = || graph.path(&reached, index);
        if function.waits > 0 {
            faults.push(("wait", format!("waits: {}", way())));
        }
        if is_allocator(name) {
            faults.push(("allocation", format!("allocates or frees: {}", way())));
        }
        if function.indirect > 0 {
            match POINTERS.iter().find(|(part, _)| name.contains(part)) {
                // By design; `pointers` lists them.
                Some(_) => {}
                None => faults.push(("pointer", format!("calls a pointer: {}", way()))),
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callgraph::Function;

    fn function(name: &str, calls: &[usize], waits: usize) -> Function {
        Function {
            name: name.into(),
            calls: calls.iter().copied().collect(),
            waits,
            size: 0,
            indirect: 0,
            import: name.starts_with("import "),
        }
    }

    fn graph(functions: &[Function], exports: &[(&str, usize)]) -> Graph {
        let exports = exports.iter();
        Graph {
            functions: functions.to_vec(),
            exports: exports.map(|(name, at)| (name.to_string(), *at)).collect(),
        }
    }

    #[test]
    fn a_second_wait_of_ours_and_an_unknown_one_are_faults() {
        let one = function("web_sync::sys::futex::sleep", &[], 1);
        let two = function("web_sync::raw::mutex::lock", &[], 1);
        let other = function("somebody::waits", &[], 1);
        assert!(waits(&graph(std::slice::from_ref(&one), &[])).is_empty());
        assert_eq!(waits(&graph(&[one.clone(), two], &[])).len(), 1);
        assert_eq!(waits(&graph(&[one, other], &[])).len(), 1);
        assert_eq!(waits(&graph(&[], &[])).len(), 1);
    }

    #[test]
    fn a_release_that_waits_or_allocates_is_a_fault() {
        let functions = [
            function("release_a", &[1], 0),
            function("middle", &[2, 3], 0),
            function("web_sync::sys::futex::sleep", &[], 1),
            function("__rustc::__rust_alloc", &[], 0),
            function("release_b", &[5], 0),
            function("core::panicking::panic", &[3], 0),
        ];
        let graph = graph(&functions, &[("release_a", 0), ("release_b", 4)]);
        let (count, wrong) = releases(&graph);
        assert_eq!(count, 2);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("release_a -> middle -> "), "{wrong:?}");
    }

    #[test]
    fn what_may_allocate_may_not_wait() {
        let functions = [
            function("waitless_a", &[1, 2], 0),
            function("__rustc::__rust_alloc", &[], 0),
            function("web_sync::sys::futex::sleep", &[], 1),
            function("waitless_b", &[1], 0),
        ];
        let graph = graph(&functions, &[("waitless_a", 0), ("waitless_b", 3)]);
        let (count, wrong) = releases(&graph);
        assert_eq!((count, wrong.len()), (2, 1), "{wrong:?}");
    }

    #[test]
    fn a_seeded_fault_that_is_not_seen_is_a_fault() {
        let functions = [
            function("seeded_wait", &[], 0),
            function("release_x", &[], 0),
        ];
        let graph = graph(&functions, &[("seeded_wait", 0), ("release_x", 1)]);
        assert_eq!(releases(&graph).1.len(), 1);
    }

    #[test]
    fn an_allocator_reaches_nothing_that_it_must_not() {
        let mut pointer = function("calls", &[], 0);
        pointer.indirect = 1;
        let functions = [
            function("pure_a", &[1], 0),
            function("clean", &[], 0),
            function("pure_b", &[3, 4, 5, 6], 0),
            function("import env.x", &[], 0),
            function("core::panicking::panic", &[], 0),
            function("waits", &[], 1),
            pointer,
            function("impure_panic", &[1], 0),
        ];
        let wrong = |exports| pure(&graph(&functions, exports)).1.len();
        assert_eq!(wrong(&[("pure_a", 0)]), 0);
        assert_eq!(wrong(&[("pure_b", 2)]), 4);
        assert_eq!(wrong(&[("pure_a", 0), ("impure_panic", 7)]), 1);
        assert_eq!(wrong(&[]), 1);
    }

    #[test]
    fn an_allocator_that_sleeps_does_so_in_one_function() {
        let functions = [
            function("sleeping_a", &[2], 0),
            function("sleeping_b", &[3], 0),
            function("web_sync::sys::backend::sleep", &[], 1),
            function("somebody::waits", &[], 1),
            function("sleeping_c", &[2, 5], 0),
            function("core::panicking::panic", &[], 0),
            function("sleeping_d", &[], 0),
        ];
        let wrong = |exports| pure(&graph(&functions, exports)).1.len();
        assert_eq!(wrong(&[("sleeping_a", 0)]), 0);
        assert_eq!(wrong(&[("sleeping_b", 1)]), 1);
        assert_eq!(wrong(&[("sleeping_c", 4)]), 1);
        assert_eq!(wrong(&[("sleeping_d", 6)]), 1);
    }

    #[test]
    fn a_call_through_a_pointer_needs_a_reason() {
        let mut pointer = function("release_x", &[], 0);
        pointer.indirect = 1;
        let graph = graph(&[pointer], &[("release_x", 0)]);
        assert_eq!(releases(&graph).1.len(), 1);
    }
}
