//! Table: one row a segment, and beneath it what is odd about it. Columns that find no room are shortened, then left out.

use crate::draw::{page::Page, paint::Paint, words};
use crate::model::inventory::{Inventory, Row, State};

/// A column in two forms.
struct Column {
    title: &'static str,
    is_right: bool,
    wide: Vec<String>,
    narrow: Vec<String>,
    /// The first to be left out has the lowest; `u8::MAX` stays.
    rank: u8,
}

/// A name is shortened to this before columns are left out.
const SHORTEST_NAME: usize = 12;

/// The rows that fit into `height` lines, the newest if not all; with the heading.
pub(super) fn table(inventory: &Inventory, page: &Page, paint: Paint, height: Option<usize>) -> Vec<String> {
    let rows = &inventory.segments[..];
    if rows.is_empty() {
        return vec![paint.odd("no segments here")];
    }
    // Heading and the line about what is left out.
    let room = height.map_or(usize::MAX, |height| height.saturating_sub(2));
    let shown = rows.iter().rev().scan(0, |lines, row| {
        *lines += 1 + remarks(row, page.width).len() + usize::from(row.discontinuity.is_some());
        (*lines <= room).then_some(())
    });
    let shown = shown.count().max(1);
    let older = inventory.older_segments + (rows.len() - shown) as u64;
    let rows = &rows[rows.len() - shown..];

    let (columns, gap) = fit(columns(rows, page), page.width);
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let gap = " ".repeat(gap);
    let mut lines = Vec::new();
    let heading: Vec<String> =
        columns.iter().zip(&widths).map(|(column, width)| column.pad(column.title, *width)).collect();
    lines.push(paint.strong(heading.join(&gap).trim_end()));
    if older > 0 {
        lines.push(paint.faint(&format!("… and {} older", words::count(older, ""))));
    }
    for (index, row) in rows.iter().enumerate() {
        lines.extend(row.discontinuity.as_ref().map(|reason| paint.odd(&rule(row, reason, page.width))));
        let cells: Vec<String> = columns
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(place, (column, width))| {
                let is_last = place + 1 == columns.len();
                let cell = column.pad(&column.narrow[index], if is_last { 0 } else { *width });
                let is_state = column.title == STATE;
                if is_state || row.state != State::Listed { paint.of(row.state, &cell) } else { cell }
            })
            .collect();
        lines.push(cells.join(&gap));
        lines.extend(remarks(row, page.width).into_iter().map(|remark| match row.state {
            State::Refused => paint.bad(&remark),
            _ => paint.odd(&remark),
        }));
    }
    lines
}

const FILE: &str = "file";
const DATE: &str = "filmed at";
const STATE: &str = "state";

/// `┆ the timeline jumps by 12.400 s · 12.4 s not filmed`
fn rule(row: &Row, reason: &str, width: usize) -> String {
    let gap =
        row.gap_before_s.map(|gap_s| format!(" · {} not filmed", words::span(gap_s))).unwrap_or_default();
    let text = format!("┆ discontinuity: {}{gap}", words::harmless(reason));
    console::truncate_str(&text, width, "…").into_owned()
}

/// What is wrong or odd with a segment, indented.
fn remarks(row: &Row, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for remark in row.problem.iter().chain(&row.odd) {
        let wrapped = words::wrap(&words::harmless(remark), width.saturating_sub(4));
        lines.extend(wrapped.into_iter().enumerate().map(|(index, line)| {
            let lead = if index == 0 { "  └ " } else { "    " };
            format!("{lead}{line}")
        }));
    }
    lines
}

fn columns(rows: &[Row], page: &Page) -> Vec<Column> {
    let column = |title, is_right, rank, cell: &dyn Fn(&Row) -> Option<String>| {
        let wide: Vec<String> = rows.iter().map(|row| cell(row).unwrap_or_else(|| "-".to_owned())).collect();
        Column { title, is_right, narrow: wide.clone(), wide, rank }
    };
    let with_narrow = |column: Column, cell: &dyn Fn(&Row) -> Option<String>| Column {
        narrow: rows.iter().map(|row| cell(row).unwrap_or_else(|| "-".to_owned())).collect(),
        ..column
    };
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let file = |row: &Row| Some(words::harmless(&row.file));
    let file_alone = |row: &Row| Some(words::harmless(row.file.rsplit('/').next().unwrap_or(&row.file)));
    let date = |row: &Row| Some(words::date_and_time(row.filmed_at?, &page.zone));
    let time = |row: &Row| Some(words::time_of_day(row.filmed_at?, &page.zone));
    let mut columns = vec![
        column("#", true, 7, &|row| number(row.media_sequence)),
        with_narrow(column(FILE, false, u8::MAX, &file), &file_alone),
        with_narrow(column(DATE, false, 6, &date), &time),
        column("length", true, 8, &|row| {
            row.duration_s.or(row.listed_duration_s).map(|duration_s| format!("{duration_s:.3}s"))
        }),
        column("size", true, 4, &|row| row.bytes.map(words::bytes)),
        column("Mb/s", true, 5, &|row| row.bitrate_bps.map(words::mbps)),
        column("frames", true, 2, &|row| number(row.frames)),
        column("keys", true, 1, &|row| number(row.keyframes)),
        column("streams", false, 0, &|row| (!row.streams.is_empty()).then(|| row.streams.join("+"))),
        with_narrow(column(STATE, false, 9, &|row| Some(words::state_of(row).to_owned())), &|row| {
            Some(words::short_state_of(row).to_owned())
        }),
    ];
    if rows.iter().any(|row| row.parts > 0) {
        columns.insert(columns.len() - 2, column("parts", true, 3, &words::parts));
    }
    columns
}

/// Makes `columns` fit: in their wide form, else narrow, else closer together, else the name shortened, else fewer. The form
/// to use is left in `narrow`.
fn fit(mut columns: Vec<Column>, width: usize) -> (Vec<Column>, usize) {
    let total = |columns: &[Column], gap: usize| {
        columns.iter().map(Column::width).sum::<usize>() + gap * columns.len().saturating_sub(1)
    };
    let narrow: Vec<Vec<String>> =
        columns.iter_mut().map(|column| std::mem::replace(&mut column.narrow, column.wide.clone())).collect();
    // Dates first, which differ least, then directories, then states.
    for title in [DATE, FILE, STATE] {
        if total(&columns, 2) <= width {
            return (columns, 2);
        }
        for (column, narrow) in columns.iter_mut().zip(&narrow).filter(|(column, _)| column.title == title) {
            column.narrow.clone_from(narrow);
        }
    }
    let mut gap = 2;
    loop {
        if total(&columns, 2) <= width {
            return (columns, 2);
        }
        gap = gap.min(1);
        let excess = total(&columns, gap).saturating_sub(width);
        if excess == 0 {
            return (columns, gap);
        }
        let name = columns.iter_mut().find(|column| column.rank == u8::MAX);
        if let Some(name) = name
            && name.width().saturating_sub(SHORTEST_NAME) >= excess
        {
            let room = name.width() - excess;
            for cell in &mut name.narrow {
                *cell = words::shorten(cell, room);
            }
            return (columns, gap);
        }
        let Some(least) = (0..columns.len()).min_by_key(|&index| columns[index].rank) else {
            return (columns, gap);
        };
        if columns[least].rank == u8::MAX {
            return (columns, gap);
        }
        columns.remove(least);
    }
}

impl Column {
    fn width(&self) -> usize {
        self.narrow
            .iter()
            .map(String::as_str)
            .chain([self.title])
            .map(console::measure_text_width)
            .max()
            .unwrap_or(0)
    }

    fn pad(&self, text: &str, width: usize) -> String {
        let fill = " ".repeat(width.saturating_sub(console::measure_text_width(text)));
        if self.is_right { format!("{fill}{text}") } else { format!("{text}{fill}") }
    }
}
