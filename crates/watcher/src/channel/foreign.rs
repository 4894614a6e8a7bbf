//! Foreign: what a channel says of files that are not what it lists, that few players play, or that two encoders write. Each is told
//! once; nothing else follows from it.
//!
//! In: names, facts, and what lies in the live directory. Out: lines in the log. Files of ours are none of these.

use crate::channel::Channel;
use crate::events::present::has_playlist;
use crate::events::stranger::{Stranger, stranger};
use livedir_layout::directory::EntryKind;
use livedir_media::{Facts, foreign};
use std::collections::BTreeMap;
use tracing::warn;

impl Channel {
    /// `strangers`: one name of each kind.
    pub(super) fn complain_of_strangers(&mut self, strangers: BTreeMap<Stranger, String>) {
        for (stranger, name) in strangers {
            self.complain_of(stranger, &name);
        }
    }

    /// A file has come that is not listed.
    pub(super) fn note_stranger(&mut self, name: &str) {
        if let Some(stranger) = stranger(Some(name), EntryKind::File) {
            self.complain_of(stranger, name);
        }
    }

    /// Something has come or gone that may be a directory.
    pub(super) fn note_directory(&mut self, name: &str) {
        let is_to_be_told = !self.is_numbered() && !self.complaints.has(&Stranger::Directory.told());
        if is_to_be_told
            && let Some(stranger) = stranger(Some(name), EntryKind::Directory)
            && self.world.directory.has_directory(&self.files.path().join(name))
            && !has_playlist(&*self.world.directory, self.files.path(), Some(name))
        {
            self.complain_of(stranger, name);
        }
    }

    fn complain_of(&mut self, stranger: Stranger, name: &str) {
        let told = stranger.told();
        // Our own renditions lie in directories.
        if !self.is_numbered() && self.complaints.note(&told) {
            warn!(name = self.publication.label(name), "{told}");
        }
    }

    /// Names what is in a file that most players cannot show.
    pub(super) fn complain_of_few_players(&mut self, name: &str, facts: &Facts) {
        for foreign in foreign(facts) {
            let told = foreign.to_string();
            if self.complaints.note(&told) {
                warn!(name = self.publication.label(name), "few players play this file: {told}");
            }
        }
    }

    /// A file of this name has had its turn.
    pub(super) fn note_series(&mut self, name: &str, facts: Option<Facts>) {
        let Some(facts) = facts.filter(|_| !self.is_numbered()) else { return };
        if let Some(other) = self.series.note(name, facts) {
            let (name, other) = (self.publication.label(name), self.publication.label(&other));
            warn!(
                name,
                other,
                "two encoders seem to write into this directory, as two series of files take turns; give each a webroot of its own, and \
                 keep both with --channels"
            );
        }
    }
}
