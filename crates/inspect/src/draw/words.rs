//! Words: numbers, times and states as people read them.

use crate::model::inventory::{Row, State};
use jiff::{Timestamp, tz::TimeZone};

/// `268 kB`: at most seven columns.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.5 {
        value /= 1e3;
        unit += 1;
    }
    // Three digits.
    let decimals = [9.995, 99.95].into_iter().filter(|limit| value < *limit).count();
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// `1.08`, in Mb/s.
pub(super) fn mbps(bits_per_second: u64) -> String {
    format!("{:.2}", bits_per_second as f64 / 1e6)
}

/// `2.1 s`, `5 min`, `3 h`, `12 days`.
pub(super) fn span(time_s: f64) -> String {
    match time_s.abs() {
        short if short < 99.95 => format!("{time_s:.1} s"),
        short if short < 5_400.0 => format!("{:.0} min", time_s / 60.0),
        short if short < 172_800.0 => format!("{:.0} h", time_s / 3_600.0),
        _ => format!("{:.0} days", time_s / 86_400.0),
    }
}

/// `21 files`.
pub(super) fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if what.is_empty() {
        return grouped;
    }
    let plural = if number == 1 { "" } else { "s" };
    format!("{grouped} {what}{plural}")
}

/// `2026-11-22 15:02:53.251`.
pub(super) fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// `15:02:53.251`.
pub(super) fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S.%3f").to_string()
}

/// `15:02:53`.
pub(super) fn second_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// In full.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Listed => "listed",
        State::WaitingForDeletion => "waiting for deletion",
        State::WaitingToBeListed => "waiting to be listed",
        State::BeingWritten => "being written",
        State::Refused => "refused",
        State::PassedOver => "passed over",
        State::Unlisted => "unlisted",
        State::Missing => "listed, and missing",
        State::Gap => "listed as a gap",
        State::Elsewhere => "listed, elsewhere",
    }
}

/// In full: of one of which parts come, that it grows.
pub(super) fn state_of(row: &Row) -> &'static str {
    if is_growing(row) { GROWING } else { state(row.state) }
}

/// The same where there is little room.
pub(super) fn short_state_of(row: &Row) -> &'static str {
    if is_growing(row) { GROWING } else { short_state(row.state) }
}

const GROWING: &str = "growing";

/// `5`, and `3…` of one that grows.
pub(super) fn parts(row: &Row) -> Option<String> {
    let more = if is_growing(row) { "…" } else { "" };
    (row.parts > 0).then(|| format!("{}{more}", row.parts))
}

fn is_growing(row: &Row) -> bool {
    row.state == State::BeingWritten && row.parts > 0
}

/// Where there is little room.
fn short_state(state: State) -> &'static str {
    match state {
        State::Listed => "listed",
        State::WaitingForDeletion => "leaving",
        State::WaitingToBeListed => "coming",
        State::BeingWritten => "written",
        State::Refused => "refused",
        State::PassedOver => "passed",
        State::Unlisted => "unlisted",
        State::Missing => "missing",
        State::Gap => "gap",
        State::Elsewhere => "elsewhere",
    }
}

/// One mark a segment.
pub(super) fn mark(state: State) -> char {
    match state {
        State::Listed => '━',
        State::WaitingForDeletion => '╌',
        State::WaitingToBeListed => '+',
        State::BeingWritten => '…',
        State::Refused => '×',
        State::PassedOver => '~',
        State::Unlisted => '·',
        State::Missing => '?',
        State::Gap => ' ',
        State::Elsewhere => '─',
    }
}

/// Text of others, with nothing in it that a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|character| if is_harmful(character) { '\u{fffd}' } else { character }).collect()
}

fn is_harmful(character: char) -> bool {
    // Marks that turn the direction of writing around can show another name than there is.
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Breaks `text` at spaces into lines of at most `width` columns.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map(|line| console::measure_text_width(line)).unwrap_or_default();
        let word_width = console::measure_text_width(word);
        match lines.last_mut() {
            Some(last) if line > 0 && line + 1 + word_width <= width => {
                last.push(' ');
                last.push_str(word);
            }
            Some(last) if line == 0 => last.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts the middle out of a name that is wider than `width`: its end tells more than its middle.
pub(super) fn shorten(name: &str, width: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if console::measure_text_width(name) <= width {
        return name.to_owned();
    }
    let tail_from = characters.len().saturating_sub(width.saturating_sub(1) * 2 / 3);
    let tail: String = characters[tail_from..].iter().collect();
    let tail = console::truncate_str(&tail, width.saturating_sub(1), "").into_owned();
    let room = width.saturating_sub(1 + console::measure_text_width(&tail));
    format!("{}…{tail}", console::truncate_str(name, room, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_at_most_seven_columns() {
        #[track_caller]
        fn check(size: u64, expected: &str) {
            assert_eq!(bytes(size), expected);
        }
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.00 kB");
        check(268_840, "269 kB");
        check(999_499, "999 kB");
        check(999_500, "1.00 MB");
        check(9_995_000, "10.0 MB");
        check(u64::MAX, "18.4 EB");
    }

    #[test]
    fn numbers_are_grouped_and_things_counted() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(99_980, "file"), "99,980 files");
        assert_eq!(count(1_234_567, ""), "1,234,567");
    }

    #[test]
    fn names_keep_their_ends() {
        assert_eq!(shorten("seg-00000042.ts", 15), "seg-00000042.ts");
        assert_eq!(shorten("live/seg-00000042.ts", 12), "live…0042.ts");
        assert_eq!(shorten("käse-käse-käse.ts", 3), "k…s");
        for width in 0..20 {
            assert!(console::measure_text_width(&shorten("長い名前の映画-001.ts", width)) <= width.max(1));
        }
    }

    #[test]
    fn nothing_in_a_name_reaches_the_terminal_as_a_command() {
        assert_eq!(harmless("a\u{1b}[2Jb\n\u{202e}.ts"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}.ts");
    }

    #[test]
    fn text_is_broken_at_spaces() {
        assert_eq!(wrap("it is no segment", 8), ["it is no", "segment"]);
        assert_eq!(wrap("unbreakable thing", 4), ["unbreakable", "thing"]);
    }
}
