//! When each segment was listed, as a third party sees it: the moment at which a playlist that lists it got its name.

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub const PLAYLIST: &str = "stream.m3u8";

pub struct Listed {
    at: Arc<Mutex<HashMap<String, SystemTime>>>,
    _observer: RecommendedWatcher,
}

impl Listed {
    pub fn watch(webroot: &Path) -> Self {
        let at: Arc<Mutex<HashMap<String, SystemTime>>> = Arc::default();
        let (playlist, listed) = (webroot.join(PLAYLIST), at.clone());
        let mut observer = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let now = SystemTime::now();
            let is_new = |event: &notify::Event| {
                event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To))
                    && event.paths.contains(&playlist)
            };
            if event.is_ok_and(|event| is_new(&event)) {
                for uri in uris(&playlist) {
                    listed.lock().expect("no panic").entry(uri).or_insert(now);
                }
            }
        })
        .expect("an observer");
        observer.watch(webroot, RecursiveMode::NonRecursive).expect("a watch");
        Self { at, _observer: observer }
    }

    pub fn at(&self, uri: &str) -> Option<SystemTime> {
        self.at.lock().expect("no panic").get(uri).copied()
    }
}

fn uris(playlist: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(playlist).unwrap_or_default();
    let playlist = livedir_playlist::parse(&text);
    playlist.map_or(Vec::new(), |playlist| playlist.segments.into_iter().map(|it| it.uri).collect())
}
