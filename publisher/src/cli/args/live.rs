//! The flags of `live`.

use super::media_values::{parse_codec, parse_fps, parse_input_fps, parse_rate, parse_size};
use super::values::{parse_duration, parse_switch, parse_window};
use crate::cli::limits::{LONGEST_ABSENCE, SHORTEST_ABSENCE};
use crate::encode::ladder::{self, Ladder};
use crate::picture::deinterlacer::Deinterlace;
use crate::source::input::Takeover;
use crate::source::input::tracks::WantedSound;
use clap::{Args, ValueEnum};
use livedir_media::VideoCodec;
use std::ffi::OsString;
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
    /// Copy, or refuse the source
    #[value(aliases = ["1", "yes", "true", "on"])]
    Always,
    /// Copy where possible, else encode
    Auto,
    /// Encode
    #[value(aliases = ["0", "no", "false", "off"])]
    Never,
}

const SOURCE: &str = "Source";
const PICTURE: &str = "Picture";
const SOUND: &str = "Sound";
const ENCODER: &str = "Encoder";
const STREAM: &str = "Segments and playlists";
const CONFIGURATION: &str = "Configuration";

/// The flags of `live`. Those without a heading are used most; help prints them first.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[expect(clippy::doc_markdown, reason = "people read it on a terminal")]
pub struct LiveArgs {
    /// What to stream: camera, screen, test, a file, a URL, or - for standard input
    ///
    /// camera, camera:INDEX or camera:NAME is a camera of this machine. screen is its display. test is a test pattern. A file may be
    /// an .m3u that lists others, or an .sdp that says where RTP comes to. A URL is one of rtsp, rtmp, srt, http, udp. At
    /// rtmp://0.0.0.0:1935/live/KEY and srt://0.0.0.0:9000 the publisher waits for OBS, a phone or ffmpeg to connect. At one address of
    /// this machine it does so with ?listen=1, in quotes for the shell: 'rtmp://127.0.0.1:1935/live/KEY?listen=1'; srt, tcp, udp and rtp
    /// take it too. In a user name or a password write %40 for @, %2F for /, %3F for ? and %23 for #. Without SOURCE the first camera is used, or the test pattern if there is no camera.
    /// `livedir-publisher help camera`, `help rtmp`, `help srt` and `help slate` say more
    #[arg(env = "LIVEDIR_SOURCE", hide_env_values = true)]
    pub source: Option<OsString>,

    /// Latency under a second: also write each segment in parts, and list them in ll.m3u8
    ///
    /// A part is written as soon as it is encoded. ll.m3u8 needs livedir-server, which answers a request for the next part when it is
    /// there. stream.m3u8 stays as it is, for any web server. `livedir-publisher help low-latency` says more
    #[arg(long, env = "LIVEDIR_LOW_LATENCY", value_parser = parse_switch)]
    pub low_latency: bool,

    /// Width and height, like 1280x720, or 720p [default: those of the source, at most 640x480, upright 480x640]
    #[arg(long, value_name = "WxH", value_parser = parse_size, env = "LIVEDIR_SIZE")]
    pub size: Option<(u32, u32)>,

    /// Frame rate; frames of the source are repeated or dropped to reach it
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FPS, value_parser = parse_fps, env = "LIVEDIR_FPS")]
    pub fps: u32,

    /// Bit rate of the video in bits a second, like 800k or 2.5M
    #[arg(long, value_name = "RATE", default_value = "1M", value_parser = parse_rate, env = "LIVEDIR_BITRATE")]
    pub bitrate: u64,

    /// Directory that the web server serves; the stream is written into stream.m3u8 and live/ in it
    #[arg(long, value_name = "DIR", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Play a file again and again
    #[arg(long = "loop", env = "LIVEDIR_LOOP", value_parser = parse_switch, help_heading = SOURCE)]
    pub loop_forever: bool,

    /// Copy H.264 and AAC from a file or URL without encoding
    ///
    /// This takes little processor time and keeps the quality. Segments begin at the keyframes of the source, which must be at most
    /// --segment-duration apart. While a source that is pushed, or comes from a URL live, is away, viewers see a slate in its size and at
    /// its rate, without the time. --copy=auto encodes a source that cannot be copied, with --size, --bitrate and so on
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        env = "LIVEDIR_COPY",
        help_heading = SOURCE
    )]
    pub copy: Option<CopyWhen>,

    /// With --copy: read a file as fast as possible, not in real time (like ffmpeg without -re)
    #[arg(long, env = "LIVEDIR_FAST", value_parser = parse_switch, help_heading = SOURCE)]
    pub fast: bool,

    /// When a second encoder with the right key takes the place of the one that is connected, by RTMP: stalled or always
    ///
    /// stalled: when video or sound that the first one used to send has not come for 5 seconds. One that sends all it used to send keeps
    /// its place. always: whoever comes last is on air
    #[arg(long, value_enum, value_name = "WHEN", env = "LIVEDIR_TAKEOVER", help_heading = SOURCE)]
    pub takeover: Option<Takeover>,

    /// Frame rate of a source that says none, such as raw H.264 or MJPEG
    ///
    /// A file without timestamps is played at the rate that its parameter sets state, else at this one, else at 25. A pipe or an address
    /// is played as it comes, unless it delivers faster than that
    #[arg(long, value_name = "N", value_parser = parse_input_fps, env = "LIVEDIR_INPUT_FPS", help_heading = SOURCE)]
    pub input_fps: Option<u32>,

    /// Title of the stream, in status.json and on the slate [default: the kind of the source]
    ///
    /// Viewers can read it. The path or address of the source is only in the log
    #[arg(long, value_name = "TEXT", env = "LIVEDIR_TITLE", help_heading = SOURCE)]
    pub title: Option<String>,

    /// Several renditions: 1280x720@2.5M,640x360@800k and so on, or auto
    ///
    /// Each viewer gets the rendition that their network carries. auto chooses by the source and by the processors of this machine.
    /// `livedir-publisher help ladder` says more
    #[arg(long, value_name = "RUNGS", value_parser = parse_ladder, conflicts_with_all = ["size", "bitrate"], env = "LIVEDIR_LADDER", help_heading = PICTURE)]
    pub ladder: Option<Ladder>,

    /// Interlaced pictures: auto, off or field
    ///
    /// Television, DVDs and camcorders film half of the lines at a time, which moving edges show as combs. auto makes one whole picture of
    /// the two halves, where the source says that it is interlaced; nothing is done to other sources. field makes a picture of each half:
    /// movement is as smooth as on television, with twice the frame rate in --fps. off leaves the pictures as they are
    #[arg(long, value_name = "auto|off|field", default_value = "auto", value_parser = parse_deinterlace, env = "LIVEDIR_DEINTERLACE", help_heading = PICTURE)]
    pub deinterlace: Deinterlace,

    /// Rotate the picture clockwise by 90, 180 or 270 degrees
    #[arg(long, value_name = "DEGREES", value_parser = parse_rotation, env = "LIVEDIR_ROTATE", help_heading = PICTURE)]
    pub rotate: Option<u32>,

    /// Swap left and right, after --rotate
    #[arg(long, env = "LIVEDIR_MIRROR", value_parser = parse_switch, help_heading = PICTURE)]
    pub mirror: bool,

    /// Write this line on the picture
    #[arg(long, value_name = "TEXT", env = "LIVEDIR_TEXT", help_heading = PICTURE)]
    pub text: Option<String>,

    /// Write the date and time of capture on the picture
    #[arg(long, env = "LIVEDIR_CLOCK", value_parser = parse_switch, help_heading = PICTURE)]
    pub clock: bool,

    /// Show the slate when nothing has come for this long [default: 1s, or three times the source's longest gap]
    ///
    /// While sound comes, the last picture stands; with --copy for 5s more at most. Without this flag a source that sends few frames is given
    /// three times the longest gap between its newest 20 frames, and at most 30s. One that is known to be lost is given 1s
    #[arg(long, value_name = "TIME", value_parser = parse_slate_after, env = "LIVEDIR_SLATE_AFTER", help_heading = PICTURE)]
    pub slate_after: Option<Duration>,

    /// Show this picture or film while the source is away
    ///
    /// FILE is an image, such as a .png or .jpg, or a film, which plays again and again, with its sound. The time is written on it.
    /// Whatever its size and frame rate are, it is made to fit. `livedir-publisher help slate` says more
    #[arg(long, value_name = "FILE", env = "LIVEDIR_SLATE", help_heading = PICTURE)]
    pub slate: Option<PathBuf>,

    /// Write this line on the slate, instead of NO SIGNAL
    ///
    /// The time is written below it. An empty TEXT leaves both out: --slate-text ''
    #[arg(long, value_name = "TEXT", env = "LIVEDIR_SLATE_TEXT", help_heading = PICTURE)]
    pub slate_text: Option<String>,

    /// Show no slate: the last picture stands while the source is away, and with --copy the playlist waits
    #[arg(
        long,
        value_parser = parse_switch,
        conflicts_with_all = ["slate", "slate_after", "slate_text"],
        env = "LIVEDIR_NO_SLATE",
        help_heading = PICTURE
    )]
    pub no_slate: bool,

    /// Filters of FFmpeg (libavfilter), for experts
    ///
    /// Like `eq=brightness=0.1` or `movie=logo.png[logo];[in][logo]overlay=16:16`. They run after --rotate and --mirror, and before the
    /// picture is scaled
    #[arg(long, value_name = "GRAPH", env = "LIVEDIR_FILTER", help_heading = PICTURE)]
    pub filter: Option<String>,

    /// Show this picture beside sound that has none, one frame a second
    ///
    /// FILE is an image, such as a .png or .jpg. It is shown where the source has sound alone, and until the first picture of a source
    /// that begins with sound. With --no-video it takes the place of the source's pictures. With --low-latency it is sent as often as
    /// parts need it; --fps sets another rate
    #[arg(long, value_name = "FILE", env = "LIVEDIR_PICTURE", help_heading = PICTURE)]
    pub picture: Option<PathBuf>,

    /// Take the sound from a microphone: NAME, or the system's default
    ///
    /// A camera is heard through a microphone without this flag, if there is one. `livedir-publisher devices` lists them
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", env = "LIVEDIR_MIC", help_heading = SOUND)]
    pub mic: Option<String>,

    /// Sound track of a source that has several: its number from 1, or its language, like de
    ///
    /// Without this flag it is the one that the source marks as the default, or else the first. The start says which one is heard and names
    /// the others. A film of a list without such a track is heard with the one that it would have without this flag
    #[arg(long, value_name = "TRACK", value_parser = WantedSound::parse, conflicts_with_all = ["mic", "no_sound"], env = "LIVEDIR_AUDIO_TRACK", help_heading = SOUND)]
    pub audio_track: Option<WantedSound>,

    /// Sound alone: no pictures, whatever the source has; without SOURCE a microphone is heard
    ///
    /// Segments hold AAC in MPEG-TS. Sources without pictures, such as an .mp3 or a web radio, need no flag. A client that pushes sound
    /// alone does: its pictures may come later
    #[arg(long, conflicts_with = "no_sound", env = "LIVEDIR_NO_VIDEO", value_parser = parse_switch, help_heading = SOUND)]
    pub no_video: bool,

    /// No sound
    #[arg(long, conflicts_with = "mic", env = "LIVEDIR_NO_SOUND", value_parser = parse_switch, help_heading = SOUND)]
    pub no_sound: bool,

    /// Bit rate of the sound in bits a second
    #[arg(long, value_name = "RATE", default_value = "128k", value_parser = parse_rate, env = "LIVEDIR_AUDIO_BITRATE", help_heading = SOUND)]
    pub audio_bitrate: u64,

    /// Video codec
    ///
    /// Every player plays h264. hevc gives a better picture at the same bit rate, and needs several times the processor time. VLC, mpv and
    /// ffmpeg play it. The player page plays it in browsers that decode HEVC: Safari on a Mac, Chrome and Edge with a suitable graphics
    /// card. Apple's own player (iPhone, Apple TV) takes HEVC only in fragmented MP4, which livedir does not write
    #[arg(long, value_name = "h264|hevc", default_value = "h264", value_parser = parse_codec, env = "LIVEDIR_CODEC", help_heading = ENCODER)]
    pub codec: VideoCodec,

    /// Video encoder: auto, or a name like libx264
    ///
    /// auto takes the first one that works on this machine, hardware before software. `livedir-publisher devices` lists the encoders
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENCODER, value_parser = parse_encoder, env = "LIVEDIR_ENCODER", help_heading = ENCODER)]
    pub encoder: String,

    /// Duration of a segment, like 2s or 500ms; shorter means less latency and more requests
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration, env = "LIVEDIR_SEGMENT_DURATION", help_heading = STREAM)]
    pub segment_duration: Duration,

    /// With --low-latency: longest duration of a part; shorter means less latency and more requests
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration, env = "LIVEDIR_PART_DURATION", help_heading = STREAM)]
    pub part_duration: Duration,

    /// Number of segments in the playlist; viewers can seek back this far
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_window, env = "LIVEDIR_WINDOW", help_heading = STREAM)]
    pub window: usize,

    /// At the end do not write EXT-X-ENDLIST: viewers wait for the next run
    #[arg(long, env = "LIVEDIR_RESUME_LATER", value_parser = parse_switch, help_heading = STREAM)]
    pub resume_later: bool,

    /// TOML file with flags: `fps = 25` is --fps 25
    ///
    /// Flags that are typed win over `LIVEDIR_` variables, and these win over the file
    #[arg(long, value_name = "FILE", env = "LIVEDIR_CONFIG", help_heading = CONFIGURATION)]
    pub config: Option<PathBuf>,

    /// Stream several channels that a TOML file lists, each into a directory of its name in the webroot
    ///
    /// The file has a table for each channel, with a name, a source, and the same keys as a config file. Keys above the first table hold for
    /// all. `livedir-publisher help channels` says more
    #[arg(long, value_name = "FILE", env = "LIVEDIR_CHANNELS", conflicts_with = "config", help_heading = CONFIGURATION)]
    pub channels: Option<PathBuf>,

    /// Print an equivalent config file and exit
    #[arg(long, help_heading = CONFIGURATION)]
    pub print_config: bool,

    /// Check the flags, the config file and a file as source, and exit: nothing is written
    #[arg(long, help_heading = CONFIGURATION)]
    pub dry_run: bool,
}

fn parse_slate_after(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        after if (SHORTEST_ABSENCE..=LONGEST_ABSENCE).contains(&after) => Ok(after),
        _ => Err("must be between 200ms and 1 hour, like --slate-after 5s".to_owned()),
    }
}

fn parse_deinterlace(text: &str) -> Result<Deinterlace, String> {
    let named = Deinterlace::ALL.into_iter().find(|how| how.typed() == text);
    named.ok_or_else(|| "must be auto, off or field, like --deinterlace off".into())
}

fn parse_rotation(text: &str) -> Result<u32, String> {
    match text {
        "90" => Ok(90),
        "180" => Ok(180),
        "270" => Ok(270),
        _ => {
            Err("must be 90, 180 or 270, like --rotate 90; for other angles use --filter rotate=ANGLE".into())
        }
    }
}

fn parse_encoder(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')) {
        return Err("must be a name like libx264; `livedir-publisher devices` lists the encoders".into());
    }
    Ok(text.to_owned())
}

fn parse_ladder(text: &str) -> Result<Ladder, String> {
    ladder::parse(text, parse_size, parse_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_refused_with_the_remedy() {
        for (error, remedy) in [
            (parse_rotation("45").unwrap_err(), "90, 180 or 270"),
            (parse_deinterlace("yes").unwrap_err(), "--deinterlace off"),
            (parse_slate_after("0s").unwrap_err(), "--slate-after 5s"),
            (parse_slate_after("2h").unwrap_err(), "1 hour, like --slate-after 5s"),
            (parse_slate_after("soon").unwrap_err(), "like 2s"),
            (parse_encoder("lib x264").unwrap_err(), "like libx264"),
            (parse_encoder("").unwrap_err(), "like libx264"),
        ] {
            assert!(error.contains(remedy), "{error}");
        }
    }
}
