//! What is damaged, missing or scrambled in a source: it is said for what it is, in one line, and what was not streamed is said at the end.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::live::{free_udp_port, wait_for_words};
use super::{check_refused, film};
use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, Running, publisher, read_playlist};

const PACKET_BYTES: usize = 188;
/// The PIDs of the ffmpeg program.
const PICTURE_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// A film of 6 s with a keyframe each second, of which packets are changed: `change` gets the number of the second, and a packet.
fn changed(name: &str, mut change: impl FnMut(usize, &mut [u8])) -> PathBuf {
    let whole = film("whole.ts", "25", "6", &["-bf", "0"]);
    let mut bytes = std::fs::read(&whole).expect("a film");
    let mut pictures = 0;
    for packet in bytes.chunks_exact_mut(PACKET_BYTES) {
        pictures += usize::from(pid(packet) == PICTURE_PID && packet[1] & 0x40 != 0);
        change(pictures.saturating_sub(1) / 25, packet);
    }
    let path = Path::new(&whole).with_file_name(name);
    std::fs::write(&path, bytes).expect("room");
    path
}

/// As a broadcaster does it (ISO 13818-1 table 2-4: 2 is the even key).
fn scramble(packet: &mut [u8]) {
    let from = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
    packet[3] |= 0x80;
    for (at, byte) in packet[from..].iter_mut().enumerate() {
        *byte ^= (at * 79) as u8 | 1;
    }
}

/// The pictures, the sound or both are scrambled from the third second on.
fn scrambled_rest(name: &str, pids: &[u16]) -> PathBuf {
    changed(name, |second, packet| {
        if second >= 3 && pids.contains(&pid(packet)) {
            scramble(packet);
        }
    })
}

/// What was said of a film that was streamed, to its end or not, and how many segments there are.
#[track_caller]
fn streamed(words: &[&str], is_whole: bool) -> (String, usize) {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut command = publisher();
    command.arg("live").args(words).args(["--segment-duration", "1s", "--window", "60"]);
    let (status, output) = Running::start(command.arg("--webroot").arg(webroot.path())).wait_and_read();
    assert_eq!(status.success(), is_whole, "{output}");
    let playlist = read_playlist(webroot.path()).expect("a playlist");
    assert!(playlist.ended, "{output}");
    (output, playlist.segments.len())
}

#[track_caller]
fn check_cut_short(words: &[&str], expected: &str) {
    let (output, segments) = streamed(words, false);
    assert!((3..=5).contains(&segments), "{output}");
    let is_about_it = |line: &&str| line.contains("scrambled") || line.contains("damaged");
    assert_eq!(output.lines().filter(is_about_it).count(), 1, "{output}");
    assert!(output.contains(expected) && output.contains("ended after"), "{output}");
}

const SMALL: [&str; 2] = ["--size", "96x72"];

#[test]
fn a_film_whose_rest_is_scrambled_ends_with_that_word() {
    let both = scrambled_rest("both.ts", &[PICTURE_PID, SOUND_PID]).display().to_string();
    let expected = "both.ts was streamed: the rest is scrambled, as pay television is; descramble it";
    check_cut_short(&[&both, "--copy", "--fast"], expected);
    check_cut_short(&[&[&*both][..], &SMALL].concat(), expected);
}

#[test]
fn a_film_whose_sound_alone_is_scrambled_later_is_seen_to_its_end_and_ends_with_that_word() {
    let sound = scrambled_rest("sound.ts", &[SOUND_PID]).display().to_string();
    let (output, segments) = streamed(&[&sound, "--copy", "--fast"], false);
    assert!(segments == 6 && output.contains("the rest of its sound is scrambled"), "{output}");
}

#[test]
fn what_comes_down_a_pipe_and_is_scrambled_later_ends_with_that_word() {
    let film = scrambled_rest("piped.ts", &[PICTURE_PID, SOUND_PID]);
    let webroot = tempfile::tempdir().expect("a directory");
    let mut command = publisher();
    command.args(["live", "-", "--copy", "--segment-duration", "1s", "--webroot"]).arg(webroot.path());
    let pipe = std::fs::File::open(&film).expect("the film");
    let (status, output) = Running::start_reading(&mut command, pipe.into()).wait_and_read();
    assert!(!status.success() && output.contains("the rest is scrambled"), "{output}");
}

#[test]
fn a_list_goes_on_behind_a_film_whose_rest_is_scrambled() {
    let scrambled = scrambled_rest("first.ts", &[PICTURE_PID, SOUND_PID]);
    let list = tempfile::Builder::new().suffix(".m3u").tempfile().expect("a list");
    let whole = film("whole.ts", "25", "6", &["-bf", "0"]);
    std::fs::write(list.path(), format!("{}\n{whole}\n", scrambled.display())).expect("room");
    let (output, segments) = streamed(&[&list.path().display().to_string(), "--copy", "--fast"], false);
    assert!(
        (9..=11).contains(&segments) && output.contains("first.ts was streamed: the rest is"),
        "{output}"
    );
}

#[test]
fn a_film_of_which_some_packets_are_scrambled_is_refused_for_that_and_encoded_with_that_word() {
    // All keyframes but the first, as far as they are looked at.
    let mut pictures = 0;
    let film = changed("some.ts", |_, packet| {
        pictures += usize::from(pid(packet) == PICTURE_PID && packet[1] & 0x40 != 0);
        if pid(packet) == PICTURE_PID && pictures > 1 && (pictures - 1) % 25 == 0 {
            scramble(packet);
        }
    });
    let film = film.display().to_string();
    check_refused(&film, &[], "of its packets are scrambled, as those of pay television are");
    let (output, _) = streamed(&[&[&*film, "--copy=auto"][..], &SMALL].concat(), true);
    assert_eq!(output.matches("some of the source is scrambled").count(), 1, "{output}");
}

#[test]
fn a_keyframe_that_is_lost_is_not_taken_for_a_long_keyframe_interval() {
    let mut pictures = 0;
    let film = changed("lost.ts", |_, packet| {
        pictures += usize::from(pid(packet) == PICTURE_PID && packet[1] & 0x40 != 0);
        // The keyframe at 5 s, behind what is looked at before the stream begins.
        if pid(packet) == PICTURE_PID && pictures == 5 * 25 + 1 {
            scramble(packet);
        }
    });
    let (output, _) = streamed(&[&film.display().to_string(), "--copy", "--fast"], true);
    assert!(!output.contains("keyframes are further apart"), "{output}");
    assert_eq!(output.matches("a keyframe was lost in what is damaged, missing or scrambled").count(), 1);
}

#[test]
fn a_live_source_that_is_scrambled_later_is_lost_with_that_word_and_the_slate_comes() {
    let film = scrambled_rest("live.ts", &[PICTURE_PID, SOUND_PID]);
    let bytes = std::fs::read(film).expect("the film");
    let port = free_udp_port();
    let directory = tempfile::tempdir().expect("a directory");
    let words = [&*format!("udp://127.0.0.1:{port}"), "--segment-duration", "1s", "--size", "96x72"];
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let sender = std::thread::spawn({
        let is_over = is_over.clone();
        move || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            let begun = Instant::now();
            let datagrams: Vec<_> = bytes.chunks(7 * PACKET_BYTES).collect();
            let each = Duration::from_secs(6) / datagrams.len() as u32;
            // The second half again and again, which is scrambled.
            let numbers = (0..datagrams.len()).chain((datagrams.len() * 3 / 4..datagrams.len()).cycle());
            for (sent, number) in (1_u32..).zip(numbers) {
                if is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                // Nobody listens yet, or not any more.
                let _ = socket.send_to(datagrams[number], ("127.0.0.1", port));
                std::thread::park_timeout((begun + each * sent).saturating_duration_since(Instant::now()));
            }
        }
    });
    let mut live = LiveStream::start(directory.path(), &words);
    wait_for_words(&live, "no frame could be read of what");
    assert!(live.publisher.output().contains("source lost"), "{}", live.publisher.output());
    assert!(live.count("frames_slate") > 0);
    assert!(live.publisher.still_runs());
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    sender.join().expect("the sender");
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
}

/// How often damage is told, and the number in the last line.
fn damage(output: &str) -> (usize, u64) {
    let lines: Vec<_> =
        output.lines().filter(|line| line.contains("some of the source is damaged")).collect();
    let number = lines.last().and_then(|line| line.split_once(" places=")).map(|(_, rest)| rest);
    let digits = number.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    (lines.len(), digits.and_then(|digits| digits.parse().ok()).unwrap_or_default())
}

#[test]
fn damage_is_told_in_one_line_with_its_count() {
    let whole = film("damage.ts", "25", "6", &["-bf", "0"]);
    let in_mp4 = film("damage.mp4", "25", "6", &["-bf", "0"]);
    let directory = tempfile::tempdir().expect("a directory");
    let put = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("room");
        path.display().to_string()
    };
    let overwritten = |film: &str| {
        let mut bytes = std::fs::read(film).expect("a film");
        let middle = bytes.len() / 2;
        bytes[middle..][..12_000].iter_mut().zip(0_u32..).for_each(|(byte, n)| *byte = (n * 7) as u8);
        bytes
    };
    let bytes = std::fs::read(&whole).expect("a film");
    let packet = bytes.len() / PACKET_BYTES / 2 * PACKET_BYTES;
    let missing = [&bytes[..packet], &bytes[packet + 40 * PACKET_BYTES..]].concat();
    for film in [
        put("overwritten.ts", &overwritten(&whole)),
        put("overwritten.mp4", &overwritten(&in_mp4)),
        put("missing.ts", &missing),
    ] {
        let (output, _) = streamed(&[&film, "--copy", "--fast"], true);
        let (lines, places) = damage(&output);
        assert!(lines == 1 && (1..=60).contains(&places), "{film}: {output}");
    }
    for film in [&whole, &in_mp4] {
        let (output, _) = streamed(&[film, "--copy", "--fast"], true);
        assert_eq!(damage(&output), (0, 0), "{output}");
    }
}
