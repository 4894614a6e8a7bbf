//! Line: the source and its slate take turns, and what either sends goes to the packager by the [`Copier`].
//!
//! In: what the source sends, from the source thread; and a slate, from the slate's thread, which shows it while the source is away. A
//! third thread makes the slate. Out: packets on one timeline. Each change of turns is a break in it. Whoever has the lock sends.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::copier::Copier;
use super::slate_form::{Seen, SlateForm, SlatePace};
use super::slate_maker::{SlateMaker, What};
use super::slate_reel::{Reel, Showing, back_at};
use super::{Copied, CopiedPacket};
use crate::grid::absence::Absence;
use livedir_layout::meters::Meters;
use livedir_layout::source_state::SourceState;
use livedir_media::Medium;

/// So late is it noticed at the latest that the source is known to be lost, or that its form has changed.
const LOOK: Duration = Duration::from_millis(100);

/// So much of what the source filmed while the slate was seen is shown all the same, rather than the slate for one more group of
/// pictures: less than the second by which dates of two segments may overlap.
const OVERLAP: Duration = Duration::from_millis(300);

/// For so long sound without a picture is a sign that pictures will come: what is copied cannot go on without them.
const SOUND_ALONE: Duration = Duration::from_secs(5);

/// How the slate comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlatePlan {
    /// What it has in common with the source.
    pub pace: SlatePace,
    /// How long nothing comes before it is shown, where the user says it.
    pub after: Option<Duration>,
}

/// The way to the packager of a stream that is copied.
pub(crate) struct CopyLine<'a> {
    state: Mutex<State<'a>>,
    over: Condvar,
    meters: &'a Meters,
}

struct State<'a> {
    copier: Copier<'a>,
    /// The newest slate that is made, and its form.
    made: Option<(SlateForm, Arc<Reel>)>,
    /// The slate that is shown; `None`: it is the source's turn.
    showing: Option<Showing>,
    /// `None` where there is no slate.
    watch: Option<Watch>,
    is_over: bool,
}

/// What is known of the source.
struct Watch {
    seen: Seen,
    absence: Absence,
    /// When it last sent what segments begin with.
    led_at: Instant,
}

impl<'a> CopyLine<'a> {
    /// Of a source, with a slate or without.
    pub(crate) fn new(copier: Copier<'a>, plan: Option<SlatePlan>, meters: &'a Meters) -> Self {
        let watch = plan.map(|SlatePlan { pace, after }| Watch {
            seen: Seen::new(pace),
            absence: Absence::new(after, Instant::now()),
            led_at: Instant::now(),
        });
        let state = State { copier, made: None, showing: None, watch, is_over: false };
        Self { state: Mutex::new(state), over: Condvar::new(), meters }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the source sent.
    pub(crate) fn take(&self, piece: Copied) {
        self.lock().take(piece);
    }

    /// No more comes from the source, and the slate ends, too.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.over.notify_all();
    }

    /// The slate's thread: shows the newest slate whenever the source is away, until [`end`](Self::end).
    pub(crate) fn stand_in(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let wake_at = state.show(self.is_lost(), self.meters);
            state = self.wait_until(state, wake_at);
        }
    }

    /// The maker's thread: makes a slate whenever the source has another form, until [`end`](Self::end). A film takes seconds: the
    /// picture is there before it.
    pub(crate) fn make_slates(&self, maker: &mut SlateMaker) {
        let mut newest = None;
        let mut state = self.lock();
        while !state.is_over {
            let form = state.form(self.is_lost()).filter(|form| newest.as_ref() != Some(form));
            let Some(form) = form else {
                state = self.wait_until(state, Instant::now() + LOOK);
                continue;
            };
            newest = Some(form);
            for what in [What::Picture, What::Film] {
                drop(state);
                let reel = maker.make(&form, what, &|| self.lock().is_over);
                state = self.lock();
                if let Some(reel) = reel {
                    state.made = Some((form, reel));
                }
            }
        }
    }

    fn wait_until<'s>(
        &self,
        state: MutexGuard<'s, State<'a>>,
        wake_at: Instant,
    ) -> MutexGuard<'s, State<'a>> {
        let left = wake_at.saturating_duration_since(Instant::now());
        let waited = self.over.wait_timeout_while(state, left, |state| !state.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_lost(&self) -> bool {
        matches!(self.meters.source_state(), Some(SourceState::Lost | SourceState::Awaited))
    }
}

impl State<'_> {
    fn form(&self, is_lost: bool) -> Option<SlateForm> {
        self.watch.as_ref()?.seen.form(is_lost)
    }

    fn take(&mut self, piece: Copied) {
        let leading = self.copier.leading();
        if let Some(watch) = &mut self.watch {
            watch.note(&piece, leading);
        }
        let Some(showing) = &self.showing else { return self.copier.take(piece) };
        // The next client begins when a segment can begin with its packets.
        let Copied::Packets(mut packets) = piece else { return };
        let back = back_at(&packets, leading, showing.ends_at(), OVERLAP);
        let rest = packets.split_off(back.unwrap_or(packets.len()));
        self.copier.leave_out(&packets);
        if back.is_some() {
            self.showing = None;
            self.copier.break_off();
            self.copier.take(Copied::Packets(rest));
        }
    }

    /// Sends what is due of the slate, if the source is away; says when to look again.
    fn show(&mut self, is_lost: bool, meters: &Meters) -> Instant {
        let now = Instant::now();
        let Some(watch) = &mut self.watch else { return now + LOOK };
        if is_lost {
            watch.absence.note_loss();
        }
        if self.showing.as_ref().is_some_and(|showing| showing.is_lost(now)) {
            self.showing = None;
        }
        if self.showing.is_none() {
            let absent_from = watch.absence.absent_from(is_lost);
            if now < absent_from {
                return absent_from.min(now + LOOK);
            }
            let Some((_, reel)) = &self.made else { return now + LOOK };
            // The time for which nothing came is shown, too: what players have in store does not become less by it.
            let showing = Showing::new(reel.clone(), self.copier.ended_at(now));
            self.copier.break_off();
            self.showing = Some(showing);
        }
        let Some(showing) = &mut self.showing else { return now + LOOK };
        let packets = showing.due(now);
        let next_at = showing.next_at().unwrap_or(now + LOOK);
        let pictures = packets.iter().filter(|packet| packet.medium == Medium::Video).count();
        meters.frames_slate.add(pictures as u64);
        self.copier.stand_in(packets);
        next_at
    }
}

impl Watch {
    fn note(&mut self, piece: &Copied, leading: Medium) {
        match piece {
            Copied::Begins(streams) => self.seen.begin(streams),
            Copied::Packets(packets) => packets.iter().for_each(|packet| self.note_packet(packet, leading)),
            // Only a list of films does.
            Copied::Ends { .. } => {}
        }
    }

    /// What comes is a sign of life when it comes, however late it is.
    fn note_packet(&mut self, packet: &CopiedPacket, leading: Medium) {
        self.seen.note(packet);
        let now = Instant::now();
        if packet.medium == leading {
            self.led_at = now;
            self.absence.note_picture(now);
        } else if now < self.led_at + SOUND_ALONE {
            self.absence.note_sign(Some(now));
        }
    }
}
