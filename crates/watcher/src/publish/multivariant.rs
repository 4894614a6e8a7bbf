//! Multivariant playlist: what is known of the renditions of a ladder → `stream.m3u8` and `ll.m3u8` in the webroot.
//!
//! In: the renditions, after each wake. Out: the playlists, replaced when they would say something else, and with low
//! latency how far each rendition is, for the playlists of the others. Runs on the watcher's thread.

use crate::publish::Publication;
use crate::settings::WatcherSettings;
use crate::world::World;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST, replace};
use livedir_layout::names::LIVE;
use livedir_layout::rendition::AUDIO;
use livedir_media::AudioCodec;
use livedir_playlist::{EdgeReport, Rates, SharedAudio, VariantStream, put_in_order, render_multivariant};
use std::path::PathBuf;
use tracing::warn;

/// What players are told of AAC, as RFC 6381 writes it: low complexity.
const AAC: &str = "mp4a.40.2";

/// The multivariant playlists of one stream.
pub(crate) struct Multivariant {
    world: World,
    webroot: PathBuf,
    has_parts: bool,
    /// The rungs and the sound, in the order in which players see them.
    names: Vec<String>,
    /// What had been measured of each when it was last written; nothing of this changes between two segments. `None` of a
    /// size that has no segment yet: players are not told of it.
    measured: Vec<Option<Rates>>,
    /// What is written of each.
    rates: Vec<Rates>,
    text: String,
    fails: bool,
}

impl Multivariant {
    /// `None` without a ladder.
    pub(crate) fn new(world: World, settings: &WatcherSettings) -> Option<Self> {
        let names: Option<Vec<_>> = settings.renditions.iter().map(|it| it.name.clone()).collect();
        let names = names?;
        Some(Self {
            world,
            webroot: settings.webroot.clone(),
            has_parts: settings.part_target_90k.is_some(),
            measured: Vec::new(),
            rates: vec![Rates::default(); names.len()],
            names,
            text: String::new(),
            fails: false,
        })
    }

    /// Brings everything up to date. `renditions`: in the order of the settings.
    pub(crate) fn update(&mut self, mut renditions: Vec<&mut Publication>) {
        if self.has_parts {
            self.exchange_reports(&mut renditions);
        }
        let measured: Vec<_> = renditions.iter().map(|it| it.measured()).collect();
        // Until each has been measured, players would be told what is not so. An encoder that has no time for a single
        // segment is waited for no longer.
        let is_known = |(measured, rendition): (&Option<Rates>, &&mut Publication)| {
            measured.is_some() || rendition.timeline.is_left_out()
        };
        let has_pictures =
            measured.iter().zip(&self.names).any(|(measured, name)| measured.is_some() && name != AUDIO);
        let is_ready = has_pictures && measured.iter().zip(&renditions).all(is_known);
        if !is_ready || measured == self.measured {
            return;
        }
        for (written, measured) in self.rates.iter_mut().zip(&measured) {
            *written = measured.map_or(*written, |measured| written.settled(measured));
        }
        // A failure is tried again at the next wake.
        if self.write(&renditions, &measured) {
            self.measured = measured;
        }
    }

    fn exchange_reports(&self, renditions: &mut [&mut Publication]) {
        let reports: Vec<_> = self
            .names
            .iter()
            .zip(renditions.iter())
            .map(|(name, rendition)| {
                let (last_media_sequence, last_part) = rendition.last_part()?;
                let uri = format!("../{name}/{LOW_LATENCY_PLAYLIST}");
                Some(EdgeReport { uri, last_media_sequence, last_part })
            })
            .collect();
        for (index, rendition) in renditions.iter_mut().enumerate() {
            // bis B.1: MUST report every other rendition.
            let others = reports.iter().enumerate().filter(|(other, _)| *other != index);
            rendition.set_reports(others.filter_map(|(_, report)| report.clone()).collect());
        }
    }

    /// Says whether what is on disk is true.
    fn write(&mut self, renditions: &[&mut Publication], measured: &[Option<Rates>]) -> bool {
        let sound =
            self.names.iter().position(|name| name == AUDIO).filter(|sound| measured[*sound].is_some());
        let sound_rates = sound.map_or(Rates::default(), |sound| self.rates[sound]);
        let channels =
            sound.and_then(|sound| match renditions[sound].newest_facts()?.audio.as_ref()?.codec {
                AudioCodec::Aac { channels, .. } => Some(channels),
                AudioCodec::Other(_) => None,
            });
        let listed = self.names.iter().zip(&self.rates).zip(renditions).zip(measured);
        let pictures = listed
            .filter(|(((name, _), _), measured)| *name != AUDIO && measured.is_some())
            .map(|(rendition, _)| rendition);
        let mut variants: Vec<_> = pictures
            .map(|((name, rates), rendition)| {
                let picture = rendition.newest_facts().and_then(|it| it.video.as_ref()?.picture.as_ref());
                let codecs = picture.map(|picture| picture.codec.clone()).into_iter();
                VariantStream {
                    uri: format!("{LIVE}/{name}/{PLAYLIST}"),
                    rates: Rates {
                        peak_bps: rates.peak_bps + sound_rates.peak_bps,
                        average_bps: rates.average_bps + sound_rates.average_bps,
                    },
                    codecs: codecs.chain(sound.map(|_| AAC.to_owned())).collect(),
                    resolution: picture.map(|picture| (picture.width, picture.height)),
                    frame_rate: rendition.frame_rate(),
                }
            })
            .collect();
        put_in_order(&mut variants);
        let audio = sound.map(|_| SharedAudio { uri: format!("{LIVE}/{AUDIO}/{PLAYLIST}"), channels });
        let text = render_multivariant(&variants, audio.as_ref());
        if text == self.text {
            return true;
        }
        let low_latency = self.has_parts.then(|| text.replace(PLAYLIST, LOW_LATENCY_PLAYLIST));
        let written = low_latency
            .map_or(Ok(()), |text| {
                replace(&*self.world.directory, &self.webroot, LOW_LATENCY_PLAYLIST, text.as_bytes())
            })
            .and_then(|()| replace(&*self.world.directory, &self.webroot, PLAYLIST, text.as_bytes()));
        match written {
            Ok(()) => {
                (self.text, self.fails) = (text, false);
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.fails, true) {
                    warn!(%error, "stream.m3u8 cannot be written; free space or make webroot writable");
                }
                false
            }
        }
    }
}
