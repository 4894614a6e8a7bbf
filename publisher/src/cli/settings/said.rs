//! What was said: which source was meant, and which flags were given. Pure.

use super::SettingsError;
use crate::cli::args::{DEFAULT_AUDIO_BITRATE, DEFAULT_BITRATE, DEFAULT_ENCODER, DEFAULT_FPS, LiveArgs};
use crate::picture::deinterlacer::Deinterlace;
use crate::source::input::InputAddress;
use crate::source::open::SourceChoice;
use livedir_media::VideoCodec;

const SLATE_AFTER: &str = "--slate-after";

/// The source that is meant: where sound alone is wanted of one that has none, that is the microphone.
pub(super) fn source(args: &LiveArgs) -> Result<SourceChoice, SettingsError> {
    let typed = SourceChoice::typed(args.source.as_deref());
    let is_unnamed = typed == SourceChoice::FirstCameraOrTest;
    match &typed {
        SourceChoice::FirstCameraOrTest | SourceChoice::Camera(_)
            if args.no_video || (is_unnamed && args.picture.is_some()) =>
        {
            Ok(SourceChoice::MicrophoneAlone)
        }
        SourceChoice::Input(InputAddress::Screen(_)) if args.no_video && args.mic.is_some() => {
            Ok(SourceChoice::MicrophoneAlone)
        }
        SourceChoice::Input(InputAddress::Screen(_)) if args.no_video => Err(SettingsError::SilentScreen),
        SourceChoice::Test | SourceChoice::Camera(_) | SourceChoice::Input(InputAddress::Screen(_))
            if args.picture.is_some() && !args.no_video =>
        {
            Err(SettingsError::PictureOfPictures)
        }
        _ => Ok(typed),
    }
}

/// The first flag that says something of pictures, and does not say what goes without saying.
pub(super) fn first_of_pictures(args: &LiveArgs) -> Option<&'static str> {
    // Sound that is copied has a slate, too, which is silent.
    let is_of_pictures = |flag: &&str| *flag != SLATE_AFTER || args.copy.is_none();
    first_of_encoded_pictures(args).or_else(|| first_of_slate(args).filter(is_of_pictures))
}

/// The first flag that says something of the slate.
pub(super) fn first_of_slate(args: &LiveArgs) -> Option<&'static str> {
    first_said([
        ("--slate", args.slate.is_some()),
        ("--slate-text", args.slate_text.is_some()),
        (SLATE_AFTER, args.slate_after.is_some()),
    ])
}

fn first_of_encoded_pictures(args: &LiveArgs) -> Option<&'static str> {
    first_said([
        ("--size", args.size.is_some()),
        ("--ladder", args.ladder.is_some()),
        ("--fps", args.fps != DEFAULT_FPS),
        ("--bitrate", args.bitrate != DEFAULT_BITRATE),
        ("--deinterlace", args.deinterlace != Deinterlace::Auto),
        ("--rotate", args.rotate.is_some()),
        ("--mirror", args.mirror),
        ("--filter", args.filter.is_some()),
        ("--text", args.text.is_some()),
        ("--clock", args.clock),
        ("--codec", args.codec != VideoCodec::H264),
        ("--encoder", args.encoder != DEFAULT_ENCODER),
    ])
}

/// The first flag that says how to encode, and does not say what goes without saying.
pub(super) fn first_of_encoding(args: &LiveArgs) -> Option<&'static str> {
    let others = first_said([
        ("--audio-bitrate", args.audio_bitrate != DEFAULT_AUDIO_BITRATE),
        ("--mic", args.mic.is_some()),
        ("--picture", args.picture.is_some()),
    ]);
    first_of_encoded_pictures(args).or(others)
}

fn first_said<const N: usize>(flags: [(&'static str, bool); N]) -> Option<&'static str> {
    flags.into_iter().find_map(|(flag, is_said)| is_said.then_some(flag))
}

#[cfg(test)]
mod tests {
    use super::super::tests::meant;
    use super::*;

    #[test]
    fn sound_alone_of_what_has_none_is_that_of_the_microphone() {
        for line in [
            "--no-video",
            "camera --no-video",
            "--mic --no-video",
            "screen --mic --no-video",
            "--picture a.png",
        ] {
            assert_eq!(meant(line).unwrap().source, SourceChoice::MicrophoneAlone, "{line}");
        }
        for line in ["test --no-video", "rtmp://0.0.0.0/live/KEY --no-video", "radio.mp3 --picture a.png"] {
            assert_ne!(meant(line).unwrap().source, SourceChoice::MicrophoneAlone, "{line}");
        }
    }

    #[track_caller]
    fn check_refused(line: &str, remedy: &str) {
        let error = meant(line).unwrap_err().to_string();
        assert!(error.contains(remedy), "{error}");
    }

    #[test]
    fn what_has_no_effect_without_pictures_is_refused_with_the_remedy() {
        check_refused("screen --no-video", "add --mic");
        check_refused("test --picture a.png", "add --no-video");
        check_refused("camera --picture a.png", "add --no-video");
        for said in ["--ladder auto", "--size 64x48", "--fps 25", "--bitrate 2M", "--text A", "--codec hevc"]
        {
            let flag = said.split(' ').next().unwrap();
            check_refused(
                &format!("film.mp4 --no-video {said}"),
                &format!("{flag} has no effect with --no-video"),
            );
            assert!(meant(&format!("film.mp4 --no-video --picture a.png {said}")).is_ok(), "{said}");
        }
        check_refused("film.mp4 --no-video --slate-after 5s", "--slate-after has no effect with --no-video");
        assert!(meant("rtmp://0.0.0.0/live/KEY --no-video --copy --slate-after 5s").is_ok());
        assert!(meant("film.mp4 --no-video --fps 20").is_ok(), "what goes without saying may be said");
    }
}
