//! Multivariant: the playlists that a playlist lists, each looked at on its own. This is `variants` in what `--json` prints.
//!
//! In: the entries of a multivariant playlist. Out: a [`VariantSummary`] for each, with an inventory of what lies behind it.
//! Reads, through a [`Surveyor`] for each playlist, so that nothing is read twice. On the caller's thread.

use crate::inventory::inventory;
use crate::model::inventory::{Inventory, State, VariantKind, VariantState, VariantSummary};
use crate::model::listing::ListedPlaylist;
use crate::model::names::directory_of;
use crate::read::subject::place;
use crate::read::survey::Surveyor;
use jiff::Timestamp;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// More playlists than this are not looked into.
const MOST_PLAYLISTS: usize = 64;

/// Looks at the playlists that one lists, again and again if need be.
#[derive(Debug, Default)]
pub(crate) struct Variants {
    surveyors: HashMap<PathBuf, Surveyor>,
}

impl Variants {
    /// Looks at `playlists`, which are listed by one in `directory`; reads the newest `rows` segments of each.
    pub(crate) fn look(
        &mut self,
        directory: &Path,
        playlists: &[ListedPlaylist],
        rows: usize,
        looked_at: Timestamp,
    ) -> Vec<VariantSummary> {
        let summaries =
            playlists.iter().take(MOST_PLAYLISTS).map(|listed| self.one(directory, listed, rows, looked_at));
        summaries.collect()
    }

    fn one(
        &mut self,
        directory: &Path,
        listed: &ListedPlaylist,
        rows: usize,
        looked_at: Timestamp,
    ) -> VariantSummary {
        let attributes = &listed.attributes;
        let text = |name: &str| attributes.get(name).map(str::to_owned);
        let number = |name: &str| attributes.get(name).and_then(|value| value.parse().ok());
        let mut summary = VariantSummary {
            uri: listed.uri.clone(),
            kind: listed.kind,
            state: VariantState::Within,
            bandwidth_bps: number("BANDWIDTH"),
            average_bandwidth_bps: number("AVERAGE-BANDWIDTH"),
            codecs: text("CODECS"),
            resolution: text("RESOLUTION"),
            frame_rate: attributes
                .get("FRAME-RATE")
                .and_then(|value| value.parse().ok())
                .filter(|rate: &f64| rate.is_finite()),
            name: match (text("NAME"), text("LANGUAGE")) {
                (Some(name), Some(language)) => Some(format!("{name} ({language})")),
                (name, language) => name.or(language),
            },
            odd: Vec::new(),
            inventory: None,
        };
        let Some(name) = &listed.name else { return summary };
        if directory_of(name).is_none() {
            summary.state = VariantState::Elsewhere;
            return summary;
        }
        let path = directory.join(name);
        summary.inventory = self.inventory(&path, rows, looked_at).map(Box::new);
        summary.state = if summary.inventory.is_some() { VariantState::There } else { VariantState::Missing };
        summary.odd = summary.inventory.as_deref().map(|found| odd(&summary, found)).unwrap_or_default();
        summary
    }

    fn inventory(&mut self, path: &Path, rows: usize, looked_at: Timestamp) -> Option<Inventory> {
        if !path.is_file() {
            return None;
        }
        let mut place = place(path).ok()?;
        // Several of them may lie in one directory; only what it lists is surely its own.
        place.only_listed = true;
        let surveyor = self.surveyors.entry(path.to_owned()).or_default();
        surveyor.survey(&place, rows, looked_at, |_, _| {}).ok().map(inventory)
    }
}

/// What the multivariant playlist says and what lies there do not agree.
fn odd(summary: &VariantSummary, found: &Inventory) -> Vec<String> {
    let mut odd = Vec::new();
    // RFC 8216 4.3.4.2: BANDWIDTH is the largest rate of any segments of 0.5 to 1.5 target durations.
    let target_s = found
        .playlist
        .as_ref()
        .and_then(|playlist| playlist.target_duration_s)
        .map_or(f64::INFINITY, f64::from);
    let counts = |duration_s: f64| (0.5 * target_s..=1.5 * target_s).contains(&duration_s);
    let rates = found
        .segments
        .iter()
        .filter(|row| row.state == State::Listed && row.duration_s.is_some_and(counts))
        .filter_map(|row| row.bitrate_bps);
    if let Some((bandwidth_bps, peak_bps)) = summary.bandwidth_bps.zip(rates.max())
        && peak_bps > bandwidth_bps
        && summary.kind == VariantKind::Variant
    {
        odd.push(format!(
            "BANDWIDTH says {} kb/s, its largest segment has {}",
            bandwidth_bps / 1_000,
            peak_bps.div_ceil(1_000)
        ));
    }
    let video = found.media.video.as_ref();
    let size = video.and_then(|video| Some(format!("{}x{}", video.width?, video.height?)));
    if let (Some(resolution), Some(size)) = (&summary.resolution, size)
        && *resolution != size
    {
        odd.push(format!("RESOLUTION says {resolution}, its pictures have {size}"));
    }
    if let (Some(codecs), Some(codec)) = (&summary.codecs, video.and_then(|video| video.codec.as_ref()))
        && !codecs.split(',').any(|it| it.trim().eq_ignore_ascii_case(codec))
    {
        odd.push(format!("CODECS says {codecs}, its pictures are {codec}"));
    }
    odd
}
