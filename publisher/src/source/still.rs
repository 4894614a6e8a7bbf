//! Still: the picture that a user gives to a source without pictures.
//!
//! In: the path of an image file, or of a film, whose first picture it is. Out: the picture, upright.

use super::input::tracks::{TrackSettings, WantedSound};
use super::input::{self, Doors, Input, InputAddress, InputError, InputSettings};
use super::{Read, Source, SourceError};
use crate::captured::{Captured, Shows, SourceFormat};
use crate::picture::deinterlacer::Deinterlace;
use crate::picture::shared::SharedPicture;
use livedir_time::stop::Stop;
use std::path::Path;
use std::time::{Duration, Instant};

/// A file that has not given a picture by then is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// So late is the stop noticed at the latest.
const READ_TIMEOUT: Duration = Duration::from_millis(250);

/// A picture, and what is to be known of it.
pub(crate) struct Still {
    /// Its pixels.
    pub(crate) picture: SharedPicture,
    /// Its size and colours; what it says of sound is of no use.
    pub(crate) format: SourceFormat,
}

impl Still {
    /// Reads the picture.
    pub(crate) fn read(path: &Path, stop: &Stop) -> Result<Self, SourceError> {
        let address = InputAddress::File(path.to_owned());
        let name = address.to_string();
        let settings = InputSettings {
            address,
            // A picture is a film that is over at once, and is refused as such.
            first_film: 0,
            loop_forever: true,
            untimed_fps: None,
            sound_alone: false,
            deinterlace: Deinterlace::Auto,
            tracks: TrackSettings { sound: WantedSound::Unheard, ..TrackSettings::default() },
            doors: Doors::default(),
            stop: stop.flag(),
        };
        let mut file = input::open(&settings)?;
        let picture = first_picture(&mut file, stop)?;
        let (picture, format) = picture.ok_or_else(|| SourceError::from(InputError::NoStill(name)))?;
        Ok(Self { picture, format: SourceFormat { shows: Shows::Still, ..format } })
    }
}

/// The first picture of a file, and its format; nothing if it has none.
pub(crate) fn first_picture(
    file: &mut Input,
    stop: &Stop,
) -> Result<Option<(SharedPicture, SourceFormat)>, SourceError> {
    let format = file.format();
    let deadline = Instant::now() + PATIENCE;
    while format.shows == Shows::Pictures && Instant::now() < deadline {
        match file.read(READ_TIMEOUT)? {
            Read::Captured(Captured::Picture(captured)) => return Ok(Some((captured.frame, format))),
            Read::End => break,
            _ if stop.is_requested() => {
                return Err(InputError::Stopped(format.description).into());
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_picture_is_refused_and_one_with_a_picture_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logo.ppm");
        std::fs::write(&path, [b"P6 4 2 255\n".as_slice(), &[200; 24]].concat()).unwrap();
        let still = Still::read(&path, &Stop::default()).unwrap();
        assert_eq!((still.picture.width(), still.picture.height()), (4, 2));
        assert_eq!((still.format.width, still.format.height, still.format.shows), (4, 2, Shows::Still));
        let silence = directory.path().join("silence.wav");
        std::fs::write(&silence, wav(800)).unwrap();
        let error = Still::read(&silence, &Stop::default()).err().unwrap().to_string();
        assert!(error.contains("has no picture"), "{error}");
    }

    /// So many samples of silence, mono at 8 kHz.
    fn wav(samples: u32) -> Vec<u8> {
        let bytes = samples * 2;
        let mut file = b"RIFF".to_vec();
        file.extend((36 + bytes).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend(16_u32.to_le_bytes());
        for field in [1_u16, 1] {
            file.extend(field.to_le_bytes());
        }
        file.extend(8_000_u32.to_le_bytes());
        file.extend(16_000_u32.to_le_bytes());
        for field in [2_u16, 16] {
            file.extend(field.to_le_bytes());
        }
        file.extend(b"data");
        file.extend(bytes.to_le_bytes());
        file.resize(file.len() + bytes as usize, 0);
        file
    }
}
