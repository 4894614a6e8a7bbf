//! Foreign: flags as other programs name them, each with what to type here, or to do. Pure.

/// Names without their dashes, and what is typed here, or done instead.
#[cfg(feature = "capture")]
const FOREIGN: &[(&[&str], &str)] = &[
    (&["output", "out", "o", "dir", "directory", "d", "output-dir", "root"], "--webroot DIR"),
    (&["resolution", "video-size", "video_size", "s", "width", "height", "scale"], "--size 1280x720"),
    (&["framerate", "frame-rate", "r", "rate"], "--fps 25"),
    (&["video-bitrate", "b:v", "vb", "b"], "--bitrate 2.5M"),
    (&["b:a", "ab", "sound-bitrate"], "--audio-bitrate 128k"),
    (&["c:v", "vcodec", "video-codec"], "--codec h264"),
    (&["vf", "filter:v", "video-filter"], "--filter GRAPH"),
    (&["stream_loop", "repeat"], "--loop"),
    (&["an", "no-audio", "mute", "silent"], "--no-sound"),
    (&["vn", "audio-only", "sound-only"], "--no-video"),
    (&["microphone"], "--mic NAME"),
    (&["language", "lang", "track"], "--audio-track de"),
    (&["overlay", "drawtext", "caption"], "--text TEXT"),
    (&["name"], "--title TEXT"),
    (&["hls_time", "hls-time", "segment-time", "segment_time", "segment-length"], "--segment-duration 2s"),
    (&["hls_list_size", "hls-list-size", "playlist-size", "dvr"], "--window 10"),
    (&["ll", "llhls", "ll-hls"], "--low-latency"),
    (&["re"], "leave it out: a file is played in real time"),
    (
        &["i", "input", "source", "file", "url"],
        "name the source without a flag, like `livedir-publisher live movie.mp4`",
    ),
];

/// Without cameras and encoders there is little to mistake.
#[cfg(not(feature = "capture"))]
const FOREIGN: &[(&[&str], &str)] = &[];

/// What to do instead of typing the flag of this name, which stands without its dashes.
pub(super) fn instead_of(name: &str) -> Option<String> {
    let (_, ours) = FOREIGN.iter().find(|(names, _)| names.contains(&name))?;
    Some(if ours.starts_with("--") { format!("type {ours} instead") } else { (*ours).to_owned() })
}
