//! The flags of `live`.

use super::values::{parse_duration, parse_switch, parse_whole, parse_window};
use crate::encode::ladder::{self, Ladder};
use clap::{Args, ValueEnum};
use livedir_media::VideoCodec;
use std::path::PathBuf;
use std::time::Duration;

/// `--fps` where it is not given.
pub const DEFAULT_FPS: u32 = 20;

/// `--bitrate` where it is not given.
pub const DEFAULT_BITRATE: u64 = 1_000_000;

/// `--audio-bitrate` where it is not given.
pub const DEFAULT_AUDIO_BITRATE: u64 = 128_000;

/// `--encoder` where it is not given.
pub const DEFAULT_ENCODER: &str = "auto";

/// When a source is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CopyWhen {
    /// Copied, or refused
    #[value(aliases = ["1", "yes", "true", "on"])]
    Always,
    /// Copied if it can be, or else encoded
    Auto,
    /// Encoded
    #[value(aliases = ["0", "no", "false", "off"])]
    Never,
}

/// The flags of `live`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct LiveArgs {
    /// What to stream: camera, camera:INDEX or camera:NAME; screen; test (a test pattern); a file, or an .m3u that lists
    /// some; a URL (rtsp, rtmp, srt, http, udp); - (standard input). At `rtmp://0.0.0.0:1935/live/KEY` and `srt://0.0.0.0:9000`
    /// it waits for OBS, a phone or ffmpeg to push; at one address of this machine with ?listen=1, in quotes for the shell:
    /// `'rtmp://127.0.0.1:1935/live/KEY?listen=1'`, and so with srt, tcp, udp and rtp. In a user or a password write %40 for @,
    /// %2F for /, %3F for ? and %23 for #. Without SOURCE the first camera, or the test pattern where there is none
    #[arg(env = "LIVEDIR_SOURCE", hide_env_values = true)]
    pub source: Option<String>,

    /// What viewers see of the stream's source, in status.json and where there is no picture. By default its kind, like camera or
    /// film: its path or address is in the log alone
    #[arg(long, value_name = "TEXT", env = "LIVEDIR_TITLE")]
    pub title: Option<String>,

    /// Directory that the web server serves; the stream goes into stream.m3u8 and live/ within it
    #[arg(long, value_name = "DIR", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Size of the picture, like 1280x720. By default at most 640x480, in the shape of the source
    #[arg(long, value_name = "WxH", value_parser = parse_size, env = "LIVEDIR_SIZE")]
    pub size: Option<(u32, u32)>,

    /// The same stream in several sizes and rates, so that every viewer gets what their network carries:
    /// 1280x720@2.5M,640x360@800k and so on, or auto: as the source and this machine allow
    #[arg(long, value_name = "RUNGS", value_parser = parse_ladder, conflicts_with_all = ["size", "bitrate"], env = "LIVEDIR_LADDER")]
    pub ladder: Option<Ladder>,

    /// Frames a second; the source's pictures are doubled or left out to make it exactly so many
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FPS, value_parser = parse_fps, env = "LIVEDIR_FPS")]
    pub fps: u32,

    /// Bits a second of the picture, like 800k or 2.5M
    #[arg(long, value_name = "RATE", default_value = "1M", value_parser = parse_rate, env = "LIVEDIR_BITRATE")]
    pub bitrate: u64,

    /// Bits a second of the sound
    #[arg(long, value_name = "RATE", default_value = "128k", value_parser = parse_rate, env = "LIVEDIR_AUDIO_BITRATE")]
    pub audio_bitrate: u64,

    /// Take the sound from a microphone, NAME or the system's own choice, and not from SOURCE. A camera does so by itself
    /// where there is a microphone; `devices` lists them
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", env = "LIVEDIR_MIC")]
    pub mic: Option<String>,

    /// No sound, whatever the source has
    #[arg(long, conflicts_with = "mic", env = "LIVEDIR_NO_SOUND", value_parser = parse_switch)]
    pub no_sound: bool,

    /// Length of a segment, like 2s or 500ms. Shorter: less delay, more requests
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration, env = "LIVEDIR_SEGMENT_DURATION")]
    pub segment_duration: Duration,

    /// Less than a second behind: also write each segment in parts as it is filmed, and list them in ll.m3u8. It needs
    /// livedir-server, which holds requests for what is not there yet; stream.m3u8 stays as it is, for any web server
    #[arg(long, env = "LIVEDIR_LOW_LATENCY", value_parser = parse_switch)]
    pub low_latency: bool,

    /// Length of a part at most, with --low-latency. Shorter: less delay, more requests
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration, env = "LIVEDIR_PART_DURATION")]
    pub part_duration: Duration,

    /// Cut H.264 and AAC as they come from a file or URL, and encode nothing: it costs next to no processor time, and pictures
    /// stay as good as they are. Segments begin at the source's keyframes, which have to be --segment-duration apart at most.
    /// While the source is away the playlist waits: there is no picture in its place. --copy=auto encodes what cannot be copied,
    /// as --size, --bitrate and their like say
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        env = "LIVEDIR_COPY"
    )]
    pub copy: Option<CopyWhen>,

    /// With --copy, play a file not in real time but as fast as it can go (ffmpeg without -re)
    #[arg(long, env = "LIVEDIR_FAST", value_parser = parse_switch)]
    pub fast: bool,

    /// Segments that the playlist lists; viewers can go back so far
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_window, env = "LIVEDIR_WINDOW")]
    pub window: usize,

    /// Play a file over and over
    #[arg(long = "loop", env = "LIVEDIR_LOOP", value_parser = parse_switch)]
    pub loop_forever: bool,

    /// At the end leave the playlist open (no EXT-X-ENDLIST): viewers wait for the next run
    #[arg(long, env = "LIVEDIR_RESUME_LATER", value_parser = parse_switch)]
    pub resume_later: bool,

    /// Degrees to turn the picture clockwise: 90, 180 or 270
    #[arg(long, value_name = "DEGREES", value_parser = parse_rotation, env = "LIVEDIR_ROTATE")]
    pub rotate: Option<u32>,

    /// Swap left and right, after --rotate
    #[arg(long, env = "LIVEDIR_MIRROR", value_parser = parse_switch)]
    pub mirror: bool,

    /// For experts: filters of libavfilter, like `eq=brightness=0.1` or `movie=logo.png[logo];[in][logo]overlay=16:16`. They
    /// come after --rotate and --mirror, before the picture is made as large as the stream
    #[arg(long, value_name = "GRAPH", env = "LIVEDIR_FILTER")]
    pub filter: Option<String>,

    /// Write this line on the picture
    #[arg(long, value_name = "TITLE", env = "LIVEDIR_TEXT")]
    pub text: Option<String>,

    /// Write the date and the time at which the picture was taken on it
    #[arg(long, env = "LIVEDIR_CLOCK", value_parser = parse_switch)]
    pub clock: bool,

    /// What the picture is coded in. h264: every player takes it. hevc: a better picture at the same rate for several times
    /// the work, and fewer viewers: VLC, mpv and ffmpeg play it, and the page does in browsers that decode HEVC (Safari on a
    /// Mac; Chrome and Edge with a graphics card that can). iPhones, Apple TV and all else that plays HLS with Apple's own
    /// player take HEVC in fragmented MP4 alone, which livedir does not write
    #[arg(long, value_name = "h264|hevc", default_value = "h264", value_parser = parse_codec, env = "LIVEDIR_CODEC")]
    pub codec: VideoCodec,

    /// What makes it: auto (the first that works here, hardware before software), or the name of an encoder of libav for
    /// this codec, like libx264 or `hevc_nvenc`; `livedir-publisher devices` lists them
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENCODER, value_parser = parse_encoder, env = "LIVEDIR_ENCODER")]
    pub encoder: String,

    /// Take what is not typed and not in a `LIVEDIR_` variable from this TOML file: fps = 25 there is --fps 25
    #[arg(long, value_name = "FILE", env = "LIVEDIR_CONFIG")]
    pub config: Option<PathBuf>,

    /// Print the file for --config that says the same as what was typed, and end
    #[arg(long)]
    pub print_config: bool,
}

fn parse_fps(text: &str) -> Result<u32, String> {
    parse_whole(text, "whole frames a second", &(1..=120), "--fps 25")
}

fn parse_rotation(text: &str) -> Result<u32, String> {
    match text {
        "90" => Ok(90),
        "180" => Ok(180),
        "270" => Ok(270),
        _ => {
            Err("pictures can be turned by 90, 180 or 270 degrees, like --rotate 90; for other angles see --filter rotate"
                .into())
        }
    }
}

fn parse_codec(text: &str) -> Result<VideoCodec, String> {
    let named = VideoCodec::ALL.into_iter().find(|codec| codec.typed() == text);
    named.ok_or_else(|| "the picture can be coded in h264 or hevc".into())
}

fn parse_encoder(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')) {
        return Err("names are like libx264; `livedir-publisher devices` lists them".into());
    }
    Ok(text.to_owned())
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("'{text}' is not a size; write width x height in pixels, like 640x480");
    let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let (width, height): (u32, u32) =
        (width.parse().map_err(|_| wrong())?, height.parse().map_err(|_| wrong())?);
    if width % 2 != 0 || height % 2 != 0 {
        return Err(format!(
            "H.264 and HEVC in yuv420p need even numbers; try {}x{}",
            width & !1,
            height & !1
        ));
    }
    if !(16..=7680).contains(&width) || !(16..=4320).contains(&height) {
        return Err(format!(
            "'{text}' is no size that can be made; write one from 16x16 to 7680x4320, like 640x480"
        ));
    }
    Ok((width, height))
}

fn parse_ladder(text: &str) -> Result<Ladder, String> {
    ladder::parse(text, parse_size, parse_rate)
}

fn parse_rate(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a rate; write bits a second, like 800k or 2.5M");
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1.0), |number| (number, 1e6)),
    };
    let bps = number.parse::<f64>().map_err(|_| wrong())? * unit;
    if (16e3..=200e6).contains(&bps) {
        Ok(bps as u64)
    } else {
        Err(format!("'{text}' is no rate that makes a good stream; write one from 16k to 200M, like 800k"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(parse_size("1280x720"), Ok((1280, 720)));
        assert_eq!(parse_rate("2.5M"), Ok(2_500_000));
        assert_eq!(parse_rate("800k"), Ok(800_000));
        assert_eq!(parse_rate("96000"), Ok(96_000));
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_the_remedy() {
        for (error, remedy) in [
            (parse_size("640").unwrap_err(), "like 640x480"),
            (parse_size("641x481").unwrap_err(), "640x480"),
            (parse_size("0x0").unwrap_err(), "from 16x16"),
            (parse_rate("fast").unwrap_err(), "like 800k"),
            (parse_rate("NaN").unwrap_err(), "from 16k"),
            (parse_rate("-1M").unwrap_err(), "from 16k"),
            (parse_rotation("45").unwrap_err(), "90, 180 or 270"),
            (parse_codec("av1").unwrap_err(), "h264 or hevc"),
            (parse_encoder("lib x264").unwrap_err(), "like libx264"),
            (parse_encoder("").unwrap_err(), "like libx264"),
        ] {
            assert!(error.contains(remedy), "{error}");
        }
    }
}
