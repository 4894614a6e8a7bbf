//! Who has fetched a playlist lately. Keys and times in, keys out; bounded, whoever comes.

use std::collections::HashMap;

/// The most players that one thread tells apart, in 4 MB; the count does not rise above this.
const MOST: usize = 100_000;

/// When room is needed, players that have not been seen for this long are forgotten: longer than any player waits.
const FORGET_S: u64 = 120;

/// Keys of players, with the second of their last playlist.
#[derive(Debug, Default)]
pub(super) struct Viewers {
    seen_s: HashMap<u64, u64>,
    /// When old players were last removed: so a flood of new ones does not cause a search for each.
    swept_s: u64,
}

impl Viewers {
    pub(super) fn saw(&mut self, viewer: u64, now_s: u64) {
        if let Some(seen_s) = self.seen_s.get_mut(&viewer) {
            *seen_s = now_s;
            return;
        }
        if self.seen_s.len() >= MOST {
            if self.swept_s == now_s {
                return;
            }
            self.swept_s = now_s;
            self.seen_s.retain(|_, seen_s| now_s - *seen_s <= FORGET_S);
            if self.seen_s.len() >= MOST {
                return;
            }
        }
        self.seen_s.insert(viewer, now_s);
    }

    /// Forgets the others.
    pub(super) fn lately(&mut self, now_s: u64, within_s: u64) -> Vec<u64> {
        self.seen_s.retain(|_, seen_s| now_s - *seen_s <= within_s.max(FORGET_S));
        self.seen_s
            .iter()
            .filter(|(_, seen_s)| now_s - **seen_s <= within_s)
            .map(|(viewer, _)| *viewer)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_is_one_who_came_lately_however_often() {
        let mut viewers = Viewers::default();
        viewers.saw(1, 0);
        viewers.saw(2, 5);
        viewers.saw(2, 6);
        assert_eq!(viewers.lately(6, 6).len(), 2);
        assert_eq!(viewers.lately(7, 6), [2]);
    }

    #[test]
    fn a_crowd_is_counted_up_to_a_bound_and_then_forgotten() {
        let mut viewers = Viewers::default();
        for viewer in 0..2 * MOST as u64 {
            viewers.saw(viewer, 0);
        }
        assert_eq!(viewers.lately(0, 6).len(), MOST);
        viewers.saw(u64::MAX, FORGET_S + 1);
        assert_eq!(viewers.lately(FORGET_S + 1, 6), [u64::MAX]);
    }
}
