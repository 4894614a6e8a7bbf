//! Slate: what is shown at a grid time at which the source is away, and what is heard.
//!
//! In: the grid time, and why the source is away. Out: a [`Slate`], a new one each second, and with each picture of the film that the
//! user gave.

use std::sync::Arc;
use std::time::Instant;

use crate::captured::CapturedSound;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::Slate;
use crate::queue::slate::SlateReceiver;

/// What the user gave to be shown.
pub struct OwnSlate {
    /// The picture, or the first one of a film.
    pub picture: Arc<SharedPicture>,
    /// The film.
    pub film: Option<SlateReceiver>,
}

/// The slate of the grid.
pub(crate) struct Slates {
    fps: u64,
    own: Option<OwnSlate>,
    shown: Option<(u64, Arc<Slate>)>,
    next_number: u64,
    /// The film's sound is heard.
    is_heard: bool,
}

impl Slates {
    /// Of a grid of `fps`.
    pub(crate) fn new(fps: u32, own: Option<OwnSlate>) -> Self {
        Self { fps: u64::from(fps.max(1)), own, shown: None, next_number: 0, is_heard: false }
    }

    /// The slate of grid time `n`, which is at `moment`. `is_alone`: the source gives no sound either.
    pub(crate) fn show(
        &mut self,
        n: u64,
        moment: Instant,
        is_alone: bool,
        reason: impl FnOnce() -> String,
    ) -> Arc<Slate> {
        self.is_heard = is_alone;
        let ground = self.own.as_mut().map(|own| {
            let of_film = own.film.as_mut().and_then(|film| {
                film.show();
                film.picture_at(moment)
            });
            of_film.unwrap_or_else(|| own.picture.clone())
        });
        let second = n / self.fps;
        let is_same = |slate: &Slate| match (&slate.ground, &ground) {
            (Some(before), Some(ground)) => Arc::ptr_eq(before, ground),
            (before, ground) => before.is_none() && ground.is_none(),
        };
        if let Some((_, slate)) = self.shown.as_ref().filter(|(of, slate)| *of == second && is_same(slate)) {
            return slate.clone();
        }
        let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
        let slate = Arc::new(Slate { number: self.next_number, time, reason: reason(), ground });
        self.next_number += 1;
        self.shown.insert((second, slate)).1.clone()
    }

    /// The source is seen again.
    pub(crate) fn put_away(&mut self) {
        self.is_heard = false;
        if let Some(film) = self.own.as_mut().and_then(|own| own.film.as_mut()) {
            film.put_away();
        }
    }

    /// What is to be heard of the film.
    pub(crate) fn take_sound(&self) -> Vec<CapturedSound> {
        let film = self.own.as_ref().and_then(|own| own.film.as_ref());
        let sound = film.map_or_else(Vec::new, SlateReceiver::take_sound);
        if self.is_heard { sound } else { Vec::new() }
    }
}
