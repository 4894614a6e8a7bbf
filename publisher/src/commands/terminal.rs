//! Terminal: one status line that keeps itself up to date, and log lines above it. Elsewhere: log lines alone.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::live::plan::Stream;
use livedir_layout::meters::Meters;

/// The status line of a run, on standard error.
pub struct Terminal {
    line: ProgressBar,
    /// Standard error is a terminal, not a file or a pipe.
    is_seen: bool,
    started_at: Instant,
}

impl Terminal {
    /// Takes standard error over, for status line and log. On a terminal only warnings are logged, as the status line
    /// says the rest; elsewhere one line a segment too. `RUST_LOG` changes that.
    #[must_use]
    pub fn start() -> Self {
        let is_seen = io::stderr().is_terminal();
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let line = ProgressBar::with_draw_target(None, target);
        line.set_style(
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        // The parser of segments complains of each damaged packet; the watcher says it once a segment.
        // notify complains of watches whose directories are gone, as they may be.
        let usual = if is_seen {
            "warn,mpeg2ts_reader=off,notify=warn"
        } else {
            "info,mpeg2ts_reader=off,notify=warn"
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
        let log = log.with_ansi(is_seen && std::env::var_os("NO_COLOR").is_none());
        // A second subscriber is no reason to stop (a test may have set one).
        let _ = log.with_writer(AboveLine(line.clone())).try_init();
        Self { line, is_seen, started_at: Instant::now() }
    }

    /// Brings the status line up to date.
    pub fn draw(&self, stream: &Stream, meters: &Meters) {
        if self.is_seen {
            self.line.set_message(status_line(self.started_at.elapsed(), stream, meters));
            self.line.tick();
        }
    }

    /// Brings the status line of `watch` up to date.
    pub fn draw_watch(&self, meters: &Meters) {
        if self.is_seen {
            self.line.set_message(watch_line(self.started_at.elapsed(), meters));
            self.line.tick();
        }
    }

    /// Takes the status line away.
    pub fn clear(&self) {
        if self.is_seen {
            self.line.finish_and_clear();
        }
    }

    /// Takes the status line away; leaves last words of a run that went well.
    pub fn finish(&self, meters: Option<&Meters>) {
        self.clear();
        if let Some(meters) = meters {
            eprintln!("{}", last_words(self.started_at.elapsed(), meters));
        }
    }
}

/// `LIVE 00:12:34 · 640x480 20 fps · 1.02 Mb/s · 372 segments · 3 duplicated, 0 dropped · lag 0.6 ms · test pattern`
fn status_line(on_air: Duration, stream: &Stream, meters: &Meters) -> String {
    let mut parts = vec![
        format!("LIVE {}", clock(on_air)),
        sizes(stream),
        format!("{:.2} Mb/s", meters.bitrate_bps.get() as f64 / 1e6),
        plural(meters.segments_published.get(), "segment"),
        format!("{} duplicated, {} dropped", meters.frames_duplicated.get(), meters.pictures_dropped.get()),
        format!("lag {:.1} ms", meters.publish_lag_us.get() as f64 / 1e3),
    ];
    for (count, what) in [
        (meters.frames_slate.get(), "on the slate"),
        (meters.frames_skipped.get(), "skipped"),
        (meters.pictures_shed.get(), "shed"),
        (meters.segments_left_out.get(), "segments left out"),
        (meters.segments_refused.get(), "refused"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.push(meters.source());
    parts.join(" · ")
}

/// `640x480 20 fps`, or `1280x720 + 640x360 20 fps`.
fn sizes(stream: &Stream) -> String {
    if stream.copied.is_some() {
        return "copied".to_owned();
    }
    let sizes: Vec<_> = stream.rungs.iter().map(|rung| format!("{}x{}", rung.width, rung.height)).collect();
    format!("{} {} fps", sizes.join(" + "), stream.grid.fps)
}

/// `WATCHING 00:12:34 · 372 segments · 1 refused`
fn watch_line(running: Duration, meters: &Meters) -> String {
    let mut parts =
        vec![format!("WATCHING {}", clock(running)), plural(meters.segments_published.get(), "segment")];
    if meters.segments_refused.get() > 0 {
        parts.push(format!("{} refused", meters.segments_refused.get()));
    }
    parts.join(" · ")
}

fn last_words(on_air: Duration, meters: &Meters) -> String {
    format!(
        "ended after {}: {}, {} encoded, {} duplicated, {} dropped, {} on the slate",
        clock(on_air),
        plural(meters.segments_published.get(), "segment"),
        plural(meters.frames_encoded.get(), "frame"),
        meters.frames_duplicated.get(),
        meters.pictures_dropped.get(),
        meters.frames_slate.get(),
    )
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Writes log lines above the status line.
#[derive(Clone)]
struct AboveLine(ProgressBar);

impl Write for AboveLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for AboveLine {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::EncodeSettings;
    use crate::grid::GridSettings;
    use livedir_layout::source_state::SourceState;

    #[test]
    fn the_status_line_says_what_people_want_to_know() {
        let meters = Meters::default();
        meters.bitrate_bps.set(1_024_000);
        meters.segments_published.add(1);
        meters.frames_duplicated.add(3);
        meters.publish_lag_us.set(640);
        meters.set_source(SourceState::Here, "test pattern, 640x480 at 20 fps");
        let encode = EncodeSettings {
            width: 640,
            height: 480,
            colours: crate::picture::colour_space::ColourSpace::WEBCAM,
            fps: 20,
            segment_frames: 40,
            video_bps: 1,
            smallest_quantiser: crate::encode::ladder::SMALLEST_QUANTISER,
            overlay: crate::picture::overlay::OverlaySettings::default(),
            codec: livedir_media::VideoCodec::H264,
            encoder: crate::encode::choice::EncoderChoice::Auto,
        };
        let filter = crate::picture::filter::FilterSettings::default();
        let stream = Stream {
            grid: GridSettings { fps: 20, segment_frames: 40, filter },
            rungs: vec![encode.clone()],
            renditions: Vec::new(),
            audio_bps: None,
            copied: None,
            target_duration_s: 2,
            part_target_90k: None,
        };
        assert_eq!(
            status_line(Duration::from_secs(3754), &stream, &meters),
            "LIVE 01:02:34 · 640x480 20 fps · 1.02 Mb/s · 1 segment · 3 duplicated, 0 dropped · lag 0.6 ms · \
             test pattern, 640x480 at 20 fps"
        );
        meters.frames_slate.add(20);
        assert!(status_line(Duration::ZERO, &stream, &meters).contains("20 on the slate"));
    }
}
