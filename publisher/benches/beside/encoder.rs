//! The ffmpeg program's words for the encoder and the segments that livedir makes: both do alike in the benchmarks.

use livedir_publisher::encode::EncodeSettings;
use livedir_publisher::encode::options::x264_options;

/// Sound as livedir makes it.
pub const SOUND: [&str; 8] = ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"];

/// Coding of the picture. `stream` names the output stream: `:v`, or `:v:1` where there are several.
pub fn picture(settings: &EncodeSettings, stream: &str) -> Vec<String> {
    let mut words = vec![format!("-c{stream}"), "libx264".to_owned()];
    for (name, value) in x264_options(settings) {
        words.extend([format!("-{name}{stream}"), value]);
    }
    let (gop, bps) = (settings.segment_frames.to_string(), settings.video_bps.to_string());
    for (name, value) in [("g", &*gop), ("bf", "0"), ("b", &bps), ("maxrate", &bps), ("bufsize", &bps)] {
        words.extend([format!("-{name}{stream}"), value.to_owned()]);
    }
    words
}

/// Segments of two seconds, which is the default of livedir, of which so many are listed; 0: all.
pub fn hls(listed: &str, flags: &str) -> [String; 8] {
    ["-f", "hls", "-hls_time", "2", "-hls_list_size", listed, "-hls_flags", flags].map(str::to_owned)
}
