//! Playlist to text.
//!
//! In: a [`MediaPlaylist`]. Out: the whole file, each line ended by `\n`. No thread.
//! `parse` gives the same playlist back, with dates to the millisecond.

use std::fmt::{self, Write as _};

use jiff::{Timestamp, Unit};

use crate::media::{MediaPlaylist, Segment};

/// Header and one segment are about this long; one allocation then holds the whole text.
const EXPECTED_BYTES_PER_SEGMENT: usize = 128;

/// The text of a playlist. Its URIs must be such as [`Window::push`](crate::Window::push) accepts.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "a String takes all that is written")]
pub fn render(playlist: &MediaPlaylist) -> String {
    let mut text = String::with_capacity((playlist.segments.len() + 2) * EXPECTED_BYTES_PER_SEGMENT);
    write_playlist(&mut text, playlist).expect("writing to a String never fails");
    text
}

fn write_playlist(text: &mut String, playlist: &MediaPlaylist) -> fmt::Result {
    // RFC 8216 4.3.1.1: EXTM3U MUST be the first line.
    writeln!(text, "#EXTM3U")?;
    writeln!(text, "#EXT-X-VERSION:{}", playlist.version)?;
    writeln!(text, "#EXT-X-TARGETDURATION:{}", playlist.target_duration_s)?;
    writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", playlist.media_sequence)?;
    // Always there, also at 0: RFC 8216 6.2.2 asks for it once a tag has left, and players that first see it
    // in the middle of a stream stop.
    writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", playlist.discontinuity_sequence)?;
    if playlist.independent_segments {
        writeln!(text, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    for segment in &playlist.segments {
        write_segment(text, segment)?;
    }
    if playlist.ended {
        writeln!(text, "#EXT-X-ENDLIST")?;
    }
    Ok(())
}

fn write_segment(text: &mut String, segment: &Segment) -> fmt::Result {
    if segment.discontinuity {
        writeln!(text, "#EXT-X-DISCONTINUITY")?;
    }
    if let Some(date) = segment.program_date_time {
        writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{:.3}", nearest_millisecond(date))?;
    }
    let duration_us = duration_us(segment.duration_90k);
    writeln!(text, "#EXTINF:{}.{:06},", duration_us / 1_000_000, duration_us % 1_000_000)?;
    writeln!(text, "{}", segment.uri)
}

/// Microseconds, to the nearest: finer than a tick (11 µs), so that the tick can be found again.
fn duration_us(duration_90k: u64) -> u128 {
    (u128::from(duration_90k) * 200 + 9) / 18
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
        write_segment(&mut text, segment).unwrap();
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
    fn date_is_written_to_the_nearest_millisecond_in_utc() {
        #[track_caller]
        fn check(date: &str, expected: &str) {
            let segment = Segment {
                uri: "a.ts".to_owned(),
                duration_90k: 90_000,
                program_date_time: Some(date.parse().unwrap()),
                discontinuity: true,
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
