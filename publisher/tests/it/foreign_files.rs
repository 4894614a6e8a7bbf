//! Files that players of HLS do not play, or few of them: `watch`, `check` and `inspect` name them for what they are. And what lies in
//! `live/` and is no segment.

use crate::support::check::check;
use crate::support::programs::{PATIENCE, publisher, read_playlist};
use crate::support::wait_for;
use crate::watch::{Watched, names};
use crate::watcher_support::{TEST_SOURCES, ffmpeg, segments};
use livedir_inspect::model::inventory::{Inventory, State};
use livedir_media::{Foreign, ProbeError, Samples, foreign, probe};
use std::fs;
use std::sync::OnceLock;

/// A file of one second, and what it is.
struct Kind {
    name: &'static str,
    bytes: Vec<u8>,
    is: Foreign,
    /// How it is told.
    told: &'static str,
    /// The rule of `check`.
    rule: &'static str,
    /// Whether some players play it, so that it is listed.
    is_listed: bool,
}

/// Moving bars of one second.
const BARS: &str = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1";
const X264: &str = "-c:v libx264 -preset ultrafast -g 25";

/// Files as ffmpeg makes them, each once.
fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let made = |arguments: &str| {
            ffmpeg(directory.path(), &format!("{arguments} -f mpegts made.ts"));
            fs::read(directory.path().join("made.ts")).unwrap()
        };
        let kind = |name, bytes, is, told, rule, is_listed| Kind { name, bytes, is, told, rule, is_listed };
        let samples = |chroma, bits| Foreign::Samples(Samples { chroma, bits });
        vec![
            kind(
                "m2ts",
                made(&format!("{BARS} {X264} -pix_fmt yuv420p -mpegts_m2ts_mode 1")),
                Foreign::M2ts,
                "it is M2TS, with packets of 192 bytes",
                "packets-of-192-bytes",
                false,
            ),
            kind(
                "mpeg2",
                made(&format!("{BARS} -c:v mpeg2video")),
                Foreign::Video { stream_type: 2 },
                "its video is MPEG-2 video (stream type 0x02)",
                "video-codec",
                false,
            ),
            kind(
                "opus-alone",
                made("-f lavfi -i sine=sample_rate=48000:duration=1 -c:a libopus"),
                Foreign::Opus,
                "its sound is Opus",
                "opus-in-ts",
                false,
            ),
            kind(
                "scrambled",
                scrambled(&segments()[0]),
                Foreign::Scrambled,
                "it is scrambled, as pay television is",
                "scrambled",
                false,
            ),
            kind(
                "opus",
                made(&format!("{BARS} -f lavfi -i sine=sample_rate=48000:duration=1 {X264} -pix_fmt yuv420p -c:a libopus")),
                Foreign::Opus,
                "its sound is Opus",
                "opus-in-ts",
                true,
            ),
            kind(
                "422",
                made(&format!("{BARS} {X264} -pix_fmt yuv422p")),
                samples("4:2:2", 8),
                "its H.264 video is 4:2:2 with 8 bits",
                "h264-profile",
                true,
            ),
            kind(
                "10bit",
                made(&format!("{BARS} {X264} -pix_fmt yuv420p10le")),
                samples("4:2:0", 10),
                "its H.264 video is 4:2:0 with 10 bits",
                "h264-profile",
                true,
            ),
            kind(
                "programs",
                made(&format!(
                    "{BARS} {BARS} -map 0:v -map 1:v {X264} -pix_fmt yuv420p -program title=a:st=0 -program title=b:st=1"
                )),
                Foreign::Programs { programs: 2 },
                "it holds 2 programs, and HLS allows one",
                "several-programs",
                true,
            ),
        ]
    })
}

/// As a broadcaster scrambles it: all but the tables, whatever the key is (ISO 13818-1 table 2-4: 2 is the even one).
fn scrambled(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for packet in bytes.chunks_exact_mut(188) {
        let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let payload_at = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        if (0x100..0x1000).contains(&pid) {
            packet[3] |= 0x80;
            packet[payload_at..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        }
    }
    bytes
}

#[test]
fn the_bytes_of_real_files_tell_what_they_are() {
    for Kind { name, bytes, is, is_listed, .. } in kinds() {
        match probe(bytes) {
            Ok(facts) => assert_eq!((foreign(&facts), is_listed), (vec![*is], &true), "{name}"),
            Err(error) => assert_eq!((error, is_listed), (ProbeError::Foreign(*is), &false), "{name}"),
        }
    }
    for bytes in [&segments()[0], &crate::watcher_support::hevc_segments()[0]] {
        assert_eq!(foreign(&probe(bytes).expect("a segment")), []);
    }
}

#[test]
fn a_program_that_was_cut_out_of_others_is_one_program() {
    let both = &kinds().iter().find(|kind| kind.name == "programs").expect("a kind").bytes;
    let pid = |packet: &[u8]| u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
    // The table of the second program is gone, and its stream; the PAT names it on.
    let of_second = [0x1001, 0x101];
    let first: Vec<u8> = both
        .chunks_exact(188)
        .filter(|packet| !of_second.contains(&pid(packet)))
        .flatten()
        .copied()
        .collect();
    let facts = probe(&first).expect("a segment");
    assert_eq!((facts.programs, foreign(&facts)), (1, Vec::new()));
}

#[test]
fn a_few_packets_that_say_they_are_scrambled_are_damage() {
    let mut bytes = segments()[0].clone();
    for packet in bytes.chunks_exact_mut(188).filter(|packet| packet[1] & 0x1f == 1).step_by(5) {
        packet[3] |= 0x80;
    }
    assert!(probe(&bytes).is_ok(), "{:?}", probe(&bytes));
}

#[test]
fn watch_names_what_players_do_not_play() {
    let watched = Watched::new();
    let running = watched.start(&["--target-duration", "2"]);
    let times = |told: &str| running.output().lines().filter(|line| line.contains(told)).count();
    for Kind { name, bytes, told, is_listed, .. } in kinds() {
        watched.rename_in(&format!("{name}.ts"), bytes);
        let of_name = format!("live/{name}.ts");
        wait_for(&format!("the words about {name}"), PATIENCE, || {
            running.output().lines().any(|line| line.contains(&of_name) && line.contains(told)).then_some(())
        });
        wait_for(&format!("{name} to be listed, or not"), PATIENCE, || {
            let listed = read_playlist(watched.webroot()).map(|it| names(&it)).unwrap_or_default();
            (listed.split(' ').any(|it| it == *name) == *is_listed).then_some(())
        });
    }
    // What is listed is told once, however many of its kind come.
    let again = kinds().iter().find(|kind| kind.name == "422").expect("a kind");
    watched.rename_in("again.ts", &again.bytes);
    wait_for("one more", PATIENCE, || {
        read_playlist(watched.webroot()).filter(|it| names(it).ends_with("again"))
    });
    assert_eq!(times(again.told), 1, "{}", running.output());
}

#[test]
fn check_has_a_rule_for_each_and_inspect_says_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n".to_owned();
    for Kind { name, bytes, .. } in kinds() {
        fs::write(directory.path().join(format!("{name}.ts")), bytes).unwrap();
        text += "#EXT-X-DISCONTINUITY\n#EXTINF:1,\n";
        text += name;
        text += ".ts\n";
    }
    fs::write(directory.path().join("list.m3u8"), text + "#EXT-X-ENDLIST\n").unwrap();
    let checked = check(&[directory.path().join("list.m3u8")]);
    let findings = checked.report["findings"].as_array().expect("findings");
    for Kind { name, rule, told, .. } in kinds() {
        let is_it = |it: &&serde_json::Value| {
            it["rule"] == *rule && it["at"].as_str().is_some_and(|at| at.ends_with(&format!(" {name}.ts")))
        };
        let found =
            findings.iter().find(is_it).unwrap_or_else(|| panic!("no {rule} of {name}: {checked:#?}"));
        assert!(found["seen"].as_str().is_some_and(|seen| seen.starts_with(told)), "{found}");
        assert_eq!(found["severity"], "MUST", "{found}");
    }
    assert!(!checked.rules().contains(&"segment-unreadable"), "none of them is damaged: {checked:#?}");

    let ended = publisher().arg("inspect").arg(directory.path()).args(["--json", "--all"]).output().unwrap();
    let inventory: Inventory = serde_json::from_slice(&ended.stdout).expect("an inventory");
    for (row, Kind { name, told, .. }) in inventory.segments.iter().zip(kinds()) {
        assert_eq!((&*row.file, row.state), (&*format!("{name}.ts"), State::Listed));
        assert!(row.odd.iter().any(|odd| odd.starts_with(told)), "{name}: {:?}", row.odd);
    }
    let of_opus = inventory.segments.iter().find(|row| row.file == "opus.ts").expect("a row");
    assert_eq!(of_opus.streams, ["h264", "opus"]);
}

#[test]
fn an_mp4_under_the_name_of_a_segment_is_called_so() {
    let watched = Watched::new();
    ffmpeg(watched.webroot(), &format!("{TEST_SOURCES} -t 1 film.mp4"));
    let running = watched.start(&[]);
    fs::rename(watched.webroot().join("film.mp4"), watched.live("film.ts")).unwrap();
    wait_for("the refusal", PATIENCE, || {
        running.output().contains("it is MP4, and not MPEG-TS").then_some(())
    });
}

/// Lines of the log with these words.
fn count(output: &str, told: &str) -> usize {
    output.lines().filter(|line| line.contains(told)).count()
}

#[test]
fn what_lies_in_live_and_is_no_segment_is_told_once_for_each_kind() {
    let watched = Watched::new();
    fs::create_dir_all(watched.live("2026/11")).unwrap();
    fs::create_dir_all(watched.live("2027")).unwrap();
    fs::create_dir_all(watched.live(".tmp")).unwrap();
    // Somebody lists this one.
    fs::create_dir_all(watched.live("audio")).unwrap();
    fs::write(watched.live("audio/stream.m3u8"), "#EXTM3U\n").unwrap();
    fs::write(watched.live("line\nbreak.ts"), &segments()[5]).unwrap();
    let running = watched.start(&[]);
    watched.rename_in("1.ts", &segments()[0]);
    watched.wait_for_names("1");
    // These two come while segments do.
    fs::write(watched.live("film.mp4"), b"....ftyp").unwrap();
    fs::write(watched.live("another.mp4"), b"....ftyp").unwrap();
    wait_for("the film", PATIENCE, || (count(&running.output(), "film.mp4") > 0).then_some(()));
    fs::write(watched.live("back\\slash.ts"), &segments()[5]).unwrap();
    watched.rename_in("notes.txt", b"none of this matters");
    fs::create_dir_all(watched.live("2028")).unwrap();
    watched.rename_in("2.ts", &segments()[1]);
    watched.wait_for_names("1 2");
    let output = running.output();
    for (told, name) in [
        ("directory not read", "live/202"),
        ("by its name it is MP4", "live/film.mp4"),
        ("has a control character or a backslash", "live/line\\nbreak.ts"),
    ] {
        assert_eq!(count(&output, told), 1, "{told}:\n{output}");
        assert!(output.lines().any(|line| line.contains(told) && line.contains(name)), "{name}:\n{output}");
    }
    assert_eq!(count(&output, "notes.txt"), 0, "{output}");
    assert!(running.interrupt().success());

    // Nothing but this: the folders of an encoder that runs already are found as well.
    let empty = Watched::new();
    let running = empty.start(&[]);
    fs::create_dir_all(empty.live("2026")).unwrap();
    wait_for("the directory", PATIENCE, || {
        (count(&running.output(), "directory not read") > 0).then_some(())
    });
    let polled = Watched::new();
    let running = polled.start(&["--poll"]);
    fs::create_dir_all(polled.live("2026")).unwrap();
    fs::write(polled.live("a.m4s"), b"....styp").unwrap();
    wait_for("both", PATIENCE, || {
        let output = running.output();
        (count(&output, "directory not read") + count(&output, "it is fragmented MP4") == 2).then_some(())
    });
}

#[cfg(unix)]
#[test]
fn links_are_followed_beneath_the_webroot_and_no_further() {
    use std::os::unix::fs::symlink;
    let watched = Watched::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("0.ts"), &segments()[0]).unwrap();
    for n in [1, 2] {
        fs::write(watched.webroot().join(format!("stored{n}.ts")), &segments()[n]).unwrap();
    }
    // One of each lies there before the start.
    symlink(elsewhere.path().join("0.ts"), watched.live("0.ts")).unwrap();
    symlink("../stored1.ts", watched.live("1.ts")).unwrap();
    let running = watched.start(&[]);
    watched.wait_for_names("1");
    symlink(elsewhere.path().join("0.ts"), watched.live("out.ts")).unwrap();
    symlink("../stored2.ts", watched.live("2.ts")).unwrap();
    watched.wait_for_names("1 2");
    wait_for("both refusals", PATIENCE, || {
        let output = running.output();
        let told = |name: &str| {
            output.lines().any(|line| {
                line.contains(name) && line.contains("a symbolic link that leads out of the webroot")
            })
        };
        (told("live/0.ts") && told("live/out.ts")).then_some(())
    });
    assert_eq!(names(&read_playlist(watched.webroot()).unwrap()), "1 2");
}

const TWO: &str = "two encoders seem to write into this directory";

#[test]
fn two_encoders_in_one_directory_are_told_once() {
    let watched = Watched::new();
    let running = watched.start(&["--window", "20"]);
    let mut listed = Vec::new();
    let other = crate::watcher_support::hevc_segments();
    for (n, (of_a, of_b)) in segments().iter().zip(other).take(6).enumerate() {
        for (series, bytes) in [("a", of_a), ("b", of_b)] {
            let name = format!("{series}{n}");
            watched.rename_in(&format!("{name}.ts"), bytes);
            listed.push(name);
            watched.wait_for_names(&listed.join(" "));
        }
    }
    let output = running.output();
    assert_eq!(count(&output, TWO), 1, "{output}");

    // Two of the same kind that began three seconds apart: each file of the later one lies where the earlier one has been.
    let watched = Watched::new();
    let running = watched.start(&["--window", "20"]);
    for n in 0..6 {
        for (series, bytes) in [("a", &segments()[6 + n]), ("b", &segments()[n])] {
            watched.rename_in(&format!("{series}{n}.ts"), bytes);
            wait_for("its turn", PATIENCE, || {
                let status = watched.status();
                let had = status["segments_published"].as_u64()? + status["segments_refused"].as_u64()?;
                (had == 2 * n as u64 + 1 + u64::from(series == "b")).then_some(())
            });
        }
    }
    let output = running.output();
    assert_eq!(count(&output, TWO), 1, "{output}");
}
