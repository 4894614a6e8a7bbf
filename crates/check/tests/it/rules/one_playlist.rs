//! A playlist alone.

use super::{Case, live, undated, with};

const LAST_EXTINF: &str = "#EXTINF:2.000000,\nlive/seg-00000012.ts\n";
const LAST_DATE: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:22.000Z\n";
const VERSION: &str = "#EXT-X-VERSION:3\n";
const TARGET: &str = "#EXT-X-TARGETDURATION:2\n";
const MEDIA_SEQUENCE: &str = "#EXT-X-MEDIA-SEQUENCE:3\n";
const DISCONTINUITY_SEQUENCE: &str = "#EXT-X-DISCONTINUITY-SEQUENCE:0\n";

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let mut texts = of_the_text();
    texts.extend(of_tags());
    texts.extend(of_the_header());
    texts.extend(of_segments());
    texts.extend(of_dates());
    texts.into_iter().map(|(id, text)| (id, Case::Playlist(text))).collect()
}

fn of_the_text() -> Vec<(&'static str, String)> {
    let live = live();
    vec![
        ("extm3u-first", with(&live, "#EXTM3U\n", "")),
        ("extm3u-first", format!("\n{live}")),
        ("extm3u-first", "<html>no stream here</html>".to_owned()),
        ("extm3u-first", String::new()),
        ("forbidden-character", format!("\u{feff}{live}")),
        ("forbidden-character", format!("{live}# a bell: \u{7}\n")),
    ]
}

fn of_tags() -> Vec<(&'static str, String)> {
    let live = live();
    let and = |line: &str| with(&live, TARGET, &format!("{TARGET}{line}\n"));
    let last = |line: &str| with(&live, LAST_EXTINF, &format!("{line}\n{LAST_EXTINF}"));
    vec![
        ("bad-value", with(&live, "SEQUENCE:3", "SEQUENCE:-3")),
        ("bad-value", with(&live, "VERSION:3", "VERSION:three")),
        ("bad-value", with(&live, TARGET, "#EXT-X-TARGETDURATION:2.5\n")),
        ("bad-value", with(&live, TARGET, "#EXT-X-TARGETDURATION:0\n")),
        ("bad-value", with(&live, "EXTINF:2.000000", "EXTINF:two")),
        ("bad-value", with(&live, "EXTINF:2.000000", "EXTINF:-2.0")),
        ("bad-value", with(&live, LAST_DATE, "#EXT-X-PROGRAM-DATE-TIME:now\n")),
        ("bad-value", and("#EXT-X-PLAYLIST-TYPE:LIVE")),
        ("bad-value", and("#EXT-X-START:early")),
        ("bad-value", and("#EXT-X-START:TIME-OFFSET=early")),
        ("bad-value", with(&last("#EXT-X-BYTERANGE:a@b"), VERSION, "#EXT-X-VERSION:4\n")),
        ("attribute-missing", and("#EXT-X-START:PRECISE=YES")),
        ("attribute-missing", and("#EXT-X-KEY:METHOD=AES-128")),
        ("attribute-repeated", and("#EXT-X-START:TIME-OFFSET=-8,TIME-OFFSET=-8")),
        ("tag-repeated", and("#EXT-X-TARGETDURATION:2")),
        ("tag-repeated", and("#EXTM3U")),
        ("tags-mixed", format!("{live}#EXT-X-STREAM-INF:BANDWIDTH=800000\n")),
    ]
}

fn of_the_header() -> Vec<(&'static str, String)> {
    let live = live();
    let and = |line: &str| with(&live, TARGET, &format!("{TARGET}{line}\n"));
    let with_a_discontinuity = with(&live, LAST_DATE, &format!("#EXT-X-DISCONTINUITY\n{LAST_DATE}"));
    vec![
        ("version-too-low", with(&live, VERSION, "#EXT-X-VERSION:2\n")),
        ("version-too-low", with(&live, VERSION, "")),
        ("version-too-low", and("#EXT-X-MAP:URI=\"init.mp4\"")),
        ("version-too-low", and("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"")),
        ("version-too-low", and("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"")),
        ("version-too-high", with(&live, VERSION, "#EXT-X-VERSION:6\n")),
        ("target-duration-missing", with(&live, TARGET, "")),
        ("media-sequence-late", format!("{}{MEDIA_SEQUENCE}", with(&live, MEDIA_SEQUENCE, ""))),
        (
            "discontinuity-sequence-late",
            format!("{}{DISCONTINUITY_SEQUENCE}", with(&live, DISCONTINUITY_SEQUENCE, "")),
        ),
        ("discontinuity-sequence-missing", with(&with_a_discontinuity, DISCONTINUITY_SEQUENCE, "")),
        ("start-at-the-live-edge", and("#EXT-X-START:TIME-OFFSET=-5.9")),
        ("start-at-the-live-edge", and("#EXT-X-START:TIME-OFFSET=18")),
        ("vod-not-ended", and("#EXT-X-PLAYLIST-TYPE:VOD")),
    ]
}

fn of_segments() -> Vec<(&'static str, String)> {
    let live = live();
    let version_4 = with(&live, VERSION, "#EXT-X-VERSION:4\n");
    vec![
        ("extinf-over-target", with(&live, LAST_EXTINF, "#EXTINF:2.500000,\nlive/seg-00000012.ts\n")),
        ("extinf-missing", with(&live, LAST_EXTINF, "live/seg-00000012.ts\n")),
        ("extinf-whole-seconds", with(&live, LAST_EXTINF, "#EXTINF:2,\nlive/seg-00000012.ts\n")),
        ("playlist-cut", with(&live, LAST_EXTINF, "#EXTINF:2.000000,\nlive/seg-00000012.ts\n#EXTINF:2.0")),
        ("playlist-cut", with(&live, LAST_EXTINF, "#EXTINF:2.000000,\n")),
        ("byterange-nowhere", with(&version_4, LAST_EXTINF, &format!("#EXT-X-BYTERANGE:9\n{LAST_EXTINF}"))),
    ]
}

fn of_dates() -> Vec<(&'static str, String)> {
    let live = live();
    let undated = undated(&live);
    let date = |at: &str| with(&live, LAST_DATE, &format!("#EXT-X-PROGRAM-DATE-TIME:{at}\n"));
    let range =
        |more: &str| format!("#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-03-01T12:00:09.000Z\"{more}\n");
    let twice = format!("{}{}", range(",DURATION=2.0"), range(",DURATION=3.0"));
    vec![
        ("date-missing", undated.clone()),
        ("date-missing-after-discontinuity", with(&live, LAST_DATE, "#EXT-X-DISCONTINUITY\n")),
        ("date-imprecise", date("2026-03-01T12:00:22Z")),
        ("date-imprecise", date("2026-03-01T12:00:22.000")),
        ("date-ambiguous", date("2026-03-01T12:00:21.000Z")),
        (
            "date-ambiguous",
            with(
                &date("2026-03-01T12:00:10.000Z"),
                LAST_EXTINF,
                &format!("#EXT-X-DISCONTINUITY\n{LAST_EXTINF}"),
            ),
        ),
        ("date-gap", date("2026-03-01T12:00:23.000Z")),
        ("date-range-without-dates", format!("{undated}{}#EXT-X-ENDLIST\n", range(""))),
        ("date-range-contradicts", with(&live, TARGET, &format!("{TARGET}{twice}"))),
    ]
}

#[test]
fn what_is_lawful_is_not_found() {
    #[track_caller]
    fn check(text: String) {
        Case::Playlist(text).assert_clean();
    }
    let live = live();
    let and = |line: &str| with(&live, TARGET, &format!("{TARGET}{line}\n"));
    let last = |line: &str| with(&live, LAST_EXTINF, &format!("{line}\n{LAST_EXTINF}"));
    check(live.clone());
    check(live.replace('\n', "\r\n"));
    check(format!("{live}\n\n# a comment\n#EXT-X-OF-THE-FUTURE:1\n"));
    check(and("#EXT-X-START:TIME-OFFSET=-6"));
    check(and("#EXT-X-START:TIME-OFFSET=0"));
    check(and("#EXT-X-KEY:METHOD=NONE"));
    check(and("#EXT-X-PLAYLIST-TYPE:EVENT"));
    check(last("#EXT-X-DISCONTINUITY"));
    // Longer than the target duration by less than rounding.
    check(with(&live, LAST_EXTINF, "#EXTINF:2.499,\nlive/seg-00000012.ts\n"));
    // Clocks that are a little apart.
    check(with(&live, LAST_DATE, "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:22.999+00:00\n"));
    check(with(&live, LAST_DATE, "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T13:00:21.001+0100\n"));
    // A later date behind a discontinuity; segments without a date of their own.
    check(with(
        &live,
        LAST_DATE,
        "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-03-02T12:00:00.000Z\n",
    ));
    check(with(&live, LAST_DATE, ""));
}

#[test]
fn foreign_playlists_that_are_lawful_are_not_found() {
    #[track_caller]
    fn check(text: &str) {
        Case::Playlist(text.to_owned()).assert_clean();
    }
    // A film of one file, in byte ranges.
    check(
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:10\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-BYTERANGE:100@0\n#EXTINF:9.009,\nfilm.ts\n\
         #EXT-X-BYTERANGE:100\n#EXTINF:9.009,\nfilm.ts\n#EXT-X-ENDLIST\n",
    );
    // Fragmented MP4.
    check(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXTINF:6.006,\na.m4s\n#EXT-X-ENDLIST\n",
    );
    // Low latency: parts, a preload hint, and the version of a delta update.
    check(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0\n#EXT-X-PART-INF:PART-TARGET=1.0\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n\
         #EXTINF:4.000,\na.m4s\n#EXT-X-PART:DURATION=1.0,URI=\"b.0.m4s\",INDEPENDENT=YES\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"b.1.m4s\"\n",
    );
    // The oldest version, whole seconds.
    check("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\na.ts\n#EXTINF:10,\nb.ts\n#EXT-X-ENDLIST\n");
}
