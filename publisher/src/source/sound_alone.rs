//! Sound alone: sources of streams without pictures.
//!
//! In: a source that has pictures, or none where a microphone is all that is heard. Out: its sound.

use super::{Read, Source, SourceError, SourceState};
use crate::captured::{Captured, Shows, SourceFormat};
use crate::picture::colour_space::ColourSpace;
use livedir_time::stop::Stop;
use std::time::Duration;

/// A source whose pictures are left out.
pub(crate) struct SoundAlone<'a>(pub(crate) Box<dyn Source + 'a>);

impl Source for SoundAlone<'_> {
    fn format(&self) -> SourceFormat {
        SourceFormat { shows: Shows::Nothing, ..self.0.format() }
    }

    fn state(&self) -> SourceState {
        self.0.state()
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        match self.0.read(timeout)? {
            Read::Captured(Captured::Picture(_)) => Ok(Read::Alive),
            read => Ok(read),
        }
    }
}

/// In the place of a source where a microphone is all that is heard. It is there until the stop.
pub(crate) struct MicrophoneAlone<'a> {
    stop: &'a Stop,
}

impl<'a> MicrophoneAlone<'a> {
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self { stop }
    }
}

impl Source for MicrophoneAlone<'_> {
    fn format(&self) -> SourceFormat {
        SourceFormat {
            description: "a microphone".to_owned(),
            shows: Shows::Nothing,
            width: 0,
            height: 0,
            colours: ColourSpace::HIGH_DEFINITION,
            has_sound: true,
            copied: None,
        }
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        Ok(if self.stop.wait(timeout) { Read::End } else { Read::Alive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::test_pattern::TestPattern;
    use std::time::Instant;

    #[test]
    fn of_a_source_with_pictures_the_sound_comes() {
        let mut source = SoundAlone(Box::new(TestPattern::new(64, 48, 20)));
        assert_eq!(source.format().shows, Shows::Nothing);
        assert!(source.format().has_sound);
        let (mut sounds, deadline) = (0, Instant::now() + Duration::from_secs(10));
        while sounds < 5 {
            assert!(Instant::now() < deadline, "{sounds} runs of sound in 10 s");
            match source.read(Duration::from_secs(1)).unwrap() {
                Read::Captured(Captured::Picture(_)) => panic!("a picture"),
                Read::Captured(Captured::Sound(_)) => sounds += 1,
                _ => {}
            }
        }
    }

    #[test]
    fn a_microphone_alone_is_there_until_the_stop() {
        let stop = Stop::default();
        let mut source = MicrophoneAlone::new(&stop);
        assert!(matches!(source.read(Duration::ZERO), Ok(Read::Alive)));
        stop.request();
        assert!(matches!(source.read(Duration::from_secs(60)), Ok(Read::End)));
    }
}
