//! Writes a package whose tests are std's.

use super::examples::examples;
use super::rewrite::{self, Test, World, rewrite};
use super::tables::{SKIPS, Skip, THREADS, TOGETHER, Together};
use crate::project::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A generated package.
pub struct Package {
    /// Its folder.
    pub folder: PathBuf,
    /// Its test programs.
    pub programs: Vec<Program>,
    /// Tests that are left out: how many, and why.
    pub left_out: Vec<(usize, String)>,
    /// Every test of every file of std, for the tables to be compared with.
    seen: BTreeMap<String, Vec<String>>,
}

/// A test program.
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its tests, as the harness calls them.
    pub tests: Vec<String>,
}

/// Where the examples are.
const EXAMPLES: &str = "examples";

/// std's sources.
struct Library {
    root: PathBuf,
}

/// On the web nobody sees what examples print, and std prints under a lock: one that a worker holds would trap on a main thread.
const PRINTING: &str = r#"
#[cfg(target_family = "wasm")]
#[allow(unused_macros, reason = "not every example prints")]
macro_rules! println {
    () => {};
    ($($what:tt)*) => {{ let _ = format!($($what)*); }};
}
#[cfg(target_family = "wasm")]
#[allow(unused_macros, reason = "as above")]
macro_rules! print {
    ($($what:tt)*) => {{ let _ = format!($($what)*); }};
}
"#;

impl Library {
    fn read(&self, file: &str) -> Result<String, String> {
        let path = self.root.join(file);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The Rust files in a folder and those below it, by their paths from `library/std` on.
    fn files(&self, folder: &str) -> Result<Vec<String>, String> {
        let path = self.root.join(folder);
        let entries = std::fs::read_dir(&path);
        let entries = entries.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut files = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files.extend(self.files(&name)?);
            } else if name.ends_with(".rs") {
                files.push(name);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Writes the package for a world, from the sources in `library` (a toolchain's `library/std`).
///
/// # Errors
/// When a file cannot be read or written, or when the tables do not fit the sources.
pub fn generate(project: &Project, library: &Path, world: World) -> Result<Package, String> {
    let library = Library {
        root: library.to_owned(),
    };
    let folder = project.target.join("std-suite").join(match world {
        World::Native => "native",
        World::Web(_) => "web",
    });
    let mut package = Package {
        folder,
        programs: Vec::new(),
        left_out: Vec::new(),
        seen: BTreeMap::new(),
    };
    let _ = std::fs::remove_dir_all(package.folder.join("tests"));
    package.write("Cargo.toml", &manifest(project)?)?;
    package.write("src/lib.rs", "")?;
    let lock = std::fs::read_to_string(project.root.join("Cargo.lock"));
    package.write("Cargo.lock", &lock.map_err(|error| error.to_string())?)?;
    package.tests(&library, world)?;
    package.examples(&library, world)?;
    let wrong = outdated(TOGETHER, SKIPS, &package.seen);
    match wrong.is_empty() {
        true => Ok(package),
        false => Err(format!(
            "xtask/src/test/std_suite/tables.rs: {}",
            wrong.join("; ")
        )),
    }
}

impl Package {
    /// How many tests are left out.
    pub fn left_out(&self) -> usize {
        self.left_out.iter().map(|(count, _)| count).sum()
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// `tests/sync`.
    fn tests(&mut self, library: &Library, world: World) -> Result<(), String> {
        const ROOT: &str = "tests/sync/lib.rs";
        let lib = library.read(ROOT)?;
        let multipliers = rewrite::multipliers(&lib);
        let mut modules = BTreeMap::<String, (World, Vec<String>)>::new();
        for file in library.files("tests/sync")? {
            if file == ROOT {
                continue;
            }
            let name = module(&file);
            let (program, world) = program(&name, world);
            let source = library.read(&file)?;
            let cut = |test: &str| skipped(&file, test);
            let rewritten = rewrite(&source, world, &multipliers, cut);
            let tests = self.sort_out(&file, &name, rewritten.tests);
            self.write(&format!("tests/{program}/{name}.rs"), &rewritten.text)?;
            self.program(program).tests.extend(tests);
            let first = || (world, Vec::new());
            let modules = modules.entry(program.to_owned()).or_insert_with(first);
            modules.1.push(name);
        }
        for (program, (world, modules)) in modules {
            let modules: Vec<_> = modules.iter().map(String::as_str).collect();
            let root = rewrite::root(&lib, &modules);
            let root = rewrite(&root, world, &[], |_| None).text;
            self.write(&format!("tests/{program}/main.rs"), &root)?;
        }
        Ok(())
    }

    /// The test program of that name.
    fn program(&mut self, name: &str) -> &mut Program {
        let at = self
            .programs
            .iter()
            .position(|program| program.name == name);
        let at = at.unwrap_or_else(|| {
            self.programs.push(Program {
                name: name.to_owned(),
                tests: Vec::new(),
            });
            self.programs.len() - 1
        });
        &mut self.programs[at]
    }

    /// The examples in `src/sync`: each file is a module of one program.
    fn examples(&mut self, library: &Library, world: World) -> Result<(), String> {
        let (_, world) = program(EXAMPLES, world);
        let mut root = String::new();
        let mut features = BTreeSet::new();
        for file in library.files("src/sync")? {
            let shown = examples(&library.read(&file)?);
            if shown.list.is_empty() {
                continue;
            }
            let name = module(&file);
            let rewritten = rewrite(&shown.module(), world, &[], |test| skipped(&file, test));
            let tests = self.sort_out(&file, &name, rewritten.tests);
            self.program(EXAMPLES).tests.extend(tests);
            for (count, why) in [
                (shown.compiled_only, "are compiled and not run, as in std"),
                (shown.refused, "show what does not compile"),
            ] {
                if count > 0 {
                    self.left_out.push((count, format!("{file}: {why}")));
                }
            }
            features.extend(shown.features);
            root.push_str(&format!("mod {name};\n"));
            self.write(&format!("tests/{EXAMPLES}/{name}.rs"), &rewritten.text)?;
        }
        let features = features.into_iter();
        let features: String = features
            .map(|name| format!("#![feature({name})]\n"))
            .collect();
        self.write(
            &format!("tests/{EXAMPLES}/main.rs"),
            &format!("{features}{PRINTING}{root}"),
        )
    }

    /// The tests of a file that run; keeps count of those that do not.
    fn sort_out(&mut self, file: &str, module: &str, tests: Vec<Test>) -> Vec<String> {
        let names = tests.iter().map(|test| test.name.clone());
        self.seen.insert(file.to_owned(), names.collect());
        let mut run = Vec::new();
        for Test { name, left_out } in tests {
            let name = format!("{module}::{name}");
            match left_out {
                None => run.push(name),
                Some(why) => self.left_out.push((1, format!("{name}: {why}"))),
            }
        }
        run
    }
}

/// The program of a module, and the world with the threads that the program has.
fn program(module: &str, world: World) -> (&str, World) {
    let found = TOGETHER
        .iter()
        .find(|together| together.files.contains(&module));
    let (name, threads) = found.map_or((module, THREADS), |it| (it.program, it.threads));
    match world {
        World::Native => (name, world),
        World::Web(_) => (name, World::Web(threads)),
    }
}

/// Why a test is left out.
fn skipped(file: &str, test: &str) -> Option<String> {
    let mut skips = SKIPS.iter();
    let found = skips.find(|skip| skip.file == file && skip.test == test);
    found.map(|skip| skip.why.to_owned())
}

/// What in the tables is no longer true.
fn outdated(
    together: &[Together],
    skips: &[Skip],
    seen: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in together.iter().flat_map(|it| it.files) {
        if !seen.contains_key(&format!("tests/sync/{file}.rs")) {
            wrong.push(format!("std has no tests/sync/{file}.rs"));
        }
    }
    for Skip { file, test, .. } in skips {
        let tests = seen.get(*file);
        if !tests.is_some_and(|tests| tests.iter().any(|name| name == test)) {
            wrong.push(format!("std has no test `{test}` in {file}"));
        }
    }
    wrong
}

/// The module of a file: its path below `sync`, as one word.
fn module(file: &str) -> String {
    let path = file.split_once("/sync/").map_or(file, |(_, path)| path);
    let path = path.trim_end_matches(".rs");
    match path.strip_suffix("/mod").unwrap_or(path) {
        "mod" => "sync".to_owned(),
        path => path.replace('/', "_"),
    }
}

fn manifest(project: &Project) -> Result<String, String> {
    let ours = project.need("web-sync-as-std")?;
    let bindgen = project.locked("wasm-bindgen-test")?;
    Ok(format!(
        "# Written by `cargo xtask test std-suite`.\n\
         [package]\n\
         name = \"std-suite\"\n\
         version = \"0.0.0\"\n\
         edition = \"2024\"\n\
         publish = false\n\n\
         [workspace]\n\n\
         [dev-dependencies]\n\
         as_std = {{ package = \"web-sync-as-std\", path = {ours:?} }}\n\n\
         [target.'cfg(target_family = \"wasm\")'.dev-dependencies]\n\
         wasm-bindgen-test = \"={bindgen}\"\n\n\
         # The sources are std's.\n\
         [lints.rust]\n\
         warnings = \"allow\"\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_after_their_files() {
        assert_eq!(module("tests/sync/mutex.rs"), "mutex");
        assert_eq!(module("src/sync/poison/mutex.rs"), "poison_mutex");
        assert_eq!(module("src/sync/mpmc/mod.rs"), "mpmc");
        assert_eq!(module("src/sync/mod.rs"), "sync");
    }

    #[test]
    fn an_entry_that_fits_nothing_is_named() {
        let seen = [("tests/sync/a.rs", &["x", "y"][..]), ("src/sync/a.rs", &[])];
        let seen = seen.map(|(file, tests)| {
            let tests = tests.iter().map(|test| test.to_string()).collect();
            (file.to_owned(), tests)
        });
        let seen = BTreeMap::from(seen);
        let together = |files| Together {
            program: "p",
            files,
            threads: 1,
        };
        let skip = |file, test| Skip {
            file,
            test,
            why: "",
        };

        let good = ([together(&["a"])], [skip("tests/sync/a.rs", "y")]);
        assert!(outdated(&good.0, &good.1, &seen).is_empty());

        let bad = (
            [together(&["b"])],
            [skip("tests/sync/a.rs", "z"), skip("tests/sync/c.rs", "x")],
        );
        assert_eq!(
            outdated(&bad.0, &bad.1, &seen),
            [
                "std has no tests/sync/b.rs",
                "std has no test `z` in tests/sync/a.rs",
                "std has no test `x` in tests/sync/c.rs",
            ]
        );
    }

    #[test]
    fn a_program_has_the_threads_that_it_needs() {
        assert_eq!(program("mutex", World::Native), ("locks", World::Native));
        let (name, world) = program("something_new", World::Web(0));
        assert_eq!((name, world), ("something_new", World::Web(THREADS)));
    }
}
