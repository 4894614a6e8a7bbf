//! Segment: one file taken apart: its streams, its rate as bars along its time with a mark under each keyframe, its times.

use crate::draw::{page::Page, paint::Paint, summary, words};
use crate::model::file_detail::{FileDetail, PidDetail};
use crate::model::inventory::Inventory;
use livedir_time::ticks::exact_seconds;

/// What stands to the left of the bars.
const LABEL: usize = 16;
const RATE_LINES: usize = 4;
const WIDEST_BAR: usize = 4;
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const KEYFRAME: char = '◆';
/// More times than this are counted and not told one by one.
const MOST_TIMES: usize = 12;

/// The table of streams.
pub(super) fn streams(detail: &FileDetail, page: &Page, paint: Paint) -> Vec<String> {
    if detail.pids.is_empty() {
        return Vec::new();
    }
    let has_breaks = detail.pids.iter().any(|pid| pid.breaks > 0);
    let heading =
        cells(["PID", "carries", "packets", "Mb/s", "units", "first", "last", "breaks"], has_breaks);
    let mut lines = vec![paint.strong(&cut(&heading, page.width))];
    lines.extend(detail.pids.iter().map(|pid| cut(&row(pid, has_breaks), page.width)));
    lines
}

fn row(pid: &PidDetail, has_breaks: bool) -> String {
    let time = |time_s: Option<f64>| time_s.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}s"));
    let units = if pid.units > 0 { words::count(pid.units, "") } else { "-".to_owned() };
    cells(
        [
            &pid.pid.to_string(),
            &words::harmless(&pid.carries),
            &words::count(pid.packets, ""),
            &pid.bitrate_bps.map_or_else(|| "-".to_owned(), words::mbps),
            &units,
            &time(pid.first_s),
            &time(pid.last_s),
            &pid.breaks.to_string(),
        ],
        has_breaks,
    )
}

fn cells([pid, carries, packets, mbps, units, from, to, breaks]: [&str; 8], has_breaks: bool) -> String {
    let line = format!("{pid:>5}  {carries:<8} {packets:>9} {mbps:>6} {units:>6} {from:>9} {to:>9}");
    if has_breaks { format!("{line} {breaks:>7}") } else { line }
}

fn cut(line: &str, width: usize) -> String {
    console::truncate_str(line.trim_end(), width, "…").into_owned()
}

/// The rate as bars.
pub(super) fn rate(detail: &FileDetail, duration_s: Option<f64>, page: &Page, paint: Paint) -> Vec<String> {
    let room = page.width - LABEL;
    // Where there are more slots than columns, some together make a bar.
    let slots_a_bar = detail.rate_bps.len().div_ceil(room).max(1);
    let bars: Vec<u64> = detail
        .rate_bps
        .chunks(slots_a_bar)
        .map(|slots| slots.iter().sum::<u64>() / slots.len() as u64)
        .collect();
    let Some(peak_bps) = bars.iter().copied().max().filter(|peak_bps| *peak_bps > 0) else {
        return Vec::new();
    };
    let bar_width = (room / bars.len()).clamp(1, WIDEST_BAR);
    let mut lines: Vec<String> = (0..RATE_LINES)
        .map(|from_top| {
            let label = if from_top == 0 {
                format!("{:<LABEL$}", format!("rate  {} Mb/s", words::mbps(peak_bps)))
            } else {
                " ".repeat(LABEL)
            };
            let below = (RATE_LINES - 1 - from_top) * 8;
            let blocks = bars.iter().map(|bps| {
                let height = *bps as f64 / peak_bps as f64 * (RATE_LINES * 8) as f64;
                // What is there is seen.
                let eighths = (height.round() as usize).max(usize::from(*bps > 0));
                EIGHTHS[eighths.saturating_sub(below).min(8)].to_string().repeat(bar_width)
            });
            format!("{}{}", paint.faint(&label), blocks.collect::<String>().trim_end())
        })
        .collect();
    let (columns, seconds_a_bar) = (bars.len() * bar_width, detail.rate_slot_s * slots_a_bar as f64);
    let column = |at_s: f64| ((at_s / seconds_a_bar * bar_width as f64) as usize).min(columns - 1);
    let mut marks = vec![' '; columns];
    for at_s in detail.keyframes_s.iter().filter(|at_s| **at_s >= 0.0) {
        marks[column(*at_s)] = KEYFRAME;
    }
    let marks: String = marks.into_iter().collect();
    if !marks.trim().is_empty() {
        lines.push(format!("{}{}", paint.faint(&format!("{:<LABEL$}", "keyframes")), marks.trim_end()));
    }
    let duration_s = duration_s.unwrap_or(detail.rate_slot_s * detail.rate_bps.len() as f64);
    let end = format!("{duration_s:.3}s");
    let axis = format!("{:LABEL$}0s{end:>width$}", "", width = columns.saturating_sub(2).max(end.len() + 1));
    lines.push(paint.faint(&cut(&axis, page.width)));
    lines
}

/// What is known of the whole.
pub(super) fn facts(inventory: &Inventory, detail: &FileDetail, page: &Page, paint: Paint) -> Vec<String> {
    let mut pictures = summary::pictures(inventory);
    if let Some(profile) = &detail.video_profile {
        pictures.insert(1.min(pictures.len()), profile.clone());
    }
    let lines = [
        ("playlist", summary::playlist(inventory)),
        (summary::media_label(inventory), pictures),
        ("times", times(detail)),
        ("intervals", intervals(detail)),
        ("keyframes", keyframes(detail)),
        ("captions", captions(detail)),
        ("breaks", breaks(detail)),
        ("note", inventory.notes.clone()),
    ];
    lines
        .iter()
        .filter(|(_, parts)| !parts.is_empty())
        .flat_map(|(label, parts)| summary::line(label, parts, page.width, paint))
        .collect()
}

fn times(detail: &FileDetail) -> Vec<String> {
    let on_the_clock = |time_90k: u64| format!("{:.3} s ({time_90k})", exact_seconds(time_90k));
    let mut parts = Vec::new();
    parts.extend(detail.start_90k.map(|start| format!("time stamps from {}", on_the_clock(start))));
    parts.extend(detail.end_90k.map(|end| format!("to {}", on_the_clock(end))));
    parts
}

fn intervals(detail: &FileDetail) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some((shortest_s, longest_s)) = detail.picture_shortest_s.zip(detail.picture_longest_s) {
        parts.push(if longest_s - shortest_s < 0.000_1 {
            format!("a picture every {shortest_s:.3} s")
        } else {
            format!("a picture every {shortest_s:.3} to {longest_s:.3} s")
        });
    }
    if let Some(last_s) = detail.picture_last_s {
        let doubt = if detail.picture_last_in_doubt { ", which is a guess" } else { "" };
        parts.push(format!("the last one {last_s:.3} s{doubt}"));
    }
    parts
}

fn keyframes(detail: &FileDetail) -> Vec<String> {
    if detail.keyframes_s.is_empty() {
        let has_pictures = detail.picture_last_s.is_some();
        return if has_pictures { vec!["none".to_owned()] } else { Vec::new() };
    }
    let mut parts = vec![words::count(detail.keyframes_s.len() as u64, "keyframe")];
    let times: Vec<_> = detail.keyframes_s.iter().take(MOST_TIMES).map(|at_s| format!("{at_s:.3}")).collect();
    let more = if detail.keyframes_s.len() > MOST_TIMES { " …" } else { "" };
    parts.push(format!("at {}{more} s", times.join(" ")));
    parts
}

fn captions(detail: &FileDetail) -> Vec<String> {
    if detail.captions { vec!["closed captions, CEA-608 or CEA-708".to_owned()] } else { Vec::new() }
}

fn breaks(detail: &FileDetail) -> Vec<String> {
    let one = |it: &crate::model::file_detail::BreakDetail| {
        let at = it.at_s.map(|at_s| format!(" at about {at_s:.3} s")).unwrap_or_default();
        format!("PID {} before byte {}{at}", it.pid, words::count(it.byte, ""))
    };
    let mut parts: Vec<_> = detail.breaks.iter().take(MOST_TIMES).map(one).collect();
    if detail.breaks.len() > MOST_TIMES {
        parts.push(format!("and {} more", words::count((detail.breaks.len() - MOST_TIMES) as u64, "")));
    }
    parts
}
