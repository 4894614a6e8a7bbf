//! Versions: every version of a playlist by itself, and against the one before. The judge is what `check` asks of any stream.

use super::{
    Verdict,
    channel::{Channel, Version, Which},
};
use crate::excused::Excuse;
use livedir_check::rules::{Finding, Severity, check_edit, check_media_playlist, check_playlist};

/// What depends on encoders and hands, or is only advice.
const NOT_OURS: &[&str] = &[
    "update-late",
    "part-late",
    "window-below-six-segments",
    "language-missing",
    "frame-rate-missing",
    "resolution-missing",
    "codecs-missing",
    "part-short",
];

/// Advice that we follow.
const OURS: &[&str] = &["part-far-from-end"];

fn verdict(findings: Vec<Finding>, is_excused: impl Fn(&str) -> bool) -> Verdict {
    let is_broken = |finding: &Finding| {
        let id = finding.rule.id;
        let counts = finding.rule.severity == Severity::Must || OURS.contains(&id);
        counts && !NOT_OURS.contains(&id) && !is_excused(id)
    };
    match findings.into_iter().find(is_broken) {
        Some(finding) => Err(("rules", finding.to_string())),
        None => Ok(()),
    }
}

pub fn check_multivariant(text: &str) -> Verdict {
    verdict(check_playlist("stream.m3u8 of all", text), |_| false)
}

pub fn check(channel: &Channel, which: Which, version: &Version) -> Verdict {
    let name = match which {
        Which::Plain => "stream.m3u8",
        Which::Low => "ll.m3u8",
    };
    let now_us = version.at_us;
    let has_odd_dates = channel.has_odd_dates;
    verdict(check_media_playlist(name, &version.text, &version.listing), |id| {
        id == "date-ambiguous" && has_odd_dates && Excuse::DatesOfStrays.is_used()
    })?;
    let Some(before) = channel.version(which).filter(|before| before.text != version.text) else {
        return Ok(());
    };
    // Hands take files away: their entries have to leave.
    let names = before.listing.segments.iter().filter_map(|it| channel.name(&it.uri));
    let is_disturbed =
        channel.is_disturbed(now_us) || names.into_iter().any(|name| channel.touched.contains_key(&name));
    let has_segments = before.listing.segments.iter().any(|it| !it.gap);
    verdict(check_edit(name, &before.listing, &version.listing), |id| match id {
        "window-below-three-targets" | "media-sequence-not-counted" if is_disturbed => {
            Excuse::TakenAway.is_used()
        }
        "part-left-early" | "part-changed" if is_disturbed => Excuse::TakenAway.is_used(),
        "window-below-three-targets" if channel.is_behind_clock => Excuse::ClockSetBehindTheList.is_used(),
        "header-changed" | "server-control-changed" if channel.spoilt_us.is_some() && !has_segments => {
            Excuse::HeaderAfterAStranger.is_used()
        }
        _ => false,
    })
}
