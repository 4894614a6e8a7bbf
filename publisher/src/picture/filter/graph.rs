//! One graph of libavfilter that gives a frame for each frame.
//!
//! In: a frame of any size and format, and the time that the filters are to see. Out: the frame that they make of it,
//! or why they make none, or several.

use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::{Rational, filter};

use super::FilterError;
use super::pipe::{Pipe, Shape};
use crate::picture::shared::SharedPicture;

/// The unit of the times that filters see.
const MICROSECOND: Rational = Rational(1, 1_000_000);

/// One graph from a frame to a frame, set up anew when the frames change.
pub(crate) struct Graph {
    steps: String,
    set_up: Option<(Shape, Pipe)>,
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
        let shape = Shape::of(&picture);
        let steps = &self.steps;
        let failed = |cause| refusal(steps, shape, cause);
        let pipe = match &mut self.set_up {
            Some((made_for, pipe)) if *made_for == shape => pipe,
            slot => &mut slot.insert((shape, Pipe::new(shape, steps, MICROSECOND).map_err(failed)?)).1,
        };
        picture.set_pts(at.as_micros() as i64);
        pipe.push(&picture).map_err(failed)?;
        let filtered = pipe.pull().map_err(failed)?.ok_or_else(|| FilterError::TooFew(steps.clone()))?;
        if matches!(pipe.pull(), Ok(Some(_))) {
            let error = FilterError::TooMany(steps.clone());
            // What else it holds is let go with it.
            self.set_up = None;
            return Err(error);
        }
        Ok(filtered.into())
    }
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
    use ffmpeg_next::format::Pixel;
    use ffmpeg_next::frame;

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
