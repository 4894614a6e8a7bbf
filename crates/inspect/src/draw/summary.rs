//! Summary: the playlist, pictures and sound, disk, dates and status, a line each.

use crate::draw::{page::Page, paint::Paint, words};
use crate::model::inventory::VariantKind;
use crate::model::inventory::{Inventory, PlaylistSummary, State};

const LABEL: usize = 10;

/// The lines.
pub(super) fn summary(inventory: &Inventory, page: &Page, paint: Paint) -> Vec<String> {
    let lines = [
        ("playlist", playlist(inventory)),
        (media_label(inventory), pictures(inventory)),
        ("rate", rate(inventory)),
        ("disk", disk(inventory)),
        ("dates", dates(inventory, page)),
        ("status", status(inventory, page)),
    ];
    let lines = lines.into_iter().filter(|(_, parts)| !parts.is_empty());
    let mut lines: Vec<String> =
        lines.flat_map(|(label, parts)| line(label, &parts, page.width, paint)).collect();
    for note in &inventory.notes {
        lines.extend(line("note", std::slice::from_ref(note), page.width, paint));
    }
    lines
}

/// A label, and parts with dots between them, broken between parts where that is possible.
pub(super) fn line(label: &str, parts: &[String], width: usize, paint: Paint) -> Vec<String> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(join(parts, width - LABEL))
        .map(|(label, text)| format!("{}{text}", paint.strong(&format!("{label:<LABEL$}"))))
        .collect()
}

/// Parts with dots between them, broken between parts where that is possible.
pub(super) fn join(parts: &[String], room: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for part in parts {
        let part = words::harmless(part);
        match texts.last_mut() {
            Some(last)
                if console::measure_text_width(last) + 3 + console::measure_text_width(&part) <= room =>
            {
                last.push_str(" · ");
                last.push_str(&part);
            }
            _ => texts.extend(words::wrap(&part, room)),
        }
    }
    texts
}

pub(super) fn playlist(inventory: &Inventory) -> Vec<String> {
    let Some(playlist) = &inventory.playlist else { return vec!["none here".to_owned()] };
    if let Some(problem) = &playlist.problem {
        return vec![playlist.file.clone(), format!("cannot be read: {problem}")];
    }
    if !inventory.variants.is_empty() {
        let listed = |kind: VariantKind| {
            inventory.variants.iter().filter(|variant| variant.kind == kind).count() as u64
        };
        let (variants, renditions) = (listed(VariantKind::Variant), listed(VariantKind::Rendition));
        let mut parts =
            vec![playlist.file.clone(), "multivariant".to_owned(), words::count(variants, "variant")];
        parts.extend((renditions > 0).then(|| words::count(renditions, "rendition")));
        parts.push("name one of their playlists to see its segments".to_owned());
        return parts;
    }
    let state = if playlist.ended { "ended" } else { "live" };
    let mut parts = vec![playlist.file.clone(), state.to_owned()];
    parts.extend(playlist.target_duration_s.map(|target_duration_s| format!("target {target_duration_s} s")));
    parts.extend(playlist.part_target_s.map(|part_target_s| format!("parts of {part_target_s} s")));
    parts.push(listed(playlist));
    if playlist.discontinuities > 0 {
        parts.push(
            words::count(playlist.discontinuities, "discontinuity")
                .replace("discontinuitys", "discontinuities"),
        );
    }
    if playlist.segments_missing > 0 {
        parts.push(format!("{} without a file", words::count(playlist.segments_missing, "")));
    }
    parts
}

/// `10 segments, 20.0 s, number 41 to 50`
fn listed(playlist: &PlaylistSummary) -> String {
    let (first, segments) = (playlist.media_sequence_first, playlist.segments);
    let Some(more) = segments.checked_sub(1) else { return format!("nothing listed, next number {first}") };
    let last = first.saturating_add(more);
    format!("{}, {:.1} s, number {first} to {last}", words::count(segments, "segment"), playlist.window_s)
}

/// What to call the next line.
pub(super) fn media_label(inventory: &Inventory) -> &'static str {
    if inventory.media.video.is_none() && inventory.media.audio.is_some() { "sound" } else { "pictures" }
}

pub(super) fn pictures(inventory: &Inventory) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(video) = &inventory.media.video {
        parts.push(match video.codec.as_deref() {
            Some(codec) if codec.starts_with("hvc1.") => format!("hevc {codec}"),
            Some(codec) => format!("h264 {codec}"),
            None => "of an unknown size".to_owned(),
        });
        parts.extend(video.width.zip(video.height).map(|(width, height)| format!("{width}x{height}")));
        parts.extend(video.fps.map(|fps| format!("{fps} fps")));
    }
    if let Some(audio) = &inventory.media.audio {
        let rate = audio.sample_rate_hz.map(|hz| format!(" {} kHz", f64::from(hz) / 1e3)).unwrap_or_default();
        let channels = match audio.channels {
            Some(1) => " mono".to_owned(),
            Some(2) => " stereo".to_owned(),
            Some(channels) => format!(" {channels} channels"),
            None => String::new(),
        };
        parts.push(format!("{}{rate}{channels}", audio.codec));
    }
    parts
}

pub(super) fn rate(inventory: &Inventory) -> Vec<String> {
    let media = &inventory.media;
    let Some((average_bps, peak_bps)) = media.bitrate_average_bps.zip(media.bitrate_peak_bps) else {
        return Vec::new();
    };
    vec![
        format!("{} Mb/s on average", words::mbps(average_bps)),
        format!("{} Mb/s at most", words::mbps(peak_bps)),
    ]
}

pub(super) fn disk(inventory: &Inventory) -> Vec<String> {
    let disk = &inventory.disk;
    let mut parts =
        vec![format!("{}, {}", words::count(disk.segments, "segment"), words::bytes(disk.segment_bytes))];
    if disk.parts > 0 {
        parts.push(format!("{}, {}", words::count(disk.parts, "part"), words::bytes(disk.part_bytes)));
    }
    for state in [
        State::WaitingForDeletion,
        State::WaitingToBeListed,
        State::BeingWritten,
        State::Refused,
        State::PassedOver,
    ] {
        let number = inventory.segments.iter().filter(|row| row.state == state).count() as u64;
        if number > 0 {
            parts.push(format!("{number} {}", words::state(state)));
        }
    }
    if disk.unfinished > 0 {
        parts.push(format!("{} under a dot name", words::count(disk.unfinished, "unfinished file")));
    }
    parts
}

fn dates(inventory: &Inventory, page: &Page) -> Vec<String> {
    let date = |at| words::date_and_time(at, &page.zone);
    let mut parts = Vec::new();
    let disk = &inventory.disk;
    if let Some((oldest, newest)) = disk.oldest_modified_at.zip(disk.newest_modified_at) {
        parts.push(format!("oldest file {}", date(oldest)));
        parts.push(format!("newest {}", date(newest)));
    }
    parts.extend(behind(inventory));
    parts
}

/// How far a live playlist is behind.
pub(super) fn behind(inventory: &Inventory) -> Vec<String> {
    let playlist = inventory.playlist.as_ref().filter(|playlist| !playlist.ended);
    let behind_now_s = playlist.and_then(|playlist| playlist.behind_now_s);
    behind_now_s
        .map(|behind_now_s| format!("playlist ends {} behind now", words::span(behind_now_s)))
        .into_iter()
        .collect()
}

fn status(inventory: &Inventory, page: &Page) -> Vec<String> {
    let Some(status) = &inventory.status else { return Vec::new() };
    let mut parts: Vec<String> = status.state.iter().chain(&status.title).cloned().collect();
    // That it is there goes without saying.
    let source = status.source.iter().filter(|state| *state != "here");
    parts.extend(source.map(|state| format!("source {state}")));
    parts.extend(
        status.silent_since.map(|at| format!("silent since {}", words::second_of_day(at, &page.zone))),
    );
    for (number, what) in [
        (status.frames_duplicated, "repeated"),
        (status.pictures_dropped, "dropped"),
        (status.segments_refused, "refused"),
    ] {
        parts.extend(
            number.filter(|number| *number > 0).map(|number| format!("{} {what}", words::count(number, ""))),
        );
    }
    parts.extend(status.publish_lag_ms.map(|lag_ms| format!("publish lag {lag_ms:.1} ms")));
    parts.extend(status.updated_at.map(|at| format!("as of {}", words::second_of_day(at, &page.zone))));
    parts
}
