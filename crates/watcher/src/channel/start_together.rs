//! Start of a ladder: all sizes begin at the same number, with the same discontinuity sequence number.
//!
//! In: what a run before has left of each size. Out: channels that agree, and what they have in common. Lists that are in line with
//! one another are gone on with, and gaps are put where one of them lacks what others have; a size whose list is not joins them with
//! an empty one. Where that does not do, all begin anew.

use crate::channel::Channel;
use crate::channel::start_up::Begun;
use crate::error::WatchError;
use crate::events::finished_file;
use crate::events::finished_file::ReadBuffer;
use crate::order::Order;
use crate::resume::agreement::{Fate, Left, end, fates, is_true};
use crate::resume::numbers;
use crate::resume::remains::Remains;
use crate::settings::ChannelSettings;
use crate::timeline::align::ROOM_FOR_SOUND_90K;
use crate::timeline::low_latency::MOST_PARTS;
use crate::timeline::shared::SharedTimeline;
use crate::world::World;
use livedir_layout::directory::Directory;
use livedir_layout::files::OnDisk;
use livedir_layout::meters::Meters;
use livedir_layout::names::{part_name, segment_name};
use livedir_layout::numbers::Numbers;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};
use tracing::warn;

/// What the sizes of a ladder share, where there are several.
pub(crate) type Shared = Option<Arc<Mutex<SharedTimeline>>>;

/// Starts all sizes of a stream.
pub(crate) fn start(
    world: &World,
    settings: Vec<ChannelSettings>,
    numbers: &Numbers,
    meters: &[Arc<Meters>],
    buffer: &mut ReadBuffer,
) -> Result<(Vec<Channel>, Shared), WatchError> {
    let directory = &*world.directory;
    let found = settings.into_iter().map(|settings| Remains::find(world, settings));
    let remains: Vec<Remains> = found.collect::<Result<_, _>>()?;
    let left: Vec<_> = remains.iter().map(|it| Left::of(&it.on_disk, it.told.begins_at)).collect();
    let mut fates = fates(&left);
    let told = |(remains, fate): (&Remains, &Fate)| match fate {
        Fate::Rebuilt { .. } | Fate::Joins => None,
        Fate::GoesOn | Fate::Unknown => remains.last_told(),
    };
    let last_told = remains.iter().zip(&fates).filter_map(told).max();
    let in_files = remains.iter().map(|it| it.numbers(directory)).collect::<Result<Vec<_>, _>>()?;
    let last_of_ours = numbers::last_of_ours(&in_files, last_told);
    if remains.iter().all(|it| matches!(it.on_disk, OnDisk::Missing)) {
        fates = begin_with_files(&remains, &in_files, last_of_ours).unwrap_or(fates);
    }
    let interrupted = remains.iter().filter_map(|it| it.last_in_parts(last_of_ours)).max();
    if let Some(number) = interrupted {
        rejoin(directory, &remains, number, buffer);
    }
    let shared = (remains.len() > 1).then(|| shared_timeline(&remains, &fates, world.now()));
    let mut begun = Vec::new();
    for ((remains, fate), meters) in remains.into_iter().zip(&fates).zip(meters) {
        let mut one = Channel::begin(world, remains, (last_of_ours, Some(*fate)), numbers, meters.clone())?;
        one.channel.publication.timeline.share(shared.clone());
        begun.push(one);
    }
    // Those that know what was before tell where the timeline breaks.
    let knows = |fate: &Fate| *fate == Fate::GoesOn;
    for first in [true, false] {
        let its_turn = begun.iter_mut().zip(&fates).filter(|(_, fate)| knows(fate) == first);
        its_turn.for_each(|(one, _)| one.publish_unlisted(buffer));
    }
    begin_together(&mut begun, &fates);
    let next_number = next_number(&begun);
    for one in &mut begun {
        one.take_up_parts(next_number, buffer);
    }
    Ok((begun.into_iter().map(|it| it.channel).collect(), shared))
}

/// No playlist is there, as after a crash before the first one was written: all begin with the first of the newest files, as many as
/// a window holds, that each of them has. `None`: there are no files.
fn begin_with_files(remains: &[Remains], in_files: &[BTreeSet<u64>], last_of_ours: u64) -> Option<Vec<Fate>> {
    let oldest = |(remains, files): (&Remains, &BTreeSet<u64>)| {
        let window = remains.settings.window_segments.max(1);
        files.range(..=last_of_ours).rev().take(window).last().copied()
    };
    let media_sequence = remains.iter().zip(in_files).filter_map(oldest).max()?;
    let rebuilt = |remains: &Remains| Fate::Rebuilt {
        media_sequence,
        // How many discontinuities there were is not known: not more than one a segment.
        discontinuity_sequence: media_sequence.saturating_sub(1),
        target_duration_s: remains.settings.target_duration_s.unwrap_or(1),
    };
    Some(remains.iter().map(rebuilt).collect())
}

fn next_number(begun: &[Begun]) -> u64 {
    begun.iter().map(|it| it.channel.next_segment_number()).max().unwrap_or(1)
}

/// The next segment of all sizes has the same number, and the same discontinuity sequence number.
fn begin_together(begun: &mut [Begun], fates: &[Fate]) {
    let number = next_number(begun);
    let target_duration_s = begun.iter().zip(fates).filter(|(_, fate)| **fate == Fate::GoesOn);
    let target_duration_s =
        target_duration_s.map(|(it, _)| it.channel.publication.playlist().target_duration_s).max();
    for (it, fate) in begun.iter_mut().zip(fates) {
        it.channel.begins_run_at(number);
        if *fate != Fate::Joins {
            it.channel.publication.go_on_up_to(number);
        }
    }
    // What is told of breaks: one that joins knows nothing of them.
    let tells = |fate: &Fate| *fate != Fate::Joins;
    let telling =
        || begun.iter().zip(fates).filter(|(_, fate)| tells(fate)).map(|(it, _)| &it.channel.publication);
    let next = telling().map(|it| it.timeline.next_discontinuity_sequence()).max().unwrap_or(0);
    let is_aligned = |it: &Begun| {
        let publication = &it.channel.publication;
        let lists_nothing = publication.playlist().segments.is_empty() || publication.playlist().ended;
        lists_nothing || publication.timeline.next_discontinuity_sequence() == next
    };
    // Numbers that players of a size have seen do not go back.
    let promised = begun.iter().map(|it| promised_discontinuities(&it.on_disk)).max().unwrap_or(0);
    let is_agreed =
        promised < next.max(1) && begun.iter().zip(fates).all(|(it, fate)| !tells(fate) || is_aligned(it));
    let next = if is_agreed { next } else { next.max(promised + 1) };
    if !is_agreed {
        warn!(number, "the playlists of the renditions differ; they start again, and the numbers continue");
    }
    for (it, fate) in begun.iter_mut().zip(fates) {
        let was_ended = matches!(&it.on_disk, OnDisk::Playlist { playlist, .. } if playlist.ended);
        let publication = &mut it.channel.publication;
        let fits = publication.playlist().next_media_sequence() == number
            && publication.timeline.next_discontinuity_sequence() == next;
        if !is_agreed || !tells(fate) || !fits {
            publication.begin_anew_at((number, next), target_duration_s, was_ended);
        }
        if next > 0 {
            publication.timeline.breaks_at(number);
        }
    }
}

/// The discontinuity sequence number of the last segment that players know of a playlist.
fn promised_discontinuities(on_disk: &OnDisk) -> u64 {
    let OnDisk::Playlist { playlist, .. } = on_disk else { return 0 };
    // One of another stream promises nothing of this one.
    if is_true(playlist) { end(playlist).1 } else { 0 }
}

/// What the sizes bring from a run before.
fn shared_timeline(remains: &[Remains], fates: &[Fate], now: Instant) -> Arc<Mutex<SharedTimeline>> {
    let most = remains.iter().map(|it| it.settings.window_segments).max().unwrap_or(0);
    // Numbers that are listed, and those of the segments that are being written.
    let mut shared = SharedTimeline::new(most + 16);
    for (remains, _) in remains.iter().zip(fates).filter(|(_, fate)| **fate == Fate::GoesOn) {
        if let OnDisk::Playlist { playlist, .. } = &remains.on_disk {
            shared.resume(playlist, remains.settings.has_pictures, now);
        }
    }
    Arc::new(Mutex::new(shared))
}

/// Makes a segment of the parts that a crash has left of the last one, in each size that has as much of it as the others: in the
/// others it is a gap.
fn rejoin(directory: &dyn Directory, remains: &[Remains], number: u64, buffer: &mut ReadBuffer) {
    let mut picture_90k = 0;
    let mut lasts_90k = |live: &Path| {
        let mut read = |name: String| finished_file::read_part(directory, &live.join(name), buffer).ok();
        let whole = read(segment_name(number));
        let is_whole = whole.is_some();
        let parts = (0..MOST_PARTS).map_while(|part| read(part_name(number, part)).filter(|_| !is_whole));
        let pieces: Vec<_> = whole.into_iter().chain(parts).collect();
        for video in pieces.iter().filter_map(|piece| piece.facts.video.as_ref()) {
            picture_90k = picture_90k.max(video.frame_interval_90k);
        }
        pieces.iter().map(|piece| piece.facts.duration_90k).sum::<u64>()
    };
    let lasts_90k: Vec<u64> = remains.iter().map(|it| lasts_90k(&it.live)).collect();
    let longest_90k = lasts_90k.iter().copied().max().filter(|longest_90k| *longest_90k > 0);
    for (remains, lasts_90k) in remains.iter().zip(&lasts_90k) {
        let has_it =
            longest_90k.is_some_and(|longest| longest <= lasts_90k + picture_90k + ROOM_FOR_SOUND_90K);
        if has_it {
            remains.rejoin(directory, number);
        }
    }
}

impl Channel {
    fn begins_run_at(&mut self, number: u64) {
        if let Order::Numbered(order) = &mut self.order {
            order.skip_to(number);
            self.publication.timeline.set_first_of_run(number);
            self.publication.timeline.settle_parts(number);
            self.publication.measure_listed(self.files.path());
        }
    }
}
