//! A camera that sends JPEGs: pictures of known content, written into the machine's v4l2loopback device.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The luma of every pixel of the short picture.
pub const LUMA_OF_THE_SHORT: u8 = 200;

/// Sends a long picture, a short one and a broken one in turn until it is dropped.
pub struct JpegCamera {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl JpegCamera {
    /// Starts sending to `/dev/video10`, 320x240.
    pub fn start() -> Self {
        let mut device = v4l::Device::with_path("/dev/video10").unwrap();
        let format = v4l::Format::new(320, 240, v4l::FourCC::new(b"MJPG"));
        v4l::video::Output::set_format(&device, &format).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let pictures = [jpeg(None), jpeg(Some(LUMA_OF_THE_SHORT)), vec![0; 1000]];
                assert!(pictures[0].len() > 4 * pictures[1].len(), "the long picture is short");
                for picture in pictures.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                    device.write_all(picture).unwrap();
                    std::thread::sleep(Duration::from_millis(40)); // the camera's own rate
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for JpegCamera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the JPEG camera failed");
        }
    }
}

/// A JPEG of one luma value, or of noise, which makes it many times as long.
fn jpeg(luma: Option<u8>) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut pixel = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        luma.unwrap_or((noise >> 24) as u8)
    };
    let mut frame = ffmpeg::frame::Video::new(Pixel::YUVJ422P, 320, 240);
    frame.data_mut(0).fill_with(&mut pixel);
    frame.data_mut(1).fill(128);
    frame.data_mut(2).fill(128);
    frame.set_pts(Some(0));
    let codec = ffmpeg::encoder::find(ffmpeg::codec::Id::MJPEG).unwrap();
    let mut encoder = ffmpeg::codec::Context::new_with_codec(codec).encoder().video().unwrap();
    encoder.set_width(320);
    encoder.set_height(240);
    encoder.set_format(Pixel::YUVJ422P);
    encoder.set_time_base((1, 25));
    let mut encoder = encoder.open().unwrap();
    encoder.send_frame(&frame).unwrap();
    encoder.send_eof().unwrap();
    let mut packet = ffmpeg::Packet::empty();
    encoder.receive_packet(&mut packet).unwrap();
    packet.data().unwrap().to_vec()
}
