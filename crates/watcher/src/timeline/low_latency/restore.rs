//! Restore: the parts that a run before has listed stay in the list (bis-22 6.2.1). Pure.
//!
//! In: what the list on disk tells of a segment, and the parts that are there. Out: the list, as it was.

use crate::events::finished_file::Finished;
use crate::timeline::low_latency::{LONGEST_FRAME_90K, LowLatencyList, ROUNDING_90K};
use livedir_playlist::{Part, PartError};
use std::collections::BTreeMap;

/// The parts of a segment, as a list of a run before tells of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToldParts {
    pub(crate) parts: Vec<Part>,
    pub(crate) media_sequence: u64,
    /// Its segment is listed with them: no more of them come.
    pub(crate) are_all: bool,
}

impl ToldParts {
    /// Whether they are parts of a segment of this length, and not of another one that had its number.
    pub(crate) fn fit(&self, duration_90k: u64) -> bool {
        let listed_90k: u64 = self.parts.iter().map(|part| part.duration_90k).sum();
        // Each is rounded to a millisecond in the text, and sound ends within a frame of the video.
        let room_90k = LONGEST_FRAME_90K + self.parts.len() as u64 * ROUNDING_90K;
        let is_long_enough = !self.are_all || listed_90k + room_90k >= duration_90k;
        is_long_enough && listed_90k <= duration_90k + room_90k
    }
}

impl LowLatencyList {
    /// The parts of a complete segment at the start: those that the list on disk tells of as it does, whatever has become of
    /// their files (bis-22 6.2.1), and then those that are there. What is missing is lost. Says what is wrong with parts that
    /// cannot be listed.
    pub(crate) fn restore(
        &mut self,
        number: u64,
        (told, parts): (ToldParts, BTreeMap<u32, Finished>),
        (media_sequence, duration_90k): (u64, u64),
    ) -> Vec<PartError> {
        self.open = Some(number);
        (self.ends_at_90k, self.decodes_until_90k) = (None, None);
        let mut errors = Vec::new();
        let mut are_all = told.are_all;
        for part in told.parts {
            let is_gap = part.is_gap();
            if let Err(error) = self.edge.push(part) {
                // A part target of another run: this list is a new one.
                errors.push(error);
                are_all = false;
                break;
            }
            let finished = parts.get(&(self.listed_parts() - 1));
            self.ends_at_90k = finished.filter(|_| !is_gap).map(|it| it.facts.end_90k());
        }
        let listed = self.listed_parts();
        if !are_all {
            // One that its segment has no room for is not of it.
            let mut room_90k = duration_90k.saturating_sub(self.listed_90k()) + ROUNDING_90K;
            let behind = parts.into_iter().filter(|(part, finished)| {
                let fits = *part >= listed && finished.facts.duration_90k <= room_90k;
                room_90k -= if fits { finished.facts.duration_90k } else { 0 };
                fits
            });
            self.waiting = behind.map(|(part, finished)| ((number, part), finished)).collect();
            errors.extend(self.list_parts_of(number));
            self.push_lost_rest(number, duration_90k);
        }
        self.close(media_sequence);
        errors
    }
}
