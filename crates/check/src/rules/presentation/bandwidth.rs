//! BANDWIDTH and AVERAGE-BANDWIDTH of a multivariant playlist, held to what was measured.

use std::collections::HashMap;

use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must, should};
use livedir_playlist::BitRate;
use livedir_playlist::{Listing, MultivariantListing, Variant, read_listing};

pub(crate) static BANDWIDTH_BELOW_PEAK: Rule = must(
    "bandwidth-below-peak",
    "RFC 8216 4.3.4.2",
    "BANDWIDTH of a variant that is complete is its largest peak bit rate, with that of its sound.",
);
pub(crate) static PEAK_OVER_BANDWIDTH: Rule = must(
    "peak-over-bandwidth",
    "Apple 1.29",
    "The peak bit rate of a live variant, with that of its sound, stays below 125 % of BANDWIDTH.",
);
pub(crate) static AVERAGE_BANDWIDTH_OFF: Rule = must(
    "average-bandwidth-off",
    "Apple 1.26",
    "The average bit rate of a variant that is complete is within 10 % of AVERAGE-BANDWIDTH.",
);
pub(crate) static AVERAGE_OVER_BANDWIDTH: Rule = must(
    "average-over-bandwidth",
    "Apple 1.28",
    "The average bit rate of a live variant over an hour stays below 110 % of AVERAGE-BANDWIDTH.",
);
pub(crate) static AVERAGE_OVER_BANDWIDTH_SO_FAR: Rule = should(
    "average-over-bandwidth-so-far",
    "Apple 1.28",
    "The average bit rate of a live variant stays below 110 % of AVERAGE-BANDWIDTH in shorter times too.",
);

/// What Apple 1.28 calls long.
const LONG_S: f64 = 3600.0;

/// EXTINF of a short segment, rounded to a millisecond.
const ROUNDING: f64 = 1.002;

/// What was measured of a playlist that a multivariant one lists.
#[derive(Debug, Clone, Copy)]
pub struct MeasuredRendition<'a> {
    /// Its URI, as the multivariant playlist has it.
    pub uri: &'a str,
    /// Of its segments.
    pub bit_rate: BitRate,
}

/// A variant together with the renditions that are played with it, the largest of each group.
struct Sum {
    peak_bps: f64,
    average_bps: f64,
    seconds: f64,
    /// Whether nothing is missing in it.
    is_complete: bool,
}

/// Holds what a multivariant playlist says of bit rates to what they are. What was not measured counts for nothing.
#[must_use]
pub fn check_bandwidth(name: &str, text: &str, measured: &[MeasuredRendition<'_>]) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let Listing::Multivariant(listing) = read_listing(text) else { return findings.found };
    let measured: HashMap<&str, BitRate> = measured.iter().map(|it| (it.uri, it.bit_rate)).collect();
    let groups = groups(&listing, &measured);
    for variant in &listing.variants {
        if let Some(sum) = sum(variant, &measured, &groups) {
            check_variant(&mut findings, variant, &sum);
        }
    }
    findings.found
}

fn check_variant(findings: &mut Findings<'_>, variant: &Variant, sum: &Sum) {
    let said = |name| variant.attributes.get(name).and_then(|value| value.parse::<u64>().ok());
    let told = |bps: f64, what: &str| format!("{what} of {bps:.0} bit/s in {:.0} s", sum.seconds);
    let uri = variant.uri.as_deref().unwrap_or_default();
    if let Some(bandwidth) = said("BANDWIDTH") {
        let most_bps = bandwidth as f64;
        if sum.is_complete && sum.peak_bps > most_bps * ROUNDING {
            let expected = format!("at most BANDWIDTH, {bandwidth}");
            findings.segment(&BANDWIDTH_BELOW_PEAK, uri, told(sum.peak_bps, "a peak"), expected);
        } else if !sum.is_complete && sum.peak_bps >= most_bps * 1.25 {
            let expected = format!("less than 125 % of BANDWIDTH, {bandwidth}");
            findings.segment(&PEAK_OVER_BANDWIDTH, uri, told(sum.peak_bps, "a peak"), expected);
        }
    }
    if let Some(average) = said("AVERAGE-BANDWIDTH") {
        let (seen, ratio) = (told(sum.average_bps, "an average"), sum.average_bps / average as f64);
        if sum.is_complete && !(0.9..=1.1).contains(&ratio) {
            let expected = format!("within 10 % of AVERAGE-BANDWIDTH, {average}");
            findings.segment(&AVERAGE_BANDWIDTH_OFF, uri, seen, expected);
        } else if !sum.is_complete && ratio >= 1.1 {
            let is_long = sum.seconds >= LONG_S;
            let rule = if is_long { &AVERAGE_OVER_BANDWIDTH } else { &AVERAGE_OVER_BANDWIDTH_SO_FAR };
            let expected = format!("less than 110 % of AVERAGE-BANDWIDTH, {average}");
            findings.segment(rule, uri, seen, expected);
        }
    }
}

/// Type and name of a group → its renditions that are played from playlists of their own.
type Groups<'a> = HashMap<(&'a str, &'a str), Vec<(&'a str, Option<BitRate>)>>;

fn groups<'a>(listing: &'a MultivariantListing, measured: &HashMap<&str, BitRate>) -> Groups<'a> {
    let mut groups = Groups::new();
    for rendition in &listing.renditions {
        let get = |name| rendition.attributes.get(name);
        if let (Some(kind), Some(id), Some(uri)) = (get("TYPE"), get("GROUP-ID"), rendition.uri.as_deref()) {
            groups.entry((kind, id)).or_default().push((uri, measured.get(uri).copied()));
        }
    }
    groups
}

/// `None` when nothing of the variant itself was measured.
fn sum(variant: &Variant, measured: &HashMap<&str, BitRate>, groups: &Groups<'_>) -> Option<Sum> {
    let uri = variant.uri.as_deref()?;
    let own = measured.get(uri)?;
    let mut sum = Sum {
        peak_bps: own.peak_bps,
        average_bps: own.average_bps,
        seconds: own.seconds,
        is_complete: own.is_complete,
    };
    for kind in ["AUDIO", "SUBTITLES"] {
        let Some(group) = variant.attributes.get(kind).and_then(|id| groups.get(&(kind, id))) else {
            continue;
        };
        let (mut peak_bps, mut average_bps) = (0.0_f64, 0.0_f64);
        for (_, bit_rate) in group.iter().filter(|(it, _)| *it != uri) {
            let Some(bit_rate) = bit_rate else {
                sum.is_complete = false;
                continue;
            };
            peak_bps = peak_bps.max(bit_rate.peak_bps);
            average_bps = average_bps.max(bit_rate.average_bps);
            sum.seconds = sum.seconds.min(bit_rate.seconds);
            sum.is_complete &= bit_rate.is_complete;
        }
        (sum.peak_bps, sum.average_bps) = (sum.peak_bps + peak_bps, sum.average_bps + average_bps);
    }
    Some(sum)
}
