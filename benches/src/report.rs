//! Results: rows of figures as JSON, and lines of progress.

use crate::rounds::Column;
use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use std::fmt::Write;
use wasm_bindgen::{JsCast, JsValue};

/// What a number means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A time or a size.
    Low,
    /// A share.
    High,
}

/// What a row is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What is done.
    pub case: &'a str,
    /// Under which circumstances.
    pub cell: &'a str,
    /// In which unit.
    pub unit: &'a str,
    /// Which end is the bad one.
    pub better: Better,
}

/// All rows so far.
pub struct Report {
    rows: Vec<String>,
    notes: Vec<String>,
    progress: Function,
}

impl Report {
    /// An empty one; `progress` is called with each line of progress.
    pub fn new(progress: Function) -> Self {
        let (rows, notes) = (Vec::new(), Vec::new());
        Self {
            rows,
            notes,
            progress,
        }
    }

    /// Tells who waits what is going on.
    pub fn progress(&self, line: &str) {
        let _ = self.progress.call1(&JsValue::UNDEFINED, &line.into());
    }

    /// Says what is tried on the main thread, which may be the last that this page says; empty: it went well.
    pub async fn attempt(&self, name: &str) {
        let posted = self
            .progress
            .call2(&JsValue::UNDEFINED, &name.into(), &JsValue::TRUE);
        if let Ok(promise) = posted.and_then(|posted| posted.dyn_into::<Promise>()) {
            let _ = JsFuture::from(promise).await;
        }
    }

    /// Adds a row: of all samples the median, and the 99th percentile and the extreme at the bad end; of the rounds' medians how
    /// far they lie apart, as half their interquartile range over their median.
    pub fn add(&mut self, about: Subject<'_>, rival: &str, rounds: &[Vec<f64>]) {
        let all = Sorted::new(rounds.iter().flatten().copied(), about.better);
        let medians = rounds.iter().map(|round| {
            let round = Sorted::new(round.iter().copied(), about.better);
            round.median()
        });
        let medians = Sorted::new(medians, Better::Low);
        let spread = (medians.at(0.75) - medians.at(0.25)) / 2.0 / medians.median();
        let mut row = names(about, rival);
        let figures = [
            ("p50", all.median()),
            ("p99", all.at(0.99)),
            ("max", all.at(1.0)),
            ("noise", if spread.is_finite() { spread } else { 0.0 }),
        ];
        for (name, figure) in figures {
            let _ = write!(row, ",\"{name}\":{figure}");
        }
        let _ = write!(row, ",\"rounds\":{}}}", rounds.len());
        self.rows.push(row);
    }

    /// Adds each column by `figure`, or says why it failed.
    pub fn add_columns<S>(
        &mut self,
        about: Subject<'_>,
        columns: &[Column<S>],
        figure: impl Fn(&S) -> f64,
    ) {
        for column in columns {
            match &column.failed {
                Some(why) => self.add_note(about, column.rival, why),
                None => {
                    let rounds = column.rounds.iter();
                    let rounds: Vec<Vec<f64>> = rounds
                        .map(|round| round.iter().map(&figure).collect())
                        .collect();
                    self.add(about, column.rival, &rounds);
                }
            }
        }
    }

    /// Adds a note in place of a row that has no figures.
    pub fn add_note(&mut self, about: Subject<'_>, rival: &str, note: &str) {
        let mut row = names(about, rival);
        let _ = write!(row, ",\"note\":{}}}", quoted(note));
        self.notes.push(row);
    }

    /// Everything: `{"rows": […], "notes": […]}`.
    pub fn json(&self) -> String {
        let [rows, notes] = [&self.rows, &self.notes].map(|list| list.join(",\n"));
        format!("{{\"rows\":[{rows}],\n\"notes\":[{notes}]}}")
    }
}

/// The beginning of a row.
fn names(about: Subject<'_>, rival: &str) -> String {
    let [case, rival] = [about.case, rival].map(quoted);
    let [cell, unit] = [about.cell, about.unit].map(quoted);
    format!("{{\"case\":{case},\"rival\":{rival},\"cell\":{cell},\"unit\":{unit}")
}

fn quoted(text: &str) -> String {
    String::from(js_sys::JSON::stringify(&text.into()).expect("a string is JSON"))
}

/// Samples from the best to the worst.
struct Sorted(Vec<f64>);

impl Sorted {
    fn new(samples: impl Iterator<Item = f64>, better: Better) -> Self {
        let mut samples: Vec<_> = samples.collect();
        assert!(!samples.is_empty(), "a round without a sample");
        samples.sort_by(f64::total_cmp);
        if better == Better::High {
            samples.reverse();
        }
        Self(samples)
    }

    fn median(&self) -> f64 {
        let half = self.0.len() / 2;
        match self.0.len() % 2 {
            0 => (self.0[half - 1] + self.0[half]) / 2.0,
            _ => self.0[half],
        }
    }

    /// The first sample that `share` of all are not worse than.
    fn at(&self, share: f64) -> f64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0[rank.max(1) - 1]
    }
}
