//! Sources whose clock is not ours, pushed to the whole program; the pixels of what it made of them are judged.

use super::pushed::Listening;
use crate::support::check::assert_clean;
use crate::support::media::run;
use crate::support::programs::PATIENCE;
use crate::support::wait_for;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const FPS: u64 = 20;
/// Each picture shows its number in this many bars.
const BITS: usize = 8;
const BAR: usize = 20;
const HEIGHT: usize = 120;

/// Pushes numbered pictures in real time, and a tone, until it is dropped.
struct Generator {
    ffmpeg: Child,
    sent: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Generator {
    /// [`FPS`] pictures a second, stamped as `stamped_fps`; after `stop.0` pictures it stops once for `stop.1`.
    fn start(to: &str, stamped_fps: &str, stop: (u64, Duration)) -> Self {
        let size = format!("{}x{HEIGHT}", BITS * BAR);
        let mut ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", &size])
            .args([
                "-framerate",
                stamped_fps,
                "-i",
                "pipe:0",
                "-f",
                "lavfi",
                "-i",
                "sine=1000:sample_rate=48000",
            ])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "20"])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-flush_packets", "1", "-f", "flv", to])
            .stdin(Stdio::piped())
            .spawn()
            .expect("ffmpeg is installed by `just setup-tests`");
        let mut pipe = ffmpeg.stdin.take().expect("a pipe");
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let thread = std::thread::spawn(move || {
            let mut start = Instant::now();
            for n in 0.. {
                if n == stop.0 {
                    start += stop.1;
                }
                // The source's own pace.
                std::thread::sleep(
                    (start + Duration::from_millis(n * 1000 / FPS)).saturating_duration_since(Instant::now()),
                );
                if pipe.write_all(&numbered(n)).and_then(|()| pipe.flush()).is_err() {
                    return;
                }
                counted.store(n + 1, Ordering::Relaxed);
            }
        });
        Self { ffmpeg, sent, thread: Some(thread) }
    }

    #[track_caller]
    fn wait_for(&self, pictures: u64) {
        wait_for("pictures to be sent", PATIENCE, || {
            (self.sent.load(Ordering::Relaxed) >= pictures).then_some(())
        });
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // Its pipe breaks, which ends the thread.
        let _ = self.ffmpeg.kill();
        let _ = self.ffmpeg.wait();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn numbered(n: u64) -> Vec<u8> {
    let row = (0..BITS * BAR).map(|x| if n >> (x / BAR) & 1 == 1 { 235 } else { 16 });
    row.collect::<Vec<u8>>().repeat(HEIGHT)
}

/// The numbers that the pictures of a stream that is over show, in order.
#[track_caller]
fn numbers(webroot: &Path) -> Vec<u8> {
    let bars = format!("scale={BITS}:1:flags=area,format=gray");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-live_start_index", "0", "-i"]).arg(webroot.join("stream.m3u8"));
    let pixels = run(ffmpeg.args(["-an", "-vf", &bars, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]));
    let number = |bars: &[u8]| (0..BITS).map(|bit| u8::from(bars[bit] > 125) << bit).sum();
    pixels.chunks_exact(BITS).map(number).collect()
}

/// Of the last three seconds, while the source still sent, three quarters of the pictures are new, and in order.
#[track_caller]
fn check(stamped_fps: &str, pictures: u64, stop: (u64, Duration)) {
    let webroot = tempfile::tempdir().expect("a directory");
    let listening =
        Listening::start_with(webroot.path(), "rtmp://127.0.0.1:0/live/KEY?listen=1", &["--window", "60"]);
    let generator = Generator::start(&listening.address.replace("***", "KEY"), stamped_fps, stop);
    generator.wait_for(pictures);
    assert!(listening.live.publisher.interrupt().success());
    drop(generator);
    assert_clean(webroot.path());
    let numbers = numbers(webroot.path());
    let last = &numbers[numbers.len().saturating_sub(60)..];
    let steps: Vec<u8> = last.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let new = steps.iter().filter(|step| (1..=3).contains(*step)).count();
    assert!(new >= 45, "{new} of {} pictures are new: {last:?}", steps.len());
    let span = last[last.len() - 1].wrapping_sub(last[0]);
    assert!((50..=70).contains(&span), "they span {span} of the source's: {last:?}");
}

#[test]
fn a_source_whose_clock_is_three_hundredths_slow_is_seen_on() {
    check("20.6", 320, (u64::MAX, Duration::ZERO));
}

#[test]
fn a_source_whose_clock_is_three_hundredths_fast_is_seen_on() {
    check("19.4", 320, (u64::MAX, Duration::ZERO));
}

#[test]
fn a_source_that_stops_once_for_0_42_s_is_seen_on() {
    check("20", 200, (100, Duration::from_millis(420)));
}
