//! Options: what each encoder of libav is told, so that it answers at once, with an IDR frame where an I frame is asked
//! for and nowhere else. Pure.

use super::EncodeSettings;

/// One x264 thread encodes about this many pixels a second with room to spare; more threads cost more in all, because
/// each cuts the frame into one more slice.
const X264_PIXELS_PER_THREAD: u64 = 30_000_000;

/// The same of x265, which takes six times as long.
const X265_PIXELS_PER_THREAD: u64 = 6_000_000;

/// What an encoder is told besides size, rates and where keyframes are. Options that a version of libav does not know are
/// left aside by it.
#[must_use]
pub fn options(encoder: &str, settings: &EncodeSettings) -> Vec<(&'static str, String)> {
    match encoder {
        "libx264" => x264_options(settings).into(),
        "libx265" => x265_options(settings).into(),
        "libopenh264" => {
            vec![("allow_skip_frames", "0".into()), ("qmin", settings.smallest_quantiser.to_string())]
        }
        _ => hardware_options(encoder).iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
    }
}

fn hardware_options(encoder: &str) -> &'static [(&'static str, &'static str)] {
    match encoder {
        "h264_nvenc" => &[
            ("forced-idr", "1"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("no-scenecut", "1"),
            ("strict_gop", "1"),
            ("profile", "high"),
        ],
        "hevc_nvenc" => &[
            ("forced-idr", "1"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("no-scenecut", "1"),
            ("strict_gop", "1"),
            ("profile", "main"),
        ],
        "h264_qsv" => &[("forced_idr", "1"), ("async_depth", "1"), ("look_ahead", "0"), ("profile", "high")],
        "hevc_qsv" => &[
            ("forced_idr", "1"),
            ("async_depth", "1"),
            ("look_ahead", "0"),
            ("profile", "main"),
            // By default the first I frame alone is IDR, all others CRA.
            ("idr_interval", "1"),
        ],
        "h264_amf" | "hevc_amf" => {
            &[("forced_idr", "1"), ("usage", "lowlatency"), ("header_insertion_mode", "idr")]
        }
        // By default each I frame is IDR.
        "h264_vaapi" => &[("async_depth", "1"), ("profile", "high")],
        "hevc_vaapi" => &[("async_depth", "1"), ("profile", "main")],
        "h264_videotoolbox" => &[("realtime", "1"), ("profile", "high")],
        "hevc_videotoolbox" => &[("realtime", "1"), ("profile", "main")],
        _ => &[],
    }
}

/// What x264 is told; the benchmark tells the ffmpeg program the same.
#[must_use]
pub fn x264_options(settings: &EncodeSettings) -> [(&'static str, String); 7] {
    [
        ("preset", "veryfast".into()),
        ("tune", "zerolatency".into()),
        ("profile", "high".into()),
        ("forced-idr", "1".into()),
        // A scene cut would put a keyframe off the grid.
        ("sc_threshold", "0".into()),
        ("threads", threads(settings, X264_PIXELS_PER_THREAD).to_string()),
        ("qmin", settings.smallest_quantiser.to_string()),
    ]
}

/// At `veryfast` the picture is better than that of x264 at the same rate; at faster settings it is worse, for more work.
fn x265_options(settings: &EncodeSettings) -> [(&'static str, String); 5] {
    let threads = threads(settings, X265_PIXELS_PER_THREAD);
    // An open GOP would make segments that need the one before them, a scene cut a keyframe off the grid. Frames that are
    // encoded side by side, and those that are looked at ahead, come late.
    let x265 = format!(
        "open-gop=0:scenecut=0:repeat-headers=1:bframes=0:rc-lookahead=0:frame-threads=1:pools={threads}:\
         qpmin={}:log-level=error",
        settings.smallest_quantiser
    );
    [
        ("preset", "veryfast".into()),
        ("tune", "zerolatency".into()),
        ("profile", "main".into()),
        ("forced-idr", "1".into()),
        ("x265-params", x265),
    ]
}

fn threads(settings: &EncodeSettings, pixels_per_thread: u64) -> u64 {
    let pixels_per_second = u64::from(settings.width) * u64::from(settings.height) * u64::from(settings.fps);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    pixels_per_second.div_ceil(pixels_per_thread).clamp(1, cores)
}
