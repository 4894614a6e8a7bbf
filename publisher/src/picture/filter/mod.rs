//! Filter stage: captured frames are turned and mirrored, and go through the user's own graph of libavfilter.
//!
//! In: a captured frame of any size and format. Out: one frame for each, of the size that the filters make it; never
//! more or fewer, as the frame clock alone decides how many frames there are. Used on the grid thread, before any
//! rung scales them, only for frames that are shown; [`try_out`] refuses at the start what cannot work.

mod graph;
mod pipe;

pub(crate) use graph::Graph;
pub(crate) use pipe::{Pipe, Shape};

use std::sync::Arc;
use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

use crate::picture::canvas::Canvas;
use crate::picture::colour_space::ColourSpace;
use crate::picture::scaler::Scaler;
use crate::picture::shared::SharedPicture;

/// Frames that a graph is tried out with: enough to see that it holds some back, or makes more or fewer of them.
const TRIAL_PICTURES: u32 = 12;

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

    /// The filtered frame; untouched if there is nothing to do. `taken_at` counts from any moment, the same for all.
    pub fn apply(
        &mut self,
        picture: SharedPicture,
        taken_at: Duration,
    ) -> Result<SharedPicture, FilterError> {
        self.graphs.iter_mut().try_fold(picture, |picture, graph| graph.run(picture, taken_at))
    }
}

/// Width and height in pixels that frames of `size` are shown with after the filters, by making some.
pub fn try_out(settings: &FilterSettings, size: (u32, u32), fps: u32) -> Result<(u32, u32), FilterError> {
    let mut filter = Filter::new(settings);
    let Some(last) = filter.graphs.last().map(|graph| graph.steps().to_owned()) else { return Ok(size) };
    let canvas = Canvas::new(size.0, size.1);
    let mut shown = size;
    for n in 0..TRIAL_PICTURES {
        let filtered = filter.apply(canvas.to_frame().into(), Duration::from_secs(1) * n / fps.max(1))?;
        let (format, aspect) = (filtered.format(), filtered.aspect_ratio());
        shown = (filtered.width(), filtered.height());
        if aspect.numerator() > 0 && aspect.denominator() > 0 {
            let wide = u64::from(shown.0) * aspect.numerator() as u64 / aspect.denominator() as u64;
            shown.0 = wide.clamp(1, u64::from(u32::MAX)) as u32;
        }
        if Scaler::new(16, 16, ColourSpace::WEBCAM).scale(Arc::new(filtered)).is_err() {
            return Err(FilterError::Format { graph: last, format });
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[track_caller]
    fn check_size(settings: &FilterSettings, expected: (u32, u32)) {
        assert_eq!(try_out(settings, (640, 360), 20).unwrap_or_else(|error| panic!("{error}")), expected);
    }

    #[test]
    fn the_size_after_the_filters_is_known_before_the_stream_begins() {
        check_size(&settings(0, false, ""), (640, 360));
        check_size(&settings(90, true, ""), (360, 640));
        check_size(&settings(90, false, "crop=100:200"), (100, 200));
        check_size(&settings(0, false, "scale=320:360,setsar=2"), (640, 360));
        check_size(&settings(0, false, "split[a][b];[a]crop=100:100[c];[b][c]overlay=8:8"), (640, 360));
    }

    #[track_caller]
    fn check_refused(graph: &str, expected: &str) {
        let error = try_out(&settings(0, false, graph), (640, 360), 20).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_graph_that_cannot_work_is_refused_with_the_remedy() {
        check_refused("hfilp", "no filter 'hfilp'");
        check_refused("hflip,nosuch=a=b:c,vflip", "no filter 'nosuch'");
        check_refused("[in]nosuch@x[out]", "no filter 'nosuch'");
        check_refused("crop=1000:1000", "cannot be set up for 640x360");
        check_refused("scale=wide", "cannot be set up");
    }

    #[test]
    fn a_graph_that_changes_the_number_of_pictures_is_refused() {
        check_refused("fps=10", "delays or drops frames");
        check_refused("framestep=2", "delays or drops frames");
        check_refused("select='not(mod(n,3))'", "delays or drops frames");
        check_refused("trim=end_frame=3", "delays or drops frames");
        check_refused("loop=loop=-1:size=1", "makes several frames of one");
    }

    #[test]
    fn no_graph_whatsoever_makes_it_panic() {
        for graph in [
            "\0",
            "[",
            "]",
            "'",
            "\\",
            ";",
            ",,",
            "=",
            "[in]",
            "[in][out]",
            "null,",
            "nullsink",
            "color",
            "anull",
            "Ü=ß",
            "%{pts}",
        ] {
            let _ = try_out(&settings(0, false, graph), (64, 36), 20);
        }
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
