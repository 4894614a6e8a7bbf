//! Playlist to text.
//!
//! In: a [`MediaPlaylist`]. Out: the whole file, each line ended by `\n`. No thread.
//! `parse` gives the same playlist back, with dates to the millisecond.

use std::fmt::{self, Write as _};

use jiff::{Timestamp, Unit};

use crate::live_edge::{LiveEdge, Part, PartContent};
use crate::media_playlist::{MediaPlaylist, Segment};
use livedir_time::ticks::{nearest_microseconds, of_seconds};

/// bis 4.4.3.8: PART-HOLD-BACK SHOULD be at least so many part targets, and Apple's authoring specification (14.3) says MUST.
const PART_TARGETS_HELD_BACK: u64 = 3;

/// bis 4.4.3.8: CAN-SKIP-UNTIL MUST be at least so many target durations.
const TARGETS_NOT_SKIPPED: u64 = 6;

/// Header and one segment are about this long; one allocation then holds the whole text.
const EXPECTED_BYTES_PER_SEGMENT: usize = 128;

/// The text of a playlist. Its URIs must be such as [`Window::push`](crate::Window::push) accepts.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "a String takes all that is written")]
pub fn render(playlist: &MediaPlaylist) -> String {
    let mut text = String::with_capacity((playlist.segments.len() + 2) * EXPECTED_BYTES_PER_SEGMENT);
    write_playlist(&mut text, playlist, None).expect("writing to a String never fails");
    text
}

/// The text of a playlist with the parts at its live edge (bis 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.3), for a server that
/// holds requests.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "a String takes all that is written")]
pub fn render_low_latency(playlist: &MediaPlaylist, low_latency: &LowLatency<'_>) -> String {
    let lines = playlist.segments.len() + low_latency.parts.map_or(0, |parts| parts.edge.part_count());
    let mut text = String::with_capacity((lines + 4) * EXPECTED_BYTES_PER_SEGMENT);
    write_playlist(&mut text, playlist, Some(low_latency)).expect("writing to a String never fails");
    text
}

/// What a low-latency playlist says beyond its segments.
#[derive(Debug, Clone, Copy)]
pub struct LowLatency<'a> {
    /// The parts; `None` where the encoder makes none, and only reloads can be waited for.
    pub parts: Option<PartList<'a>>,
    /// How far the other renditions are (bis 4.4.5.4).
    pub reports: &'a [EdgeReport],
    /// Whether the window is long enough for delta updates, for as long as the stream lives.
    pub can_skip: bool,
}

/// How far another rendition of the same stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeReport {
    /// Of its playlist, relative to this one.
    pub uri: String,
    /// LAST-MSN: the number of the last segment of which something is listed.
    pub last_media_sequence: u64,
    /// LAST-PART: the last part of it that is listed, from 0.
    pub last_part: Option<u64>,
}

/// The parts at the live edge.
#[derive(Debug, Clone, Copy)]
pub struct PartList<'a> {
    /// Those that are complete.
    pub edge: &'a LiveEdge,
    /// The URI of the one that comes next.
    pub hint: &'a str,
}

fn write_playlist(
    text: &mut String,
    playlist: &MediaPlaylist,
    low_latency: Option<&LowLatency<'_>>,
) -> fmt::Result {
    // RFC 8216 4.3.1.1: EXTM3U MUST be the first line.
    writeln!(text, "#EXTM3U")?;
    writeln!(text, "#EXT-X-VERSION:{}", playlist.version)?;
    writeln!(text, "#EXT-X-TARGETDURATION:{}", playlist.target_duration_s)?;
    if let Some(low_latency) = low_latency {
        write_server_control(text, playlist.target_duration_s, low_latency)?;
    }
    writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", playlist.media_sequence)?;
    // Always there, also at 0: RFC 8216 6.2.2 asks for it once a tag has left, and players that first see it
    // in the middle of a stream stop.
    writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", playlist.discontinuity_sequence)?;
    if playlist.independent_segments {
        writeln!(text, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    let parts = low_latency.and_then(|low_latency| low_latency.parts);
    for (segment, media_sequence) in playlist.segments.iter().zip(playlist.media_sequence..) {
        let parts = parts.map_or(&[][..], |parts| parts.edge.parts_of(media_sequence));
        write_segment(text, segment, parts)?;
    }
    if playlist.ended {
        return writeln!(text, "#EXT-X-ENDLIST");
    }
    if let Some(parts) = parts {
        let open = parts.edge.open();
        if !open.parts.is_empty() {
            write_begin(text, open.discontinuity, open.program_date_time)?;
        }
        write_parts(text, &open.parts)?;
        // bis 4.4.5.3: always there, as some players reload without end otherwise, and never with EXT-X-ENDLIST.
        writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", parts.hint)?;
    }
    for report in low_latency.map_or(&[][..], |low_latency| low_latency.reports) {
        write!(
            text,
            "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}",
            report.uri, report.last_media_sequence
        )?;
        report.last_part.map_or(Ok(()), |last_part| write!(text, ",LAST-PART={last_part}"))?;
        writeln!(text)?;
    }
    Ok(())
}

fn write_server_control(
    text: &mut String,
    target_duration_s: u32,
    low_latency: &LowLatency<'_>,
) -> fmt::Result {
    let part_target_90k = low_latency.parts.map(|parts| parts.edge.part_target_90k());
    write!(text, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES")?;
    if let Some(part_target_90k) = part_target_90k {
        let hold_back_90k = part_target_90k.saturating_mul(PART_TARGETS_HELD_BACK);
        write!(text, ",PART-HOLD-BACK={}", Seconds(hold_back_90k))?;
    }
    if low_latency.can_skip {
        let until_90k = TARGETS_NOT_SKIPPED * of_seconds(target_duration_s);
        write!(text, ",CAN-SKIP-UNTIL={}", Seconds(until_90k))?;
    }
    writeln!(text)?;
    part_target_90k
        .map_or(Ok(()), |target_90k| writeln!(text, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(target_90k)))
}

fn write_segment(text: &mut String, segment: &Segment, parts: &[Part]) -> fmt::Result {
    write_begin(text, segment.discontinuity, segment.program_date_time)?;
    write_parts(text, parts)?;
    if segment.gap {
        writeln!(text, "#EXT-X-GAP")?;
    }
    writeln!(text, "#EXTINF:{},", Seconds(segment.duration_90k))?;
    writeln!(text, "{}", segment.uri)
}

fn write_begin(text: &mut String, discontinuity: bool, date: Option<Timestamp>) -> fmt::Result {
    if discontinuity {
        writeln!(text, "#EXT-X-DISCONTINUITY")?;
    }
    date.map_or(Ok(()), |date| writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{:.3}", nearest_millisecond(date)))
}

fn write_parts(text: &mut String, parts: &[Part]) -> fmt::Result {
    for part in parts {
        write!(text, "#EXT-X-PART:DURATION={},URI=\"{}\"", Seconds(part.duration_90k), part.uri)?;
        let attribute = match part.content {
            PartContent::Independent => ",INDEPENDENT=YES",
            PartContent::Dependent => "",
            PartContent::Gap => ",GAP=YES",
        };
        writeln!(text, "{attribute}")?;
    }
    Ok(())
}

/// Ticks, written as seconds with six decimals.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration_us = nearest_microseconds(self.0);
        write!(out, "{}.{:06}", duration_us / 1_000_000, duration_us % 1_000_000)
    }
}

fn nearest_millisecond(date: Timestamp) -> Timestamp {
    // Only the last half millisecond of the year 9999 cannot be rounded; `{:.3}` then cuts it.
    date.round(Unit::Millisecond).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(segment: &Segment) -> String {
        let mut text = String::new();
        write_segment(&mut text, segment, &[]).unwrap();
        text
    }

    #[test]
    fn duration_is_written_to_the_nearest_microsecond() {
        #[track_caller]
        fn check(duration_90k: u64, expected: &str) {
            let segment = Segment {
                uri: "a.ts".to_owned(),
                duration_90k,
                program_date_time: None,
                discontinuity: false,
                gap: false,
            };
            assert_eq!(lines_of(&segment), format!("#EXTINF:{expected},\na.ts\n"));
        }
        check(180_000, "2.000000");
        check(1, "0.000011");
        check(5, "0.000056");
        check(179_999, "1.999989");
        check(u64::MAX, "204963823041217.240167");
    }

    #[test]
    fn parts_stand_before_their_segment_and_the_hint_at_the_end() {
        let date: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let segment = Segment {
            uri: "live/1.ts".to_owned(),
            duration_90k: 36_000,
            program_date_time: Some(date),
            discontinuity: true,
            gap: false,
        };
        let mut playlist = MediaPlaylist {
            version: 3,
            target_duration_s: 2,
            media_sequence: 1,
            discontinuity_sequence: 0,
            independent_segments: true,
            segments: vec![segment],
            ended: false,
        };
        let mut edge = LiveEdge::new(18_000);
        let part = |uri: &str, content| Part { uri: uri.to_owned(), duration_90k: 18_000, content };
        edge.push(part("live/1.p00.ts", PartContent::Independent)).unwrap();
        edge.push(part("live/1.p01.ts", PartContent::Dependent)).unwrap();
        edge.close(1);
        let parts = PartList { edge: &edge, hint: "h" };
        let begun =
            render_low_latency(&playlist, &LowLatency { parts: Some(parts), reports: &[], can_skip: false });
        assert!(begun.ends_with("live/1.ts\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n"), "{begun}");
        edge.begin(Some(date), false);
        edge.push(part("live/2.p00.ts", PartContent::Independent)).unwrap();
        edge.push(part("live/2.p01.ts", PartContent::Gap)).unwrap();
        let parts = PartList { edge: &edge, hint: "live/2.p02.ts" };
        let report =
            EdgeReport { uri: "../b/ll.m3u8".to_owned(), last_media_sequence: 2, last_part: Some(1) };
        let low_latency = LowLatency { parts: Some(parts), reports: &[report], can_skip: true };
        assert_eq!(
            render_low_latency(&playlist, &low_latency),
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n\
             #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.600000,CAN-SKIP-UNTIL=12.000000\n\
             #EXT-X-PART-INF:PART-TARGET=0.200000\n\
             #EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n\
             #EXT-X-PART:DURATION=0.200000,URI=\"live/1.p00.ts\",INDEPENDENT=YES\n\
             #EXT-X-PART:DURATION=0.200000,URI=\"live/1.p01.ts\"\n\
             #EXTINF:0.400000,\nlive/1.ts\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n\
             #EXT-X-PART:DURATION=0.200000,URI=\"live/2.p00.ts\",INDEPENDENT=YES\n\
             #EXT-X-PART:DURATION=0.200000,URI=\"live/2.p01.ts\",GAP=YES\n\
             #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/2.p02.ts\"\n\
             #EXT-X-RENDITION-REPORT:URI=\"../b/ll.m3u8\",LAST-MSN=2,LAST-PART=1\n"
        );
        playlist.ended = true;
        edge.close(2);
        let parts = PartList { edge: &edge, hint: "h" };
        let ended =
            render_low_latency(&playlist, &LowLatency { parts: Some(parts), reports: &[], can_skip: true });
        assert!(ended.ends_with("live/1.ts\n#EXT-X-ENDLIST\n"), "{ended}");
    }

    #[test]
    fn without_parts_only_the_reload_can_be_waited_for() {
        let playlist = crate::parse("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n").unwrap();
        let text = render_low_latency(&playlist, &LowLatency { parts: None, reports: &[], can_skip: false });
        assert_eq!(
            text.lines().filter(|line| !render(&playlist).contains(line)).collect::<Vec<_>>(),
            ["#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"]
        );
    }

    #[test]
    fn date_is_written_to_the_nearest_millisecond_in_utc() {
        #[track_caller]
        fn check(date: &str, expected: &str) {
            let segment = Segment {
                uri: "a.ts".to_owned(),
                duration_90k: 90_000,
                program_date_time: Some(date.parse().unwrap()),
                discontinuity: true,
                gap: false,
            };
            assert_eq!(
                lines_of(&segment),
                format!(
                    "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:{expected}\n#EXTINF:1.000000,\na.ts\n"
                )
            );
        }
        check("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T12:00:00.0004999Z", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T13:00:00.9995+01:00", "2026-03-01T12:00:01.000Z");
        check("1969-12-31T23:59:59.9994Z", "1969-12-31T23:59:59.999Z");
        check(&Timestamp::MAX.to_string(), "9999-12-30T22:00:00.999Z");
    }
}
