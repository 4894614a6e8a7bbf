//! Look-ahead: the start of a stream is looked at before anything of it is handed out. What was looked at stays in its lanes.
//!
//! In: what the demuxer reads. Out: what it shows. Waits for as long as it takes to know how far keyframes are apart: some
//! seconds of a live stream, a moment of a file.

use super::lane::CopyLane;
use super::suitability::Start;
use crate::source::input::demux::{Demuxer, Ending, Queued, TICK};
use crate::source::input::error::InputError;
use crate::source::input::pace::timeline::Lane;
use std::time::Instant;

/// Reads the start of a stream, until its codecs and keyframe interval are known. `name`: of the source, for people.
pub(crate) fn look_ahead(
    mut start: Start,
    lanes: &mut [CopyLane; 2],
    demuxer: &Demuxer,
    name: &str,
) -> Result<Start, InputError> {
    loop {
        if demuxer.stopped() {
            return Err(InputError::Stopped(name.to_owned()));
        }
        let seen = demuxer.changes();
        let ending = demuxer.ending();
        let mut is_news = false;
        for lane in Lane::ALL {
            let its = &mut lanes[lane as usize];
            // What follows is another round's.
            while !matches!(its.ahead.back(), Some(Queued::RoundEnd))
                && let Some(queued) = demuxer.pop(lane)
            {
                is_news = true;
                let seen = its.ahead.len();
                its.admit(queued);
                for queued in its.ahead.iter().skip(seen) {
                    match (queued, &its.setup) {
                        (Queued::Packet { packet, .. }, Some(setup)) => start.see(lane, setup, packet),
                        (Queued::RoundEnd, _) => start.see_end(lane),
                        (Queued::Packet { .. }, None) | (Queued::RunsAhead | Queued::Setup(_), _) => {}
                    }
                }
                if start.is_enough() {
                    return Ok(start);
                }
            }
        }
        if !is_news {
            match ending {
                Some(Ending::Failed(error)) => return Err(error),
                Some(Ending::Over) => return Ok(start),
                None => demuxer.wait(seen, Instant::now() + TICK),
            }
        }
    }
}
