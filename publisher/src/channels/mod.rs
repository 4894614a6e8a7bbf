//! Channels: several streams in one program, each on a thread of its own, in a directory of its own.
//!
//! In: the channels of a file, read again when that is asked for. Out: a stream for each, and `channels.json` for the page that lists
//! them. What ends or fails, ends or fails alone. Everything here is on the caller's thread; `one.rs` is on the channels'.

mod list;
mod one;

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::cli::config::channels::Channel;
use crate::source::input::Ports;
use one::{OneChannel, State};

/// How often the status is brought up to date, and a request to read the file again is seen.
const TICK: Duration = Duration::from_millis(500);

/// What somebody wants of channels that run.
#[derive(Debug)]
pub enum Request {
    /// Nothing new.
    Nothing,
    /// From now on these.
    Change(Vec<Channel>),
    /// All are to end.
    Stop,
}

/// Who may want something.
pub trait Requests {
    /// Waits for a request, for so long at most.
    fn wait(&mut self, time: Duration) -> Request;
}

/// What all channels do, for the status line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// How many there are.
    pub channels: usize,
    /// How many have something to show.
    pub on_air: usize,
    /// Bits a second of all of them.
    pub bitrate_bps: u64,
    /// Those whose last run failed.
    pub failing: Vec<String>,
}

/// Runs channels until all have ended, or the stop is requested. `on_status` is called twice a second.
pub fn run(
    webroot: &Path,
    channels: Vec<Channel>,
    requests: &mut impl Requests,
    mut on_status: impl FnMut(&Summary),
) -> io::Result<()> {
    if !webroot.try_exists()? {
        std::fs::create_dir_all(webroot)?;
        livedir_layout::lock::tell_of_new_directory(&std::path::absolute(webroot)?);
    }
    let ports = Ports::default();
    let mut running: Vec<OneChannel> = Vec::new();
    follow(&mut running, channels, webroot, &ports)?;
    while !running.iter().all(OneChannel::has_ended) {
        on_status(&summary(&running));
        for channel in running.iter_mut().filter(|channel| channel.has_panicked()) {
            channel.start(&ports)?;
        }
        match requests.wait(TICK) {
            Request::Nothing => {}
            Request::Change(channels) => follow(&mut running, channels, webroot, &ports)?,
            Request::Stop => break,
        }
    }
    end(running);
    Ok(())
}

/// Ends those that are no longer wanted, or are wanted otherwise, and starts the new ones. The others do not notice.
fn follow(
    running: &mut Vec<OneChannel>,
    wanted: Vec<Channel>,
    webroot: &Path,
    ports: &Ports,
) -> io::Result<()> {
    let is_wanted = |it: &OneChannel| wanted.iter().any(|channel| it.is(channel));
    let (kept, over): (Vec<_>, Vec<_>) = std::mem::take(running).into_iter().partition(is_wanted);
    *running = kept;
    for it in &over {
        tracing::info!(channel = it.name(), "channel ends: it was taken out of the file, or changed there");
    }
    // What ends is listed no more before it ends.
    list::write(webroot, &wanted)?;
    end(over);
    for channel in wanted {
        if !running.iter().any(|it| it.is(&channel)) {
            let mut new = OneChannel::new(channel);
            new.start(ports)?;
            running.push(new);
        }
    }
    Ok(())
}

/// All at the same time.
fn end(channels: Vec<OneChannel>) {
    channels.iter().for_each(OneChannel::request_end);
    channels.into_iter().for_each(OneChannel::wait_for_end);
}

fn summary(running: &[OneChannel]) -> Summary {
    let states: Vec<_> = running.iter().map(|it| (it.name(), it.state())).collect();
    let is_failing = |(_, state): &&(&str, State)| matches!(state, State::Failing);
    Summary {
        channels: running.len(),
        on_air: states.iter().filter(|(_, state)| matches!(state, State::OnAir)).count(),
        bitrate_bps: running.iter().map(OneChannel::bitrate_bps).sum(),
        failing: states.iter().filter(is_failing).map(|(name, _)| (*name).to_owned()).collect(),
    }
}
