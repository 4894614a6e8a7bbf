//! List: `channels.json` in the webroot, which the page of all channels reads.
//!
//! In: the channels. Out: the file, whole at once: `{"channels": [{"name": "stage", "title": "Main stage"}]}`. The playlist of a
//! channel is `NAME/stream.m3u8`.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use crate::cli::config::channels::Channel;
use livedir_layout::directory::disk::Disk;

const NAME: &str = "channels.json";

#[derive(Serialize)]
struct List<'a> {
    channels: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    title: &'a str,
}

/// Writes it anew.
pub(super) fn write(webroot: &Path, channels: &[Channel]) -> io::Result<()> {
    let entries = channels.iter().map(|channel| Entry {
        name: &channel.name,
        title: channel.settings.title.as_deref().unwrap_or(&channel.name),
    });
    let list = List { channels: entries.collect() };
    let bytes = serde_json::to_vec(&list)?;
    livedir_layout::write::write(&Disk::without_events(), webroot, NAME, &bytes, SystemTime::now())
}
