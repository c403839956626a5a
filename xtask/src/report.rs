//! What ran and how it ended: the closing table and the last line of a command.

use crate::process::Ended;
use std::time::{Duration, Instant};

/// How a job ended.
pub enum Outcome {
    /// It ran and all was well; the text says what was seen (numbers of tests, sizes).
    Passed(String),
    /// It ran and something was wrong. The first line stands in the closing table, the others below it.
    Failed(String),
    /// It did not run, and why.
    Skipped(String),
}

impl Outcome {
    /// What was seen, or why not.
    pub fn text(&self) -> &str {
        words(self).1
    }

    /// One outcome of two parts: the worse word, both texts.
    pub fn both(a: (&str, Self), b: (&str, Self)) -> Self {
        let rank = |outcome: &Self| match outcome {
            Self::Passed(_) => 0,
            Self::Skipped(_) => 1,
            Self::Failed(_) => 2,
        };
        let text = format!("{}: {}; {}: {}", a.0, a.1.text(), b.0, b.1.text());
        match rank(&a.1).max(rank(&b.1)) {
            0 => Self::Passed(text),
            1 => Self::Skipped(text),
            _ => Self::Failed(text),
        }
    }
}

/// The jobs of one command.
pub struct Report {
    jobs: Vec<(String, Outcome, Duration)>,
    start: Instant,
}

impl Report {
    /// A report without jobs; its clock starts now.
    pub fn new() -> Self {
        Self {
            jobs: Vec::new(),
            start: Instant::now(),
        }
    }

    /// Runs a job under a header; an `Err` counts as failed.
    pub fn job(&mut self, name: &str, run: impl FnOnce() -> Result<Outcome, String>) {
        header(name);
        let start = Instant::now();
        let outcome = run().unwrap_or_else(Outcome::Failed);
        let took = start.elapsed();
        let (word, text) = words(&outcome);
        println!(
            "── {name}: {word} after {:.1} s: {text}",
            took.as_secs_f32()
        );
        self.jobs.push((name.to_owned(), outcome, took));
    }

    /// Prints the table and the last line; true when nothing failed.
    #[must_use]
    pub fn close(self) -> bool {
        println!("\n━━━ summary (jobs)");
        let width = self.jobs.iter().map(|(name, ..)| name.len()).max();
        let width = width.unwrap_or(0);
        let mut counts = [0; 3];
        for (name, outcome, took) in &self.jobs {
            let (word, text) = words(outcome);
            counts[match outcome {
                Outcome::Passed(_) => 0,
                Outcome::Failed(_) => 1,
                Outcome::Skipped(_) => 2,
            }] += 1;
            let line = text.lines().next().unwrap_or_default();
            println!(
                "  {name:width$}  {word:7}  {:6.1} s  {line}",
                took.as_secs_f32()
            );
        }
        // Where a log is cut, its end is what is left: so once more what failed said.
        for (name, outcome, _) in &self.jobs {
            let mut lines = outcome.text().lines().skip(1).peekable();
            if lines.peek().is_some() {
                println!("  {name}:");
            }
            lines.for_each(|line| println!("    {line}"));
        }
        let [passed, failed, skipped] = counts;
        println!("  total {:.0} s", self.start.elapsed().as_secs_f32());
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}

fn words(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Passed(text) => ("passed", text),
        Outcome::Failed(text) => ("FAILED", text),
        Outcome::Skipped(text) => ("skipped", text),
    }
}

/// A line that says what starts now.
pub fn header(name: &str) {
    println!("\n━━━ {name}");
}

/// Tests that ran: how many passed, how many failed, which binaries were the failing ones.
#[derive(Default)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed, as far as they could be counted.
    pub failed: u32,
    /// What went wrong, one text per failing run.
    pub wrong: Vec<String>,
    /// The last lines of the failing runs.
    said: Vec<String>,
}

/// How many lines of a failing run are shown again at the end: so many that tell what went wrong, and so many that come last.
const SAID: usize = 30;
/// Words of those that tell.
const TELLING: &[&str] = &[
    "FAILED",
    "panicked at",
    "error: ",
    "error[",
    "signal:",
    "WARNING: ThreadSanitizer",
    "ERROR: AddressSanitizer",
    "time limit",
];

impl Tally {
    /// Adds every `test result: …` line of a test program's output; true when there was one.
    pub fn add(&mut self, output: &str) -> bool {
        let mut found = false;
        for line in output.lines() {
            let Some(rest) = line.trim_start().strip_prefix("test result:") else {
                continue;
            };
            found = true;
            self.passed += number_before(rest, " passed");
            self.failed += number_before(rest, " failed");
        }
        found
    }

    /// Adds a run that failed.
    pub fn fail(&mut self, what: &str, ended: &Ended) {
        self.wrong.push(format!("{what}: {}", ended.why()));
        let lines = || ended.output.lines().filter(|line| !line.trim().is_empty());
        let tells = |line: &&str| TELLING.iter().any(|word| line.contains(word));
        let mut said: Vec<_> = lines().filter(tells).take(SAID).collect();
        let mut last: Vec<_> = lines().rev().take(SAID).collect();
        last.reverse();
        said.push("…");
        said.append(&mut last);
        self.said
            .push(format!("\n{what} said\n{}", said.join("\n")));
    }

    /// The outcome: a run without a single test has failed, since nothing was seen to work.
    pub fn outcome(self) -> Outcome {
        let Self {
            passed,
            failed,
            wrong,
            said,
        } = self;
        if failed > 0 || !wrong.is_empty() {
            let (wrong, said) = (wrong.join("; "), said.concat());
            return Outcome::Failed(format!(
                "{passed} tests passed, {failed} failed: {wrong}{said}"
            ));
        }
        if passed == 0 {
            return Outcome::Failed("no test ran".into());
        }
        Outcome::Passed(format!("{passed} tests"))
    }
}

fn number_before(text: &str, word: &str) -> u32 {
    let end = text.find(word).unwrap_or(0);
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let mut tally = Tally::default();
        assert!(tally.add("x\ntest result: ok. 12 passed; 0 failed; 1 ignored\ny"));
        assert!(tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored"));
        assert!(!tally.add("nothing"));
        assert_eq!((tally.passed, tally.failed), (15, 2));
        assert!(matches!(tally.outcome(), Outcome::Failed(_)));
    }

    #[test]
    fn what_went_wrong_is_said_again() {
        let ended = crate::process::Step::new("sh")
            .args(["-c", "echo test a ... FAILED; seq 100; exit 3"])
            .limit(60)
            .quiet()
            .run()
            .unwrap();
        let mut tally = Tally::default();
        tally.fail("it", &ended);
        let Outcome::Failed(text) = tally.outcome() else {
            panic!("it failed");
        };
        assert!(
            text.contains("test a ... FAILED")
                && text.ends_with("\n100")
                && !text.contains("\n50\n")
        );
    }

    #[test]
    fn a_run_without_tests_fails() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 0 passed; 0 failed");
        assert!(matches!(tally.outcome(), Outcome::Failed(_)));
    }
}
