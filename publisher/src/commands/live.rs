//! `live`: a camera, a file, a URL or the test pattern on the web, until it ends or is ended.
//!
//! In: the flags. Out: the stream, and a status line on a terminal. [`run`](crate::live::run) has its threads.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::LiveArgs;
use crate::cli::settings::LiveSettings;
use crate::commands::terminal::{Terminal, clock, plural, say};
use crate::commands::{start_libav, stop_on_signals};
use crate::live::plan::Stream;
use crate::live::run::RunError;
use crate::source::SourceError;
use livedir_layout::meters::Meters;
use livedir_time::stop::Stop;

/// Streams. `printed`: the configuration that is to be written instead.
pub fn live(args: LiveArgs, printed: Option<String>) -> anyhow::Result<()> {
    let is_dry_run = args.dry_run;
    let settings = LiveSettings::try_from(args)?;
    if let Some(file) = printed {
        io::stdout().write_all(file.as_bytes())?;
        return Ok(());
    }
    start_libav()?;
    if is_dry_run {
        // Without the log, whose warnings the stream itself brings.
        crate::live::dry_run::look(&settings, &Stop::default())?;
        for line in settings.tracks.told.lines() {
            say(line);
        }
        return Ok(());
    }
    let terminal = Terminal::start();
    let stop = stop_on_signals()?;
    let meters = Arc::new(Meters::default());
    let ended = crate::live::run::run(&settings, &stop, &meters, |stream, meters| {
        terminal.draw(|on_air| status_line(on_air, stream, meters));
    });
    terminal.clear();
    if matches!(ended, Ok(()) | Err(RunError::Source(SourceError::CutShort(_)))) {
        say(last_words(terminal.running(), &meters));
    }
    Ok(ended?)
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
            slate: crate::picture::slate::SlateSettings::default(),
            codec: livedir_media::VideoCodec::H264,
            encoder: crate::encode::choice::EncoderChoice::Auto,
        };
        let filter = crate::picture::filter::FilterSettings::default();
        let stream = Stream {
            grid: GridSettings { fps: 20, segment_frames: 40, filter, has_slate: true, slate_after: None },
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
