//! Pipe: a graph of libavfilter for frames of one shape.
//!
//! In: frames. Out: those that the filters make of them, as soon as they make them.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Rational, filter, frame};

/// What a graph is set up for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixel: Pixel,
    pub(crate) sample_aspect: Rational,
}

impl Shape {
    /// That of a frame.
    pub(crate) fn of(picture: &frame::Video) -> Self {
        Self {
            width: picture.width(),
            height: picture.height(),
            pixel: picture.format(),
            sample_aspect: picture.aspect_ratio(),
        }
    }
}

/// A graph that is set up.
pub(crate) struct Pipe(filter::Graph);

impl Pipe {
    /// Sets the filters `steps` up for frames of this shape, whose times have this unit.
    pub(crate) fn new(shape: Shape, steps: &str, time_base: Rational) -> Result<Self, ffmpeg::Error> {
        if steps.contains('\0') {
            return Err(ffmpeg::Error::InvalidData);
        }
        let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
        let pixel = shape.pixel.descriptor().ok_or(ffmpeg::Error::InvalidData)?.name();
        let (num, den) = (shape.sample_aspect.numerator(), shape.sample_aspect.denominator().max(1));
        let arguments = format!(
            "video_size={}x{}:pix_fmt={pixel}:time_base={}/{}:pixel_aspect={num}/{den}",
            shape.width,
            shape.height,
            time_base.numerator(),
            time_base.denominator()
        );
        let mut graph = filter::Graph::new();
        graph.add(&find("buffer")?, "in", &arguments)?;
        graph.add(&find("buffersink")?, "out", "")?;
        graph.output("in", 0)?.input("out", 0)?.parse(steps)?;
        graph.validate()?;
        Ok(Self(graph))
    }

    /// A frame goes in.
    pub(crate) fn push(&mut self, picture: &frame::Video) -> Result<(), ffmpeg::Error> {
        self.input()?.source().add(picture)
    }

    /// No frame follows.
    pub(crate) fn end(&mut self) -> Result<(), ffmpeg::Error> {
        self.input()?.source().flush()
    }

    /// The next frame, if the filters have made one.
    pub(crate) fn pull(&mut self) -> Result<Option<frame::Video>, ffmpeg::Error> {
        let mut filtered = frame::Video::empty();
        match self.output()?.sink().frame(&mut filtered) {
            Ok(()) => Ok(Some(filtered)),
            Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The unit of the times of what comes out.
    pub(crate) fn time_base(&mut self) -> Result<Rational, ffmpeg::Error> {
        Ok(self.output()?.sink().time_base())
    }

    fn input(&mut self) -> Result<filter::Context, ffmpeg::Error> {
        self.0.get("in").ok_or(ffmpeg::Error::FilterNotFound)
    }

    fn output(&mut self) -> Result<filter::Context, ffmpeg::Error> {
        self.0.get("out").ok_or(ffmpeg::Error::FilterNotFound)
    }
}
