//! Rows of figures: from the page, to CSV, to the terminal.

use super::write;
use crate::footprint::{Comparison, Size};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One figure: a rival in a cell of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The case, `main thread`.
    pub case: String,
    /// The rival, `web-sync`.
    pub rival: String,
    /// The cell of the case, `2 workers, 1 us`.
    pub cell: String,
    /// The unit of the figures; less is better.
    pub unit: String,
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The worst.
    pub max: f64,
    /// In how many rounds it was measured.
    pub rounds: u32,
    /// The relative spread of the rounds' medians.
    pub noise: f64,
}

/// What one browser has measured.
pub struct Stored {
    /// The group of cases.
    pub group: String,
    /// The browser's name.
    pub browser: String,
    /// Machine, browser, compiler, date.
    pub header: Vec<String>,
    /// The figures.
    pub rows: Vec<Row>,
    /// Why there are none: a line for each.
    pub notes: Vec<String>,
}

impl Row {
    /// The size of a module, as a row.
    pub fn code(comparison: &Comparison, size: &Size) -> Self {
        let bytes = (comparison.bytes)(size) as f64;
        Self {
            case: "code".into(),
            rival: size.rival.into(),
            cell: comparison.program.into(),
            unit: "bytes".into(),
            p50: bytes,
            p99: bytes,
            max: bytes,
            rounds: 1,
            noise: 0.0,
        }
    }
}

/// The rows of a report: `{"rows": […]}`, or the list itself.
///
/// # Errors
/// When a row lacks a name or its median, or there is no row.
pub fn read(report: &Value) -> Result<Vec<Row>, String> {
    let list = report.get("rows").unwrap_or(report);
    let list = list.as_array().ok_or("the report has no rows")?;
    if list.is_empty() {
        return Err("the report has no rows".into());
    }
    list.iter().map(read_row).collect()
}

/// The notes of a report: what has no figures, and why.
pub fn notes(report: &Value) -> Vec<String> {
    let notes = report["notes"].as_array();
    let note = |note: &Value| {
        let [case, cell, rival, text] =
            ["case", "cell", "rival", "note"].map(|name| note[name].as_str().unwrap_or("?"));
        format!("{case}, {cell}: {rival}: {text}")
    };
    notes.into_iter().flatten().map(note).collect()
}

fn read_row(row: &Value) -> Result<Row, String> {
    let text = |name: &str| {
        let text = row[name].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("a row without `{name}`: {row}"))
    };
    let number = |name: &str| row[name].as_f64();
    let p50 = number("p50").ok_or_else(|| format!("a row without `p50`: {row}"))?;
    Ok(Row {
        case: text("case")?,
        rival: text("rival")?,
        cell: text("cell")?,
        unit: text("unit")?,
        p50,
        p99: number("p99").unwrap_or(p50),
        max: number("max").unwrap_or(p50),
        rounds: number("rounds").unwrap_or(1.0) as u32,
        noise: number("noise").unwrap_or(0.0),
    })
}

impl Stored {
    /// Writes `<group>-<browser>.csv`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let name = format!("{}-{}.csv", self.group, self.browser);
        write(&folder.join(&name), &self.csv())?;
        println!("  figures: benches/results/{name}");
        Ok(())
    }

    fn csv(&self) -> String {
        let header = self.header.iter().map(|line| format!("# {line}\n"));
        let mut text: String = header.collect();
        text.extend(self.notes.iter().map(|note| format!("# {note}\n")));
        text.push_str("case,rival,cell,unit,p50,p99,max,rounds,noise\n");
        for row in &self.rows {
            let words = [&row.case, &row.rival, &row.cell, &row.unit].map(|word| field(word));
            let numbers = [row.p50, row.p99, row.max].map(|number| format!("{number:.6}"));
            let (words, numbers) = (words.join(","), numbers.join(","));
            text.push_str(&format!(
                "{words},{numbers},{},{:.4}\n",
                row.rounds, row.noise
            ));
        }
        text
    }
}

fn field(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// The names of one kind, in the order of their first appearance.
pub fn names<'a>(rows: &'a [Row], name: impl Fn(&'a Row) -> &'a str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for row in rows {
        if !names.contains(&name(row)) {
            names.push(name(row));
        }
    }
    names
}

/// Prints one table per case: a line per cell, a column per rival, `p50 / p99 / max`.
pub fn print(rows: &[Row]) {
    for case in names(rows, |row| &row.case) {
        let of: Vec<Row> = rows
            .iter()
            .filter(|row| row.case == case)
            .cloned()
            .collect();
        println!("\n  {case} [{}]: p50 / p99 / max", of[0].unit);
        let by: BTreeMap<_, _> = of
            .iter()
            .map(|row| ((&*row.cell, &*row.rival), row))
            .collect();
        let rivals = names(&of, |row| &row.rival);
        let cells = names(&of, |row| &row.cell);
        let texts = |cell: &str| -> Vec<String> {
            let text = |rival: &&str| match by.get(&(cell, *rival)) {
                Some(row) => figures(row),
                None => "-".to_owned(),
            };
            rivals.iter().map(text).collect()
        };
        let table: Vec<(&str, Vec<String>)> =
            cells.iter().map(|cell| (*cell, texts(cell))).collect();
        let first = cells.iter().map(|cell| cell.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..rivals.len())
            .map(|at| {
                let texts = table.iter().map(|(_, texts)| texts[at].len());
                texts.max().unwrap_or(0).max(rivals[at].len())
            })
            .collect();
        let line = |texts: &mut dyn Iterator<Item = &str>| -> String {
            let texts = texts.zip(&widths);
            texts
                .map(|(text, width)| format!("  {text:>width$}"))
                .collect()
        };
        println!("    {:first$}{}", "", line(&mut rivals.iter().copied()));
        for (cell, texts) in &table {
            println!(
                "    {cell:first$}{}",
                line(&mut texts.iter().map(String::as_str))
            );
        }
    }
}

fn figures(row: &Row) -> String {
    if row.p50 == row.p99 && row.p50 == row.max {
        return number(row.p50);
    }
    let numbers = [row.p50, row.p99, row.max].map(number);
    numbers.join(" / ")
}

/// A number with three significant digits.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_read_and_stored() {
        let report = json!({"rows": [{"case": "a", "rival": "b", "cell": "1 worker, 1 us",
            "unit": "ms", "p50": 1.5, "p99": 2.0, "max": 3.0, "rounds": 5}]});
        let rows = read(&report).expect("valid");
        assert_eq!(rows[0].max, 3.0);
        let stored = Stored {
            group: "g".into(),
            browser: "x".into(),
            header: vec!["date: today".into()],
            rows,
            notes: notes(
                &json!({"notes": [{"case": "a", "cell": "c", "rival": "d", "note": "traps"}]}),
            ),
        };
        let csv = stored.csv();
        assert!(
            csv.starts_with("# date: today\n# a, c: d: traps\ncase,"),
            "{csv}"
        );
        assert!(
            csv.contains("a,b,\"1 worker, 1 us\",ms,1.500000,2.000000,3.000000,5,0.0000"),
            "{csv}"
        );
    }

    #[test]
    fn rows_without_a_median_are_refused() {
        let report = json!([{"case": "a", "rival": "b", "cell": "c", "unit": "ms"}]);
        assert!(read(&report).expect_err("no median").contains("p50"));
        assert!(read(&json!({"rows": []})).is_err());
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [0.0, 0.01234, 0.1234, 1.234, 12.34, 1234.0]
                .map(number)
                .join(" "),
            "0 0.0123 0.123 1.23 12.3 1234"
        );
    }
}
