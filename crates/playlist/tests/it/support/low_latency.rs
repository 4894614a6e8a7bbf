//! Low-latency playlists for the tests: what a writer lists whose segments of 2 s have four parts each.

use jiff::{SignedDuration, Timestamp};
use livedir_playlist::{LiveEdge, LowLatency, Part, PartContent, PartList, Window, render_low_latency};

use super::{TEN_OF_2_S, after_a_break, segment};

/// Half a second.
pub const PART_90K: u64 = 45_000;

/// A writer, part by part.
pub struct Writer {
    window: Window,
    edge: LiveEdge,
    breaks_at: Option<u64>,
}

impl Writer {
    /// After so many segments, and so many parts of the one after them.
    pub fn after(segments: u64, open_parts: u64) -> Writer {
        let mut writer =
            Writer { window: Window::new(TEN_OF_2_S, 1), edge: LiveEdge::new(PART_90K), breaks_at: None };
        for _ in 0..segments {
            (0..4).for_each(|_| writer.film());
            writer.close();
        }
        (0..open_parts).for_each(|_| writer.film());
        writer
    }

    /// It was killed and goes on: what there is of the segment becomes one, and the next begins after a break.
    pub fn broken_off(mut self) -> Writer {
        self.close();
        self.breaks_at = Some(self.window.next_media_sequence());
        self.film();
        self
    }

    /// The text that lies on disk now.
    pub fn text(&self) -> String {
        let open = self.edge.open().parts.len() as u64;
        let (number, part) = (self.window.next_media_sequence(), open % 4);
        let hint = part_uri(if open == 4 { number + 1 } else { number }, part);
        let parts = PartList { edge: &self.edge, hint: &hint };
        let low_latency = LowLatency { parts: Some(parts), reports: &[], can_skip: true };
        render_low_latency(self.window.playlist(), &low_latency)
    }

    /// The text after the end.
    pub fn ended(mut self) -> String {
        if !self.edge.open().parts.is_empty() {
            self.close();
        }
        self.window.end();
        self.text()
    }

    fn film(&mut self) {
        let number = self.window.next_media_sequence();
        let index = self.edge.open().parts.len() as u64;
        if index == 0 {
            let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let date = noon + SignedDuration::from_secs((number as i64 - 1) * 2);
            self.edge.begin(Some(date), self.breaks_at == Some(number));
        }
        let uri = part_uri(number, index);
        self.edge
            .push(Part { uri, duration_90k: PART_90K, content: PartContent::of_media(index == 0) })
            .unwrap();
        self.edge.trim(self.window.playlist());
    }

    fn close(&mut self) {
        let number = self.window.next_media_sequence();
        let segment = segment(number, self.edge.open().parts.len() as u64 * PART_90K);
        let segment = if self.breaks_at == Some(number) { after_a_break(segment) } else { segment };
        self.window.push(segment).unwrap();
        self.edge.close(number);
        self.edge.trim(self.window.playlist());
    }
}

/// As the publisher names it.
pub fn part_uri(media_sequence: u64, part: u64) -> String {
    format!("live/seg-{media_sequence:08}.p{part:02}.ts")
}
