//! Microphones, for real: cpal on a sound server whose only microphone hears what another program plays.

#![cfg(target_os = "linux")]

use std::f32::consts::TAU;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::support::check::assert_clean;
use crate::support::media;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;

/// Samples a second of the sound server.
const RATE_HZ: u32 = 48_000;

/// What is streamed with these words: a tone, silence while the microphone is away, and the tone again.
#[track_caller]
fn stream_without_microphone_for_a_while(words: &[&str]) -> TempDir {
    let mut room = Room::open();
    let mut player = room.play(|_| 1.0);
    let webroot = tempfile::tempdir().unwrap();
    let words = [words, &["--segment-duration", "1s", "--window", "300"]].concat();
    let mut live =
        LiveStream { publisher: room.live(webroot.path(), &words), webroot: webroot.path().into() };
    wait_until_newest_is(&mut live, "the tone", |volume_db| volume_db > -20.0);

    room.close();
    drop(player);
    wait_until_newest_is(&mut live, "silence", |volume_db| volume_db < -60.0);
    let output = live.publisher.output();
    assert_eq!(output.matches("microphone lost").count(), 1, "{output}");

    room.reopen();
    player = room.play(|_| 1.0);
    wait_until_newest_is(&mut live, "the tone again", |volume_db| volume_db > -20.0);
    let output = live.publisher.output();
    assert!(output.contains("microphone is back"), "{output}");

    let playlist = live.playlist().unwrap();
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:?}");
    assert!(live.publisher.interrupt().success());
    drop(player);
    assert_clean(webroot.path());
    webroot
}

#[test]
fn what_the_microphone_hears_is_in_the_segments_and_silence_while_it_is_away() {
    stream_without_microphone_for_a_while(&["test", "--mic", "--size", "160x120"]);
}

#[test]
fn a_microphone_alone_is_streamed_and_silence_while_it_is_away() {
    let webroot = stream_without_microphone_for_a_while(&["--no-video", "--low-latency"]);
    let playlist = read_playlist(webroot.path()).unwrap();
    // The newest one may be too short for ffprobe: the end cut it.
    let newest_whole = playlist.segments.iter().rev().find(|it| it.duration_90k >= 90_000).unwrap();
    let packets = media::packets(&webroot.path().join(&newest_whole.uri));
    assert!(packets.iter().all(|packet| packet.medium == "audio"), "{packets:?}");
}

#[test]
fn what_is_heard_and_what_is_seen_at_one_time_are_together() {
    let room = Room::open();
    // The test pattern flashes for the first tenth of each second of the wall clock.
    let player = room.play(|unix_s| if unix_s.fract() < 0.1 { 1.0 } else { 0.0 });
    let webroot = tempfile::tempdir().unwrap();
    let words = ["test", "--mic", "--low-latency", "--window", "30"];
    let mut live =
        LiveStream { publisher: room.live(webroot.path(), &words), webroot: webroot.path().into() };
    live.wait_for_segment(8);
    let playlist = live.playlist().unwrap();
    assert!(live.publisher.interrupt().success());
    drop(player);

    // Later segments: the first holds the wait for the first sound.
    let files = playlist.segments[2..].iter().map(|segment| webroot.path().join(&segment.uri));
    let joined = webroot.path().join("joined.ts");
    let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap()).collect();
    std::fs::write(&joined, bytes).unwrap();
    let mut offsets_s = media::beeps_after_flashes(&joined, "80:60:560:368");
    offsets_s.sort_by(f64::total_cmp);
    assert!(offsets_s.len() >= 8, "{offsets_s:?}");
    println!("sound after picture: {offsets_s:?}");
    // The player itself holds about a tenth of a second back; nothing is heard before it is played.
    let median_s = offsets_s[offsets_s.len() / 2];
    assert!((-0.04..0.30).contains(&median_s), "sound after picture: {offsets_s:?}");
}

#[test]
fn every_size_of_a_ladder_has_the_sound_that_the_microphone_hears() {
    let room = Room::open();
    let player = room.play(|_| 1.0);
    let webroot = tempfile::tempdir().unwrap();
    let ladder = ["--ladder", "160x90@150k,96x54@100k", "--segment-duration", "1s", "--low-latency"];
    let mut live = room.live(webroot.path(), &[&["test", "--mic"], &ladder[..]].concat());
    let of_sound = webroot.path().join("live/audio");
    wait_for("segments of sound", PATIENCE, || {
        assert!(live.still_runs(), "the publisher has ended:\n{}", live.output());
        read_playlist(&of_sound).filter(|playlist| playlist.next_media_sequence() > 5)
    });
    assert!(live.interrupt().success());
    drop(player);

    let multivariant = webroot.path().join("stream.m3u8");
    for size in 0..2 {
        // The variant and what belongs to it, as a player takes it.
        let volume_db = media::volume_db_of(&multivariant, &format!("0:p:{size}:a"));
        assert!(volume_db > -20.0, "size {size}: {volume_db} dB");
    }
    for rung in ["90p", "54p"] {
        let packets = media::packets(&webroot.path().join(format!("live/{rung}/seg-00000002.ts")));
        assert!(!packets.is_empty() && packets.iter().all(|packet| packet.medium == "video"), "{rung}");
    }
    assert_clean(webroot.path());
}

#[test]
fn microphones_are_listed_and_found_by_a_part_of_their_name() {
    let room = Room::open();
    let listed = String::from_utf8(media::run(room.lend(publisher().arg("devices")))).unwrap();
    assert!(listed.lines().any(|line| line.starts_with("--mic default  ")), "{listed}");
    assert!(listed.contains("stereo at 48000 Hz"), "{listed}");

    let webroot = tempfile::tempdir().unwrap();
    let (status, output) = room.live(webroot.path(), &["test", "--mic", "no such thing"]).wait_and_read();
    assert!(!status.success());
    assert!(output.contains("there is no microphone called \"no such thing\"; attached: "), "{output}");
}

#[test]
fn without_a_microphone_only_asking_for_one_is_an_error() {
    let mut room = Room::open();
    room.close();
    let webroot = tempfile::tempdir().unwrap();
    let (status, output) = room.live(webroot.path(), &["test", "--mic"]).wait_and_read();
    assert!(!status.success());
    assert!(output.contains("no microphone is attached; plug one in"), "{output}");
    assert!(!output.contains("ALSA lib"), "{output}");
}

#[test]
fn no_sound_is_none_whatever_the_source_has() {
    let webroot = tempfile::tempdir().unwrap();
    let mut live = LiveStream::start(webroot.path(), &["test", "--no-sound", "--segment-duration", "1s"]);
    live.wait_for_segment(2);
    assert!(live.publisher.interrupt().success());
    let packets = media::packets(&webroot.path().join("live/seg-00000001.ts"));
    assert!(!packets.is_empty() && packets.iter().all(|packet| packet.medium == "video"));
    assert_clean(webroot.path());
}

/// Waits until a segment that was begun from now on is as loud as wished.
#[track_caller]
fn wait_until_newest_is(live: &mut LiveStream, what: &str, is_wished: impl Fn(f64) -> bool) {
    let mut looked_at = live.playlist().map_or(1, |playlist| playlist.next_media_sequence());
    wait_for(what, PATIENCE, || {
        assert!(live.publisher.still_runs(), "the publisher has ended:\n{}", live.publisher.output());
        let playlist = live.playlist().filter(|playlist| playlist.next_media_sequence() > looked_at)?;
        looked_at = playlist.next_media_sequence();
        let newest = playlist.segments.last()?;
        is_wished(media::volume_db(&live.webroot.join(&newest.uri))).then_some(())
    });
}

/// A sound server of its own: what is played there is what its microphone hears.
struct Room {
    home: TempDir,
    server: Option<Running>,
}

impl Room {
    #[track_caller]
    fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".asoundrc"), "pcm.!default { type pulse }\n").unwrap();
        let modules = format!(
            "load-module module-native-protocol-unix socket={}/native auth-anonymous=1\n\
             load-module module-null-sink sink_name=room rate=48000 channels=2\n\
             set-default-sink room\nset-default-source room.monitor\n",
            home.path().display()
        );
        std::fs::write(home.path().join("modules"), modules).unwrap();
        let mut room = Self { home, server: None };
        room.reopen();
        room
    }

    /// Unplugs the microphone, and everything else that has to do with sound.
    fn close(&mut self) {
        self.server.take().expect("it is open").kill();
    }

    #[track_caller]
    fn reopen(&mut self) {
        let words = ["-n", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes", "-F"];
        let modules = self.home.path().join("modules");
        let mut server = Running::start(self.lend(Command::new("pulseaudio").args(words).arg(modules)));
        wait_for("the sound server", PATIENCE, || {
            assert!(server.still_runs(), "the sound server has ended:\n{}", server.output());
            let sources =
                self.lend(Command::new("pactl").args(["list", "short", "sources"])).output().ok()?;
            String::from_utf8_lossy(&sources.stdout).contains("room.monitor").then_some(())
        });
        self.server = Some(server);
    }

    /// Lets a program into the room.
    fn lend<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let home = self.home.path();
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("PULSE_SERVER", format!("unix:{}/native", home.display()))
    }

    fn live(&self, webroot: &Path, words: &[&str]) -> Running {
        Running::start(self.lend(publisher().arg("live").args(words).arg("--webroot").arg(webroot)))
    }

    /// Plays a tone whose volume follows the wall clock, in seconds since 1970.
    #[track_caller]
    fn play(&self, volume: fn(f64) -> f64) -> Player {
        let words = [
            "--playback",
            "--raw",
            "--format=float32le",
            "--channels=8",
            "--rate=48000",
            "--latency-msec=50",
        ];
        let mut command = Command::new("pacat");
        let mut program = self
            .lend(command.args(words))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("pulseaudio-utils are installed by `just setup-tests`");
        let samples = program.stdin.take().expect("it is a pipe");
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = is_over.clone();
        let thread = std::thread::spawn(move || {
            // An error means that the program has ended, as its server has.
            let _ = feed(samples, volume, &stop);
            let _ = program.kill();
            let _ = program.wait();
        });
        Player { is_over, thread: Some(thread) }
    }
}

/// Writes as fast as the player takes it, each sample as loud as it is to be at that moment: a player that starts late is
/// not late for ever. Eight channels fill the pipe to it within a twentieth of a second.
fn feed(mut samples: ChildStdin, volume: fn(f64) -> f64, is_over: &AtomicBool) -> std::io::Result<()> {
    let mut radians = 0.0_f32;
    while !is_over.load(Ordering::Relaxed) {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let loud = 0.4 * volume(now_s) as f32;
        let mut bytes = Vec::new();
        for _ in 0..RATE_HZ / 200 {
            radians = (radians + TAU * 1000.0 / RATE_HZ as f32) % TAU;
            bytes.extend((radians.sin() * loud).to_le_bytes().repeat(8));
        }
        samples.write_all(&bytes)?;
    }
    Ok(())
}

/// A program that plays. It ends with the test.
struct Player {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Player {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_film_is_no_microphone_and_is_to_be_named_as_the_source() {
    let directory = tempfile::tempdir().unwrap();
    let film = directory.path().join("film.mp4");
    std::fs::write(&film, b"whatever is in it").unwrap();
    let mut command = publisher();
    command.args(["live", "test", "--mic"]).arg(&film).arg("--webroot").arg(directory.path().join("webroot"));
    let (status, output) = Running::start(&mut command).wait_and_read();
    let expected = "is a file, and no microphone is called so; name it as the source instead";
    assert!(!status.success() && output.contains(expected), "{output}");
}
