//! The targets of each group, as functions over the rows. A row that a target needs and that is absent is a miss.

use super::rows::{Row, names, number};

/// The groups of benchmarks.
pub const GROUPS: &[&str] = &["locks", "channels", "alloc"];

/// This crate's name among the rivals.
const OURS: &str = "web-sync";

/// Accesses without a lock, the floor.
const RAW: &str = "raw";

/// How many times dlmalloc's memory we may hold after the same work. (With 64 blocks for each agent dlmalloc holds a page or two, and we
/// at least the 256 KiB by which the memory grows at a time: that is a figure, but no target.)
const HELD: &[(&str, f64)] = &[
    ("churn, 4 workers, 16384 blocks each", 1.5),
    ("phases, 4 workers in turn", 1.5),
    ("larson, 4 workers", 2.5),
];

/// By how many bytes a module with each of our allocators may be larger than with std's.
const OVER_STD: &[(&str, f64)] = &[(OURS, 1024.0), ("web-sync NeverWait", 2048.0)];

/// A target and whether it is met.
pub struct Judged {
    /// Is it?
    pub met: bool,
    /// What was asked, what was measured.
    pub text: String,
}

/// Compares one browser's rows with the group's targets.
pub fn judge(group: &str, browser: &str, rows: &[Row]) -> Vec<Judged> {
    let mut judge = Judge {
        browser,
        rows,
        judged: Vec::new(),
    };
    match group {
        "locks" => judge.locks(),
        "channels" => judge.channels(),
        "alloc" => judge.alloc(),
        other => unreachable!("group {other} has no targets"),
    }
    judge.judged
}

/// Compares only the sizes of modules with the group's targets.
pub fn code(group: &str, rows: &[Row]) -> Vec<Judged> {
    let mut judge = Judge {
        browser: "size",
        rows,
        judged: Vec::new(),
    };
    match group {
        "locks" => judge.locks_code(),
        "alloc" => judge.alloc_code(),
        other => unreachable!("group {other} has no sizes"),
    }
    judge.judged
}

struct Judge<'a> {
    browser: &'a str,
    rows: &'a [Row],
    judged: Vec<Judged>,
}

impl Judge<'_> {
    fn locks(&mut self) {
        self.times_raw("mutex uncontended", "lock+unlock", 1.05);
        self.times_raw("rwlock uncontended", "read", 1.10);
        for rival in ["std", "parking_lot"] {
            self.not_above("mutex uncontended", "lock+unlock", rival);
            self.not_above("rwlock uncontended", "read", rival);
        }
        for cell in ["cs 0", "cs 20", "cs 200"] {
            self.best("two workers", cell);
            self.least_share(cell, 35.0);
        }
        self.main_thread();
        self.times_raw("condvar ping-pong", "2 workers", 1.1);
        self.times_raw("async resume", "lock_async", 1.3);
        self.times_raw("async resume", "wait_async", 1.3);
        for (cell, bytes) in [("Mutex<()>", 8.0), ("Condvar", 8.0), ("RwLock<()>", 12.0)] {
            self.at_most("size", cell, "p50", |row| row.p50, bytes);
        }
        self.locks_code();
    }

    fn locks_code(&mut self) {
        self.not_above("code", "Mutex+RwLock+Condvar", "parking_lot");
    }

    fn channels(&mut self) {
        for kind in ["unbounded", "bounded(128)"] {
            for senders in ["1 to 1", "2 to 1"] {
                self.faster_than_best("throughput", &format!("{kind}, {senders}"), 1.5);
            }
            self.best("ping-pong", kind);
        }
        self.times_raw("worker to main", "recv_async", 1.2);
        self.at_most("worker to main", "recv", "p50", |row| row.p50, 10.0);
        for cell in ["OnceLock::get", "LazyLock, dereferenced"] {
            self.not_above("made value", cell, RAW);
        }
    }

    /// How many times as fast as std's allocator, for 1, 2 and 4 agents; how rarely the main thread is late; how much memory is held; how
    /// large a module is.
    fn alloc(&mut self) {
        for (case, factors) in [
            ("churn", [8.0, 15.0, 15.0]),
            ("producer/consumer", [2.0, 4.0, 4.0]),
            ("larson", [2.0, 3.0, 4.0]),
        ] {
            for (cell, factor) in ["1 worker", "2 workers", "4 workers"]
                .into_iter()
                .zip(factors)
            {
                self.times_as_fast(case, cell, "std", factor);
            }
        }
        for limit in ["100 us", "10 ms"] {
            let case = format!("main thread, over {limit}");
            self.times_rarer(&case, "3 workers", "std", 10.0);
        }
        for (cell, factor) in HELD {
            self.times_held(cell, *factor);
        }
        self.alloc_code();
    }

    fn alloc_code(&mut self) {
        for (rival, more) in OVER_STD {
            self.not_larger("code", "Box+Vec", rival, *more);
        }
    }

    /// Our share is at most the rival's divided by `factor`. Where the rival has none, we may have none.
    fn times_rarer(&mut self, case: &str, cell: &str, rival: &str, factor: f64) {
        let Some(theirs) = self.row(case, cell, rival) else {
            return self.absent(case, cell, rival);
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        // What is late without an allocator is the system's doing.
        let floor = self.row(case, cell, RAW);
        let floor = floor.map_or("not measured".into(), |row| number(row.p50));
        let (our, their) = (number(ours.p50), number(theirs.p50));
        let unit = &ours.unit;
        let target = match theirs.p50 {
            0.0 => "none".into(),
            _ => format!("{factor} times rarer"),
        };
        let text = format!(
            "{case}, {cell}: {our} {unit}, {rival} {their}, without an allocator {floor} (target: {target})"
        );
        self.say(ours.p50 * factor <= theirs.p50, text);
    }

    /// The memory that we hold is at most dlmalloc's times `factor`.
    fn times_held(&mut self, cell: &str, factor: f64) {
        let (case, rival) = ("held", "dlmalloc");
        let Some(theirs) = self.row(case, cell, rival) else {
            return self.absent(case, cell, rival);
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let text = format!(
            "{case}, {cell}: {} {}, {rival} {} (x{:.2}, target x{factor})",
            number(ours.p50),
            ours.unit,
            number(theirs.p50),
            ours.p50 / theirs.p50
        );
        self.say(ours.p50 <= theirs.p50 * factor, text);
    }

    /// The rival's module is at most `more` bytes larger than std's.
    fn not_larger(&mut self, case: &str, cell: &str, rival: &str, more: f64) {
        let Some(std) = self.row(case, cell, "std") else {
            return self.absent(case, cell, "std");
        };
        let Some(ours) = self.row(case, cell, rival) else {
            return self.absent(case, cell, rival);
        };
        let text = format!(
            "{case}, {cell}: {rival} {} bytes, std {} ({:+} bytes, target at most {more:+})",
            ours.p50,
            std.p50,
            ours.p50 - std.p50
        );
        self.say(ours.p50 <= std.p50 + more, text);
    }

    /// Our median is at most the rival's divided by `factor`.
    fn times_as_fast(&mut self, case: &str, cell: &str, rival: &str, factor: f64) {
        let Some(theirs) = self.row(case, cell, rival) else {
            return self.absent(case, cell, rival);
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let times = theirs.p50 / ours.p50;
        let text = format!(
            "{case}, {cell}: {} {}, {rival} {} (x{times:.1}, target x{factor})",
            number(ours.p50),
            ours.unit,
            number(theirs.p50)
        );
        self.say(times >= factor, text);
    }

    fn row(&self, case: &str, cell: &str, rival: &str) -> Option<Row> {
        let mut rows = self.rows.iter();
        let found = rows.find(|row| row.case == case && row.cell == cell && row.rival == rival);
        found.cloned()
    }

    fn say(&mut self, met: bool, text: String) {
        let text = format!("{}: {text}", self.browser);
        self.judged.push(Judged { met, text });
    }

    fn absent(&mut self, case: &str, cell: &str, rival: &str) {
        self.say(false, format!("{case}, {cell}: no figure of {rival}"));
    }

    /// Ours is at most `limit` in one of its columns.
    fn at_most(&mut self, case: &str, cell: &str, what: &str, column: fn(&Row) -> f64, limit: f64) {
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let (value, unit) = (column(&ours), &ours.unit);
        let text = format!(
            "{case}, {cell}: {what} {} {unit}, target {} {unit}",
            number(value),
            number(limit)
        );
        self.say(value <= limit, text);
    }

    /// Our median is at most the bare operations' times `factor`.
    fn times_raw(&mut self, case: &str, cell: &str, factor: f64) {
        let Some(raw) = self.row(case, cell, RAW) else {
            return self.absent(case, cell, RAW);
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let text = format!(
            "{case}, {cell}: {} {}, bare operations {} (x{:.2}, target x{factor:.2})",
            number(ours.p50),
            ours.unit,
            number(raw.p50),
            ours.p50 / raw.p50
        );
        self.say(ours.p50 <= raw.p50 * factor, text);
    }

    /// Our median is not above the rival's, within the noise of both.
    fn not_above(&mut self, case: &str, cell: &str, rival: &str) {
        let Some(theirs) = self.row(case, cell, rival) else {
            return self.absent(case, cell, rival);
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let noise = ours.noise.max(theirs.noise);
        let text = format!(
            "{case}, {cell}: {} {}, {rival} {} (noise {:.0} %)",
            number(ours.p50),
            ours.unit,
            number(theirs.p50),
            noise * 100.0
        );
        self.say(ours.p50 <= theirs.p50 * (1.0 + noise), text);
    }

    /// Our median is not above the best rival's, within the noise of both.
    fn best(&mut self, case: &str, cell: &str) {
        match self.best_rival(case, cell) {
            Some(best) => self.not_above(case, cell, &best.rival),
            None => self.absent(case, cell, "any rival"),
        }
    }

    /// Our median, a time, is the best rival's divided by `factor`.
    fn faster_than_best(&mut self, case: &str, cell: &str, factor: f64) {
        let Some(best) = self.best_rival(case, cell) else {
            return self.absent(case, cell, "any rival");
        };
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let text = format!(
            "{case}, {cell}: {} {}, {} {} (x{:.2}, target x{factor:.2})",
            number(ours.p50),
            ours.unit,
            best.rival,
            number(best.p50),
            best.p50 / ours.p50
        );
        self.say(ours.p50 * factor <= best.p50, text);
    }

    /// The row with the best median of those that are not ours. The bare operations are no rival.
    fn best_rival(&self, case: &str, cell: &str) -> Option<Row> {
        let rivals = self
            .rows
            .iter()
            .filter(|row| row.case == case && row.cell == cell);
        let rivals = rivals.filter(|row| !row.rival.starts_with(OURS) && row.rival != RAW);
        rivals.min_by(|a, b| a.p50.total_cmp(&b.p50)).cloned()
    }

    /// The smaller side got at least `percent` of the acquisitions.
    fn least_share(&mut self, cell: &str, percent: f64) {
        let case = "two workers share";
        let Some(ours) = self.row(case, cell, OURS) else {
            return self.absent(case, cell, OURS);
        };
        let share = number(ours.p50);
        let text = format!("{case}, {cell}: the smaller side got {share} %, target {percent} %");
        self.say(ours.p50 >= percent, text);
    }

    /// p50 of all cells and p99 of most below 0.1 ms plus one critical section; the worst below 20 ms.
    fn main_thread(&mut self) {
        let case = "main thread";
        let mut late = Vec::new();
        let mut cells = 0;
        for workers in ["1 worker", "2 workers", "4 workers", "8 workers"] {
            for (section, length) in [("1 us", 0.001), ("10 us", 0.01)] {
                let cell = format!("{workers}, {section}");
                let limit = 0.1 + length;
                self.at_most(case, &cell, "p50", |row| row.p50, limit);
                self.at_most(case, &cell, "worst", |row| row.max, 20.0);
                cells += 1;
                match self.row(case, &cell, OURS) {
                    Some(row) if row.p99 <= limit => {}
                    Some(row) => late.push(format!("{cell}: {} ms", number(row.p99))),
                    None => late.push(format!("{cell}: no figure")),
                }
            }
        }
        let text = format!(
            "{case}: p99 below 0.1 ms plus one critical section in {} of {cells} cells, target most; above: {}",
            cells - late.len(),
            late.join(", ")
        );
        self.say(late.len() * 2 < cells, text);
        for rival in names(self.rows, |row| &row.rival) {
            let rows = self.rows.iter();
            let rows = rows.filter(|row| row.case == case && row.rival == rival);
            if let Some(worst) = rows.map(|row| row.max).reduce(f64::max) {
                println!(
                    "  {case} in {}: worst of {rival} {} ms",
                    self.browser,
                    number(worst)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &str, cell: &str, rival: &str, p50: f64) -> Row {
        Row {
            case: case.into(),
            rival: rival.into(),
            cell: cell.into(),
            unit: "ns".into(),
            p50,
            p99: p50,
            max: p50,
            rounds: 1,
            noise: 0.0,
        }
    }

    fn with<'a>(rows: &'a [Row], run: impl FnOnce(&mut Judge<'a>)) -> Vec<Judged> {
        let mut judge = Judge {
            browser: "x",
            rows,
            judged: Vec::new(),
        };
        run(&mut judge);
        judge.judged
    }

    #[test]
    fn a_target_is_met_or_missed_by_its_figure() {
        let rows = [row("c", "1", RAW, 10.0), row("c", "1", OURS, 10.6)];
        assert!(with(&rows, |judge| judge.times_raw("c", "1", 1.1))[0].met);
        let missed = with(&rows, |judge| judge.times_raw("c", "1", 1.05));
        assert!(
            !missed[0].met && missed[0].text.contains("10.6"),
            "{}",
            missed[0].text
        );
    }

    #[test]
    fn noise_widens_the_comparison_with_a_rival() {
        let mut rows = [row("c", "1", "std", 10.0), row("c", "1", OURS, 10.5)];
        assert!(!with(&rows, |judge| judge.best("c", "1"))[0].met);
        rows[0].noise = 0.06;
        assert!(with(&rows, |judge| judge.best("c", "1"))[0].met);
    }

    #[test]
    fn half_as_much_again_is_asked_of_the_best_rival() {
        let mut rows = [
            row("c", "1", "a", 30.0),
            row("c", "1", "b", 15.0),
            row("c", "1", "web-sync mpmc", 5.0),
            row("c", "1", OURS, 10.0),
        ];
        assert!(with(&rows, |judge| judge.faster_than_best("c", "1", 1.5))[0].met);
        rows[3].p50 = 10.1;
        assert!(!with(&rows, |judge| judge.faster_than_best("c", "1", 1.5))[0].met);
    }

    #[test]
    fn late_batches_are_ten_times_rarer_or_absent() {
        let judge = |ours, theirs| {
            let rows = [row("c", "1", "std", theirs), row("c", "1", OURS, ours)];
            let judged = with(&rows, |judge| judge.times_rarer("c", "1", "std", 10.0));
            (judged[0].met, judged[0].text.clone())
        };
        assert!(judge(1.0, 10.0).0 && !judge(1.1, 10.0).0);
        assert!(judge(0.0, 10.0).0);
        let (met, text) = judge(0.0, 0.0);
        assert!(met && text.contains("target: none"), "{text}");
        assert!(!judge(1.0, 0.0).0);
    }

    #[test]
    fn memory_is_compared_with_dlmalloc_s() {
        let mut rows = [
            row("held", "1", "dlmalloc", 4.0),
            row("held", "1", OURS, 6.0),
        ];
        rows[1].unit = "MiB".into();
        assert!(with(&rows, |judge| judge.times_held("1", 1.5))[0].met);
        let missed = with(&rows, |judge| judge.times_held("1", 1.4));
        assert!(
            !missed[0].met && missed[0].text.contains("6.00 MiB, dlmalloc 4.00 (x1.50"),
            "{}",
            missed[0].text
        );
    }

    #[test]
    fn a_module_may_be_some_bytes_larger() {
        let rows = [
            row("code", "Box+Vec", "std", 9_000.0),
            row("code", "Box+Vec", OURS, 10_024.0),
        ];
        assert!(code("alloc", &rows)[0].met);
        let missed = with(&rows, |judge| {
            judge.not_larger("code", "Box+Vec", OURS, 1023.0)
        });
        assert!(
            !missed[0].met && missed[0].text.contains("+1024 bytes"),
            "{}",
            missed[0].text
        );
    }

    #[test]
    fn an_absent_figure_is_a_miss() {
        for group in GROUPS {
            assert!(judge(group, "x", &[]).iter().all(|judged| !judged.met));
        }
    }

    #[test]
    fn a_small_share_is_a_miss() {
        let rows = [row("two workers share", "cs 0", OURS, 34.0)];
        assert!(!with(&rows, |judge| judge.least_share("cs 0", 35.0))[0].met);
    }
}
