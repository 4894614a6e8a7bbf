//! Choice of the source: what was typed names one, and it is opened as often as it has to be.
//!
//! In: the word that was typed, and what is wanted of the video. Out: an [`Opener`].

use crate::picture::deinterlacer::Deinterlace;
use crate::source::camera::{self, CameraSelector, CameraWish};
use crate::source::input::tracks::TrackSettings;
use crate::source::input::{self, Doors, InputAddress, InputError, InputSettings, listen_address};
use crate::source::push::Waiting;
use crate::source::sound_alone::{MicrophoneAlone, SoundAlone};
use crate::source::test_pattern::TestPattern;
use crate::source::{Opener, Source, SourceError};
use livedir_time::stop::Stop;
use std::ffi::OsStr;

/// What to stream.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceChoice {
    /// The first camera, or the test pattern where there is none.
    FirstCameraOrTest,
    /// A camera that was named.
    Camera(CameraSelector),
    /// The test pattern.
    Test,
    /// A file, a URL or standard input.
    Input(InputAddress),
    /// Nothing but the microphone.
    MicrophoneAlone,
}

/// What is wanted of it.
#[derive(Debug, Clone)]
pub struct SourceWish {
    /// Width and height in pixels to ask a camera for, and of the test pattern.
    pub size: (u32, u32),
    /// Whether no other size will do.
    pub is_exact: bool,
    /// Frames a second.
    pub fps: u32,
    /// Of a list, the film that is played first.
    pub first_film: usize,
    /// Whether a file begins again at its end.
    pub loop_forever: bool,
    /// Frame rate of a source that says none.
    pub untimed_fps: Option<u32>,
    /// Its sound alone is wanted.
    pub sound_alone: bool,
    /// What is done with interlaced pictures.
    pub deinterlace: Deinterlace,
    /// The tracks that are wanted, and what was said of them.
    pub tracks: TrackSettings,
    /// What is open to encoders that push by RTMP.
    pub doors: Doors,
}

impl SourceChoice {
    /// The source that was typed, if one was.
    #[must_use]
    pub fn typed(word: Option<&OsStr>) -> Self {
        let Some(typed) = word else { return Self::FirstCameraOrTest };
        // A name of a file need not be UTF-8; all else is.
        let Some(word) = typed.to_str() else { return Self::Input(InputAddress::of_path(typed.into())) };
        if let Some(selector) = CameraSelector::parse(word) {
            return Self::Camera(selector);
        }
        if let Some(screen) = InputAddress::screen(word) {
            return Self::Input(screen);
        }
        Self::Input(match word {
            "test" => return Self::Test,
            "-" => InputAddress::Stdin,
            url if url.contains("://") => InputAddress::Url(url.to_owned()),
            path => InputAddress::of_path(path.into()),
        })
    }

    /// What kind of source it is, for viewers; never its address. `has_camera` says whether there is one where the first is asked for.
    #[must_use]
    pub fn kind(&self, has_camera: impl FnOnce() -> bool) -> &'static str {
        match self {
            Self::Camera(_) => "camera",
            Self::FirstCameraOrTest if has_camera() => "camera",
            Self::FirstCameraOrTest | Self::Test => "test pattern",
            Self::Input(address) => address.kind(),
            Self::MicrophoneAlone => "microphone",
        }
    }

    /// Whether it is heard through a microphone, as a camera is, which brings no sound.
    #[must_use]
    pub fn needs_microphone(&self) -> bool {
        match self {
            Self::FirstCameraOrTest => camera::is_any(),
            Self::Camera(_) | Self::MicrophoneAlone => true,
            Self::Test | Self::Input(_) => false,
        }
    }

    /// How to open it.
    #[must_use]
    pub fn opener<'a>(&'a self, wish: SourceWish, stop: &'a Stop) -> Opener<'a> {
        let SourceWish { size: (width, height), is_exact, fps, first_film, loop_forever, .. } = wish;
        let SourceWish { untimed_fps, sound_alone, deinterlace, tracks, doors, .. } = wish;
        let test = move || {
            let pattern = Box::new(TestPattern::new(width, height, fps)) as Box<dyn Source>;
            Ok(if sound_alone { Box::new(SoundAlone(pattern)) } else { pattern })
        };
        let of_camera = CameraWish { width, height, fps, exact: is_exact };
        let open_camera = move |selector: &CameraSelector| {
            camera::open(selector, &of_camera)
                .map(|camera| Box::new(camera) as Box<dyn Source>)
                .map_err(SourceError::from)
        };
        match self {
            Self::FirstCameraOrTest if !camera::is_any() => {
                tracing::warn!("no camera found; streaming the test pattern");
                Box::new(test)
            }
            Self::FirstCameraOrTest => Box::new(move || open_camera(&CameraSelector::First)),
            Self::Camera(selector) => Box::new(move || open_camera(selector)),
            Self::Test => Box::new(test),
            Self::Input(address) => {
                let address = address.clone();
                let stop = stop.flag();
                let input = InputSettings {
                    address,
                    first_film,
                    loop_forever,
                    untimed_fps,
                    sound_alone,
                    deinterlace,
                    tracks,
                    doors,
                    stop,
                };
                Box::new(move || open_or_listen(&input))
            }
            Self::MicrophoneAlone => {
                Box::new(move || Ok(Box::new(MicrophoneAlone::new(stop)) as Box<dyn Source>))
            }
        }
    }
}

/// Opens the input, or begins to listen where nobody can be called: a client may come whenever it wants to.
pub fn open_or_listen(settings: &InputSettings) -> Result<Box<dyn Source>, SourceError> {
    let place = match &settings.address {
        InputAddress::Url(url) => {
            listen_address::place(url, &settings.address.to_string()).map_err(InputError::from)?
        }
        _ => None,
    };
    Ok(match place {
        Some(place) => Box::new(Waiting::open(settings, place)?),
        None => Box::new(input::open(settings)?),
    })
}
