//! Plays every model, each in a process of its own, so that one that aborts or hangs fails alone; two at a time.

use std::env;
use std::io::{Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use web_sync_loom_tests::{Model, models, play};

/// Names the model that a child process plays.
const PLAY: &str = "--play";
/// A model that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(1_200);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, name] = &arguments[..]
        && flag == PLAY
    {
        let model = models()
            .into_iter()
            .find(|model| model.name == *name)
            .expect("a model's name");
        println!("{} executions", play::play(model));
        return ExitCode::SUCCESS;
    }
    let (mut filters, mut skipped) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--skip" => skipped.extend(rest.next()),
            flag if flag.starts_with('-') => {}
            _ => filters.push(argument),
        }
    }
    let names =
        |names: &[&String], model: &Model| names.iter().any(|name| model.name.contains(*name));
    let wanted =
        |model: &Model| (filters.is_empty() || names(&filters, model)) && !names(&skipped, model);
    let chosen: Vec<Model> = models().into_iter().filter(wanted).collect();
    println!("\nrunning {} tests", chosen.len());
    let failures = play_all(&chosen);
    for (name, output) in &failures {
        println!("\n---- {name} ----\n{output}");
    }
    let word = if failures.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {} failed",
        chosen.len() - failures.len(),
        failures.len()
    );
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Returns the name and the output of each that failed.
fn play_all(chosen: &[Model]) -> Vec<(&'static str, String)> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    // An interpreter has one process.
    let at_once = if cfg!(miri) {
        1
    } else {
        thread::available_parallelism().map_or(1, usize::from)
    };
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(model) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let result = if cfg!(miri) {
                        Ok(format!("{} executions", play::play(*model)))
                    } else {
                        in_a_child(model.name)
                    };
                    let took = start.elapsed().as_secs_f32();
                    let line = match &result {
                        Ok(counted) => format!("ok ({counted}, {took:.2} s)"),
                        Err(_) => format!("FAILED ({took:.2} s)"),
                    };
                    let _ = writeln!(std::io::stdout(), "test {} ... {line}", model.name);
                    if let Err(output) = result {
                        failures.lock().unwrap().push((model.name, output));
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// The last line that the child printed, or all that it printed and how it ended.
fn in_a_child(name: &str) -> Result<String, String> {
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .args([PLAY, name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let mut outputs = [
        Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
        Box::new(child.stderr.take().unwrap()),
    ];
    let (ended, texts) = thread::scope(|scope| {
        let readers = outputs.each_mut().map(|output| {
            scope.spawn(|| {
                let mut text = Vec::new();
                let _ = output.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        let start = Instant::now();
        let ended = loop {
            match child.try_wait().expect("the child is ours") {
                Some(status) if status.success() => break None,
                Some(status) => break Some(status.to_string()),
                None if start.elapsed() > LIMIT => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break Some(format!("hangs: killed after {} s", LIMIT.as_secs()));
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        (
            ended,
            readers.map(|reader| reader.join().unwrap_or_default()),
        )
    });
    let [stdout, stderr] = texts;
    match ended {
        None => Ok(stdout.lines().last().unwrap_or_default().to_owned()),
        Some(why) => Err(format!("{stdout}{stderr}{why}")),
    }
}
