//! Heading: a line of text in the middle of a slate.
//!
//! In: a picture of the stream's size. Out: the same with the line on it, in a font of the system where libavfilter's `drawtext` finds
//! one, else in the letters of the slate. The line is as large as it can be, and no larger than the time.

use std::time::Duration;

use crate::picture::canvas::{Canvas, lay_over, text_size};
use crate::picture::filter::Graph;
use crate::picture::overlay::escaped;
use crate::picture::shared::SharedPicture;

/// Letters of a line at most.
const MOST_LETTERS: usize = 200;

/// Writes one line on pictures of one size.
pub struct Heading {
    text: String,
    /// Where its middle is, in pixels from above.
    middle: u32,
    graph: Option<Box<Graph>>,
}

impl Heading {
    /// For pictures of `width` x `height` pixels in yuv420p; the line's middle is `middle` pixels from above.
    #[must_use]
    pub fn new(text: &str, (width, height): (u32, u32), middle: u32) -> Self {
        let text: String = text.trim().replace(char::is_control, " ").chars().take(MOST_LETTERS).collect();
        if text.is_empty() {
            return Self { text, middle, graph: None };
        }
        // A letter is about half as wide as it is high.
        let fits = width * 17 / (10 * (text.chars().count() as u32 + 2));
        let size = fits.min(width / 20).min(height / 4).max(8);
        let border = (size / 4).max(1);
        let mut graph = Graph::new(format!(
            "drawtext=expansion=none:text={}:fontsize={size}:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw={border}:x=(w-tw)/2:y={middle}-th/2",
            escaped(&escaped(&text))
        ));
        // Without such a filter, or a font, there are the letters of the slate.
        let works = graph.run(Canvas::new(width, height).to_frame().into(), Duration::ZERO).is_ok();
        Self { text, middle, graph: works.then(|| Box::new(graph)) }
    }

    /// The picture with the line on it.
    #[must_use]
    pub fn draw(&mut self, picture: SharedPicture) -> SharedPicture {
        if self.text.is_empty() {
            return picture;
        }
        if let Some(graph) = &mut self.graph
            && let Ok(copy) = picture.share()
            && let Ok(written) = graph.run(copy, Duration::ZERO)
        {
            return written;
        }
        self.graph = None;
        let mut written = (*picture).clone();
        let width = written.width();
        let scale = (width / 160).min(width / (8 * (self.text.chars().count() as u32 + 2))).max(1);
        let top = self.middle.saturating_sub(text_size("", scale).1 / 2);
        lay_over(&mut written, &self.text, scale, |text| width.saturating_sub(text) / 2, top);
        written.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::canvas::Colour;

    fn grey(width: u32, height: u32) -> SharedPicture {
        let mut canvas = Canvas::new(width, height);
        canvas.fill(0, 0, width, height, Colour(128, 128, 128));
        canvas.to_frame().into()
    }

    /// The rows in which something was written.
    fn rows(picture: &SharedPicture) -> Vec<usize> {
        let width = picture.width() as usize;
        let rows = picture.data(0).chunks(picture.stride(0)).take(picture.height() as usize).enumerate();
        rows.filter(|(_, row)| row[..width].iter().any(|luma| *luma != 128)).map(|(y, _)| y).collect()
    }

    #[test]
    fn a_line_stands_where_it_should_in_both_kinds_of_letters() {
        for text in ["Back soon", "Wir sind gleich zurück: 100 % 'live'", "漢字", &"long ".repeat(99)] {
            let with_font = Heading::new(text, (640, 360), 270);
            let without = Heading { text: with_font.text.clone(), middle: 270, graph: None };
            for mut heading in [with_font, without] {
                let rows = rows(&heading.draw(grey(640, 360)));
                assert!(
                    rows.first().is_some_and(|&row| row > 230) && rows.last().is_some_and(|&row| row < 310)
                );
            }
        }
    }

    #[test]
    fn no_text_leaves_the_picture_as_it_is_and_no_size_is_too_small() {
        assert!(rows(&Heading::new(" \n", (640, 360), 270).draw(grey(640, 360))).is_empty());
        for (width, height) in [(2, 2), (16, 16), (7680, 16)] {
            let drawn = Heading::new("Back soon", (width, height), height / 2).draw(grey(width, height));
            assert_eq!((drawn.width(), drawn.height()), (width, height));
        }
    }
}
