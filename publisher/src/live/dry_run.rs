//! Dry run: whether a source that is a file can be streamed, and a slate be shown, before anything is begun.
//!
//! In: the settings. Out: what `live` would refuse the file with. Writes nothing, and starts no thread that outlives it.

use std::sync::mpsc;

use crate::cli::settings::LiveSettings;
use crate::live::copy::{self, Attempt};
use crate::source::SourceError;
use crate::source::input::{self, Doors, InputAddress};
use crate::source::open::SourceChoice;
use crate::source::slate::SlateFile;
use livedir_time::stop::Stop;

/// Opens the file as `live` would. Other sources are not opened: a camera serves one program at a time, a network takes long, and what
/// was read from a pipe is gone.
pub fn look(settings: &LiveSettings, stop: &Stop) -> Result<(), SourceError> {
    settings.slate.as_ref().map(|path| SlateFile::read(path, stop)).transpose()?;
    let SourceChoice::Input(InputAddress::File(path)) = &settings.source else { return Ok(()) };
    let is_device_or_pipe = path.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir());
    if is_device_or_pipe {
        return Ok(());
    }
    let (opened_tx, opened_rx) = mpsc::sync_channel(1);
    match copy::attempt(settings, &Doors::default(), stop, &opened_tx) {
        Attempt::Copies(_) => Ok(()),
        Attempt::Encodes => {
            settings.input_settings(&Doors::default(), stop).map(|input| input::open(&input)).transpose()?;
            Ok(())
        }
        // Without an error it was the stop.
        Attempt::Fails => opened_rx.try_recv().map_or(Ok(()), |outcome| outcome.map(|_| ())),
    }
}
