//! Several channels: each is a webroot of its own, and who names the directory of all is told of them.

use super::kinds::{Webroot, copy};
use super::looks::{Look, drawn, inventory};
use crate::support::check::check;
use crate::support::programs::{PATIENCE, Running, publisher};
use crate::support::wait_for;

/// Gives what is wrong.
pub fn try_all(one: &Webroot) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let channels = ["a", "b"].map(|name| directory.path().join(name));
    for channel in &channels {
        copy(&one.path().join("live"), &channel.join("live"));
    }
    let watch = Running::start(publisher().arg("watch").arg("--channels").arg(directory.path()));
    wait_for("both channels", PATIENCE, || {
        let is_listed = |channel: &std::path::PathBuf| {
            std::fs::read_to_string(channel.join("stream.m3u8")).is_ok_and(|text| text.contains("#EXTINF"))
        };
        channels.iter().all(is_listed).then_some(())
    });
    let mut faults = Vec::new();
    let mut row = |command: &str, fault: Option<String>| {
        faults.extend(fault.map(|fault| format!("channels, {command}: {fault}")));
    };
    for channel in &channels {
        row("inspect", super::fault_of_drawing(&drawn(Look::Once, channel)));
        row("inspect --follow", super::fault_of_drawing(&drawn(Look::Follow, channel)));
        let seen = inventory(channel);
        let is_numbered = seen.segments.iter().all(|it| it.media_sequence.is_some());
        row("inspect --json", super::differs("numbers", is_numbered && !seen.segments.is_empty(), true));
        row("check", super::differs("rules broken", &check(&[channel]).rules()[..], &[]));
    }
    let all = drawn(Look::Once, directory.path());
    row("inspect of all", super::fault_of_drawing(&all));
    // One is shown; the other is named.
    let text = all.unwrap_or_default();
    let are_named = ["a/stream.m3u8", "b/stream.m3u8"].iter().all(|name| text.contains(name));
    row("inspect of all", super::differs("both named", are_named, true));
    let checked = check(&[directory.path()]);
    let complaint =
        checked.complaints.contains("a/stream.m3u8") && checked.complaints.contains("b/stream.m3u8");
    row("check of all", super::differs("both named", (checked.status, complaint), (2, true)));
    drop(watch);
    faults
}
