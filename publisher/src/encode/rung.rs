//! Rung: what is shown at each grid time becomes H.264 of one size and rate.
//!
//! In: [`Shown`] from the grid. Out: [`Encoded`] messages. Each rung's thread owns its
//! scaler, its overlay and its encoder, for the whole run. When the grid ends the encoder is flushed and the packet
//! channel closes.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use crate::captions::spacing::Spacing;
use crate::encode::video::VideoEncoder;
use crate::encode::{EncodeError, EncodeSettings};
use crate::packet::{Encoded, EncodedPacket};
use crate::picture::canvas::Canvas;
use crate::picture::overlay::Overlay;
use crate::picture::scaler::Scaler;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::{self, Lettering, Slate};
use crate::queue::picture::{Picture, PictureReceiver, Shown};
use livedir_media::Medium;

/// Seconds without dropped captions after which an overload is over, so that one is logged once.
const QUIET_S: u64 = 10;

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
            ground: Ground::new(settings),
            slate: None,
        },
        captions: RungCaptions::new(settings),
        encoder,
        is_receiver_alive: packets.send(stream).is_ok(),
        packets,
    };
    while rung.is_receiver_alive {
        let Some(shown) = shown.next() else { break };
        let captions = rung.captions.next(&shown);
        let frame = rung.screen.show(shown.picture);
        let ready = rung.encoder.encode(shown.n, shown.boundary, frame, captions)?;
        rung.send(ready);
    }
    let rest = rung.encoder.finish()?;
    rung.send(rest);
    Ok(())
}

struct Rung<'a> {
    screen: Screen<'a>,
    captions: RungCaptions,
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

/// What is said, at the rate of the grid.
struct RungCaptions {
    spacing: Spacing,
    /// Width and height in pixels, for the log.
    size: (u32, u32),
    /// Captions were dropped, and that was logged, at this grid time.
    dropped_at: Option<u64>,
    /// Grid times that an overload has to be over for before the next one is logged.
    quiet: u64,
}

impl RungCaptions {
    fn new(settings: &EncodeSettings) -> Self {
        Self {
            spacing: Spacing::new(settings.fps),
            size: (settings.width, settings.height),
            dropped_at: None,
            quiet: QUIET_S * u64::from(settings.fps),
        }
    }

    /// What goes with the picture of this grid time.
    fn next(&mut self, shown: &Shown) -> Option<Vec<[u8; 3]>> {
        if matches!(shown.picture, Picture::Slate(_)) {
            self.spacing.end();
        }
        let has_room = shown.captions.as_ref().is_none_or(|captions| self.spacing.take(captions));
        if !has_room {
            let is_told = self.dropped_at.is_some_and(|at| shown.n.saturating_sub(at) < self.quiet);
            self.dropped_at = Some(shown.n);
            if !is_told {
                let (width, height) = self.size;
                tracing::warn!(
                    width,
                    height,
                    "overload: captions came faster than they can be sent; those that waited were dropped"
                );
            }
        }
        self.spacing.next(shown.n)
    }
}

/// What is seen, in the size of the rung.
struct Screen<'a> {
    settings: &'a EncodeSettings,
    scaler: Scaler,
    overlay: Overlay,
    /// The last frame.
    picture: Option<SharedPicture>,
    ground: Ground,
    /// The last slate, and its number.
    slate: Option<(u64, SharedPicture)>,
}

/// What lies behind the letters of a slate that is not livedir's own.
struct Ground {
    scaler: Scaler,
    /// The last one as it was given, and in the size of the rung.
    last: Option<(Arc<SharedPicture>, SharedPicture)>,
    lettering: Option<Lettering>,
}

impl Ground {
    fn new(settings: &EncodeSettings) -> Self {
        let EncodeSettings { width, height, .. } = *settings;
        let is_usual = settings.slate.is_usual();
        Self {
            scaler: Scaler::new(width, height, settings.colours),
            last: None,
            lettering: (!is_usual).then(|| Lettering::new(&settings.slate, (width, height))),
        }
    }

    /// The slate; black where there is no picture, or it cannot be scaled.
    fn draw(&mut self, slate: &Slate, (width, height): (u32, u32)) -> SharedPicture {
        let Some(lettering) = &mut self.lettering else {
            return slate::draw(width, height, &slate.time, &slate.reason).into();
        };
        if let Some(ground) = &slate.ground
            && self.last.as_ref().is_none_or(|(last, _)| !Arc::ptr_eq(last, ground))
        {
            match self.scaler.scale(ground.clone()) {
                Ok(scaled) => self.last = Some((ground.clone(), scaled)),
                Err(error) => tracing::warn!(%error, "a picture of the slate could not be scaled"),
            }
        }
        let scaled = self.last.as_ref().and_then(|(_, scaled)| scaled.share().ok());
        let ground = scaled.unwrap_or_else(|| Canvas::new(width, height).to_frame().into());
        lettering.write(ground, &slate.time)
    }
}

impl Screen<'_> {
    fn show(&mut self, picture: Picture) -> &mut SharedPicture {
        match picture {
            Picture::Slate(slate) => return self.slate(&slate),
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

    fn slate(&mut self, slate: &Slate) -> &mut SharedPicture {
        let EncodeSettings { width, height, .. } = *self.settings;
        let size = (width, height);
        if self.slate.as_ref().is_none_or(|(number, _)| *number != slate.number) {
            let drawn = self.ground.draw(slate, size);
            let written = self.written(drawn, SystemTime::now());
            let drawn = written.unwrap_or_else(|| self.ground.draw(slate, size));
            self.slate = Some((slate.number, drawn));
        }
        &mut self.slate.get_or_insert_with(|| (slate.number, self.ground.draw(slate, size))).1
    }
}
