//! Camera frames: the bytes of a camera's buffer become a libav frame.
//!
//! In: a buffer as the driver filled it, which may be longer than the frame, too short, or a broken JPEG. Out: a
//! frame in the camera's own pixel format (a JPEG becomes full-range `yuvj…`, which swscale knows how to read), or
//! [`BadPicture`], and the next buffer starts afresh. Called on the source thread; owns none.

use super::mode::{CameraMode, PixelFormat};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

/// A buffer with no frame in it that could be shown. The next one may be well.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum BadPicture {
    /// Fewer bytes than the mode needs.
    #[error("the picture ended after {actual} of {expected} bytes")]
    Short {
        /// Bytes that the mode needs.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// No JPEG from start to end marker.
    #[error("the JPEG was not complete")]
    BrokenJpeg,
    /// libav's decoder refused it.
    #[error("the JPEG could not be decoded: {0}")]
    Undecodable(ffmpeg::Error),
}

/// Turns the buffers of one camera into frames.
pub(super) struct Developer {
    mode: CameraMode,
    jpeg: Option<ffmpeg::decoder::Video>,
}

impl Developer {
    /// For the buffers of a camera in `mode`. An error means that this libav has no JPEG decoder.
    pub(super) fn new(mode: CameraMode) -> Result<Self, ffmpeg::Error> {
        let jpeg = (mode.format == PixelFormat::Mjpeg).then(jpeg_decoder).transpose()?;
        Ok(Self { mode, jpeg })
    }

    /// The frame in a buffer whose rows begin `stride_bytes` apart; a stride below the length of a row, such as 0,
    /// means that the rows lie back to back.
    pub(super) fn develop(
        &mut self,
        buffer: &[u8],
        stride_bytes: usize,
    ) -> Result<ffmpeg::frame::Video, BadPicture> {
        match &mut self.jpeg {
            Some(decoder) => decode_jpeg(decoder, buffer),
            None => copy_raw(self.mode, stride_bytes, buffer),
        }
    }
}

fn jpeg_decoder() -> Result<ffmpeg::decoder::Video, ffmpeg::Error> {
    let codec = ffmpeg::decoder::find(ffmpeg::codec::Id::MJPEG).ok_or(ffmpeg::Error::DecoderNotFound)?;
    ffmpeg::codec::Context::new_with_codec(codec).decoder().video()
}

fn decode_jpeg(
    decoder: &mut ffmpeg::decoder::Video,
    buffer: &[u8],
) -> Result<ffmpeg::frame::Video, BadPicture> {
    let end = jpeg_end(buffer).ok_or(BadPicture::BrokenJpeg)?;
    let mut frame = ffmpeg::frame::Video::empty();
    let result = decoder
        .send_packet(&ffmpeg::Packet::copy(&buffer[..end]))
        .and_then(|()| decoder.receive_frame(&mut frame));
    match result {
        Ok(()) => Ok(frame),
        Err(error) => {
            decoder.flush();
            Err(BadPicture::Undecodable(error))
        }
    }
}

/// Where the JPEG that starts a buffer ends: behind its EOI marker.
///
/// What follows is left over from earlier, longer frames, and has EOI markers of its own, and so may a thumbnail in
/// an APP segment: so the markers are walked, not searched for (ITU-T T.81 B.1.1).
fn jpeg_end(buffer: &[u8]) -> Option<usize> {
    const SOI: u8 = 0xd8;
    const EOI: u8 = 0xd9;
    const SOS: u8 = 0xda;
    if !buffer.starts_with(&[0xff, SOI]) {
        return None;
    }
    let mut at = 2;
    let mut in_scan = false;
    loop {
        let [first, second] = *buffer.get(at..)?.first_chunk()?;
        match (first, second) {
            (0xff, EOI) => return Some(at + 2),
            // fill bytes before a marker; stuffed zeros, restart markers and TEM carry no length
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd7) => at += 2,
            (0xff, marker) => {
                let length = u16::from_be_bytes(*buffer.get(at + 2..)?.first_chunk()?);
                at += 2 + usize::from(length);
                in_scan = marker == SOS;
            }
            _ if in_scan => at += 1,
            _ => return None,
        }
    }
}

fn copy_raw(
    mode: CameraMode,
    stride_bytes: usize,
    buffer: &[u8],
) -> Result<ffmpeg::frame::Video, BadPicture> {
    let (width, height) = (mode.width as usize, mode.height as usize);
    let half = |n: usize| n.div_ceil(2);
    let (pixel, row_bytes) = match mode.format {
        PixelFormat::Yuyv => (Pixel::YUYV422, half(width) * 4),
        PixelFormat::Nv12 => (Pixel::NV12, half(width) * 2),
        PixelFormat::Rgb24 => (Pixel::RGB24, width * 3),
        PixelFormat::Bgr24 => (Pixel::BGR24, width * 3),
        PixelFormat::Grey | PixelFormat::Mjpeg => (Pixel::GRAY8, width),
    };
    let rows = if mode.format == PixelFormat::Nv12 { height + half(height) } else { height };
    let stride = stride_bytes.max(row_bytes);
    // the last row may end where the frame does
    let expected = stride * (rows - 1) + row_bytes;
    if buffer.len() < expected {
        return Err(BadPicture::Short { expected, actual: buffer.len() });
    }
    let mut frame = ffmpeg::frame::Video::new(pixel, mode.width, mode.height);
    let mut source = buffer.chunks(stride);
    for plane in 0..frame.planes() {
        let plane_stride = frame.stride(plane);
        let copied_bytes = row_bytes.min(plane_stride);
        for (to, from) in frame.data_mut(plane).chunks_exact_mut(plane_stride).zip(&mut source) {
            to[..copied_bytes].copy_from_slice(&from[..copied_bytes]);
        }
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mode(width: u32, height: u32, format: PixelFormat) -> CameraMode {
        CameraMode { width, height, fps: 30, format }
    }

    /// Every byte of the buffer tells its place, so a row that is out of place shows.
    fn numbered(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at % 251) as u8).collect()
    }

    #[track_caller]
    fn check(mode: CameraMode, stride_bytes: usize, pixel: Pixel, planes: &[(usize, usize)]) {
        let row_bytes = planes[0].0;
        let stride = stride_bytes.max(row_bytes);
        let rows: usize = planes.iter().map(|plane| plane.1).sum();
        let expected_bytes = stride * (rows - 1) + row_bytes;
        let mut developer = Developer::new(mode).unwrap();

        // drivers hand out whole memory pages
        let buffer = numbered(expected_bytes + 4096);
        let frame = developer.develop(&buffer, stride_bytes).unwrap();
        assert_eq!((frame.format(), frame.width(), frame.height()), (pixel, mode.width, mode.height));
        let mut row = 0;
        for (plane, &(bytes, rows)) in planes.iter().enumerate() {
            for y in 0..rows {
                let from = &buffer[row * stride..][..bytes];
                assert_eq!(&frame.data(plane)[y * frame.stride(plane)..][..bytes], from, "{plane}:{y}");
                row += 1;
            }
        }

        assert!(developer.develop(&buffer[..expected_bytes], stride_bytes).is_ok());
        let short = developer.develop(&buffer[..expected_bytes - 1], stride_bytes).err();
        assert_eq!(short, Some(BadPicture::Short { expected: expected_bytes, actual: expected_bytes - 1 }));
        assert!(developer.develop(&[], 0).is_err());
    }

    #[test]
    fn yuyv_rows_come_over_whole() {
        check(mode(64, 48, PixelFormat::Yuyv), 0, Pixel::YUYV422, &[(128, 48)]);
    }

    #[test]
    fn padded_rows_are_cut_to_the_picture() {
        check(mode(66, 5, PixelFormat::Yuyv), 256, Pixel::YUYV422, &[(132, 5)]);
        check(mode(66, 5, PixelFormat::Rgb24), 200, Pixel::RGB24, &[(198, 5)]);
    }

    #[test]
    fn both_planes_of_nv12_come_over() {
        check(mode(64, 48, PixelFormat::Nv12), 0, Pixel::NV12, &[(64, 48), (64, 24)]);
        check(mode(64, 48, PixelFormat::Nv12), 128, Pixel::NV12, &[(64, 48), (64, 24)]);
    }

    #[test]
    fn an_odd_height_keeps_its_last_chroma_row() {
        check(mode(64, 5, PixelFormat::Nv12), 0, Pixel::NV12, &[(64, 5), (64, 3)]);
    }

    #[test]
    fn rgb_bgr_and_grey_come_over() {
        check(mode(33, 7, PixelFormat::Rgb24), 0, Pixel::RGB24, &[(99, 7)]);
        check(mode(33, 7, PixelFormat::Bgr24), 0, Pixel::BGR24, &[(99, 7)]);
        check(mode(33, 7, PixelFormat::Grey), 0, Pixel::GRAY8, &[(33, 7)]);
    }

    /// A grey gradient as libav's own encoder writes it.
    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut picture = ffmpeg::frame::Video::new(Pixel::YUVJ422P, width, height);
        for plane in 0..3 {
            let stride = picture.stride(plane);
            for (y, row) in picture.data_mut(plane).chunks_mut(stride).enumerate() {
                row.fill(if plane == 0 { (y * 3) as u8 } else { 128 });
            }
        }
        let codec = ffmpeg::encoder::find(ffmpeg::codec::Id::MJPEG).unwrap();
        let mut encoder = ffmpeg::codec::Context::new_with_codec(codec).encoder().video().unwrap();
        encoder.set_width(width);
        encoder.set_height(height);
        encoder.set_format(Pixel::YUVJ422P);
        encoder.set_time_base((1, 30));
        let mut encoder = encoder.open().unwrap();
        picture.set_pts(Some(0));
        encoder.send_frame(&picture).unwrap();
        encoder.send_eof().unwrap();
        let mut packet = ffmpeg::Packet::empty();
        encoder.receive_packet(&mut packet).unwrap();
        packet.data().unwrap().to_vec()
    }

    #[test]
    fn a_jpeg_with_stale_bytes_behind_it_is_shown_as_if_alone() {
        let long = jpeg(640, 480);
        let mut buffer = jpeg(320, 240);
        let alone = buffer.clone();
        buffer.extend_from_slice(&long[alone.len()..]);
        assert_eq!(jpeg_end(&buffer), Some(alone.len()));

        let mut developer = Developer::new(mode(320, 240, PixelFormat::Mjpeg)).unwrap();
        let frame = developer.develop(&buffer, 0).unwrap();
        assert_eq!((frame.format(), frame.width(), frame.height()), (Pixel::YUVJ422P, 320, 240));
        assert_eq!(frame.color_range(), ffmpeg::color::Range::JPEG);
        assert!(frame.data(0)[0] < 20 && frame.data(0)[80 * frame.stride(0)] > 220, "the gradient is lost");
    }

    #[test]
    fn a_thumbnail_does_not_end_its_picture() {
        let inner = jpeg(32, 32);
        let outer = jpeg(320, 240);
        let mut buffer = vec![0xff, 0xd8, 0xff, 0xe1];
        buffer.extend_from_slice(&(inner.len() as u16 + 2).to_be_bytes());
        buffer.extend_from_slice(&inner);
        buffer.extend_from_slice(&outer[2..]);
        assert_eq!(jpeg_end(&buffer), Some(buffer.len()));
    }

    #[test]
    fn a_broken_jpeg_is_refused_and_the_next_picture_is_well() {
        let good = jpeg(320, 240);
        let mut developer = Developer::new(mode(320, 240, PixelFormat::Mjpeg)).unwrap();
        assert_eq!(developer.develop(&good[..good.len() / 2], 0).err(), Some(BadPicture::BrokenJpeg));
        assert_eq!(developer.develop(&[], 0).err(), Some(BadPicture::BrokenJpeg));
        assert!(matches!(
            developer.develop(&[0xff, 0xd8, 0xff, 0xd9], 0).err(),
            Some(BadPicture::Undecodable(_))
        ));
        assert!(developer.develop(&good, 0).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_upset_the_jpeg_walk(
            at in 0..20_000_usize, byte in any::<u8>(), cut in 0..20_000_usize, junk in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut buffer = jpeg(160, 120);
            let (at, cut) = (at % buffer.len(), cut % buffer.len());
            buffer[at] = byte;
            buffer.truncate(cut);
            buffer.extend_from_slice(&junk);
            if let Some(end) = jpeg_end(&buffer) {
                prop_assert!(end <= buffer.len() && buffer[..end].ends_with(&[0xff, 0xd9]));
            }
            let mut developer = Developer::new(mode(160, 120, PixelFormat::Mjpeg)).unwrap();
            let _ = developer.develop(&buffer, 0);
            let _ = developer.develop(&junk, 0);
        }
    }
}
