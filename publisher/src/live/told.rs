//! Told: what is said at the start of a stream. Nothing is decided here.

use crate::captured::SourceFormat;
use crate::cli::settings::LiveSettings;
use crate::live::plan::Stream;
use crate::source::microphone::MicrophoneError;
use livedir_media::VideoCodec;

/// What HEVC costs, said at the start: Apple's HLS authoring specification, 1.5.
const FEWER_PLAYERS: &str = "the video is HEVC in MPEG-TS: VLC, mpv, ffmpeg and browsers that decode HEVC play it; Apple's own players (iPhone, Apple TV) do not: leave --codec hevc out for them";

/// What B-frames cost in parts, said at the start: hls.js 1.7 in Firefox ESR 153 and `WebKitGTK` 2.50.
const FEWER_FRAMES: &str = "the source has B-frames: in low latency Firefox leaves some frames out, and WebKitGTK plays the plain playlist; to mend that turn B-frames off in its encoder (in OBS: Settings, Output, Tune: zerolatency)";

/// Logs what is streamed, and warns of settings with side effects.
pub(crate) fn tell(
    settings: &LiveSettings,
    source: &SourceFormat,
    stream: &Stream,
    first_number: u64,
    no_microphone: Option<&MicrophoneError>,
) {
    tracing::info!("source: {}", source.description);
    if let Some(error) = no_microphone {
        tracing::info!(%error, "no microphone; the stream has no sound");
    }
    for rendition in stream.in_words() {
        tracing::info!("on air: {rendition}");
    }
    tracing::debug!(?settings, ?stream, first_number, "settings");
    warn_of_hevc(settings, stream);
    if source.copied.is_some_and(|copied| copied.has_b_frames) && stream.part_target_90k.is_some() {
        tracing::warn!("{FEWER_FRAMES}");
    }
}

fn warn_of_hevc(settings: &LiveSettings, stream: &Stream) {
    if settings.codec == VideoCodec::Hevc && stream.copied.is_none() {
        tracing::warn!("{FEWER_PLAYERS}");
    }
}
