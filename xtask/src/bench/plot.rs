//! The figures as one SVG: a panel per case, a column per browser; bars for medians, thin lines up to p99 and the worst, on a
//! logarithmic scale.

use super::rows::{Row, Stored, names, number};
use std::fmt::Write;

const LEFT: f64 = 170.0;
const COLUMN: f64 = 400.0;
const BAR: f64 = 9.0;
const GAP: f64 = 8.0;

/// Colours of the rivals that are always there; others take the rest in turn.
const COLOURS: &[(&str, &str)] = &[
    ("web-sync", "#d9480f"),
    ("raw", "#868e96"),
    ("std", "#1971c2"),
    ("parking_lot", "#2f9e44"),
    ("wasm_safe_mutex", "#9c36b5"),
    ("wasm_sync", "#e8a400"),
    ("async-lock", "#0c8599"),
];
const OTHERS: &[&str] = &[
    "#5c940d", "#a61e4d", "#364fc7", "#5f3dc4", "#087f5b", "#862e9c", "#e67700", "#495057",
    "#c2255c", "#1098ad", "#74b816",
];

/// Draws the runs, one column each.
pub fn svg(runs: &[Stored]) -> String {
    let all: Vec<Row> = runs.iter().flat_map(|run| run.rows.clone()).collect();
    let rivals = names(&all, |row| &row.rival);
    let width = LEFT + COLUMN * runs.len() as f64 + 20.0;
    let mut body = String::new();
    let mut y = 24.0;
    y = legend(&mut body, &rivals, y, width);
    for (at, run) in runs.iter().enumerate() {
        let x = LEFT + COLUMN * at as f64;
        let browser = run
            .header
            .iter()
            .find_map(|line| line.strip_prefix("browser: "));
        let title = version(browser.unwrap_or(&run.browser));
        text(&mut body, x, y + 44.0, "b", &title);
    }
    y += 70.0;
    for case in names(&all, |row| &row.case) {
        y = panel(&mut body, runs, &all, case, &rivals, y);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {y:.0}\" width=\"{width:.0}\" height=\"{y:.0}\">\n\
         <style>text{{font:11px system-ui,sans-serif;fill:#343a40}}.b{{font-weight:600;font-size:13px}}.s{{font-size:9px;fill:#868e96}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// A browser's name up to its version.
fn version(browser: &str) -> String {
    let words: Vec<&str> = browser.split_whitespace().collect();
    let numbered = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let end = words.iter().position(numbered);
    words[..end.map_or(words.len(), |end| end + 1)].join(" ")
}

/// Returns where its last line is.
fn legend(out: &mut String, rivals: &[&str], mut y: f64, width: f64) -> f64 {
    let mut x = 12.0;
    for rival in rivals {
        let length = 32.0 + 6.5 * rival.len() as f64;
        if x + length > width {
            (x, y) = (12.0, y + 16.0);
        }
        let fill = colour(rival, rivals);
        rect(out, [x, y - 9.0, 10.0, 10.0], fill, 1.0);
        text(out, x + 14.0, y, "", rival);
        x += length;
    }
    let note = "bar: median, lines: p99 and worst; logarithmic, less is better";
    text(out, 12.0, y + 18.0, "s", note);
    y
}

/// One case; returns where the next one starts.
fn panel(
    out: &mut String,
    runs: &[Stored],
    all: &[Row],
    case: &str,
    rivals: &[&str],
    top: f64,
) -> f64 {
    let of: Vec<&Row> = all.iter().filter(|row| row.case == case).collect();
    let values = of
        .iter()
        .flat_map(|row| [row.p50, row.max])
        .filter(|v| *v > 0.0);
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return top;
    }
    let low = 10_f64.powf((low.log10() - 0.3).floor());
    let high = 10_f64.powf((high.log10() + 0.1).ceil());
    let room = COLUMN - 60.0;
    let scale = |value: f64| (value.max(low) / low).log10() / (high / low).log10() * room;
    let title = format!("{case} [{}]", of[0].unit);
    text(out, 12.0, top, "b", &title);
    let mut y = top + 16.0;
    let first = y;
    for cell in names(all, |row| &row.cell) {
        let here = |rival: &&&str| of.iter().any(|r| r.cell == cell && r.rival == **rival);
        let here: Vec<&&str> = rivals.iter().filter(here).collect();
        if here.is_empty() {
            continue;
        }
        text(out, 12.0, y + BAR * here.len() as f64 / 2.0 + 4.0, "", cell);
        for rival in here {
            for (at, run) in runs.iter().enumerate() {
                let x = LEFT + COLUMN * at as f64;
                let wanted = |r: &&Row| r.case == case && r.cell == cell && r.rival == *rival;
                if let Some(row) = run.rows.iter().find(wanted) {
                    bar(out, x, y, row, colour(rival, rivals), scale);
                }
            }
            y += BAR;
        }
        y += GAP;
    }
    for at in 0..runs.len() {
        let x = LEFT + COLUMN * at as f64;
        let mut tick = low;
        while tick <= high * 1.001 {
            let at = x + scale(tick);
            let _ = writeln!(
                out,
                "<path d=\"M{at:.1} {first:.1}V{y:.1}\" stroke=\"#ced4da\" stroke-width=\".5\"/>"
            );
            text(out, at - 6.0, y + 8.0, "s", &number(tick));
            tick *= 10.0;
        }
    }
    y + 36.0
}

fn bar(out: &mut String, x: f64, y: f64, row: &Row, fill: &str, scale: impl Fn(f64) -> f64) {
    let (p50, p99, max) = (scale(row.p50), scale(row.p99), scale(row.max));
    let high = BAR - 2.0;
    rect(out, [x, y, p50.max(1.0), high], fill, 1.0);
    rect(
        out,
        [x + p50, y + high / 2.0 - 1.0, (p99 - p50).max(0.0), 2.0],
        fill,
        0.8,
    );
    rect(
        out,
        [x + p99, y + high / 2.0 - 0.4, (max - p99).max(0.0), 0.8],
        fill,
        0.8,
    );
    let end = x + p50.max(p99).max(max) + 3.0;
    text(out, end, y + high, "s", &number(row.p50));
}

fn colour<'a>(rival: &str, rivals: &[&str]) -> &'a str {
    if let Some((_, colour)) = COLOURS.iter().find(|(name, _)| *name == rival) {
        return colour;
    }
    let at = rivals.iter().position(|name| *name == rival).unwrap_or(0);
    OTHERS[at % OTHERS.len()]
}

fn rect(out: &mut String, [x, y, width, height]: [f64; 4], fill: &str, opacity: f64) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\" opacity=\"{opacity}\"/>"
    );
}

fn text(out: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\"{class}>{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_drawn_and_names_are_escaped() {
        let row = Row {
            case: "size".into(),
            rival: "web-sync".into(),
            cell: "Mutex<()>".into(),
            unit: "bytes".into(),
            p50: 8.0,
            p99: 8.0,
            max: 8.0,
            rounds: 1,
            noise: 0.0,
        };
        let run = Stored {
            group: "locks".into(),
            browser: "x".into(),
            header: Vec::new(),
            rows: vec![row],
            notes: Vec::new(),
        };
        let svg = svg(&[run]);
        assert!(
            svg.contains("Mutex&lt;()>") && svg.contains(">8.00<"),
            "{svg}"
        );
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
