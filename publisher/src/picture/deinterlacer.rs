//! Deinterlacer: pictures of two fields, each taken at a moment of its own, become pictures of one moment.
//!
//! In: decoded pictures with their times. Out: the same. Those that say that they are interlaced have gone through libavfilter's
//! `bwdif`; the others pass untouched, in the same order. The filter looks at the picture that follows, so an interlaced picture comes
//! out when the next one is here, or when there is none. Used on the source thread, before pictures are turned and scaled: lines that
//! are mixed can no longer be told apart.

use std::collections::VecDeque;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::{Rational, Rescale, filter};

use crate::picture::filter::{Pipe, Shape};
use crate::picture::shared::SharedPicture;

/// The filters that can do it, the best first: one may be missing.
const FILTERS: [&str; 2] = ["bwdif", "yadif"];

/// Pictures are counted in this unit; the second field of one is half of it later.
const PICTURE: Rational = Rational(1, 25);
const HALF: Rational = Rational(1, 50);

/// Two pictures that are further apart than this do not say how long one lasts.
const LONGEST_PICTURE_US: i64 = 200_000;

/// What is done with interlaced pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deinterlace {
    /// One picture is made of two fields.
    #[default]
    Auto,
    /// They stay as they are.
    Off,
    /// A picture is made of each field, at twice the frame rate.
    Field,
}

impl Deinterlace {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Off, Self::Field];

    /// As it is typed.
    #[must_use]
    pub fn typed(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Field => "field",
        }
    }
}

/// Which field of a picture was taken first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstField {
    Top,
    Bottom,
}

/// What is known of the fields before the pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fields {
    /// Each picture says it.
    #[default]
    AsPicturesSay,
    /// Pictures of this codec cannot say it, and the container says it of all.
    All(FirstField),
    /// Each field is a picture of its own: there is nothing to take apart.
    Apart,
}

/// A picture and its time in microseconds.
pub(crate) struct Timed {
    pub(crate) picture: SharedPicture,
    pub(crate) pts_us: Option<i64>,
    pub(crate) duration_us: i64,
}

/// Deinterlaces one stream; see the file's head.
pub(crate) struct Deinterlacer {
    how: Deinterlace,
    fields: Fields,
    running: Option<Running>,
    ready: VecDeque<Timed>,
    /// What is done, or why it cannot be done: a line for people, and whether it is a warning.
    news: Option<(String, bool)>,
}

/// The filter at work.
struct Running {
    shape: Shape,
    pipe: Pipe,
    /// It makes two pictures of one.
    doubles: bool,
    /// Number of the next picture that goes in.
    next: i64,
    /// Numbers and times of those that have not come out.
    inside: VecDeque<Inside>,
}

struct Inside {
    number: i64,
    /// Its first field has come out.
    is_begun: bool,
    pts_us: Option<i64>,
    duration_us: i64,
}

impl Deinterlacer {
    pub(crate) fn new(how: Deinterlace, fields: Fields) -> Self {
        Self { how, fields, running: None, ready: VecDeque::new(), news: None }
    }

    /// Takes the next picture of the stream.
    pub(crate) fn take(&mut self, timed: Timed) -> Result<(), ffmpeg::Error> {
        let is_interlaced = match self.fields {
            Fields::AsPicturesSay => timed.picture.is_interlaced(),
            Fields::All(_) => true,
            Fields::Apart => false,
        };
        let shape = Shape::of(&timed.picture);
        let is_worked_on = is_interlaced && self.how != Deinterlace::Off;
        if self.running.as_ref().is_some_and(|running| !is_worked_on || running.shape != shape) {
            self.end()?;
        }
        if !is_worked_on {
            self.ready.push_back(timed);
            return Ok(());
        }
        if self.running.is_none() {
            match self.start(shape) {
                Ok(running) => self.running = Some(running),
                Err(error) => {
                    self.note_failure(error);
                    self.ready.push_back(timed);
                    return Ok(());
                }
            }
        }
        let Some(running) = &mut self.running else { return Ok(()) };
        running.push(timed)?;
        running.pull_into(&mut self.ready)
    }

    /// What is to be said of it, if anything is new: a line for people, and whether it is a warning.
    pub(crate) fn take_news(&mut self) -> Option<(String, bool)> {
        self.news.take()
    }

    /// Whether no picture is ready.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// The next picture, if it is ready.
    pub(crate) fn next(&mut self) -> Option<Timed> {
        self.ready.pop_front()
    }

    /// No picture follows, or none that goes with those before: what the filter holds comes out.
    pub(crate) fn end(&mut self) -> Result<(), ffmpeg::Error> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        running.pipe.end()?;
        running.pull_into(&mut self.ready)
    }

    fn start(&mut self, shape: Shape) -> Result<Running, ffmpeg::Error> {
        let found = FILTERS.into_iter().find(|name| filter::find(name).is_some());
        let name = found.ok_or(ffmpeg::Error::FilterNotFound)?;
        let doubles = self.how == Deinterlace::Field;
        let mode = if doubles { "send_field" } else { "send_frame" };
        let stated = match self.fields {
            Fields::All(FirstField::Top) => "setfield=tff,",
            Fields::All(FirstField::Bottom) => "setfield=bff,",
            Fields::AsPicturesSay | Fields::Apart => "",
        };
        // What is not interlaced does not come here.
        let steps = format!("{stated}{name}=mode={mode}:deint=all");
        let pipe = Pipe::new(shape, &steps, PICTURE)?;
        let line = format!("the pictures are interlaced: they are deinterlaced by {name}; see --deinterlace");
        self.news = Some((line, false));
        Ok(Running { shape, pipe, doubles, next: 0, inside: VecDeque::new() })
    }

    fn note_failure(&mut self, error: ffmpeg::Error) {
        let reason = match error {
            ffmpeg::Error::FilterNotFound => "this FFmpeg has no bwdif and no yadif".to_owned(),
            error => error.to_string(),
        };
        let line = format!(
            "the pictures are interlaced and cannot be deinterlaced ({reason}); they are shown as they are"
        );
        self.news = Some((line, true));
    }
}

impl Running {
    fn push(&mut self, timed: Timed) -> Result<(), ffmpeg::Error> {
        let Timed { mut picture, pts_us, duration_us } = timed;
        picture.set_pts(self.next);
        self.inside.push_back(Inside { number: self.next, is_begun: false, pts_us, duration_us });
        self.next += 1;
        self.pipe.push(&picture)
    }

    fn pull_into(&mut self, ready: &mut VecDeque<Timed>) -> Result<(), ffmpeg::Error> {
        let time_base = self.pipe.time_base()?;
        while let Some(picture) = self.pipe.pull()? {
            let number = picture.pts().unwrap_or_default().rescale(time_base, HALF) / 2;
            self.inside.drain(..self.inside.partition_point(|inside| inside.number < number));
            ready.extend(self.timed(picture.into()));
        }
        Ok(())
    }

    /// The oldest picture inside, or its second field. The times of the filter do not tell them apart where a picture stands alone.
    fn timed(&mut self, mut picture: SharedPicture) -> Option<Timed> {
        let next_us = self.inside.get(1).and_then(|next| next.pts_us);
        let inside = self.inside.front_mut()?;
        let is_second = std::mem::replace(&mut inside.is_begun, true);
        let until_next_us =
            inside.pts_us.zip(next_us).map(|(pts_us, next_us)| next_us.saturating_sub(pts_us));
        let is_usual = |duration_us: &i64| (1..=LONGEST_PICTURE_US).contains(duration_us);
        let half_us = until_next_us.filter(is_usual).unwrap_or(inside.duration_us) / 2;
        if is_second {
            // The filter copied them from the first.
            picture.take_cc_data();
        }
        Some(Timed {
            picture,
            pts_us: inside
                .pts_us
                .map(|pts_us| if is_second { pts_us.saturating_add(half_us) } else { pts_us }),
            duration_us: if self.doubles { half_us } else { inside.duration_us },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::format::Pixel;
    use ffmpeg_next::util::frame::side_data::Type;

    /// What a picture of a test is.
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Interlaced,
        Progressive,
        /// Of another size.
        Wide,
    }
    use Kind::{Interlaced, Progressive, Wide};

    /// A frame of its own brightness, with one pair of captions. What sets the flag is libavfilter, as ffmpeg-next has no call for it.
    fn frame(n: usize, kind: Kind) -> SharedPicture {
        let (width, height) = if kind == Wide { (64, 32) } else { (32, 32) };
        let mut frame = ffmpeg::frame::Video::new(Pixel::GRAY8, width, height);
        frame.data_mut(0).fill(10 * n as u8);
        frame.new_side_data(Type::A53CC, 3).expect("memory");
        let steps = if kind == Progressive { "setfield=prog" } else { "setfield=bff" };
        let mut graph = crate::picture::filter::Graph::new(steps.to_owned());
        graph.run(frame.into(), std::time::Duration::ZERO).expect("a frame")
    }

    /// Brightness, time in milliseconds, and whether it has captions, of all that comes out.
    fn out(how: Deinterlace, fields: Fields, kinds: &[Kind]) -> Vec<(u8, i64, bool)> {
        let mut deinterlacer = Deinterlacer::new(how, fields);
        let mut all = Vec::new();
        for (n, kind) in kinds.iter().enumerate() {
            let pts_us = Some(n as i64 * 40_000);
            let timed = Timed { picture: frame(n, *kind), pts_us, duration_us: 40_000 };
            deinterlacer.take(timed).expect("it is taken");
            all.extend(std::iter::from_fn(|| deinterlacer.next()));
            assert!(all.len() + 2 > n, "{} of {n}", all.len());
        }
        deinterlacer.end().expect("the rest");
        all.extend(std::iter::from_fn(|| deinterlacer.next()));
        all.into_iter()
            .map(|mut timed| {
                let time_ms = timed.pts_us.expect("a time") / 1000;
                let has_captions = !timed.picture.take_cc_data().is_empty();
                assert!(how == Deinterlace::Off || !timed.picture.is_interlaced());
                (timed.picture.data(0)[0], time_ms, has_captions)
            })
            .collect()
    }

    #[track_caller]
    fn check_each_once(how: Deinterlace, kinds: &[Kind]) {
        let shown: Vec<_> = out(how, Fields::AsPicturesSay, kinds).iter().map(|it| (it.1, it.2)).collect();
        let expected: Vec<_> = (0..kinds.len()).map(|n| (n as i64 * 40, true)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn each_picture_comes_out_once_at_its_time_with_its_captions() {
        for how in Deinterlace::ALL {
            check_each_once(how, &[Progressive; 5]);
        }
        for how in [Deinterlace::Auto, Deinterlace::Off] {
            check_each_once(how, &[Interlaced; 6]);
            check_each_once(how, &[Interlaced]);
            check_each_once(
                how,
                &[Progressive, Interlaced, Interlaced, Progressive, Progressive, Interlaced],
            );
            check_each_once(how, &[Interlaced, Progressive, Interlaced, Wide, Wide, Interlaced, Progressive]);
        }
    }

    #[test]
    fn a_picture_of_each_field_comes_at_the_time_of_the_field_and_captions_are_not_doubled() {
        let kinds = [Progressive, Interlaced, Interlaced, Wide, Progressive];
        let shown: Vec<_> =
            out(Deinterlace::Field, Fields::AsPicturesSay, &kinds).iter().map(|it| (it.1, it.2)).collect();
        let fields = [(40, true), (60, false), (80, true), (100, false), (120, true), (140, false)];
        assert_eq!(shown, [&[(0, true)], &fields[..], &[(160, true)]].concat());
    }

    #[test]
    fn what_is_not_interlaced_passes_untouched() {
        let mut deinterlacer = Deinterlacer::new(Deinterlace::Field, Fields::Apart);
        for kind in [Interlaced, Progressive] {
            let picture = frame(1, kind);
            let pixels = picture.data(0).as_ptr();
            deinterlacer.take(Timed { picture, pts_us: None, duration_us: 1 }).expect("it is taken");
            assert_eq!(deinterlacer.next().expect("at once").picture.data(0).as_ptr(), pixels);
        }
    }

    #[test]
    fn what_the_container_says_of_all_holds_for_pictures_that_say_nothing() {
        let fields = Fields::All(FirstField::Bottom);
        assert_eq!(out(Deinterlace::Field, fields, &[Progressive; 3]).len(), 6);
        assert_eq!(out(Deinterlace::Off, fields, &[Progressive; 3]).len(), 3);
    }

    #[test]
    fn pictures_that_no_filter_takes_pass_as_they_are() {
        let mut deinterlacer = Deinterlacer::new(Deinterlace::Auto, Fields::All(FirstField::Top));
        for _ in 0..3 {
            let tiny = ffmpeg::frame::Video::new(Pixel::GRAY8, 2, 2);
            let tiny = Timed { picture: tiny.into(), pts_us: None, duration_us: 1 };
            deinterlacer.take(tiny).expect("it is taken");
            assert!(deinterlacer.next().is_some());
        }
    }
}
