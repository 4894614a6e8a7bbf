//! Shared picture: one picture for several rungs, whose pixels lie in memory once.
//!
//! In: a picture that others hold, too. Out: a picture of one's own, with a timestamp and a kind of its own, whose pixels
//! are those of the first. Nobody may write into them: encoders read; `drawtext` and libavdevice ask libav, which counts
//! who shares a buffer and copies it before the first byte is changed; livedir's own letters are written on a copy.
//!
//! One of the few files with `unsafe` code: ffmpeg-next's `clone` copies every pixel.
#![allow(unsafe_code)]

use ffmpeg_next as ffmpeg;

/// The same pixels once more.
pub fn share(picture: &ffmpeg::frame::Video) -> Result<ffmpeg::frame::Video, ffmpeg::Error> {
    let mut shared = ffmpeg::frame::Video::empty();
    // SAFETY: both are frames that libav has allocated, and stay borrowed for the call; the new one is empty, as
    // av_frame_ref asks for. It reads the first and raises the counts of its buffers, which are atomic: other threads may
    // do the same at the same time.
    let referenced = unsafe { ffmpeg::ffi::av_frame_ref(shared.as_mut_ptr(), picture.as_ptr()) };
    if referenced < 0 { Err(ffmpeg::Error::from(referenced)) } else { Ok(shared) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::canvas::Canvas;
    use crate::picture::overlay::{Overlay, OverlaySettings};
    use std::time::SystemTime;

    #[test]
    fn pixels_are_shared_and_times_are_not() {
        let mut first = Canvas::new(320, 240).to_frame();
        let mut second = share(&first).unwrap();
        assert_eq!(second.data(0).as_ptr(), first.data(0).as_ptr());
        first.set_pts(Some(1));
        second.set_pts(Some(2));
        assert_eq!((first.pts(), second.pts()), (Some(1), Some(2)));
        drop(first);
        assert_eq!(second.data(0)[0], crate::picture::canvas::BLACK.0, "they outlive the first");
    }

    #[test]
    fn letters_on_one_are_not_on_the_others() {
        let settings = OverlaySettings { text: Some("Title".into()), clock: true };
        let mut overlay = Overlay::new(&settings, 640, 480);
        let first = Canvas::new(640, 480).to_frame();
        let before = first.data(0).to_vec();
        let written = overlay.draw(share(&first).unwrap(), SystemTime::now()).unwrap();
        assert!(first.data(0) == before, "the shared pixels were written on");
        assert!(written.data(0) != before, "nothing was written");
    }

    #[test]
    fn a_picture_without_pixels_is_an_error_and_no_crash() {
        assert!(share(&ffmpeg::frame::Video::empty()).is_err());
    }
}
