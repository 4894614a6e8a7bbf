//! Shared frame: one frame for several rungs, whose pixels lie in memory once.
//!
//! In: a frame. Out: any number of frames with a timestamp and a kind of their own, whose pixels are those of the first.
//! Nobody can write into them: there is no way to their bytes but one that reads. Encoders read; `drawtext` and libavdevice ask
//! libav, which counts who shares a buffer and copies it before the first byte is changed; livedir's own letters are written on
//! a copy.
//!
//! One of the few files with `unsafe` code: ffmpeg-next's `clone` copies every pixel.
#![allow(unsafe_code)]

use std::ops::Deref;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::util::frame::side_data::Type;
use ffmpeg_next::util::picture;

/// A frame whose pixels are never written again.
///
/// ```compile_fail
/// fn write(picture: &mut livedir_publisher::picture::shared::SharedPicture) {
///     picture.data_mut(0)[0] = 1;
/// }
/// ```
pub struct SharedPicture(ffmpeg::frame::Video);

impl From<ffmpeg::frame::Video> for SharedPicture {
    fn from(picture: ffmpeg::frame::Video) -> Self {
        Self(picture)
    }
}

/// To read.
impl Deref for SharedPicture {
    type Target = ffmpeg::frame::Video;

    fn deref(&self) -> &ffmpeg::frame::Video {
        &self.0
    }
}

impl SharedPicture {
    /// The same pixels once more.
    pub fn share(&self) -> Result<Self, ffmpeg::Error> {
        let mut shared = ffmpeg::frame::Video::empty();
        // SAFETY: both are frames that libav has allocated, and stay borrowed for the call; the new one is empty, as
        // av_frame_ref asks for. It reads the first and raises the counts of its buffers, which are atomic: other threads may
        // do the same at the same time. What both refer to is never handed out as bytes that can be changed.
        let referenced = unsafe { ffmpeg::ffi::av_frame_ref(shared.as_mut_ptr(), self.0.as_ptr()) };
        if referenced < 0 { Err(ffmpeg::Error::from(referenced)) } else { Ok(Self(shared)) }
    }

    /// Takes the `cc_data()` off it that a decoder found with it: closed captions, three bytes a construct. Nobody else is to
    /// find it there: encoders of libav write what they find, with each picture that shows the same again.
    pub fn take_cc_data(&mut self) -> Vec<u8> {
        let cc_data = self.0.side_data(Type::A53CC).map(|found| found.data().to_vec()).unwrap_or_default();
        self.0.remove_side_data(Type::A53CC);
        cc_data
    }

    /// When it is shown, in the time base of whoever takes it.
    pub fn set_pts(&mut self, pts: i64) {
        self.0.set_pts(Some(pts));
    }

    /// Whether it is to be coded by itself.
    pub fn set_kind(&mut self, kind: picture::Type) {
        self.0.set_kind(kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::canvas::Canvas;
    use crate::picture::overlay::{Overlay, OverlaySettings};
    use std::time::SystemTime;

    #[test]
    fn pixels_are_shared_and_times_are_not() {
        let mut first = SharedPicture::from(Canvas::new(320, 240).to_frame());
        let mut second = first.share().unwrap();
        assert_eq!(second.data(0).as_ptr(), first.data(0).as_ptr());
        first.set_pts(1);
        second.set_pts(2);
        assert_eq!((first.pts(), second.pts()), (Some(1), Some(2)));
        drop(first);
        assert_eq!(second.data(0)[0], crate::picture::canvas::BLACK.0, "they outlive the first");
    }

    #[test]
    fn letters_on_one_are_not_on_the_others() {
        let settings = OverlaySettings { text: Some("Title".into()), clock: true };
        let mut overlay = Overlay::new(&settings, 640, 480);
        let first = SharedPicture::from(Canvas::new(640, 480).to_frame());
        let before = first.data(0).to_vec();
        let written = overlay.draw(first.share().unwrap(), SystemTime::now()).unwrap();
        assert!(first.data(0) == before, "the shared pixels were written on");
        assert!(written.data(0) != before, "nothing was written");
    }

    #[test]
    fn captions_are_taken_off_once() {
        let mut frame = Canvas::new(320, 240).to_frame();
        let cc_data = [0xfc, 0x94, 0x2c];
        let mut side_data = frame.new_side_data(Type::A53CC, cc_data.len()).expect("memory");
        // SAFETY: it was just made, with room for so many bytes, and nobody else knows of it.
        unsafe { (*side_data.as_mut_ptr()).data.copy_from(cc_data.as_ptr(), cc_data.len()) };
        let mut picture = SharedPicture::from(frame);
        assert_eq!(picture.take_cc_data(), cc_data);
        assert!(picture.share().unwrap().take_cc_data().is_empty());
        assert!(picture.take_cc_data().is_empty());
    }

    #[test]
    fn a_picture_without_pixels_is_an_error_and_no_crash() {
        assert!(SharedPicture::from(ffmpeg::frame::Video::empty()).share().is_err());
    }
}
