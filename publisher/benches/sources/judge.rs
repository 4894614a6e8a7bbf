//! What the segments of a turn show, and when they were listed.

use crate::film::{self, START_S};
use crate::flashes::{SQUARE, beeps, flashes, offsets_ms};
use crate::kinds::{Kind, Made, Pictures};
use crate::listed::PLAYLIST;
use crate::run::run;
use crate::send::{self, Sent};
use crate::turn::Turn;
use livedir_playlist::MediaPlaylist;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Two distances of beeps are the same that differ by less.
const SAME_DISTANCE_S: f64 = 0.02;

pub struct Figures {
    /// For each flash, how long after it its beep begins.
    pub offsets_ms: Vec<f64>,
    /// For each segment, how long after its last picture it was listed.
    pub latencies_ms: Vec<f64>,
    pub pictures: Option<Counted>,
}

/// Frames and pictures that should not be, or not be missing.
#[derive(Default)]
pub struct Amiss {
    pub repeated: usize,
    pub dropped: usize,
}

pub struct Counted {
    /// Of what was filmed in the first seconds, and after these.
    pub start: Amiss,
    pub later: Amiss,
    /// What the two rates need after the first seconds.
    pub needed: Amiss,
}

pub fn judge(kind: &Kind, film: &Path, turn: &Turn) -> Figures {
    let text = std::fs::read_to_string(turn.webroot.join(PLAYLIST)).unwrap_or_default();
    let playlist = livedir_playlist::parse(&text).unwrap_or_else(|error| {
        let log = std::fs::read_to_string(turn.webroot.with_extension("log"));
        panic!("{}: {error}\n{text}{}", kind.name, log.unwrap_or_default())
    });
    let files: Vec<_> = playlist.segments.iter().map(|segment| turn.webroot.join(&segment.uri)).collect();
    let joined = turn.webroot.join("joined.ts");
    let bytes: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("a segment")).collect();
    std::fs::write(&joined, bytes.concat()).expect("room");
    let Some(pictures) = &kind.pictures else {
        let latencies_ms =
            turn.sent.as_ref().map_or(Vec::new(), |sent| sound_latencies_ms(&joined, &playlist, turn, sent));
        return Figures { offsets_ms: Vec::new(), latencies_ms, pictures: None };
    };
    let shown: Vec<_> = files.iter().map(|file| film::numbers(file)).collect();
    let is_heard = !kind.sound.is_empty();
    Figures {
        offsets_ms: if is_heard {
            offsets_ms(&flashes(&joined, SQUARE), &beeps(&joined))
        } else {
            Vec::new()
        },
        latencies_ms: turn
            .sent
            .as_ref()
            .map_or(Vec::new(), |sent| latencies_ms(&shown, pictures.fps(), &playlist, turn, sent)),
        pictures: Some(count(kind, pictures, film, &shown.concat(), turn)),
    }
}

/// Of the segments that were listed while the source still sent.
fn latencies_ms(
    shown: &[Vec<Option<u64>>],
    fps: f64,
    playlist: &MediaPlaylist,
    turn: &Turn,
    sent: &Sent,
) -> Vec<f64> {
    let of = |(numbers, uri): (&Vec<Option<u64>>, &str)| {
        let last = numbers.iter().flatten().max().filter(|last| **last as f64 >= START_S * fps)?;
        latency_ms(turn.listed.at(uri)?, *sent.pictures.get(last)?, sent.ended)
    };
    let uris = playlist.segments.iter().map(|segment| &*segment.uri);
    shown.iter().zip(uris).filter_map(of).collect()
}

/// The same for sound alone. Beeps tell which time of the film is heard: no two of them are equally far apart, whatever was cut.
fn sound_latencies_ms(joined: &Path, playlist: &MediaPlaylist, turn: &Turn, sent: &Sent) -> Vec<f64> {
    let known = known_beeps(&beeps(joined));
    let mut end_s = starts_s(joined);
    let of = |segment: &livedir_playlist::Segment| {
        end_s += segment.duration_90k as f64 / 90_000.0;
        let (heard_s, sent_s) = known.iter().rev().find(|(heard_s, _)| *heard_s <= end_s)?;
        let film_s = sent_s + end_s - heard_s;
        let sent_at = sent.began + Duration::from_secs_f64(film_s.max(0.0));
        latency_ms(turn.listed.at(&segment.uri)?, sent_at, sent.ended).filter(|_| film_s >= START_S)
    };
    playlist.segments.iter().filter_map(of).collect()
}

/// Of beeps that are known by their distance from the one before: when they are heard, and when they begin in the film.
fn known_beeps(heard: &[f64]) -> Vec<(f64, f64)> {
    let sent: Vec<f64> = film::radio_beeps().collect();
    let of = |pair: &[f64]| {
        let is_it = |sent: &&[f64]| (sent[1] - sent[0] - (pair[1] - pair[0])).abs() < SAME_DISTANCE_S;
        sent.windows(2).find(is_it).map(|sent| (pair[1], sent[1]))
    };
    heard.windows(2).filter_map(of).collect()
}

fn latency_ms(listed: SystemTime, sent: SystemTime, ended: SystemTime) -> Option<f64> {
    let signed_ms = match listed.duration_since(sent) {
        Ok(after) => after.as_secs_f64() * 1000.0,
        Err(before) => before.duration().as_secs_f64() * -1000.0,
    };
    (listed < ended).then_some(signed_ms)
}

/// The time with which a file begins, in seconds.
fn starts_s(file: &Path) -> f64 {
    let words = ["-v", "error", "-show_entries", "format=start_time", "-of", "default=nw=1:nk=1"];
    let printed = run(Command::new("ffprobe").args(words).arg(file));
    String::from_utf8_lossy(&printed).trim().parse().expect("a start")
}

/// Up to the last new picture that is shown.
fn count(kind: &Kind, pictures: &Pictures, film: &Path, frames: &[Option<u64>], turn: &Turn) -> Counted {
    let fps = pictures.fps();
    let started = (START_S * fps).ceil() as u64;
    let (mut start, mut later) = (Amiss::default(), Amiss::default());
    let (mut shown, mut waiting) = (BTreeSet::new(), 0);
    for number in frames {
        match number {
            Some(number) if shown.last().is_none_or(|last| number > last) => {
                let amiss = if *number < started { &mut start } else { &mut later };
                amiss.repeated += std::mem::take(&mut waiting);
                shown.insert(*number);
            }
            _ if shown.is_empty() => {}
            _ => waiting += 1,
        }
    }
    let last = shown.last().copied().unwrap_or(0);
    let sent = turn.sent.as_ref().map_or_else(|| send::numbers(film, fps), |sent| sent.pictures.clone());
    let sent: BTreeSet<u64> = sent.into_keys().filter(|number| *number <= last).collect();
    for number in sent.difference(&shown) {
        let amiss = if *number < started { &mut start } else { &mut later };
        amiss.dropped += 1;
    }
    let of_them = sent.range(started..).count();
    let mut needed = Amiss::default();
    if let Made::Encoded { fps: made_fps, .. } = kind.made {
        let steps = (last.saturating_sub(started) as f64 / fps * f64::from(made_fps)).round() as usize + 1;
        needed = Amiss { repeated: steps.saturating_sub(of_them), dropped: of_them.saturating_sub(steps) };
    }
    Counted { start, later, needed }
}
