//! Text to playlist: our own after a restart, and those of other writers.
//!
//! In: any text. Out: a [`MediaPlaylist`], or the first line that stands in the way. No thread.
//! Work and memory grow with the length of the text and with nothing in it.
//!
//! Tags that add to whole files are passed over; tags that change what a listed file means are refused, because
//! a playlist written again without them would be wrong.

mod value;

use jiff::Timestamp;
use thiserror::Error;

use crate::media_playlist::{MediaPlaylist, Segment};

/// A text that is no playlist of whole files.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("playlist line {line}: {problem}")]
pub struct ParseError {
    /// From 1; what is missing altogether is reported at the last line.
    pub line: usize,
    /// What stands there.
    pub problem: Problem,
}

/// What a line has that a playlist may not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Problem {
    #[error("begins with {found:?}, not with #EXTM3U; is it a playlist?")]
    NotAPlaylist { found: String },
    #[error("holds the character {found:?}, which no playlist may hold (RFC 8216 4.1)")]
    ForbiddenCharacter { found: char },
    #[error("{tag} is {found:?}, not {expected}")]
    BadValue { tag: &'static str, found: String, expected: &'static str },
    #[error("{tag} stands here a second time")]
    Repeated { tag: &'static str },
    #[error("{tag} stands after the first segment; it belongs before it")]
    TooLate { tag: &'static str },
    #[error("{found:?} has no EXTINF before it")]
    NoDuration { found: String },
    #[error("the segment has an EXTINF and no URI; the file was cut")]
    NoUri,
    #[error("EXT-X-TARGETDURATION is missing")]
    NoTargetDuration,
    #[error("the numbers of the segments run over 2^64")]
    NumbersRunOver,
    #[error(
        "{tag} cannot be kept in a sliding window of whole MPEG-TS files; move the playlist away to begin a new one"
    )]
    Unsupported { tag: &'static str },
}

/// Reads the text of a media playlist.
pub fn parse(text: &str) -> Result<MediaPlaylist, ParseError> {
    let mut reader = LineReader::default();
    let mut line_number = 1;
    let first_line = text.lines().next().unwrap_or_default();
    // RFC 8216 4.3.1.1: EXTM3U MUST be the first line; 4.1: a byte order mark MUST NOT stand before it.
    if first_line.trim_end() != "#EXTM3U" {
        let found = value::excerpt(first_line);
        return Err(at(1)(Problem::NotAPlaylist { found }));
    }
    for (index, line) in text.lines().enumerate().skip(1) {
        line_number = index + 1;
        reader.line(line).map_err(at(line_number))?;
    }
    reader.finish().map_err(at(line_number))
}

fn at(line: usize) -> impl Fn(Problem) -> ParseError {
    move |problem| ParseError { line, problem }
}

/// What has been read so far.
#[derive(Default)]
struct LineReader {
    version: Option<u8>,
    target_duration_s: Option<u32>,
    media_sequence: Option<u64>,
    discontinuity_sequence: Option<u64>,
    independent_segments: bool,
    /// EXT-X-PLAYLIST-TYPE of EVENT or VOD.
    forbids_removal: bool,
    segments: Vec<Segment>,
    discontinuities: u64,
    ended: bool,
    next: Next,
}

/// The tags read since the last URI: they apply to the next one.
#[derive(Default)]
struct Next {
    duration_90k: Option<u64>,
    program_date_time: Option<Timestamp>,
    discontinuity: bool,
    gap: bool,
}

impl LineReader {
    fn line(&mut self, line: &str) -> Result<(), Problem> {
        // RFC 8216 4.1: MUST NOT contain control characters other than CR and LF.
        if let Some(found) = line.chars().find(|character| character.is_control()) {
            return Err(Problem::ForbiddenCharacter { found });
        }
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        match line.strip_prefix('#') {
            None => self.uri(line),
            Some(tag) => match tag.split_once(':') {
                None => self.tag(tag, ""),
                Some((name, value)) => self.tag(name.trim_end(), value.trim()),
            },
        }
    }

    fn tag(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            // RFC 8216 4.3.1.2: a client MUST fail to parse a playlist with several of them.
            "EXT-X-VERSION" => set(&mut self.version, "EXT-X-VERSION", value::version(value)?),
            "EXT-X-TARGETDURATION" => {
                set(&mut self.target_duration_s, "EXT-X-TARGETDURATION", value::target_duration_s(value)?)
            }
            "EXT-X-MEDIA-SEQUENCE" => {
                let tag = "EXT-X-MEDIA-SEQUENCE";
                // RFC 8216 4.3.3.2: MUST appear before the first Media Segment.
                self.before_first_segment(tag)?;
                set(&mut self.media_sequence, tag, value::sequence(tag, value)?)
            }
            "EXT-X-DISCONTINUITY-SEQUENCE" => {
                let tag = "EXT-X-DISCONTINUITY-SEQUENCE";
                // RFC 8216 4.3.3.3: MUST appear before the first Media Segment and any EXT-X-DISCONTINUITY.
                self.before_first_segment(tag)?;
                if self.next.discontinuity {
                    return Err(Problem::TooLate { tag });
                }
                set(&mut self.discontinuity_sequence, tag, value::sequence(tag, value)?)
            }
            "EXT-X-INDEPENDENT-SEGMENTS" => {
                self.independent_segments = true;
                Ok(())
            }
            "EXT-X-PLAYLIST-TYPE" => {
                self.forbids_removal |= matches!(value, "EVENT" | "VOD");
                Ok(())
            }
            "EXT-X-ENDLIST" => {
                self.ended = true;
                Ok(())
            }
            "EXTINF" => set(&mut self.next.duration_90k, "EXTINF", value::duration_90k(value)?),
            "EXT-X-PROGRAM-DATE-TIME" => set(
                &mut self.next.program_date_time,
                "EXT-X-PROGRAM-DATE-TIME",
                value::program_date_time(value)?,
            ),
            "EXT-X-DISCONTINUITY" => {
                // Some players count tags, others count segments that have one: two would set them at odds.
                if self.next.discontinuity {
                    let tag = "EXT-X-DISCONTINUITY";
                    return Err(Problem::Repeated { tag });
                }
                self.next.discontinuity = true;
                Ok(())
            }
            "EXT-X-GAP" => {
                self.next.gap = true;
                Ok(())
            }
            _ => {
                changes_what_a_file_means(name, value).map_or(Ok(()), |tag| Err(Problem::Unsupported { tag }))
            }
        }
    }

    fn uri(&mut self, uri: &str) -> Result<(), Problem> {
        let next = std::mem::take(&mut self.next);
        let duration_90k =
            next.duration_90k.ok_or_else(|| Problem::NoDuration { found: value::excerpt(uri) })?;
        self.discontinuities += u64::from(next.discontinuity);
        self.segments.push(Segment {
            uri: uri.to_owned(),
            duration_90k,
            program_date_time: next.program_date_time,
            discontinuity: next.discontinuity,
            gap: next.gap,
        });
        Ok(())
    }

    fn finish(self) -> Result<MediaPlaylist, Problem> {
        if self.next.duration_90k.is_some() {
            return Err(Problem::NoUri);
        }
        // RFC 8216 6.2.1: with a type of EVENT or VOD no segment may ever be removed.
        if self.forbids_removal && !self.ended {
            let tag = "EXT-X-PLAYLIST-TYPE";
            return Err(Problem::Unsupported { tag });
        }
        let media_sequence = self.media_sequence.unwrap_or(0);
        let discontinuity_sequence = self.discontinuity_sequence.unwrap_or(0);
        if media_sequence.checked_add(self.segments.len() as u64).is_none()
            || discontinuity_sequence.checked_add(self.discontinuities).is_none()
        {
            return Err(Problem::NumbersRunOver);
        }
        Ok(MediaPlaylist {
            version: self.version.unwrap_or(1),
            target_duration_s: self.target_duration_s.ok_or(Problem::NoTargetDuration)?,
            media_sequence,
            discontinuity_sequence,
            independent_segments: self.independent_segments,
            segments: self.segments,
            ended: self.ended,
        })
    }

    fn before_first_segment(&self, tag: &'static str) -> Result<(), Problem> {
        if self.segments.is_empty() && self.next.duration_90k.is_none() {
            Ok(())
        } else {
            Err(Problem::TooLate { tag })
        }
    }
}

fn set<T>(place: &mut Option<T>, tag: &'static str, value: T) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::Repeated { tag }),
    }
}

/// The tag's name if a file listed under it is not simply the segment: encrypted, a part of itself, absent, …
fn changes_what_a_file_means(name: &str, value: &str) -> Option<&'static str> {
    match name {
        "EXT-X-STREAM-INF" => Some("EXT-X-STREAM-INF"),
        "EXT-X-I-FRAME-STREAM-INF" => Some("EXT-X-I-FRAME-STREAM-INF"),
        "EXT-X-I-FRAMES-ONLY" => Some("EXT-X-I-FRAMES-ONLY"),
        "EXT-X-BYTERANGE" => Some("EXT-X-BYTERANGE"),
        "EXT-X-MAP" => Some("EXT-X-MAP"),
        "EXT-X-SKIP" => Some("EXT-X-SKIP"),
        "EXT-X-DEFINE" => Some("EXT-X-DEFINE"),
        "EXT-X-KEY" if !value.split(',').any(|it| it.trim() == "METHOD=NONE") => Some("EXT-X-KEY"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
    }

    #[test]
    fn tags_left_out_have_the_values_of_the_rfc() {
        let expected = MediaPlaylist {
            version: 1,
            target_duration_s: 2,
            media_sequence: 0,
            discontinuity_sequence: 0,
            independent_segments: false,
            segments: Vec::new(),
            ended: false,
        };
        assert_eq!(parse(HEADER), Ok(expected));
    }

    #[test]
    fn line_ends_blank_lines_and_comments_make_no_difference() {
        #[track_caller]
        fn check(segment_lines: &str) {
            let playlist = parse(&format!("{HEADER}{segment_lines}")).unwrap();
            assert_eq!(playlist.segments.len(), 1);
            assert_eq!(playlist.segments[0].uri, "a b.ts");
            assert_eq!(playlist.segments[0].duration_90k, 135_000);
        }
        check("#EXTINF:1.5,\na b.ts\n");
        check("#EXTINF:1.5,\r\na b.ts\r\n");
        check("#EXTINF:1.5,\na b.ts");
        check("#EXTINF: 1.50 ,a title, with a comma\n\n# a comment\n#EXT-X-FUTURE:1\n a b.ts \n");
    }

    #[test]
    fn what_is_no_playlist_is_refused_at_its_first_line() {
        #[track_caller]
        fn check(text: &str, found: &str) {
            let expected =
                format!("playlist line 1: begins with {found:?}, not with #EXTM3U; is it a playlist?");
            check_error(text, &expected);
        }
        check("", "");
        check("<html>", "<html>");
        check("\u{feff}#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "\u{feff}#EXTM3U");
        check(" #EXTM3U\n", " #EXTM3U");
        check(&"x".repeat(1000), &"x".repeat(60));
    }

    #[test]
    fn each_wrong_line_is_named() {
        #[track_caller]
        fn check(lines: &str, expected: &str) {
            check_error(&format!("{HEADER}{lines}"), &format!("playlist line {expected}"));
        }
        check("a.ts", "3: \"a.ts\" has no EXTINF before it");
        check("#EXTINF:2,\n", "3: the segment has an EXTINF and no URI; the file was cut");
        check("#EXTINF:2,\n#EXTINF:2,\na.ts", "4: EXTINF stands here a second time");
        check("#EXT-X-TARGETDURATION:2", "3: EXT-X-TARGETDURATION stands here a second time");
        check("#EXT-X-VERSION:3\n#EXT-X-VERSION:3", "4: EXT-X-VERSION stands here a second time");
        check(
            "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na.ts",
            "4: EXT-X-DISCONTINUITY stands here a second time",
        );
        check(
            "#EXTINF:1,\na.ts\n#EXT-X-MEDIA-SEQUENCE:4",
            "5: EXT-X-MEDIA-SEQUENCE stands after the first segment; it belongs before it",
        );
        check(
            "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:4",
            "4: EXT-X-DISCONTINUITY-SEQUENCE stands after the first segment; it belongs before it",
        );
        check(
            "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:1,\na.ts\n",
            "5: the numbers of the segments run over 2^64",
        );
        check(
            "#EXT-X-DISCONTINUITY-SEQUENCE:18446744073709551615\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na.ts\n",
            "6: the numbers of the segments run over 2^64",
        );
        check(
            "#EXTINF:1,\na\0.ts",
            "4: holds the character '\\0', which no playlist may hold (RFC 8216 4.1)",
        );
        check_error("#EXTM3U\n#EXTINF:1,\na.ts\n", "playlist line 3: EXT-X-TARGETDURATION is missing");
    }

    #[test]
    fn what_would_be_wrong_when_written_again_is_refused() {
        #[track_caller]
        fn check(line: &str, expected: Result<(), &'static str>) {
            let read = parse(&format!("{HEADER}{line}\n#EXTINF:1,\na.ts\n"));
            let problem = read.map(|_| ()).map_err(|error| error.problem);
            assert_eq!(problem, expected.map_err(|tag| Problem::Unsupported { tag }));
        }
        check("#EXT-X-MAP:URI=\"init.mp4\"", Err("EXT-X-MAP"));
        check("#EXT-X-BYTERANGE:100@0", Err("EXT-X-BYTERANGE"));
        check("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"", Err("EXT-X-KEY"));
        check("#EXT-X-KEY:METHOD=NONE", Ok(()));
        check("#EXT-X-STREAM-INF:BANDWIDTH=1", Err("EXT-X-STREAM-INF"));
        check("#EXT-X-PLAYLIST-TYPE:EVENT", Err("EXT-X-PLAYLIST-TYPE"));
        check("#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-ENDLIST", Ok(()));
        check("#EXT-X-PART:DURATION=1,URI=\"p.ts\"", Ok(()));
    }
}
