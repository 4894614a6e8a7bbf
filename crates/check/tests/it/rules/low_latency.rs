//! Low latency: parts, what a playlist promises of them, delta updates, and what a server makes of its promises.

use livedir_check::rules::{Asked, SegmentFacts};
use livedir_playlist::{Directives, delta_update};

use super::multivariant::MAIN;
use super::{Case, undated, with};
use crate::media::{self, video_of};
use crate::support::low_latency::Writer;

const DATE_OF_13: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:24.000Z\n";
const EXTINF_OF_12: &str = "#EXTINF:2.000000,\nlive/seg-00000012";
const HINT: &str = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000013.p02.ts\"\n";

/// Segments 3 to 12, the last three of them and two parts of 13 in parts of half a second.
fn low_latency() -> String {
    Writer::after(12, 2).text()
}

/// The line of a part.
fn part(media_sequence: u64, index: u64) -> String {
    let independent = if index == 0 { ",INDEPENDENT=YES" } else { "" };
    format!(
        "#EXT-X-PART:DURATION=0.500000,URI=\"live/seg-{media_sequence:08}.p{index:02}.ts\"{independent}\n"
    )
}

/// [`low_latency`] with this part changed.
fn with_part(media_sequence: u64, index: u64, change: impl FnOnce(&str) -> String) -> String {
    let line = part(media_sequence, index);
    with(&low_latency(), &line, &change(&line))
}

/// This part lost.
fn lost(line: &str) -> String {
    line.replace(",INDEPENDENT=YES", "").replace("\"\n", "\",GAP=YES\n")
}

fn without_parts(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("#EXT-X-PART:")).collect()
}

fn update(before: String, after: String) -> Case {
    Case::Update { before, after, passed_s: 0.5 }
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let mut cases: Vec<_> =
        of_one_playlist().into_iter().map(|(id, text)| (id, Case::Playlist(text))).collect();
    cases.extend(of_updates());
    cases.extend(of_bytes());
    cases.extend(of_delta_updates());
    cases.extend(of_reloads());
    cases.extend(of_renditions());
    cases
}

fn of_one_playlist() -> Vec<(&'static str, String)> {
    let text = low_latency();
    let longer = |line: &str| line.replace("0.500000", "0.501000");
    let shorter = |line: &str| line.replace("0.500000", "0.420000");
    let all_short = part(12, 0) + &part(12, 1) + &part(12, 2) + &part(12, 3);
    vec![
        ("part-target-missing", with(&text, "#EXT-X-PART-INF:PART-TARGET=0.500000\n", "")),
        ("attribute-missing", with(&text, "#EXT-X-PART-INF:PART-TARGET=0.500000\n", "#EXT-X-PART-INF:A=1\n")),
        ("attribute-missing", with(&text, ",URI=\"live/seg-00000013.p01.ts\"", "")),
        ("bad-value", with_part(13, 1, |line| line.replace("0.500000", "half"))),
        (
            "tag-repeated",
            with(&text, "#EXT-X-PART-INF:", "#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-PART-INF:"),
        ),
        ("part-over-target", with_part(13, 1, longer)),
        ("part-over-target", with_part(12, 3, longer)),
        ("part-short", with(&with_part(12, 1, shorter), EXTINF_OF_12, &EXTINF_OF_12.replace("2.00", "1.92"))),
        ("parts-off-segment", with(&text, &part(12, 3), "")),
        ("parts-off-segment", with(&text, &all_short, &all_short.replace("0.500000", "0.450000"))),
        ("parts-off-segment", with(&text, &part(10, 3), &(part(10, 3) + &part(10, 3).replace("p03", "p04")))),
        (
            "part-far-from-end",
            with(
                &text,
                "#EXTINF:2.000000,\nlive/seg-00000009",
                &format!(
                    "{}{}{}{}#EXTINF:2.000000,\nlive/seg-00000009",
                    part(9, 0),
                    part(9, 1),
                    part(9, 2),
                    part(9, 3)
                ),
            ),
        ),
        (
            "segment-tag-behind-part",
            with(&with(&text, DATE_OF_13, ""), &part(13, 0), &format!("{}{DATE_OF_13}", part(13, 0))),
        ),
        ("independent-untrue", with_part(13, 0, |line| line.replace("=YES\n", "=YES,GAP=YES\n"))),
        ("bad-value", with_part(13, 1, |line| line.replace("\"\n", "\",GAP=NO\n"))),
        ("bad-value", with_part(13, 1, |line| line.replace("\"\n", "\",INDEPENDENT=NO\n"))),
        ("part-over-target", with_part(13, 1, |line| lost(&longer(line)))),
        ("parts-off-segment", with_part(12, 2, |line| lost(line).replace("0.500000", "0.400000"))),
        ("gap-without-need", with(&text, EXTINF_OF_12, &format!("#EXT-X-GAP\n{EXTINF_OF_12}"))),
        ("part-hold-back-missing", with(&text, ",PART-HOLD-BACK=1.500000", "")),
        ("part-hold-back-low", with(&text, "PART-HOLD-BACK=1.500000", "PART-HOLD-BACK=0.9")),
        ("part-hold-back-below-three", with(&text, "PART-HOLD-BACK=1.500000", "PART-HOLD-BACK=1.2")),
        ("hold-back-low", with(&text, "PART-HOLD-BACK", "HOLD-BACK=5.9,PART-HOLD-BACK")),
        ("skip-until-low", with(&text, "UNTIL=12.000000", "UNTIL=11.9")),
        ("blocking-reload-missing", with(&text, "CAN-BLOCK-RELOAD=YES,", "")),
        ("blocking-reload-missing", with(&text, "CAN-BLOCK-RELOAD=YES", "CAN-BLOCK-RELOAD=NO")),
        ("preload-hint-missing", with(&text, HINT, "")),
        (
            "preload-hint-missing",
            with(&text, "TYPE=PART,URI=\"live/seg-00000013.p02.ts\"", "TYPE=MAP,URI=\"init.mp4\""),
        ),
        ("preload-hint-repeated", format!("{text}{HINT}")),
        ("preload-hint-after-end", format!("{text}#EXT-X-ENDLIST\n")),
        ("skip-unasked", delta_update(&text).unwrap()),
        // The first part is there and no segment yet.
        ("date-missing", undated(&Writer::after(0, 1).text())),
    ]
}

fn of_updates() -> Vec<(&'static str, Case)> {
    let before = low_latency();
    let after = |segments, open_parts| Writer::after(segments, open_parts).text();
    let next = after(12, 3);
    vec![
        ("part-target-changed", update(before.clone(), with(&next, "TARGET=0.500000", "TARGET=0.500100"))),
        ("server-control-changed", update(before.clone(), with(&next, "BACK=1.500000", "BACK=1.600000"))),
        (
            "part-changed",
            update(before.clone(), with(&next, &part(13, 0), &part(13, 0).replace("p00", "q00"))),
        ),
        (
            "part-changed",
            update(before.clone(), with(&next, &part(12, 2), &part(12, 2).replace("0.50", "0.49"))),
        ),
        // What was listed with media cannot be lost afterwards, nor come late.
        ("part-changed", update(before.clone(), with(&next, &part(13, 1), &lost(&part(13, 1))))),
        ("part-changed", update(with_part(12, 3, lost), next.clone())),
        ("part-changed", update(lost_from(&before, 2), late_part())),
        ("part-left-early", update(before.clone(), after(12, 1))),
        ("part-left-early", update(after(12, 4), without_parts_of(&after(13, 1), 13))),
        ("part-left-early", update(before.clone(), without_parts(&next))),
        ("preload-hint-untrue", update(before.clone(), with(&next, "13.p02", "13.q02"))),
        ("preload-hint-untrue", update(after(12, 4), with(&after(13, 1), "14.p00", "14.q00"))),
        ("part-late", Case::Update { before: before.clone(), after: next, passed_s: 0.9 }),
        ("part-late", Case::Update { before: before.clone(), after: before, passed_s: 0.9 }),
    ]
}

/// Segment 12 is lost, and of its parts this one, and the ones behind it never came.
fn lost_from(text: &str, index: u64) -> String {
    let text = (index + 1..4).fold(text.to_owned(), |text, index| without_part(&text, 12, index));
    let text = with(&text, &part(12, index), &lost(&part(12, index)));
    with(&text, EXTINF_OF_12, &format!("#EXT-X-GAP\n{EXTINF_OF_12}"))
}

/// [`lost_from`] 2, and now the last part has come.
fn late_part() -> String {
    let text = lost_from(&Writer::after(12, 3).text(), 2);
    let line = lost(&part(12, 2));
    with(&text, &line, &format!("{line}{}", part(12, 3)))
}

fn without_parts_of(text: &str, media_sequence: u64) -> String {
    (0..4).fold(text.to_owned(), |text, index| with(&text, &part(media_sequence, index), ""))
}

/// Of segments 10 to 12, their parts, and those of 13.
fn facts() -> Vec<SegmentFacts> {
    let fact = |uri: String, start_90k: u64, duration_90k: u64, keyframes: u64| {
        let mut facts = media::segment(uri, start_90k, duration_90k, 4_500);
        (video_of(&mut facts).keyframes, video_of(&mut facts).starts_with_keyframe) =
            (keyframes, keyframes > 0);
        facts
    };
    let mut facts: Vec<_> = (10..=12)
        .map(|number| fact(format!("live/seg-{number:08}.ts"), number * 180_000, 180_000, 1))
        .collect();
    for (number, index) in (10..=13).flat_map(|number| (0..4).map(move |index| (number, index))) {
        let start_90k = number * 180_000 + index * 45_000;
        facts.push(fact(
            format!("live/seg-{number:08}.p{index:02}.ts"),
            start_90k,
            45_000,
            u64::from(index == 0),
        ));
    }
    facts
}

/// With what is known of the part of this name changed.
fn changed(uri: &str, change: impl FnOnce(&mut SegmentFacts)) -> Case {
    let mut facts = facts();
    change(facts.iter_mut().find(|it| it.uri.ends_with(uri)).unwrap());
    Case::Parts(low_latency(), facts)
}

fn later(facts: &mut SegmentFacts) {
    media::later(facts, 45_000);
}

fn of_bytes() -> Vec<(&'static str, Case)> {
    vec![
        ("part-unreadable", changed("13.p01.ts", |it| it.problem = Some("it does not exist".to_owned()))),
        ("part-without-setup", changed("13.p01.ts", |it| media::of(it).tables_first = false)),
        ("part-without-setup", changed("13.p01.ts", |it| video_of(it).starts_with_parameter_sets = false)),
        ("independent-untrue", changed("13.p00.ts", |it| video_of(it).keyframes = 0)),
        ("independent-unsaid", changed("12.p02.ts", |it| video_of(it).keyframes = 1)),
        ("parts-not-the-segment", changed("12.p03.ts", later)),
        ("parts-not-the-segment", changed("00000012.ts", later)),
    ]
}

fn of_delta_updates() -> Vec<(&'static str, Case)> {
    let whole = low_latency();
    let delta = delta_update(&whole).unwrap();
    let of_whole = |delta| Case::Delta { whole: whole.clone(), delta };
    let entry_7 =
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:12.000Z\n#EXTINF:2.000000,\nlive/seg-00000007.ts\n";
    let too_much = with(&with(&delta, entry_7, ""), "SEGMENTS=4", "SEGMENTS=5");
    vec![
        ("delta-update-missing", of_whole(whole.clone())),
        ("delta-update-skips-too-much", of_whole(too_much)),
        ("delta-update-differs", of_whole(with(&delta, "SEGMENTS=4", "SEGMENTS=3"))),
        (
            "delta-update-differs",
            of_whole(with(&delta, "#EXT-X-MEDIA-SEQUENCE:3", "#EXT-X-MEDIA-SEQUENCE:7")),
        ),
        ("delta-update-differs", of_whole(with(&delta, ":16.000Z", ":16.040Z"))),
        ("delta-update-differs", of_whole(with(&delta, &part(11, 2), &part(11, 2).replace("p02", "p05")))),
        ("delta-update-differs", of_whole(with(&delta, &part(13, 1), ""))),
        ("delta-update-differs", of_whole(with(&delta, &part(11, 2), &lost(&part(11, 2))))),
        ("delta-update-differs", of_whole(with(&delta, HINT, ""))),
    ]
}

fn next(media_sequence: u64, part: u64) -> Asked {
    Asked::Next(Directives { media_sequence: Some(media_sequence), part: Some(part), skip: false })
}

fn of_reloads() -> Vec<(&'static str, Case)> {
    let reload = |asked, status| Case::Reload(asked, Some(status), low_latency());
    let segment = Asked::Next(Directives { media_sequence: Some(13), ..Directives::default() });
    vec![
        ("blocking-reload-not-held", reload(next(13, 2), 200)),
        ("blocking-reload-not-held", reload(segment, 200)),
        ("blocking-reload-refused", reload(next(13, 2), 400)),
        ("part-without-segment-answered", reload(Asked::PartAlone, 200)),
        ("far-ahead-answered", reload(Asked::FarAhead(113), 200)),
        ("far-ahead-answered", Case::Reload(Asked::FarAhead(113), None, String::new())),
        ("preload-hint-refused", reload(hint(), 404)),
        ("preload-hint-refused", Case::Reload(hint(), Some(404), String::new())),
        // It is there by now, or lost, and that is no answer to it.
        ("preload-hint-refused", Case::Reload(hint(), Some(404), Writer::after(12, 3).text())),
        ("preload-hint-refused", Case::Reload(hint(), Some(400), with_lost_hint())),
    ]
}

/// For the part that comes next in [`low_latency`].
fn hint() -> Asked {
    Asked::Hint("live/seg-00000013.p02.ts".to_owned())
}

/// The part that was hinted at is lost.
fn with_lost_hint() -> String {
    with(&Writer::after(12, 3).text(), &part(13, 2), &lost(&part(13, 2)))
}

/// Two low-latency playlists, each of which reports of the other that its newest segment has this number.
fn reporting(of_other: u64, of_media: u64) -> (String, String) {
    let report = |uri: &str, number: u64| {
        format!("{}#EXT-X-RENDITION-REPORT:URI=\"{uri}\",LAST-MSN={number},LAST-PART=1\n", low_latency())
    };
    (report("./other.m3u8", of_other), report("media.m3u8?a=b", of_media))
}

fn together((media, other): (String, String)) -> Case {
    Case::Renditions { multivariant: MAIN.to_owned(), media: vec![media, other] }
}

fn of_renditions() -> Vec<(&'static str, Case)> {
    let (media, other) = reporting(13, 13);
    vec![
        ("rendition-report-missing", together((low_latency(), other.clone()))),
        // What was read first may have been behind; of what was read later, the report may not be ahead.
        ("rendition-report-off", together(reporting(15, 13))),
        ("rendition-report-off", together(reporting(13, 11))),
        ("renditions-control-differs", together((media, with(&other, "BACK=1.500000", "BACK=2.000000")))),
    ]
}

#[test]
fn what_our_own_writer_makes_is_not_found() {
    for (segments, open_parts) in (0..14).flat_map(|segments| (0..=4).map(move |parts| (segments, parts))) {
        let writer = Writer::after(segments, open_parts);
        let text = writer.text();
        Case::Playlist(text.clone()).assert_clean();
        if open_parts < 4 {
            update(text.clone(), Writer::after(segments, open_parts + 1).text()).assert_clean();
        }
        update(text.clone(), Writer::after(segments + 1, 0).text()).assert_clean();
        update(text.clone(), Writer::after(segments + 1, 1).text()).assert_clean();
        // A viewer who was away for a while.
        update(text.clone(), Writer::after(segments + 4, 1).text()).assert_clean();
        if let Some(delta) = delta_update(&text) {
            Case::Delta { whole: text, delta }.assert_clean();
        }
        Case::Playlist(writer.ended()).assert_clean();
    }
    Case::Parts(low_latency(), facts()).assert_clean();
    Case::Parts(low_latency(), facts().into_iter().step_by(3).collect()).assert_clean();
    together(reporting(13, 13)).assert_clean();
    together(reporting(12, 12)).assert_clean();
}

#[test]
fn a_hint_that_a_break_has_overtaken_is_not_found() {
    let before = Writer::after(12, 2).text();
    update(before, Writer::after(12, 2).broken_off().text()).assert_clean();
    update(Writer::after(12, 2).broken_off().text(), Writer::after(12, 2).broken_off().ended())
        .assert_clean();
}

#[test]
fn parts_that_are_lost_are_not_found() {
    let text = low_latency();
    for (number, index) in (10..=12).flat_map(|number| (0..4).map(move |index| (number, index))) {
        let lost_one = with_part(number, index, lost);
        Case::Playlist(lost_one.clone()).assert_clean();
        // Nobody asks for it: what its bytes would be is not known, or that there are none.
        let missing = |facts: &mut SegmentFacts| facts.problem = Some("it does not exist".to_owned());
        let mut facts = facts();
        missing(facts.iter_mut().find(|it| it.uri.ends_with(&format!("{number}.p{index:02}.ts"))).unwrap());
        Case::Parts(lost_one, facts).assert_clean();
    }
    // All parts of a segment, which is there.
    let all_lost =
        (0..4).fold(text.clone(), |text, index| with(&text, &part(12, index), &lost(&part(12, index))));
    Case::Playlist(all_lost.clone()).assert_clean();
    let all_lost = with(&all_lost, EXTINF_OF_12, &format!("#EXT-X-GAP\n{EXTINF_OF_12}"));
    Case::Playlist(all_lost).assert_clean();
    // The part that was hinted at, and the one behind it is hinted at.
    update(text.clone(), with_lost_hint()).assert_clean();
    update(with_lost_hint(), with(&Writer::after(12, 4).text(), &part(13, 2), &lost(&part(13, 2))))
        .assert_clean();
    // Of the segment nothing more comes: what was listed of it stays as it is, and what was hinted at is not published.
    let after = lost_from(&Writer::after(12, 1).text(), 2);
    let open = with(&Writer::after(11, 3).text(), &part(12, 2), &lost(&part(12, 2)));
    update(open, after.clone()).assert_clean();
    let delta = delta_update(&after).unwrap();
    assert!(delta.contains("GAP=YES") && delta.contains("#EXT-X-GAP"), "{delta}");
    Case::Delta { whole: after, delta }.assert_clean();
}

fn without_part(text: &str, media_sequence: u64, index: u64) -> String {
    with(text, &part(media_sequence, index), "")
}

#[test]
fn a_short_part_is_not_found_where_it_may_be_short() {
    #[track_caller]
    fn check(text: String) {
        Case::Playlist(text).assert_clean();
    }
    let shorter = |line: &str| line.replace("0.500000", "0.300000");
    let text = with_part(12, 3, shorter);
    check(with(&text, EXTINF_OF_12, &EXTINF_OF_12.replace("2.00", "1.80")));
    // Whether it is the last of its segment is not known yet.
    check(with_part(13, 1, shorter));
    check(with_part(13, 0, shorter));
    check(with(
        &with_part(13, 1, |line| shorter(line) + &part(13, 2).replace("\"\n", "\",GAP=YES\n")),
        "p02.ts\"\n",
        "p03.ts\"\n",
    ));
}

#[test]
fn a_server_that_does_what_it_should_is_not_found() {
    #[track_caller]
    fn check(asked: Asked, status: u16, text: String) {
        Case::Reload(asked, Some(status), text).assert_clean();
    }
    check(next(13, 1), 200, low_latency());
    check(next(12, 4), 200, low_latency());
    check(next(13, 2), 200, Writer::after(12, 2).ended());
    check(next(13, 2), 503, String::new());
    check(Asked::PartAlone, 400, String::new());
    check(Asked::PartAlone, 200, Writer::after(12, 2).ended());
    check(Asked::FarAhead(113), 400, String::new());
    check(hint(), 200, String::new());
    // bis-22 6.2.6: what is lost is not found, and the list says so or goes on without it.
    check(hint(), 404, with_lost_hint());
    check(hint(), 410, with_lost_hint());
    check(hint(), 404, Writer::after(13, 1).text().replace("13.p02", "13.q02"));
    check(hint(), 404, Writer::after(12, 2).ended());
    // A part that is lost is a part.
    check(next(13, 2), 200, with_lost_hint());
}
