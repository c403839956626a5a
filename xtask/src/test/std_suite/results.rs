//! What the harnesses print, put together.

use crate::process::Ended;
use crate::report::Outcome;
use std::collections::BTreeSet;

/// The tests of one place.
#[derive(Default)]
pub struct Results {
    /// Where they ran.
    pub place: String,
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
    /// What else went wrong.
    wrong: Vec<String>,
    left_out: usize,
}

impl Results {
    /// None yet.
    pub fn new(place: &str, left_out: usize) -> Self {
        Self {
            place: place.to_owned(),
            left_out,
            ..Self::default()
        }
    }

    /// Adds the tests of which an output tells, and gives those of `expected` of which it does not, sorted.
    pub fn read(&mut self, ended: &Ended, expected: &[String]) -> Vec<String> {
        for line in ended.output.lines() {
            match verdict(line) {
                Some((name, true)) => self.passed.insert(name.to_owned()),
                Some((name, false)) => self.failed.insert(name.to_owned()),
                None => continue,
            };
        }
        let known = |test: &&String| self.passed.contains(*test) || self.failed.contains(*test);
        let unknown = expected.iter().filter(|test| !known(test)).cloned();
        let mut unknown: Vec<_> = unknown.collect();
        unknown.sort();
        if !ended.ok() && unknown.is_empty() && self.failed.is_empty() {
            self.wrong.push(format!("{} after all tests", ended.why()));
        }
        unknown
    }

    /// A program came to an end before its tests had: that is wrong, also where each of these passes alone.
    pub fn interrupted(&mut self, program: &str, ended: &Ended, unknown: &[String]) {
        let why = ended.why();
        self.wrong
            .push(format!("{program}: {why}, before {}", unknown.join(", ")));
    }

    /// A test did not come to its end, and as many others did not come to their beginning.
    pub fn unfinished(&mut self, test: &str, ended: &Ended, others: usize) {
        let why = ended.why();
        let others = match others {
            0 => String::new(),
            _ => format!(", and {others} others did not run"),
        };
        self.wrong
            .push(format!("{test}: did not end: {why}{others}"));
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.failed.iter().map(|test| format!("{test}: failed"));
        failed.chain(self.wrong.iter().cloned())
    }

    fn bad(&self) -> usize {
        self.failed.len() + self.wrong.len()
    }
}

/// Prints the table; the outcome of the job.
pub fn close(all: &[Results], skipped: &[String]) -> Outcome {
    let width = all.iter().map(|one| one.place.len()).max().unwrap_or(0);
    println!("  {:width$}  passed  failed  left out", "");
    for one in all {
        let (passed, failed, left_out) = (one.passed.len(), one.bad(), one.left_out);
        println!(
            "  {:width$}  {passed:6}  {failed:6}  {left_out:8}",
            one.place
        );
    }
    let mut texts = Vec::new();
    for one in all {
        for failure in one.failures() {
            println!("  FAILED on {}: {failure}", one.place);
        }
        texts.push(match one.bad() {
            0 => format!("{}: {}", one.place, one.passed.len()),
            bad => format!("{}: {} and {bad} FAILED", one.place, one.passed.len()),
        });
    }
    texts.extend(skipped.iter().cloned());
    let text = texts.join("; ");
    if all.iter().any(|one| one.bad() > 0 || one.passed.is_empty()) {
        Outcome::Failed(text)
    } else if skipped.is_empty() {
        Outcome::Passed(text)
    } else {
        Outcome::Skipped(text)
    }
}

/// The test of which a line tells, and whether it passed.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, word) = line.trim().strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    match word {
        "ok" => Some((name, true)),
        "FAIL" | "FAILED" => Some((name, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ended(output: &str) -> Ended {
        Ended {
            status: None,
            output: output.to_owned(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn both_harnesses_are_read() {
        assert_eq!(verdict("test a::b ... ok"), Some(("a::b", true)));
        assert_eq!(
            verdict("test a::b - should panic ... ok"),
            Some(("a::b", true))
        );
        assert_eq!(verdict("    test a::b ... FAIL"), Some(("a::b", false)));
        assert_eq!(verdict("test a::b ... FAILED"), Some(("a::b", false)));
        assert_eq!(verdict("test a::b ... ignored, why"), None);
        assert_eq!(verdict("test result: ok. 1 passed; 0 failed"), None);
    }

    #[test]
    fn a_test_without_a_verdict_is_named() {
        let mut results = Results::new("here", 0);
        let expected = ["a", "b", "c"].map(str::to_owned);
        let unknown = results.read(&ended("test a ... ok\ntest b ... FAIL\n"), &expected);
        assert_eq!(unknown, ["c"]);
        results.unfinished("c", &ended(""), 2);
        let failures: Vec<_> = results.failures().collect();
        let hung = "c: did not end: ended after its time limit (0 s), and 2 others did not run";
        assert_eq!(failures, ["b: failed", hung]);
        assert!(matches!(close(&[results], &[]), Outcome::Failed(_)));
    }

    #[test]
    fn nothing_that_ran_is_no_success() {
        assert!(matches!(
            close(&[Results::new("here", 3)], &[]),
            Outcome::Failed(_)
        ));
    }
}
