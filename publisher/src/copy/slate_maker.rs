//! Slate maker: draws and encodes the slate of a stream that is copied.
//!
//! In: what the user wants, and the form of the source. Out: a [`Reel`]. Runs on the maker's thread, when the source has begun and long
//! before the slate is needed: to encode it once takes less of the machine than to do so for as long as the source is away. Hence
//! no time is written on it.

use super::slate_drawing::Drawing;
use super::slate_form::SlateForm;
use super::slate_reel::{Pictures, Reel, Sound};
use crate::captured::Captured;
use crate::encode::EncodeError;
use crate::encode::short_film::{CodedPicture, PictureForm, ShortFilm};
use crate::encode::short_sound::{FRAME_SAMPLES, ShortSound};
use crate::picture::shared::SharedPicture;
use crate::picture::slate::SlateSettings;
use crate::source::input::adts::Adts;
use crate::source::slate::{SlateFile, SlateFilm};
use ffmpeg_next as ffmpeg;
use livedir_time::ticks;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// So much of a film is shown: it is kept in memory.
const LONGEST_FILM: Duration = Duration::from_secs(10);

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// One picture: livedir's own, the user's, or the first of the user's film.
    Picture,
    /// The user's film, where there is one.
    Film,
}

impl fmt::Display for What {
    /// For people, where it cannot be made.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Picture => "no slate: while the source is away the playlist waits",
            What::Film => "the film of the slate cannot be played; its first picture stands",
        })
    }
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoSlate(String);

impl From<EncodeError> for NoSlate {
    fn from(error: EncodeError) -> Self {
        NoSlate(error.to_string())
    }
}

/// Makes slates.
pub(crate) struct SlateMaker {
    settings: SlateSettings,
    picture: Option<Arc<SharedPicture>>,
    film: Option<SlateFilm>,
    is_told: bool,
}

impl SlateMaker {
    /// Of a text, or of a picture or film that the user gave.
    pub(crate) fn new(settings: SlateSettings, own: Option<SlateFile>) -> Self {
        let (picture, film) = own.map_or((None, None), |own| (Some(Arc::new(own.picture)), own.film));
        Self { settings, picture, film, is_told: false }
    }

    /// A slate of this form; nothing where there is none, or it cannot be made, which is told once. `is_over`: nobody wants it any more.
    pub(crate) fn make(
        &mut self,
        form: &SlateForm,
        what: What,
        is_over: &dyn Fn() -> bool,
    ) -> Option<Arc<Reel>> {
        let film = match what {
            What::Picture => None,
            What::Film => Some(self.film.as_ref().filter(|_| form.picture.is_some())?),
        };
        match self.reel(form, film, is_over) {
            Ok(reel) => Some(Arc::new(reel)),
            Err(error) => {
                if !is_over() && !std::mem::replace(&mut self.is_told, true) {
                    tracing::warn!(%error, "{what}");
                }
                None
            }
        }
    }

    fn reel(
        &self,
        form: &SlateForm,
        film: Option<&SlateFilm>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Reel, NoSlate> {
        let mut sound =
            form.sound.map(|form| ShortSound::open(form.rate_hz(), form.channels())).transpose()?;
        let pictures = form
            .picture
            .map(|form| match film {
                Some(film) => self.playing(form, film, sound.as_mut(), is_over),
                None => self.standing(form),
            })
            .transpose()?;
        let length_90k = pictures.as_ref().map_or(0, |it| it.picture_90k * it.coded.len() as i64);
        let sound = form.sound.zip(sound).map(|(form, sound)| framed(form, sound, length_90k)).transpose()?;
        Ok(Reel { pictures, sound })
    }

    fn screen(&self, form: PictureForm) -> Result<Screen, EncodeError> {
        let drawing = Drawing::new(&self.settings, form.size, form.sample_aspect);
        Ok(Screen { drawing, film: ShortFilm::open(&form)?, form })
    }

    fn standing(&self, form: PictureForm) -> Result<Pictures, NoSlate> {
        let mut screen = self.screen(form)?;
        screen.stand(self.picture.clone())?;
        screen.finish()
    }

    fn playing(
        &self,
        form: PictureForm,
        film: &SlateFilm,
        sound: Option<&mut ShortSound>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Pictures, NoSlate> {
        let mut screen = self.screen(form)?;
        match screen.play(film, sound, is_over) {
            Err(error) if screen.film.len() == 0 => return Err(NoSlate(error)),
            Err(error) => tracing::warn!(%error, "the film of the slate cannot be played to its end"),
            Ok(()) => {}
        }
        screen.finish()
    }
}

/// Without the rest behind the last whole group if that is short: a segment begins with each group.
fn whole_groups(mut coded: Vec<CodedPicture>) -> Vec<CodedPicture> {
    let begins: Vec<_> = (0..coded.len()).filter(|&at| coded[at].is_idr).collect();
    if let [.., before, last] = begins[..]
        && (coded.len() - last) * 2 < last - before
    {
        coded.truncate(last);
    }
    coded
}

/// As much of the sound as is heard beside pictures of this length, behind the headers of the source. Without pictures a frame of it.
fn framed(form: Adts, sound: ShortSound, length_90k: i64) -> Result<Sound, EncodeError> {
    let frame_90k = ticks::of_position(i64::from(FRAME_SAMPLES), form.rate_hz()).max(1);
    let frames = if sound.is_silent() { 1 } else { (length_90k / frame_90k + 1) as usize };
    let payloads = sound.finish(frames)?.into_iter();
    let frames = payloads.map(|payload| Some([&form.header(payload.len())?[..], &payload].concat()));
    let frames: Option<Vec<_>> = frames.collect();
    Ok(Sound { frames: frames.ok_or(ffmpeg::Error::InvalidData)?, rate_hz: form.rate_hz() })
}

/// Where a slate is drawn and encoded.
struct Screen {
    drawing: Drawing,
    film: ShortFilm,
    form: PictureForm,
}

impl Screen {
    /// One picture for one group; `None`: livedir's own.
    fn stand(&mut self, picture: Option<Arc<SharedPicture>>) -> Result<(), EncodeError> {
        let mut drawn = self.drawing.draw(picture)?;
        (0..self.form.group).try_for_each(|_| self.film.push(&mut drawn))
    }

    /// The film, at the frame rate of the source.
    fn play(
        &mut self,
        film: &SlateFilm,
        mut sound: Option<&mut ShortSound>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let mut last: Option<SharedPicture> = None;
        let mut failed = None;
        let (mut newest, mut ends) = (Duration::ZERO, Duration::ZERO);
        let played = film.read(|captured, since| {
            if since >= LONGEST_FILM || is_over() {
                return ControlFlow::Break(());
            }
            let taken = match captured {
                Captured::Picture(picture) => self.show_until(since, &mut last).and_then(|()| {
                    last = Some(self.drawing.draw(Some(Arc::new(picture.frame)))?);
                    // The last one is shown for as long as the one before it.
                    ends = since + since.saturating_sub(newest);
                    newest = since;
                    Ok(())
                }),
                Captured::Sound(run) if film.is_heard => {
                    sound.as_mut().map_or(Ok(()), |sound| sound.push(&run.frame, since))
                }
                Captured::Sound(_) => Ok(()),
            };
            failed = taken.err();
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        failed = failed.or_else(|| self.show_until(ends.min(LONGEST_FILM), &mut last).err());
        match failed {
            Some(error) => Err(error.to_string()),
            None => played.map_err(|error| error.to_string()),
        }
    }

    fn finish(self) -> Result<Pictures, NoSlate> {
        let coded = whole_groups(self.film.finish()?);
        if !coded.first().is_some_and(|first| first.is_idr) {
            return Err(EncodeError::from(ffmpeg::Error::InvalidData).into());
        }
        Ok(Pictures { coded, picture_90k: self.form.picture_90k })
    }

    /// Shows the last picture until the next one comes.
    fn show_until(&mut self, since: Duration, last: &mut Option<SharedPicture>) -> Result<(), EncodeError> {
        let Some(last) = last else { return Ok(()) };
        let step = |n: u64| ticks::duration_or_zero(self.form.picture_90k * n as i64);
        while step(self.film.len()) + step(1) / 2 <= since {
            self.film.push(last)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: PictureForm = PictureForm {
        size: (64, 48),
        sample_aspect: (4, 3),
        profile: 66,
        level: 30,
        picture_90k: 3_600,
        group: 25,
        bps: 300_000,
    };

    #[test]
    fn a_slate_is_one_group_long_and_has_the_sound_of_the_source() {
        let mut maker = SlateMaker::new(SlateSettings::default(), None);
        let sound = Adts::of_header(&[0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc]);
        let reel =
            maker.make(&SlateForm { picture: Some(PICTURE), sound }, What::Picture, &|| false).unwrap();
        assert_eq!(reel.pictures.as_ref().unwrap().coded.len(), 25);
        let heard = reel.sound.as_ref().unwrap();
        assert_eq!(
            (Adts::of_header(&heard.frames[0]), heard.frames.len(), heard.rate_hz),
            (sound, 1, 44_100)
        );
        let alone = maker.make(&SlateForm { picture: None, sound }, What::Picture, &|| false).unwrap();
        assert!(alone.pictures.is_none() && alone.sound.is_some());
    }

    #[test]
    fn a_short_rest_behind_the_last_whole_group_is_left_out() {
        let coded = |count: usize| {
            (0..count).map(|n| CodedPicture { bytes: Vec::new(), is_idr: n % 10 == 0 }).collect()
        };
        for (count, expected) in [(4, 4), (10, 10), (24, 20), (25, 25), (30, 30)] {
            assert_eq!(whole_groups(coded(count)).len(), expected);
        }
    }
}
