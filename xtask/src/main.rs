//! The project's commands; `cargo xtask help` lists them.

mod args;
mod bench;
mod browser;
mod callgraph;
mod demo;
mod footprint;
mod http;
mod install;
mod page;
mod process;
mod project;
mod report;
mod test;
mod tidy;
mod toolchain;
mod wasm;
mod webdriver;

use std::process::ExitCode;

const HELP: &str = "\
The project's commands.

  cargo xtask demo [--check] [--port N] [--browser LIST]
      Builds the demo with threads, serves it, prints its URL.
      --check: opens it in headless browsers instead (chromium,firefox), prints what it
      reports, takes a screenshot and ends with one line and an exit code.

  cargo xtask bench [GROUP…] [--browser LIST] [--rounds N] [--check | --case NAME]
      Measures in browsers, and allocators in Node as well (LIST: chromium,firefox,node);
      writes tables, CSV and a plot under benches/results.
      --check: compares with the targets and names each miss.
      --case: only the cases whose names begin so; keeps no figures.

  cargo xtask tidy [--sources]
      Layers, comments, sizes of files, rustfmt, clippy, rustdoc.
      --sources: only the rules about sources, which take no build.

  cargo xtask size [locks] [alloc] [--check] [--functions N]
      The code size of a module with the three locks, beside other locks, and the size of one
      with a few boxes and vectors for each allocator.
      --functions: names the N largest functions of each.

  cargo xtask test [JOB…] [--only TEXT]
      Runs the jobs named, or all that this machine can run, and installs what they need.
      --only: of the test programs, only those whose name contains TEXT.
      Jobs:
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next();
    let rest: Vec<String> = args.collect();
    let done = match verb.as_deref() {
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}{}", test::help());
            Ok(true)
        }
        Some("test") => test::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("demo") => demo::run(&rest),
        Some("tidy") => tidy::run(&rest),
        Some("size") => footprint::size(&rest),
        Some(verb) => Err(format!(
            "there is no command `{verb}`; `cargo xtask help` lists them"
        )),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("cargo xtask: {message}");
            ExitCode::from(2)
        }
    }
}
