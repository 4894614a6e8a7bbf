//! Told: what is said at the start of a stream. Nothing is decided here.

use crate::captured::SourceFormat;
use crate::cli::settings::LiveSettings;
use crate::live::plan::Stream;
use crate::picture::deinterlacer::Deinterlace;
use crate::source::input::InputAddress;
use crate::source::microphone::MicrophoneError;
use crate::source::open::SourceChoice;
use livedir_media::VideoCodec;

/// What HEVC costs, said at the start: Apple's HLS authoring specification, 1.5.
const FEWER_PLAYERS: &str = "the video is HEVC in MPEG-TS: VLC, mpv, ffmpeg and browsers that decode HEVC play it; Apple's own players (iPhone, Apple TV) do not: leave --codec hevc out for them";

/// What B-frames cost in parts, said at the start: hls.js 1.7 in Firefox ESR 153 and `WebKitGTK` 2.50.
const FEWER_FRAMES: &str = "the source has B-frames: in low latency Firefox leaves some frames out, and WebKitGTK plays the plain playlist; to mend that turn B-frames off in its encoder (in OBS: Settings, Output, Tune: zerolatency)";

/// Twice the 25 frames a second of most interlaced television; with 29.97 it is 59.94.
const FIELDS_A_SECOND: u32 = 50;

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
    for line in without_effect(settings, stream) {
        tracing::warn!("{line}");
    }
    if source.copied.is_some_and(|copied| copied.has_b_frames) && stream.part_target_90k.is_some() {
        tracing::warn!("{FEWER_FRAMES}");
    }
}

fn warn_of_hevc(settings: &LiveSettings, stream: &Stream) {
    if settings.codec == VideoCodec::Hevc && stream.copied.is_none() {
        tracing::warn!("{FEWER_PLAYERS}");
    }
}

/// A line for each flag that was given and changes nothing.
fn without_effect(settings: &LiveSettings, stream: &Stream) -> Vec<String> {
    let mut lines = Vec::new();
    let flags = [
        ("--slate", settings.slate.is_some()),
        ("--slate-text", settings.slate_text.is_some()),
        ("--slate-after", settings.slate_after.is_some()),
    ];
    let given: Vec<&str> =
        flags.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag)).collect();
    if let (Some(source), [_, ..]) = (never_away(&settings.source), &given[..]) {
        lines.push(format!(
            "no slate is shown of {source}, which is never away: {} has no effect; leave it out",
            given.join(", ")
        ));
    }
    if settings.deinterlace == Deinterlace::Field && stream.copied.is_none() && settings.fps < FIELDS_A_SECOND
    {
        lines.push(format!(
            "--deinterlace field makes 50 or 60 pictures a second of television's 25 or 30, and --fps {} leaves out the rest; \
             for smooth movement add --fps {FIELDS_A_SECOND}",
            settings.fps
        ));
    }
    lines
}

/// What the source is called, where it cannot be away. A pipe with a name can.
fn never_away(source: &SourceChoice) -> Option<&'static str> {
    match source {
        SourceChoice::Test => Some("the test pattern"),
        SourceChoice::Input(InputAddress::File(path)) if path.is_file() => Some("a file"),
        _ => None,
    }
}
