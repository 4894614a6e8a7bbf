//! Filter stage: captured frames are turned and mirrored, and go through the user's own graph of libavfilter.
//!
//! In: a captured frame of any size and format. Out: one frame for each, of the size that the filters make it; never
//! more or fewer, as the frame clock alone decides how many frames there are. Used on the grid thread, before any
//! rung scales them, only for frames that are shown; `trial` refuses at the start what cannot work.

mod graph;
mod pipe;

pub(crate) use graph::Graph;
pub(crate) use pipe::{Pipe, Shape};

use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

use crate::picture::shared::SharedPicture;

/// What is done to captured frames.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterSettings {
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub rotate: u32,
    /// Left becomes right, after the turn.
    pub mirror: bool,
    /// A graph in libavfilter's language, after that.
    pub graph: Option<String>,
}

impl FilterSettings {
    /// Whether the turn makes wide frames high.
    #[must_use]
    pub fn swaps_sides(&self) -> bool {
        !self.rotate.is_multiple_of(180)
    }

    /// The graphs to go through, in order.
    fn graphs(&self) -> Vec<String> {
        let turn = match self.rotate {
            90 => "transpose=clock",
            180 => "hflip,vflip",
            270 => "transpose=cclock",
            _ => "",
        };
        let mirror = if self.mirror { "hflip" } else { "" };
        let upright: Vec<&str> = [turn, mirror].into_iter().filter(|steps| !steps.is_empty()).collect();
        let upright = (!upright.is_empty()).then(|| upright.join(","));
        upright.into_iter().chain(self.graph.clone()).collect()
    }
}

/// Why frames cannot be filtered. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// Libav knows no such filter.
    #[error("this FFmpeg has no filter '{0}'; `ffmpeg -filters` lists them")]
    Unknown(String),
    /// Libav does not take the graph.
    #[error(
        "the filter '{graph}' cannot be set up for {width}x{height}: {cause}; try it with `ffmpeg -vf` first"
    )]
    Graph {
        /// The graph.
        graph: String,
        /// Width of the frames that go in, in pixels.
        width: u32,
        /// Height of the frames that go in, in pixels.
        height: u32,
        /// What libav said.
        cause: ffmpeg::Error,
    },
    /// A frame went in, none came out.
    #[error("the filter '{0}' delays or drops frames; livedir controls the frame rate itself, see --fps")]
    TooFew(String),
    /// A frame went in, several came out.
    #[error(
        "the filter '{0}' makes several frames of one; livedir controls the frame rate itself, see --fps"
    )]
    TooMany(String),
    /// What comes out is no frame in main memory.
    #[error("the filter '{graph}' outputs {format:?}, which cannot be scaled; end it with format=yuv420p")]
    Format {
        /// The graph.
        graph: String,
        /// What comes out.
        format: Pixel,
    },
}

impl FilterError {
    /// As libav's calls fail.
    pub(crate) fn cause(self) -> ffmpeg::Error {
        match self {
            Self::Unknown(_) => ffmpeg::Error::FilterNotFound,
            Self::Graph { cause, .. } => cause,
            _ => ffmpeg::Error::InvalidData,
        }
    }
}

/// The filters of a run; see the file's head.
pub struct Filter {
    graphs: Vec<Graph>,
}

impl Filter {
    /// Filters that are set up when the first frame comes.
    #[must_use]
    pub fn new(settings: &FilterSettings) -> Self {
        Self { graphs: settings.graphs().into_iter().map(Graph::new).collect() }
    }

    /// The graph that frames go through last, if there is any.
    pub(crate) fn last_steps(&self) -> Option<&str> {
        self.graphs.last().map(Graph::steps)
    }

    /// The filtered frame; untouched if there is nothing to do. `taken_at` counts from any moment, the same for all.
    pub fn apply(
        &mut self,
        picture: SharedPicture,
        taken_at: Duration,
    ) -> Result<SharedPicture, FilterError> {
        self.graphs.iter_mut().try_fold(picture, |picture, graph| graph.run(picture, taken_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::canvas::Canvas;

    fn settings(rotate: u32, mirror: bool, graph: &str) -> FilterSettings {
        FilterSettings { rotate, mirror, graph: (!graph.is_empty()).then(|| graph.to_owned()) }
    }

    /// Where the white quarter, at first the upper left, of a 64x32 frame goes: (right half?, lower half?).
    #[track_caller]
    fn check_turn(rotate: u32, mirror: bool, expected: (bool, bool)) {
        let mut canvas = Canvas::new(64, 32);
        canvas.fill(0, 0, 32, 16, crate::picture::canvas::WHITE);
        let mut filter = Filter::new(&settings(rotate, mirror, ""));
        let turned = filter.apply(canvas.to_frame().into(), Duration::ZERO).unwrap();
        let (width, height) = if rotate.is_multiple_of(180) { (64, 32) } else { (32, 64) };
        assert_eq!((turned.width(), turned.height()), (width, height), "{rotate} {mirror}");
        for (right, lower) in [(false, false), (true, false), (false, true), (true, true)] {
            let x = width as usize * if right { 3 } else { 1 } / 4;
            let y = height as usize * if lower { 3 } else { 1 } / 4;
            let is_white = turned.data(0)[y * turned.stride(0) + x] > 128;
            assert_eq!(is_white, (right, lower) == expected, "{rotate} {mirror} at {x},{y}");
        }
    }

    #[test]
    fn pictures_are_turned_clockwise_then_mirrored() {
        check_turn(0, false, (false, false));
        check_turn(90, false, (true, false));
        check_turn(180, false, (true, true));
        check_turn(270, false, (false, true));
        check_turn(0, true, (true, false));
        check_turn(90, true, (false, false));
    }

    #[test]
    fn pictures_may_change_in_the_middle_of_a_run() {
        let mut filter = Filter::new(&settings(90, false, "hflip"));
        for (n, (width, height)) in (0..).zip([(64, 32), (64, 32), (128, 32), (64, 32)]) {
            let frame = ffmpeg_next::frame::Video::new(Pixel::YUYV422, width, height);
            let turned = filter.apply(frame.into(), Duration::from_millis(50) * n).unwrap();
            assert_eq!((turned.width(), turned.height()), (height, width));
        }
    }
}
