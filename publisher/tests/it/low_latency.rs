//! Low latency on disk: parts as files, and every version of `ll.m3u8`, also through a kill.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use livedir_playlist::{Edge, Listing, MediaListing, read_listing};

use crate::support::live_source::LiveSource;
use crate::support::media;
use crate::support::programs::{LiveStream, PATIENCE, lose_and_find};
use crate::support::wait_for;

const WORDS: [&str; 6] = ["test", "--size", "160x120", "--low-latency", "--segment-duration", "1s"];

/// Everything that `ll.m3u8` has been, in order.
fn versions_while(webroot: &Path, body: impl FnOnce()) -> Vec<String> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut versions: Vec<String> = Vec::new();
            loop {
                let is_over = over.load(Ordering::Acquire);
                if let Ok(text) = fs::read_to_string(webroot.join("ll.m3u8"))
                    && versions.last() != Some(&text)
                {
                    versions.push(text);
                }
                if is_over {
                    return versions;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        body();
        over.store(true, Ordering::Release);
        reader.join().unwrap()
    })
}

fn listing(text: &str) -> MediaListing {
    match read_listing(text) {
        Listing::Media(listing) => listing,
        other => panic!("{other:?}"),
    }
}

/// The parts in order, each with its duration.
fn parts(text: &str) -> Vec<(String, f64)> {
    let parts = listing(text).tags.into_iter().filter(|tag| tag.name == "EXT-X-PART");
    let part = |value: &str| {
        let attributes = livedir_playlist::Attributes::read(value);
        Some((attributes.get("URI")?.to_owned(), attributes.get("DURATION")?.parse().ok()?))
    };
    parts.map(|tag| part(&tag.value).expect("a part with its duration")).collect()
}

#[track_caller]
fn wait_for_parts(webroot: &Path, segment: u64, parts_of_it: u64) {
    wait_for("parts", PATIENCE, || {
        let edge = Edge::of(&fs::read_to_string(webroot.join("ll.m3u8")).ok()?)?;
        (edge.next_media_sequence > segment
            || (edge.next_media_sequence == segment && edge.open_parts >= parts_of_it))
            .then_some(())
    });
}

#[test]
fn parts_are_hinted_at_listed_and_end_to_end_their_segment() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let versions = versions_while(webroot, || {
        let stream = LiveStream::start(webroot, &WORDS);
        wait_for_parts(webroot, 5, 1);
        let mut by_segment: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (uri, _) in parts(&fs::read_to_string(webroot.join("ll.m3u8")).unwrap()) {
            let segment = format!("{}.ts", uri.rsplit_once(".p").unwrap().0);
            by_segment.entry(segment).or_default().extend(fs::read(webroot.join(uri)).unwrap());
        }
        let complete = by_segment.iter().filter(|(segment, _)| webroot.join(segment).exists());
        let equal =
            complete.map(|(segment, joined)| (segment, fs::read(webroot.join(segment)).unwrap() == *joined));
        let equal: Vec<_> = equal.collect();
        assert!(equal.len() >= 3 && equal.iter().all(|(_, is_equal)| *is_equal), "{equal:?}");
        assert!(stream.publisher.interrupt().success());
    });

    assert!(versions.last().unwrap().ends_with("#EXT-X-ENDLIST\n"));
    let seen = check_parts(&versions, 0.2);
    assert!(seen.len() >= 20, "{seen:?}");
}

#[test]
fn the_slate_comes_in_parts_too_while_the_source_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let source = LiveSource::start();
    let url = source.url();
    let mut parts_of_slate = 0..0;
    let versions = versions_while(webroot, || {
        let stream = LiveStream::start(webroot, &[&[url.as_str()], &WORDS[1..]].concat());
        wait_for_parts(webroot, 3, 1);
        parts_of_slate.start = last_part(webroot);
        lose_and_find(&source, &stream);
        parts_of_slate.end = last_part(webroot);
        assert_eq!(stream.count("source_losses"), 1, "{}", stream.publisher.output());
        assert!(stream.publisher.interrupt().success());
    });

    let seen = check_parts(&versions, 0.2);
    check_order(&seen);
    let of_slate = seen.iter().filter(|(uri, _)| parts_of_slate.contains(&number(uri))).count();
    // Of forty pictures at least.
    assert!(of_slate >= 10, "{of_slate} parts, {parts_of_slate:?}");
    // One encoder makes all of it: nothing breaks off, for a player, where the slate begins and ends.
    let segments = listing(versions.last().unwrap()).segments;
    assert!(segments.iter().all(|segment| !segment.discontinuity), "{}", versions.last().unwrap());
}

#[test]
fn parts_of_one_picture_or_two_are_listed_to_the_last() {
    for words in [["--part-duration", "100ms"], ["--part-duration", "50ms"]] {
        let directory = tempfile::tempdir().unwrap();
        let webroot = directory.path();
        let versions = versions_while(webroot, || {
            let stream = LiveStream::start(webroot, &[&WORDS[..], &words].concat());
            wait_for_parts(webroot, 4, 2);
            assert!(stream.publisher.interrupt().success());
        });
        let target_s = if words[1] == "50ms" { 0.05 } else { 0.1 };
        let seen = check_parts(&versions, target_s);
        check_order(&seen);
        let of_second = seen.iter().filter(|(uri, _)| uri.contains("seg-00000002."));
        let length_s: f64 = of_second.map(|(_, duration_s)| duration_s).sum();
        assert!((length_s - 1.0).abs() < 0.01, "{words:?}: the parts of a second are {length_s} s: {seen:?}");
    }
}

/// No part is left out.
#[track_caller]
fn check_order(seen: &[(String, f64)]) {
    for pair in seen.windows(2) {
        let [before, after] = [&pair[0].0, &pair[1].0].map(|uri| number(uri));
        let follows = after == before + 1 || (after == (before / 100 + 1) * 100);
        assert!(follows, "{} is followed by {}", pair[0].0, pair[1].0);
    }
}

/// Segment and part of a part's name in one number.
fn number(uri: &str) -> u64 {
    let digits: String = uri.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn last_part(webroot: &Path) -> u64 {
    let text = fs::read_to_string(webroot.join("ll.m3u8")).unwrap();
    number(&parts(&text).last().expect("a part").0)
}

/// What holds for the parts of all versions of a list; gives each of them once, in order.
#[track_caller]
fn check_parts(versions: &[String], target_s: f64) -> Vec<(String, f64)> {
    let mut seen: Vec<(String, f64)> = Vec::new();
    let mut hint: Option<String> = None;
    for text in versions {
        let now = parts(text);
        for (uri, duration_s) in &now {
            assert!(*duration_s <= target_s, "{uri} runs {duration_s} s");
            assert!(text.contains(&format!("#EXT-X-PART-INF:PART-TARGET={target_s:.6}\n")));
        }
        let new: Vec<_> = now.iter().filter(|part| !seen.contains(part)).cloned().collect();
        if let (Some(hinted), Some((first, _))) = (&hint, new.first()) {
            assert_eq!(first, hinted, "the part that was hinted at is the one that comes");
        }
        let edge = Edge::of(text).unwrap();
        assert_eq!(edge.hint.is_none(), edge.ended, "{text}");
        hint = edge.hint;
        seen.extend(new);
    }
    // Only the last part of a segment may be short (bis 4.4.4.9).
    for pair in seen.windows(2) {
        let segment = |uri: &str| uri.rsplit_once(".p").unwrap().0.to_owned();
        let is_last = segment(&pair[0].0) != segment(&pair[1].0);
        assert!(is_last || pair[0].1 >= 0.85 * target_s, "{pair:?}");
    }
    seen
}

#[test]
fn an_interrupted_segment_is_made_of_its_parts_and_told_together_with_what_follows() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for_parts(webroot, 3, 2);
    stream.publisher.kill();
    let before = fs::read_to_string(webroot.join("ll.m3u8")).unwrap();
    let interrupted = Edge::of(&before).unwrap();

    let versions = versions_while(webroot, || {
        let stream = LiveStream::start(webroot, &WORDS);
        wait_for_parts(webroot, interrupted.next_media_sequence + 1, 3);
        assert!(stream.publisher.interrupt().success());
    });
    assert_eq!(versions[0], before, "nothing is told before there is something to go on with");
    let first = versions[1].as_str();
    let known = parts(&before);
    for part in &known {
        // Those far from the edge may have left.
        let is_near = part.0 >= parts(first)[0].0;
        assert!(!is_near || parts(first).contains(part), "{part:?} was listed before\n{first}");
    }
    if interrupted.open_parts > 0 {
        let closed = format!("live/seg-{:08}.ts\n#EXT-X-DISCONTINUITY\n", interrupted.next_media_sequence);
        assert!(first.contains(&closed), "{first}");
        assert!(!first.contains("GAP"), "what players have seen of it stays:\n{first}");
    }
    let edge = Edge::of(first).unwrap();
    assert_eq!(edge.open_parts, 1, "{first}");
    assert_eq!(listing(first).segments.iter().filter(|segment| segment.discontinuity).count(), 0, "{first}");
}

#[test]
fn a_run_without_low_latency_leaves_no_list_that_stands_still() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for_parts(webroot, 2, 1);
    assert!(stream.publisher.interrupt().success());
    let plain: Vec<_> = WORDS.into_iter().filter(|word| *word != "--low-latency").collect();
    let mut stream = LiveStream::start(webroot, &plain);
    stream.wait_for_segment(4);
    assert!(!webroot.join("ll.m3u8").exists());
    assert!(stream.publisher.interrupt().success());
}

/// Where segments and parts lie that can be dropped in, and a webroot for them.
fn recorded(directory: &Path) -> (PathBuf, PathBuf) {
    let (source, webroot) = (directory.join("source"), directory.join("webroot"));
    let stream = LiveStream::start(&source, &WORDS);
    wait_for_parts(&source, 4, 1);
    assert!(stream.publisher.interrupt().success());
    fs::create_dir_all(webroot.join("live")).unwrap();
    (source, webroot)
}

/// As other encoders do: under a name of no meaning first.
fn drop_in(source: &Path, webroot: &Path, name: &str) {
    let unfinished = webroot.join("live").join(format!(".{name}"));
    fs::copy(source.join("live").join(name), &unfinished).unwrap();
    fs::rename(unfinished, webroot.join("live").join(name)).unwrap();
}

#[test]
fn watch_makes_a_list_that_can_be_waited_for_when_there_are_no_parts() {
    let directory = tempfile::tempdir().unwrap();
    let (source, webroot) = recorded(directory.path());
    let mut watch = crate::support::programs::publisher();
    watch.arg("watch").arg(&webroot).arg("--low-latency");
    let _watch = crate::support::programs::Running::start(&mut watch);
    for name in ["seg-00000001.ts", "seg-00000002.ts"] {
        drop_in(&source, &webroot, name);
        let text = wait_for("ll.m3u8", PATIENCE, || {
            let text = fs::read_to_string(webroot.join("ll.m3u8")).ok()?;
            text.ends_with(&format!("live/{name}\n")).then_some(text)
        });
        assert!(text.contains("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"), "{text}");
        assert!(!text.contains("EXT-X-PART"), "{text}");
        assert!(text.contains("#EXT-X-TARGETDURATION:1\n"), "{text}");
    }
}

#[test]
fn watch_lists_parts_of_others_that_are_named_as_ours() {
    let directory = tempfile::tempdir().unwrap();
    let (source, webroot) = recorded(directory.path());
    let mut watch = crate::support::programs::publisher();
    watch.arg("watch").arg(&webroot).args(["--low-latency", "--target-duration", "1"]);
    let _watch = crate::support::programs::Running::start(&mut watch);
    let says = |expected: &[&str]| {
        wait_for("ll.m3u8", PATIENCE, || {
            let text = fs::read_to_string(webroot.join("ll.m3u8")).ok()?;
            expected.iter().all(|line| text.contains(line)).then_some(())
        });
    };
    drop_in(&source, &webroot, "seg-00000001.p00.ts");
    says(&["seg-00000001.p00.ts\",INDEPENDENT=YES", "HINT:TYPE=PART,URI=\"live/seg-00000001.p01.ts\""]);
    for part in 1..5 {
        drop_in(&source, &webroot, &format!("seg-00000001.p{part:02}.ts"));
    }
    says(&["HINT:TYPE=PART,URI=\"live/seg-00000001.p05.ts\""]);
    drop_in(&source, &webroot, "seg-00000001.ts");
    says(&[
        "seg-00000001.p04.ts",
        "live/seg-00000001.ts\n",
        "HINT:TYPE=PART,URI=\"live/seg-00000002.p00.ts\"",
    ]);
}

/// Every part says by itself how its pictures are read, and holds no more than the segment: a player may join with any of them.
#[track_caller]
fn check_joins(words: &[&str], least_parts: usize) {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let words = [words, &["--low-latency", "--segment-duration", "1s", "--window", "100"]].concat();
    let stream = LiveStream::start(webroot, &words);
    // They are deleted soon after.
    let parts = wait_for("parts", PATIENCE, || {
        let files = part_files(&webroot.join("live")).into_iter();
        let parts: Vec<_> = files.filter_map(|file| Some((fs::read(&file).ok()?, file))).collect();
        (parts.len() >= least_parts).then_some(parts)
    });
    let by_itself = webroot.join("part-by-itself.ts");
    for (bytes, part) in &parts {
        fs::write(&by_itself, bytes).unwrap();
        let facts = livedir_media::probe(bytes).unwrap();
        let Some(video) = facts.video else { continue };
        assert!(facts.tables_first && video.starts_with_parameter_sets, "{}", part.display());
        // It cannot decode them without those of the parts before, and ends with an error at times.
        let seen = Command::new("ffprobe")
            // Ten packets are too few for it to tell what they are.
            .args(["-v", "error", "-f", "mpegts", "-select_streams", "v", "-show_entries", "stream=width"])
            .args(["-of", "csv=p=0"])
            .arg(&by_itself)
            .output()
            .expect("ffprobe; run `just setup-tests`");
        assert!(seen.stdout.starts_with(b"320"), "{}: {seen:?}", part.display());
    }
    assert!(stream.publisher.interrupt().success());
}

/// Below a directory.
fn part_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let parts = files.into_iter().filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("seg-") && name.contains(".p") && name.ends_with(".ts")
    });
    parts.chain(directories.iter().flat_map(|directory| part_files(directory))).collect()
}

#[test]
fn a_player_may_join_with_any_part() {
    check_joins(&["test", "--size", "320x180"], 15);
    check_joins(&["test", "--codec", "hevc", "--size", "320x180"], 15);
    check_joins(&["test", "--ladder", "320x180@400k,320x240@500k"], 40);
    let directory = tempfile::tempdir().unwrap();
    let film = directory.path().join("film.mp4");
    media::run(
        Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=60"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p"])
            .arg(&film),
    );
    check_joins(&[film.to_str().unwrap(), "--copy"], 15);
}
