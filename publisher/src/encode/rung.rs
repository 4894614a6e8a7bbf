//! Rung: what is shown at each grid time becomes H.264 of one size and rate.
//!
//! In: [`Shown`](crate::queue::picture::Shown) from the grid. Out: [`Encoded`] messages. Each rung's thread owns its
//! scaler, its overlay and its encoder, for the whole run. When the grid ends the encoder is flushed and the packet
//! channel closes.

use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use crate::encode::video::VideoEncoder;
use crate::encode::{EncodeError, EncodeSettings};
use crate::packet::{Encoded, EncodedPacket};
use crate::picture::canvas::Canvas;
use crate::picture::overlay::Overlay;
use crate::picture::scaler::Scaler;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::{self, SlateText};
use crate::queue::picture::{Picture, PictureReceiver};
use livedir_media::Medium;

/// A rung's thread: from the first grid time to the last.
pub fn run(
    shown: &PictureReceiver,
    settings: &EncodeSettings,
    packets: &SyncSender<Encoded>,
) -> Result<(), EncodeError> {
    let encoder = VideoEncoder::open(settings)?;
    let stream = Encoded::Stream { medium: Medium::Video, parameters: encoder.parameters() };
    let mut rung = Rung {
        screen: Screen {
            settings,
            scaler: Scaler::new(settings.width, settings.height, settings.colours),
            overlay: Overlay::new(&settings.overlay, settings.width, settings.height),
            picture: None,
            slate: None,
        },
        encoder,
        is_receiver_alive: packets.send(stream).is_ok(),
        packets,
    };
    while rung.is_receiver_alive {
        let Some(shown) = shown.next() else { break };
        let frame = rung.screen.show(shown.picture);
        let ready = rung.encoder.encode(shown.n, shown.boundary, frame)?;
        rung.send(ready);
    }
    let rest = rung.encoder.finish()?;
    rung.send(rest);
    Ok(())
}

struct Rung<'a> {
    screen: Screen<'a>,
    encoder: VideoEncoder,
    packets: &'a SyncSender<Encoded>,
    /// The packager still takes packets.
    is_receiver_alive: bool,
}

impl Rung<'_> {
    fn send(&mut self, packets: Vec<EncodedPacket>) {
        for packet in packets {
            self.is_receiver_alive &= self.packets.send(Encoded::Packet(packet)).is_ok();
        }
    }
}

/// What is seen, in the size of the rung.
struct Screen<'a> {
    settings: &'a EncodeSettings,
    scaler: Scaler,
    overlay: Overlay,
    /// The last frame.
    picture: Option<SharedPicture>,
    /// The last slate, and the second that it was drawn for.
    slate: Option<(u64, SharedPicture)>,
}

impl Screen<'_> {
    fn show(&mut self, picture: Picture) -> &mut SharedPicture {
        match picture {
            Picture::Slate(text) => return self.slate(&text),
            Picture::Same => {}
            Picture::New(picture, taken_at) => match self.scaler.scale(picture) {
                Ok(frame) => self.picture = self.written(frame, taken_at).or(self.picture.take()),
                // A broken frame from the outside is no reason to stop: the one before stays on.
                Err(error) => tracing::warn!(%error, "a captured frame could not be scaled"),
            },
        }
        let EncodeSettings { width, height, .. } = *self.settings;
        // Black before the first.
        self.picture.get_or_insert_with(|| Canvas::new(width, height).to_frame().into())
    }

    /// With title and clock on it.
    fn written(&mut self, picture: SharedPicture, taken_at: SystemTime) -> Option<SharedPicture> {
        let written = self.overlay.draw(picture, taken_at);
        written.inspect_err(|error| tracing::warn!(%error, "text could not be drawn on a frame")).ok()
    }

    fn slate(&mut self, text: &SlateText) -> &mut SharedPicture {
        let EncodeSettings { width, height, .. } = *self.settings;
        let draw = || SharedPicture::from(slate::draw(width, height, &text.time, &text.reason));
        if self.slate.as_ref().is_none_or(|(second, _)| *second != text.second) {
            let slate = self.written(draw(), SystemTime::now()).unwrap_or_else(draw);
            self.slate = Some((text.second, slate));
        }
        &mut self.slate.get_or_insert_with(|| (text.second, draw())).1
    }
}
