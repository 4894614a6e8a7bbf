//! Timeline: durations and rates as bars, one a segment, the newest at the right; discontinuities and gaps as marks between them.

use crate::draw::{page::Page, paint::Paint, words};
use crate::model::inventory::{Row, State};

/// What stands to the left of the bars.
const LABEL: usize = 16;
/// The widest bar that still looks like one.
const WIDEST_CELL: usize = 6;
const LENGTH_LINES: usize = 2;
const RATE_LINES: usize = 3;
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const BREAK: char = '┆';

/// Where the bar of a segment stands.
struct Cell<'a> {
    row: &'a Row,
    /// First column of the bar, from the end of the label.
    column: usize,
}

/// The picture; nothing where there is nothing to compare.
pub(super) fn timeline(rows: &[Row], page: &Page, paint: Paint) -> Vec<String> {
    if rows.iter().filter(|row| row.duration_s.is_some()).count() < 2 {
        return Vec::new();
    }
    let (cells, cell_width) = lay_out(rows, page.width - LABEL);
    let bar_width = if cell_width > 1 { cell_width - 1 } else { 1 };
    let longest_s = cells.iter().filter_map(|cell| cell.row.duration_s).fold(0.0, f64::max);
    // What is being written has its keyframe and little else so far: its bar may stand over the top.
    let whole = cells.iter().filter(|cell| cell.row.state != State::BeingWritten);
    let peak_bps = whole.filter_map(|cell| cell.row.bitrate_bps).max().unwrap_or(0);

    let mut lines = Vec::new();
    let length = |row: &Row| row.duration_s.map(|duration_s| duration_s / longest_s);
    lines.extend(bars(
        &cells,
        bar_width,
        LENGTH_LINES,
        ["length", &format!("{longest_s:.2} s")],
        paint,
        &length,
    ));
    if peak_bps > 0 {
        let rate = |row: &Row| row.bitrate_bps.map(|bps| bps as f64 / peak_bps as f64);
        let label = ["rate", &format!("{} Mb/s", words::mbps(peak_bps))];
        lines.extend(bars(&cells, bar_width, RATE_LINES, label, paint, &rate));
    }
    lines.push(states(&cells, cell_width, bar_width, paint));
    lines.push(paint.faint(&times(&cells, page)));
    lines
}

/// The newest rows that find room, as wide as they can be.
fn lay_out(rows: &[Row], room: usize) -> (Vec<Cell<'_>>, usize) {
    let breaks = rows.iter().filter(|row| row.discontinuity.is_some()).count();
    let cell_width = (room.saturating_sub(breaks * 2) / rows.len().max(1)).clamp(1, WIDEST_CELL);
    let mut shown = 0;
    let mut needed = 0;
    for row in rows.iter().rev() {
        needed += cell_width + break_width(row);
        if needed > room {
            break;
        }
        shown += 1;
    }
    let mut column = 0;
    let cells = rows[rows.len() - shown..].iter().map(|row| {
        column += break_width(row);
        let cell = Cell { row, column };
        column += cell_width;
        cell
    });
    (cells.collect(), cell_width)
}

/// A mark and a space.
fn break_width(row: &Row) -> usize {
    if row.discontinuity.is_some() { 2 } else { 0 }
}

/// Bars of `lines` lines. `height` is from 0 to 1.
fn bars(
    cells: &[Cell<'_>],
    bar_width: usize,
    lines: usize,
    [what, scale]: [&str; 2],
    paint: Paint,
    height: &dyn Fn(&Row) -> Option<f64>,
) -> Vec<String> {
    let line = |from_top: usize| {
        let label = if from_top == 0 {
            format!("{what} {scale:>width$} ", width = LABEL - what.len() - 2)
        } else {
            " ".repeat(LABEL)
        };
        let mut text = paint.faint(&label);
        let mut end = 0;
        for cell in cells {
            text.push_str(&lead(cell, &mut end, paint));
            let eighths =
                height(cell.row).map_or(0, |height| ((height * lines as f64 * 8.0).round() as usize).max(1));
            let below = (lines - 1 - from_top) * 8;
            let block = EIGHTHS[eighths.saturating_sub(below).min(8)];
            text.push_str(&paint.of(cell.row.state, &block.to_string().repeat(bar_width)));
            end += bar_width;
        }
        text.trim_end().to_owned()
    };
    (0..lines).map(line).collect()
}

/// What stands between the cell before and this one.
fn lead(cell: &Cell<'_>, end: &mut usize, paint: Paint) -> String {
    let spaces = cell.column - *end;
    *end = cell.column;
    if cell.row.discontinuity.is_none() {
        return " ".repeat(spaces);
    }
    // The break stands two columns before the bar.
    format!("{}{} ", " ".repeat(spaces - 2), paint.odd(&BREAK.to_string()))
}

/// One mark a segment: listed, leaving, and so on.
fn states(cells: &[Cell<'_>], cell_width: usize, bar_width: usize, paint: Paint) -> String {
    let mut text = paint.faint(&format!("{:<LABEL$}", "state"));
    let mut end = 0;
    for (index, cell) in cells.iter().enumerate() {
        text.push_str(&lead(cell, &mut end, paint));
        // Segments that stand together in the playlist are one line.
        let goes_on = cells
            .get(index + 1)
            .is_some_and(|next| next.row.state == State::Listed && next.row.discontinuity.is_none());
        let width = if cell.row.state == State::Listed && goes_on { cell_width } else { bar_width };
        text.push_str(&paint.of(cell.row.state, &words::mark(cell.row.state).to_string().repeat(width)));
        end += width;
    }
    text
}

/// Times of the first and the last, and the lengths of gaps beneath their marks, where they find room.
fn times(cells: &[Cell<'_>], page: &Page) -> String {
    let room = page.width - LABEL;
    let mut line = vec![' '; room];
    let mut write = |column: usize, text: &str| {
        let characters: Vec<char> = text.chars().collect();
        let end = column + characters.len();
        let is_free =
            end <= room && line[column.saturating_sub(1)..(end + 1).min(room)].iter().all(|it| *it == ' ');
        if is_free {
            line[column..end].copy_from_slice(&characters);
        }
    };
    let time = |cell: &Cell<'_>| Some(words::second_of_day(cell.row.filmed_at?, &page.zone));
    if let Some(first) = cells.first() {
        write(first.column, &time(first).unwrap_or_default());
    }
    for cell in cells.iter().rev() {
        if let Some(gap_s) = cell.row.gap_before_s {
            write(cell.column - 2, &words::span(gap_s));
        }
    }
    if let Some(last) = cells.iter().skip(1).next_back() {
        let text = time(last).unwrap_or_default();
        write(last.column.min(room.saturating_sub(text.len())), &text);
    }
    let text: String = line.into_iter().collect();
    format!("{}{}", " ".repeat(LABEL), text.trim_end())
}
