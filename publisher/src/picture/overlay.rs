//! Overlay: a title and the time at which the frame was taken, written on frames of the stream's size.
//!
//! In: a scaled frame or the slate, and when it was taken. Out: the same with the letters on it. Used on the threads of
//! the rungs, behind the scaler. The letters are those of libavfilter's `drawtext`, in a font of the system; where this
//! libav has no such filter, or finds no font, they are the ones of the slate.

use std::time::{SystemTime, UNIX_EPOCH};

use ffmpeg_next::frame;

use crate::picture::canvas::{Canvas, lay_over, text_size};
use crate::picture::filter::{FilterError, Graph};
use crate::picture::shared::SharedPicture;

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverlaySettings {
    /// A title, in the lower left corner.
    pub text: Option<String>,
    /// Date and time, in the upper right corner.
    pub clock: bool,
}

/// Writes on frames of one size; see the file's head.
pub struct Overlay {
    title: String,
    clock: bool,
    pen: Pen,
}

enum Pen {
    /// Nothing is to be written.
    None,
    /// A graph of `drawtext` filters. Boxed, as it is so much larger than nothing.
    Drawtext(Box<Graph>),
    /// The letters of the slate.
    Canvas,
}

impl Overlay {
    /// An overlay for frames of `width` x `height` pixels in yuv420p.
    #[must_use]
    pub fn new(settings: &OverlaySettings, width: u32, height: u32) -> Self {
        // A line break would push the title out of the picture.
        let title = settings.text.as_deref().unwrap_or_default().replace(char::is_control, " ");
        let steps = steps(&title, settings.clock, height);
        let mut overlay = Self { title, clock: settings.clock, pen: Pen::None };
        if !steps.is_empty() {
            let mut graph = Graph::new(steps);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            overlay.pen = match graph.run(Canvas::new(width, height).to_frame().into(), now) {
                Ok(_) => Pen::Drawtext(Box::new(graph)),
                Err(error) => {
                    tracing::info!(%error, "no system font found; --text and --clock use a built-in one");
                    Pen::Canvas
                }
            };
        }
        overlay
    }

    /// The frame with everything on it. After an error, which the trial at the start makes unlikely, the next frames
    /// get the slate's letters.
    pub fn draw(
        &mut self,
        picture: SharedPicture,
        taken_at: SystemTime,
    ) -> Result<SharedPicture, FilterError> {
        let unix = taken_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        match &mut self.pen {
            Pen::None => Ok(picture),
            Pen::Canvas => Ok(self.write(&picture, taken_at).into()),
            Pen::Drawtext(graph) => graph.run(picture, unix).inspect_err(|_| self.pen = Pen::Canvas),
        }
    }

    fn write(&self, picture: &frame::Video, taken_at: SystemTime) -> frame::Video {
        // The pixels may be those that a decoder still needs.
        let mut written = picture.clone();
        let scale = (written.height() / 240).max(1);
        let margin = written.height() / 20;
        if !self.title.is_empty() {
            let top = written.height().saturating_sub(margin + text_size("", scale).1 + 4 * scale);
            lay_over(&mut written, &self.title, scale, |_| margin, top);
        }
        if self.clock {
            let width = written.width();
            lay_over(
                &mut written,
                &clock(taken_at),
                scale,
                |text| width.saturating_sub(text + margin),
                margin,
            );
        }
        written
    }
}

/// Date and time as `drawtext` writes them, in the machine's own time zone.
fn clock(taken_at: SystemTime) -> String {
    jiff::Timestamp::try_from(taken_at)
        .map(|time| time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// The filters that write the title and the clock on a frame so high.
fn steps(title: &str, clock: bool, height: u32) -> String {
    let size = (height / 20).max(8);
    let look =
        format!("fontsize={size}:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw={}", (size / 4).max(1));
    // Above the strip of the test pattern.
    let title = (!title.is_empty()).then(|| {
        let text = escaped(&escaped(title));
        format!("drawtext=expansion=none:text={text}:{look}:x={size}:y=h-{size}-th")
    });
    // Times of the graph are those of the wall clock.
    let clock = clock.then(|| format!("drawtext=text='%{{pts\\:localtime}}':{look}:x=w-tw-{size}:y={size}"));
    title.into_iter().chain(clock).collect::<Vec<_>>().join(",")
}

/// Text with everything escaped that means something to libavfilter: once for the list of a filter's options, and once
/// more for the graph.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_whitespace() || r"\':,;[]=%".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::format::Pixel;
    use std::time::Duration;

    const NOON: Duration = Duration::from_secs(1_795_000_000);

    fn grey(width: u32, height: u32) -> frame::Video {
        let mut canvas = Canvas::new(width, height);
        canvas.fill(0, 0, width, height, crate::picture::canvas::Colour(128, 128, 128));
        canvas.to_frame()
    }

    fn settings(text: &str, clock: bool) -> OverlaySettings {
        OverlaySettings { text: Some(text.to_owned()), clock }
    }

    /// Parts of the picture, as (right half?, lower half?), in which pixels have changed.
    fn changed(written: &frame::Video) -> Vec<(bool, bool)> {
        let (width, height) = (written.width() as usize, written.height() as usize);
        let mut parts = Vec::new();
        for (y, row) in written.data(0).chunks(written.stride(0)).take(height).enumerate() {
            for (x, luma) in row[..width].iter().enumerate() {
                let part = (x >= width / 2, y >= height / 2);
                if *luma != 128 && !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
        parts.sort_unstable();
        parts
    }

    /// With the letters of the system, if it has some, and with livedir's own.
    fn pens(settings: &OverlaySettings, width: u32, height: u32) -> [Overlay; 2] {
        let own = Overlay { pen: Pen::Canvas, ..Overlay::new(settings, width, height) };
        [Overlay::new(settings, width, height), own]
    }

    #[test]
    fn the_title_is_lower_left_and_the_clock_upper_right() {
        for (settings, expected) in [
            (settings("Title", false), vec![(false, true)]),
            (settings("", true), vec![(true, false)]),
            (settings("Title", true), vec![(false, true), (true, false)]),
            (settings("", false), vec![]),
        ] {
            let nothing = expected.is_empty();
            for mut overlay in pens(&settings, 960, 480) {
                let written = overlay.draw(grey(960, 480).into(), UNIX_EPOCH + NOON).unwrap();
                assert_eq!(changed(&written), expected, "{settings:?}");
                assert!(nothing || written.data(0).iter().any(|luma| *luma > 220), "{settings:?}");
                assert_eq!((written.width(), written.height(), written.format()), (960, 480, Pixel::YUV420P));
            }
        }
    }

    #[test]
    fn the_clock_shows_when_the_picture_was_taken_not_when_it_was_drawn() {
        for mut overlay in pens(&settings("", true), 640, 480) {
            let mut drawn =
                |time| overlay.draw(grey(640, 480).into(), UNIX_EPOCH + time).unwrap().data(0).to_vec();
            assert_eq!(drawn(NOON), drawn(NOON + Duration::from_millis(400)));
            assert_ne!(drawn(NOON), drawn(NOON + Duration::from_secs(1)));
            assert_eq!(drawn(NOON), drawn(NOON));
        }
    }

    #[test]
    fn any_character_is_written_as_it_is() {
        // The filter reads a file as it stands: both ways must draw the same.
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("title");
        for title in [
            "it's 5 o'clock: a,b;[in]c\\d=e%{pts}",
            "x:fontsize=200:x=0",
            "',hflip,'",
            "[out];color=red",
            "\\\\'\\'%%",
            " spaces  within ",
            "Ünïcödé ∑ 漢字 🎥 עברית",
        ] {
            std::fs::write(&file, title).unwrap();
            let by_file = format!("textfile={}:", file.display());
            let with_text = steps(title, false, 480);
            let with_file = with_text.replace(&format!("text={}:", escaped(&escaped(title))), &by_file);
            assert_ne!(with_text, with_file);
            let draw = |steps: String| Graph::new(steps).run(grey(640, 480).into(), NOON);
            let expected = draw(with_file).unwrap_or_else(|error| panic!("{title}, from a file: {error}"));
            let drawn = draw(with_text).unwrap_or_else(|error| panic!("{title}: {error}"));
            assert!(drawn.data(0) == expected.data(0), "{title} is not drawn as it is");
            assert!(changed(&drawn).contains(&(false, true)), "{title}");
        }
    }

    #[test]
    fn any_text_fits_on_any_picture() {
        let long = "long ".repeat(1000);
        for text in ["a\nb\0c\u{7f}", "'", "\\", "%", &long, "\u{202e}"] {
            for (width, height) in [(640, 480), (16, 16), (2, 2), (7680, 16)] {
                for mut overlay in pens(&settings(text, true), width, height) {
                    let written = overlay.draw(grey(width, height).into(), UNIX_EPOCH).unwrap();
                    assert_eq!((written.width(), written.height()), (width, height));
                }
            }
        }
    }
}
