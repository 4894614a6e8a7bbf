//! One graph of libavfilter that gives a frame for each frame.
//!
//! In: a frame of any size and format, and the time that the filters are to see. Out: the frame that they make of it,
//! or why they make none, or several.

use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Rational, filter, frame};

use super::FilterError;
use crate::picture::shared::SharedPicture;

/// Ticks a second of the times that filters see.
const MICROSECONDS_PER_S: i32 = 1_000_000;

/// One graph from a frame to a frame, set up anew when the frames change.
pub(crate) struct Graph {
    steps: String,
    set_up: Option<(Shape, filter::Graph)>,
}

#[derive(Clone, Copy, PartialEq)]
struct Shape {
    width: u32,
    height: u32,
    pixel: Pixel,
    sample_aspect: Rational,
}

impl Graph {
    pub(crate) fn new(steps: String) -> Self {
        Self { steps, set_up: None }
    }

    /// What it was made of.
    pub(crate) fn steps(&self) -> &str {
        &self.steps
    }

    /// The frame that comes out for this one. `at` is the time that the filters see.
    pub(crate) fn run(
        &mut self,
        mut picture: SharedPicture,
        at: Duration,
    ) -> Result<SharedPicture, FilterError> {
        let shape = Shape {
            width: picture.width(),
            height: picture.height(),
            pixel: picture.format(),
            sample_aspect: picture.aspect_ratio(),
        };
        let steps = &self.steps;
        let failed = |cause| refusal(steps, shape, cause);
        let graph = match &mut self.set_up {
            Some((made_for, graph)) if *made_for == shape => graph,
            slot => &mut slot.insert((shape, set_up(shape, steps).map_err(failed)?)).1,
        };
        picture.set_pts(at.as_micros() as i64);
        let missing = ffmpeg::Error::FilterNotFound;
        graph.get("in").ok_or(missing).and_then(|mut input| input.source().add(&picture)).map_err(failed)?;
        let mut output = graph.get("out").ok_or(missing).map_err(failed)?;
        let mut filtered = frame::Video::empty();
        output.sink().frame(&mut filtered).map_err(|error| match error {
            ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN } => {
                FilterError::TooFew(steps.clone())
            }
            cause => failed(cause),
        })?;
        if output.sink().frame(&mut frame::Video::empty()).is_ok() {
            let error = FilterError::TooMany(steps.clone());
            // What else it holds is let go with it.
            self.set_up = None;
            return Err(error);
        }
        Ok(filtered.into())
    }
}

fn set_up(shape: Shape, steps: &str) -> Result<filter::Graph, ffmpeg::Error> {
    if steps.contains('\0') {
        return Err(ffmpeg::Error::InvalidData);
    }
    let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
    let pixel = shape.pixel.descriptor().ok_or(ffmpeg::Error::InvalidData)?.name();
    let (num, den) = (shape.sample_aspect.numerator(), shape.sample_aspect.denominator().max(1));
    let arguments = format!(
        "video_size={}x{}:pix_fmt={pixel}:time_base=1/{MICROSECONDS_PER_S}:pixel_aspect={num}/{den}",
        shape.width, shape.height
    );
    let mut graph = filter::Graph::new();
    graph.add(&find("buffer")?, "in", &arguments)?;
    graph.add(&find("buffersink")?, "out", "")?;
    graph.output("in", 0)?.input("out", 0)?.parse(steps)?;
    graph.validate()?;
    Ok(graph)
}

/// Libav's own words for a filter that it does not have ("invalid argument") help nobody.
fn refusal(steps: &str, shape: Shape, cause: ffmpeg::Error) -> FilterError {
    match filter_names(steps).into_iter().find(|name| filter::find(name).is_none()) {
        Some(name) => FilterError::Unknown(name),
        None => FilterError::Graph { graph: steps.into(), width: shape.width, height: shape.height, cause },
    }
}

/// The names of the filters in a graph, as far as they are written like names.
fn filter_names(steps: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut is_name, mut is_label, mut is_quoted) = (String::new(), true, false, false);
    let mut letters = steps.chars().chain([';']);
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '[' => is_label = true,
            ']' => is_label = false,
            ',' | ';' if !is_label => {
                names.push(std::mem::take(&mut name));
                is_name = true;
            }
            '=' | '@' => is_name = false,
            _ if is_name && !is_label && !letter.is_whitespace() => name.push(letter),
            _ => {}
        }
    }
    names.retain(|name| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_names(steps: &str, expected: &[&str]) {
        assert_eq!(filter_names(steps), expected, "{steps}");
    }

    #[test]
    fn the_names_in_a_graph_are_found() {
        check_names("hflip", &["hflip"]);
        check_names("hflip, vflip", &["hflip", "vflip"]);
        check_names("movie=a.png[l];[in][l]overlay=1:2,eq@x=gamma=2", &["movie", "overlay", "eq"]);
        check_names("drawtext=text='a,b;c',null", &["drawtext", "null"]);
        check_names("drawtext=text=a\\,b,null", &["drawtext", "null"]);
        check_names("[,];", &[]);
        check_names("", &[]);
    }

    #[test]
    fn a_graph_that_runs_dry_says_so_each_time_and_one_that_floods_is_let_go() {
        let picture = || frame::Video::new(Pixel::GRAY8, 16, 16);
        let mut dry = Graph::new("trim=end_frame=1".into());
        assert!(dry.run(picture().into(), Duration::ZERO).is_ok());
        for n in 1..5 {
            let error = dry.run(picture().into(), Duration::from_secs(n)).err().expect("it is refused");
            assert!(matches!(error, FilterError::TooFew(_) | FilterError::Graph { .. }), "{error}");
        }
        let mut flood = Graph::new("loop=loop=-1:size=1".into());
        for n in 0..5 {
            let error = flood.run(picture().into(), Duration::from_secs(n)).err().expect("it is refused");
            assert!(matches!(error, FilterError::TooMany(_)), "{error}");
            assert!(flood.set_up.is_none());
        }
    }
}
