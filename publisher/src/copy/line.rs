//! Line: the source and its slate take turns, and what either sends goes to the packager by the [`Copier`].
//!
//! In: what the source sends, from the source thread; and a slate, from the slate's thread, which shows it while the source is away.
//! Out: packets on one timeline. Each change of turns is a break in it. Both threads use it; whoever has the lock sends.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::copier::Copier;
use super::slate_form::{Seen, SlateForm, SlatePace};
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
}

impl<'a> CopyLine<'a> {
    /// Of a source, with a slate or without.
    pub(crate) fn new(copier: Copier<'a>, plan: Option<SlatePlan>, meters: &'a Meters) -> Self {
        let watch = plan.map(|SlatePlan { pace, after }| Watch {
            seen: Seen::new(pace),
            absence: Absence::new(after, Instant::now()),
        });
        let state = State { copier, showing: None, watch, is_over: false };
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

    /// The slate's thread: shows what `make` makes of the form of the source whenever it is away, until [`end`](Self::end).
    pub(crate) fn stand_in(&self, mut make: impl FnMut(&SlateForm) -> Option<Arc<Reel>>) {
        let mut newest: Option<(SlateForm, Option<Arc<Reel>>)> = None;
        let mut state = self.lock();
        while !state.is_over {
            let news = state.form().filter(|form| newest.as_ref().is_none_or(|(of, _)| of != form));
            if let Some(form) = news.filter(|_| state.showing.is_none()) {
                drop(state);
                newest = Some((form, make(&form)));
                state = self.lock();
                continue;
            }
            let reel = newest.as_ref().and_then(|(_, reel)| reel.as_ref());
            let wake_at = state.show(reel, self.is_lost(), self.meters);
            let left = wake_at.saturating_duration_since(Instant::now());
            let waited = self.over.wait_timeout_while(state, left, |state| !state.is_over);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_lost(&self) -> bool {
        matches!(self.meters.source_state(), Some(SourceState::Lost | SourceState::Awaited))
    }
}

impl State<'_> {
    fn form(&self) -> Option<SlateForm> {
        self.watch.as_ref()?.seen.form()
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
    fn show(&mut self, reel: Option<&Arc<Reel>>, is_lost: bool, meters: &Meters) -> Instant {
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
            let Some(reel) = reel else { return now + LOOK };
            // The time for which nothing came is shown, too: what players have in store does not become less by it.
            let began_at = self.copier.ended_at(now);
            self.copier.break_off();
            self.showing = Some(Showing::new(reel.clone(), began_at));
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
            self.absence.note_picture(now);
        } else {
            self.absence.note_sign(Some(now));
        }
    }
}
