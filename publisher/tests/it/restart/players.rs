//! Other people's players stay on a stream whose publisher is started again: sound and picture together, and never still.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Away, next_number, segment, wait_for_run};
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer};
use crate::support::wait_for;

/// Sound and picture that are farther apart are seen to be.
const TOGETHER_S: f64 = 0.1;

/// Two seconds, of four looks each.
const LOOKS: usize = 8;

/// A ladder: mpv's reader has two playlists to keep together.
const WORDS: [&str; 5] = ["test", "--ladder", "320x180@300k,160x90@100k", "--segment-duration", "1s"];

/// What mpv tells: where it is, and how far sound and picture are apart.
fn looks(mpv: &Running) -> Vec<(f64, f64)> {
    let look = |line: &str| {
        let (_, told) = line.split_once("position_s=")?;
        let (position_s, avsync_s) = told.split_once(" avsync_s=")?;
        Some((position_s.parse().ok()?, avsync_s.trim().parse().ok()?))
    };
    mpv.output().lines().filter_map(look).collect()
}

/// Waits until mpv has played on from this time of the stream, or later, with sound and picture together.
#[track_caller]
fn wait_until_it_plays(mpv: &mut Running, from_s: f64) {
    wait_for("mpv with sound and picture together", PATIENCE, || {
        assert!(mpv.still_runs(), "mpv has ended:\n{}", mpv.output());
        let looks = looks(mpv);
        let last = looks.last_chunk::<LOOKS>()?;
        let is_there = last.iter().all(|(position_s, avsync_s)| {
            (from_s..from_s + PATIENCE.as_secs_f64()).contains(position_s) && avsync_s.abs() < TOGETHER_S
        });
        (is_there && last.is_sorted_by(|before, after| before.0 < after.0)).then_some(())
    });
}

fn start_mpv(site: &WebServer) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/restart/avsync.lua");
    let mut mpv = Command::new("mpv");
    mpv.args(["--no-config", "--vo=null", "--ao=null", "--rebase-start-time=no"]);
    mpv.arg(format!("--script={}", script.display())).arg(format!("{}/stream.m3u8", site.address));
    Running::start(&mut mpv)
}

fn start_of_run_s(playlists: &Path, first: u64) -> f64 {
    segment(playlists, first).facts.start_90k as f64 / 90_000.0
}

#[test]
fn mpv_plays_copied_b_frames_with_sound_and_picture_together() {
    let directory = tempfile::tempdir().unwrap();
    let source = LiveSource::like_obs("160x90");
    let words = [&*source.url(), "--copy", "--low-latency", "--segment-duration", "2s"];
    let mut stream = LiveStream::start(directory.path(), &words);
    stream.wait_for_segment(3);
    let site = WebServer::start(directory.path());
    wait_until_it_plays(&mut start_mpv(&site), 0.0);
}

#[test]
fn mpv_goes_on_with_sound_and_picture_together_and_is_not_still() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let top = webroot.join("live/180p");
    let restart = |stream: LiveStream, away: Away| {
        stream.publisher.kill();
        let next_number = next_number(&top);
        away.pretend(webroot);
        let mut stream = LiveStream::start(webroot, &WORDS);
        let first = wait_for_run(&mut stream, &top, next_number);
        (stream, start_of_run_s(&top, first))
    };
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for("a segment", PATIENCE, || (next_number(&top) > 1).then_some(()));
    // From a minute on, mpv takes a step back to the beginning for a wrap.
    let (mut stream, start_s) = restart(stream, Away::For(Duration::from_secs(80)));
    assert!(start_s > 60.0, "the timeline stands at {start_s} s");

    let site = WebServer::start(webroot);
    let mut mpv = start_mpv(&site);
    wait_until_it_plays(&mut mpv, start_s);
    // It would stand still for good at the longer one, if that were not closed up.
    for hours in [0, 12] {
        let away = Away::For(Duration::from_secs(60 + hours * 3600));
        let (again, start_s) = restart(stream, away);
        stream = again;
        wait_until_it_plays(&mut mpv, start_s);
    }
}
