//! History: every version of a playlist that a reader has read, held to RFC 8216 and to the contract on disk. Pure.
//!
//! A reader may miss versions, so that what is compared is what must hold between any two.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use livedir_playlist::{MediaPlaylist, Segment, parse};

use super::ticks;

const TICKS_PER_S: u64 = 90_000;

/// A playlist keeps whole milliseconds, so that two dates and a duration are off by up to this.
const ROUNDING_90K: u64 = 2 * 90;

/// Tags that every playlist of ours has, once.
const HEADER: [&str; 5] = [
    "#EXT-X-VERSION:3",
    "#EXT-X-TARGETDURATION:",
    "#EXT-X-MEDIA-SEQUENCE:",
    "#EXT-X-DISCONTINUITY-SEQUENCE:",
    "#EXT-X-INDEPENDENT-SEGMENTS",
];

/// What a reader remembers.
#[derive(Debug, Default)]
pub struct History {
    frame_90k: u64,
    text: String,
    last: Option<MediaPlaylist>,
    /// Whether this presentation has been three target durations long.
    reached_three_targets: bool,
    /// All segments that were ever listed, by media sequence number.
    pub segments: BTreeMap<u64, Seen>,
}

/// All that a reader remembers of one segment.
#[derive(Debug, Clone)]
pub struct Seen {
    /// As it was listed.
    pub segment: Segment,
    /// RFC 8216 6.2.1: the number that lets players line up timelines.
    pub discontinuity_sequence: u64,
    /// When the first playlist with it was read.
    pub first_read_at: Instant,
    /// The longest playlist that contained it.
    longest_90k: u64,
}

impl Seen {
    /// RFC 8216 6.2.2: how long its file MUST stay after it has left.
    pub fn grace(&self) -> Duration {
        ticks(self.segment.duration_90k + self.longest_90k)
    }
}

impl History {
    /// Of a stream of `fps` frames a second.
    pub fn new(fps: u32) -> Self {
        Self { frame_90k: TICKS_PER_S / u64::from(fps), ..Self::default() }
    }

    /// The text of the last version, empty before the first.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last version.
    pub fn last(&self) -> Option<&MediaPlaylist> {
        self.last.as_ref()
    }

    /// What the last version lists.
    pub fn listed(&self) -> impl Iterator<Item = &Seen> {
        let first = self.last.as_ref().map_or(0, |last| last.media_sequence);
        let next = self.last.as_ref().map_or(0, MediaPlaylist::next_media_sequence);
        self.segments.range(first..next).map(|(_, seen)| seen)
    }

    /// Takes the next version in. Gives the rules that it breaks.
    pub fn sees(&mut self, text: &str, read_at: Instant) -> Vec<String> {
        text.clone_into(&mut self.text);
        let now = match parse(text) {
            Ok(playlist) => playlist,
            Err(problem) => return vec![problem.to_string()],
        };
        let mut broken = form(text, &now);
        broken.extend(now.segments.iter().filter_map(|segment| over_target(segment, now.target_duration_s)));
        if let Some(before) = self.last.take() {
            let is_new_presentation = before.ended && now.media_sequence >= before.next_media_sequence();
            broken.extend(numbers(&before, &now));
            if is_new_presentation {
                self.reached_three_targets = false;
                broken.extend(unannounced(&before, &now));
            } else {
                broken.extend(edits(&before, &now));
            }
        }
        broken.extend(self.length(&now));
        broken.extend(self.remember(&now, read_at));
        self.last = Some(now);
        broken
    }

    /// RFC 8216 6.2.2: MUST NOT remove a segment if the rest is shorter than three target durations.
    fn length(&mut self, now: &MediaPlaylist) -> Option<String> {
        let three_targets = now.duration_90k() >= 3 * u64::from(now.target_duration_s) * TICKS_PER_S;
        let fell = self.reached_three_targets && !three_targets && !now.ended;
        self.reached_three_targets |= three_targets;
        fell.then(|| format!("only {:?} are left, under three target durations", ticks(now.duration_90k())))
    }

    fn remember(&mut self, now: &MediaPlaylist, read_at: Instant) -> Vec<String> {
        let mut broken = Vec::new();
        let mut discontinuity_sequence = now.discontinuity_sequence;
        for (number, segment) in (now.media_sequence..).zip(&now.segments) {
            discontinuity_sequence += u64::from(segment.discontinuity);
            if let Some(seen) = self.segments.get_mut(&number) {
                seen.longest_90k = seen.longest_90k.max(now.duration_90k());
                if seen.segment != *segment {
                    broken.push(format!("number {number} named {:?}, now {segment:?}", seen.segment));
                }
                if seen.discontinuity_sequence != discontinuity_sequence {
                    let before = seen.discontinuity_sequence;
                    broken.push(format!(
                        "segment {number} moved from timeline {before} to {discontinuity_sequence}"
                    ));
                }
                continue;
            }
            broken.extend(self.comes_after_those_before(number, segment, discontinuity_sequence));
            let seen = Seen {
                segment: segment.clone(),
                discontinuity_sequence,
                first_read_at: read_at,
                longest_90k: now.duration_90k(),
            };
            self.segments.insert(number, seen);
        }
        broken
    }

    fn comes_after_those_before(&self, number: u64, segment: &Segment, timeline: u64) -> Vec<String> {
        let mut broken = Vec::new();
        let Some((_, before)) = self.segments.range(..number).next_back() else { return broken };
        let was = before.discontinuity_sequence;
        // Between two that were read lie perhaps some that were not.
        let is_next = self.segments.contains_key(&(number - 1));
        if timeline < was || (is_next && timeline != was + u64::from(segment.discontinuity)) {
            broken.push(format!("segment {number} is on timeline {timeline}, the one before it on {was}"));
        }
        if is_next && !segment.discontinuity {
            broken.extend(date_gap(&before.segment, segment, self.frame_90k));
        }
        broken
    }
}

/// What holds for the text of every version by itself.
fn form(text: &str, playlist: &MediaPlaylist) -> Vec<String> {
    let mut broken = Vec::new();
    if !text.ends_with('\n') {
        broken.push("the last line is cut".into());
    }
    for tag in HEADER {
        let count = text.lines().filter(|line| line.starts_with(tag)).count();
        if count != 1 {
            broken.push(format!("{tag} stands there {count} times"));
        }
    }
    match m3u8_rs::parse_media_playlist_res(text.as_bytes()) {
        Err(problem) => broken.push(format!("m3u8-rs cannot read it: {problem:?}")),
        Ok(other) => {
            let theirs =
                (other.media_sequence, other.discontinuity_sequence, other.segments.len(), other.end_list);
            let (first, count) = (playlist.media_sequence, playlist.segments.len());
            let ours = (first, playlist.discontinuity_sequence, count, playlist.ended);
            if theirs != ours {
                broken.push(format!("m3u8-rs reads {theirs:?}, we read {ours:?}"));
            }
        }
    }
    for (number, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
        if segment.uri != uri(number) {
            broken.push(format!("number {number} names {}", segment.uri));
        }
        if segment.program_date_time.is_none() {
            broken.push(format!("{} has no date", segment.uri));
        }
    }
    broken
}

/// The name of the file with this media sequence number, as a playlist gives it.
pub fn uri(number: u64) -> String {
    format!("live/seg-{number:08}.ts")
}

fn over_target(segment: &Segment, target_duration_s: u32) -> Option<String> {
    let is_over = segment.duration_90k > u64::from(target_duration_s) * TICKS_PER_S;
    is_over.then(|| format!("{} runs {:?}, over the target", segment.uri, ticks(segment.duration_90k)))
}

/// RFC 8216 6.2.2: neither sequence MUST go back; nor may what was there at the end be taken back.
fn numbers(before: &MediaPlaylist, now: &MediaPlaylist) -> Vec<String> {
    let numbers = [
        ("media sequence", before.media_sequence, now.media_sequence),
        ("discontinuity sequence", before.discontinuity_sequence, now.discontinuity_sequence),
        ("next number", before.next_media_sequence(), now.next_media_sequence()),
    ];
    let back = numbers.into_iter().filter(|(_, before, now)| now < before);
    back.map(|(name, before, now)| format!("{name} went back from {before} to {now}")).collect()
}

/// RFC 8216 6.2.1: append, remove from the head, end; nothing else. That the rest stays as it is, [`History::remember`] sees.
fn edits(before: &MediaPlaylist, now: &MediaPlaylist) -> Vec<String> {
    let mut broken = Vec::new();
    if before.target_duration_s != now.target_duration_s {
        let (before, now) = (before.target_duration_s, now.target_duration_s);
        broken.push(format!("the target duration changed from {before} s to {now} s"));
    }
    if before.ended && before != now {
        broken.push("it changed after its end".into());
    }
    broken
}

/// The numbers go on after an end, the timeline does not.
fn unannounced(before: &MediaPlaylist, now: &MediaPlaylist) -> Option<String> {
    let first = now.segments.first()?;
    let is_next = now.media_sequence == before.next_media_sequence();
    (is_next && !first.discontinuity)
        .then(|| format!("{} begins anew without EXT-X-DISCONTINUITY", first.uri))
}

fn date_gap(before: &Segment, segment: &Segment, frame_90k: u64) -> Option<String> {
    let (start, next) = (before.program_date_time?, segment.program_date_time?);
    let apart_ms = next.as_millisecond() - start.as_millisecond();
    let off_90k = apart_ms * 90 - before.duration_90k as i64;
    (off_90k.unsigned_abs() > frame_90k + ROUNDING_90K)
        .then(|| format!("the date of {} is {} ms off the end of the one before", segment.uri, off_90k / 90))
}

#[cfg(test)]
pub mod tests;
