//! A sound card beside the camera: the kernel's `snd-aloop`, whose microphone hears what is played into it. Filmed inside
//! the machine, judged outside of it.

use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, ValueOr};
use livedir_publisher::source::camera;
use livedir_publisher::source::microphone::{self, MicrophoneError};

use crate::support::check::assert_clean;
use crate::support::media;
use crate::support::programs::{LiveStream, read_playlist};
use crate::support::wait_for;

/// How many there are, so that none is left out unnoticed.
pub const CASES: usize = 3;

/// Under emulation everything takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

const HEARD: &str = "heard";
const PULLED_OUT: &str = "sound-card-pulled-out";

/// What the publisher said, beside what it streamed.
const SAID: &str = "said.txt";

/// How late the machine woke a thread, in milliseconds, at the latest; beside what was streamed meanwhile.
const LATEST_WAKE: &str = "latest-wake-ms";

/// A machine that wakes threads later than this is too busy for emulation in real time: the sound card keeps a run of 50 ms
/// beside the one that it fills.
const TOO_LATE_MS: u128 = 50;

/// Samples a second of the sound card.
const RATE_HZ: u32 = 48_000;

/// What is quieter than this is not heard: the mean of a segment with nothing but silence is -91.
const AUDIBLE_DB: f64 = -60.0;

const SOUND_CARD_DRIVER: &str = "/sys/bus/platform/drivers/snd_aloop";

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_is_heard_without_being_asked_to() {
    let _wakes = Beside::start(|is_over| note_latest_wake(is_over, HEARD));
    let _flashes = Beside::start(flash);
    let _beeps = Beside::start(|is_over| play(is_over, |unix_s| if is_flash(unix_s) { 0.4 } else { 0.005 }));
    wait_for("the flashing camera", PATIENCE, || {
        let cameras = camera::list().unwrap();
        cameras.iter().any(|camera| camera.index == 10 && !camera.modes.is_empty()).then_some(())
    });
    let words =
        ["camera:10", "--size", "320x240", "--fps", "10", "--segment-duration", "1s", "--window", "200"];
    let mut live = LiveStream::start(Path::new(HEARD), &words);
    live.wait_for_segment(12);
    end(live, HEARD);
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_sound_card_that_is_pulled_out_is_silence_until_it_is_back() {
    let _wakes = Beside::start(|is_over| note_latest_wake(is_over, PULLED_OUT));
    let _tone = Beside::start(|is_over| play(is_over, |_| 0.4));
    let words =
        ["camera:0", "--size", "320x180", "--fps", "10", "--segment-duration", "1s", "--window", "200"];
    let mut live = LiveStream::start(Path::new(PULLED_OUT), &words);
    live.wait_for_segment(2);
    std::fs::write(Path::new(SOUND_CARD_DRIVER).join("unbind"), "snd_aloop.0").unwrap();
    wait_for_words(&mut live, "microphone lost");
    three_more_segments(&mut live);
    std::fs::write(Path::new(SOUND_CARD_DRIVER).join("bind"), "snd_aloop.0").unwrap();
    wait_for_words(&mut live, "microphone is back");
    three_more_segments(&mut live);
    end(live, PULLED_OUT);
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_sound_card_that_belongs_to_others_is_refused_with_the_remedy() {
    const AS_NOBODY: &str = "LIVEDIR_AS_NOBODY";
    if std::env::var_os(AS_NOBODY).is_some() {
        let error = microphone::list().unwrap_err();
        assert!(matches!(error, MicrophoneError::Denied { .. }), "{error}");
        assert!(error.to_string().contains("group `audio`"), "{error}");
        return;
    }
    let microphones = microphone::list().unwrap();
    assert!(microphones.iter().all(|it| it.format == "stereo at 48000 Hz"), "{microphones:?}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["a_sound_card_that_belongs_to_others_is_refused_with_the_remedy", "--ignored"])
        .env(AS_NOBODY, "1")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

/// Keeps what the publisher said for [`check`].
#[track_caller]
fn end(live: LiveStream, webroot: &str) {
    live.publisher.signal(rustix::process::Signal::INT);
    let (status, said) = live.publisher.wait_and_read();
    assert!(status.success(), "{said}");
    std::fs::write(Path::new(webroot).join(SAID), said).unwrap();
}

#[track_caller]
fn wait_for_words(live: &mut LiveStream, words: &str) {
    wait_for(words, PATIENCE, || live.publisher.output().contains(words).then_some(()));
}

#[track_caller]
fn three_more_segments(live: &mut LiveStream) {
    let next = live.playlist().map_or(1, |playlist| playlist.next_media_sequence());
    live.wait_for_segment(next + 2);
}

/// Outside: sound in every segment, together with the picture; silence only while the card was away.
#[track_caller]
pub fn check(folder: &Path) {
    let webroot = folder.join(HEARD);
    let heard = heard(&webroot);
    let joined = folder.join("heard.ts");
    let playlist = read_playlist(&webroot).unwrap();
    let files = playlist.segments.iter().map(|segment| std::fs::read(webroot.join(&segment.uri)).unwrap());
    std::fs::write(&joined, files.collect::<Vec<_>>().concat()).unwrap();
    let mut offsets_s = media::beeps_after_flashes(&joined, "320:240:0:0");
    offsets_s.sort_by(f64::total_cmp);
    let (wake_ms, leaps) = (latest_wake_ms(&webroot), leaps(&webroot));
    println!("woken {wake_ms} ms late, {leaps} leaps; sound after picture: {offsets_s:?}, heard: {heard:?}");
    // A machine that is too busy sheds flashes and loses beeps: what it has of both is still together.
    assert!(heard.contains(&true), "no sound at all");
    if wake_ms < TOO_LATE_MS {
        // However slow the encoders are: what the sound card has sent is in the stream.
        let audible = heard.iter().filter(|is_heard| **is_heard).count();
        assert!(4 * audible > 3 * heard.len(), "{heard:?}");
    }
    if offsets_s.len() >= 3 {
        // A flash is seen in the next picture only, up to a tenth later, and emulation is late with pictures.
        let median_s = offsets_s[offsets_s.len() / 2];
        assert!((-0.2..0.1).contains(&median_s), "sound after picture: {offsets_s:?}");
    }
    assert_clean(&webroot);

    let webroot = folder.join(PULLED_OUT);
    let mut heard = self::heard(&webroot);
    heard.dedup();
    let wake_ms = latest_wake_ms(&webroot);
    println!("woken {wake_ms} ms late; heard: {heard:?}");
    let expected = [true, false, true];
    // A busy machine has more silences than this one.
    let has_more = wake_ms >= TOO_LATE_MS && heard.windows(3).any(|scenes| scenes == expected);
    assert!(has_more || heard == expected, "{heard:?}");
    assert_clean(&webroot);
}

fn latest_wake_ms(webroot: &Path) -> u128 {
    std::fs::read_to_string(webroot.join(LATEST_WAKE)).unwrap().parse().unwrap()
}

fn note_latest_wake(is_over: &AtomicBool, webroot: &str) {
    const NAP: Duration = Duration::from_millis(10);
    let mut latest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        let asleep_from = Instant::now();
        std::thread::sleep(NAP);
        latest = latest.max(asleep_from.elapsed().saturating_sub(NAP));
    }
    std::fs::write(Path::new(webroot).join(LATEST_WAKE), latest.as_millis().to_string()).unwrap();
}

/// How often the machine was so slow that the stream leapt to the present.
fn leaps(webroot: &Path) -> usize {
    std::fs::read_to_string(webroot.join(SAID))
        .unwrap()
        .matches("the stream skips to the current time")
        .count()
}

/// Which of the whole segments have sound; there are no breaks between them but those that the publisher told.
#[track_caller]
fn heard(webroot: &Path) -> Vec<bool> {
    let playlist = read_playlist(webroot).expect("the machine has left a playlist");
    assert!(playlist.ended && playlist.media_sequence == 1, "{playlist:?}");
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity).count();
    assert!(breaks <= leaps(webroot), "{playlist:?}");
    let (_, whole) = playlist.segments.split_last().expect("segments");
    whole.iter().map(|segment| media::volume_db(&webroot.join(&segment.uri)) > AUDIBLE_DB).collect()
}

fn is_flash(unix_s: f64) -> bool {
    unix_s.fract() < 0.2
}

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Something that goes on beside a test until it is dropped.
struct Beside {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    fn start(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let of_thread = is_over.clone();
        Self { is_over, thread: Some(std::thread::spawn(move || body(&of_thread))) }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "what goes on beside the test failed");
        }
    }
}

/// Sends pictures to `/dev/video10`, white for the first fifth of each second of the wall clock, else black.
fn flash(is_over: &AtomicBool) {
    let mut device = v4l::Device::with_path("/dev/video10").unwrap();
    let format = v4l::Format::new(320, 240, v4l::FourCC::new(b"YUYV"));
    v4l::video::Output::set_format(&device, &format).unwrap();
    while !is_over.load(Ordering::Relaxed) {
        let luma = if is_flash(unix_s()) { 235 } else { 16 };
        device.write_all(&[luma, 128].repeat(320 * 240)).unwrap();
        std::thread::sleep(Duration::from_millis(50)); // the camera's own rate
    }
}

/// Plays a tone into the sound card whose volume follows the wall clock. A card that is gone is waited for.
fn play(is_over: &AtomicBool, volume: fn(f64) -> f32) {
    // Else alsa-lib writes to the terminal what is wrong with a card that is gone.
    let _ = alsa::Output::local_error_handler();
    while !is_over.load(Ordering::Relaxed) {
        if play_until_gone(is_over, volume).is_err() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn play_until_gone(is_over: &AtomicBool, volume: fn(f64) -> f32) -> alsa::Result<()> {
    // What is played into the second device of the loop is what the first one hears.
    let card = PCM::new("hw:CARD=Loopback,DEV=1", Direction::Playback, false)?;
    let params = HwParams::any(&card)?;
    params.set_access(Access::RWInterleaved)?;
    params.set_format(Format::s16())?;
    params.set_channels(2)?;
    params.set_rate(RATE_HZ, ValueOr::Nearest)?;
    params.set_buffer_size_near(i64::from(RATE_HZ / 5))?;
    card.hw_params(&params)?;
    let (samples, rate_hz) = (card.io_i16()?, f64::from(RATE_HZ));
    let mut radians = 0.0_f32;
    while !is_over.load(Ordering::Relaxed) {
        // As loud as it is to be when its turn comes: what is late in the writing is not late in the hearing.
        let heard_at = unix_s() + card.delay().unwrap_or(0).max(0) as f64 / rate_hz;
        let run: Vec<i16> = (0..RATE_HZ / 100)
            .flat_map(|n| {
                radians = (radians + std::f32::consts::TAU * 1000.0 / RATE_HZ as f32) % std::f32::consts::TAU;
                let loud = volume(heard_at + f64::from(n) / rate_hz) * f32::from(i16::MAX);
                [(radians.sin() * loud) as i16; 2]
            })
            .collect();
        if let Err(error) = samples.writei(&run) {
            card.try_recover(error, true)?;
        }
    }
    Ok(())
}
