//! Variants: the playlists of a multivariant one: what is promised of each in a table, what lies there in a line or two.

use crate::draw::{page::Page, paint::Paint, summary, words};
use crate::model::inventory::{VariantKind, VariantState, VariantSummary};

/// What stands before the summary of each.
const INDENT: &str = "  ";

/// The picture.
pub(super) fn variants(variants: &[VariantSummary], page: &Page, paint: Paint) -> Vec<String> {
    let inner = Page { width: page.width - INDENT.len(), ..page.clone() };
    let mut lines = Vec::new();
    for variant in variants {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(heading(variant, page, paint));
        if let Some(inventory) = &variant.inventory {
            let inside = [
                ("playlist", state_of_playlist(variant)),
                (summary::media_label(inventory), summary::pictures(inventory)),
                ("rate", summary::rate(inventory)),
                ("disk", summary::disk(inventory)),
                ("behind", summary::behind(inventory)),
            ];
            let inside = inside
                .iter()
                .filter(|(_, parts)| !parts.is_empty())
                .flat_map(|(label, parts)| summary::line(label, parts, inner.width, paint));
            lines.extend(inside.map(|line| format!("{INDENT}{line}")));
        }
        for remark in variant.odd.iter().chain(&remarks_on_segments(variant)) {
            let wrapped = words::wrap(&words::harmless(remark), page.width.saturating_sub(4));
            lines.extend(wrapped.into_iter().enumerate().map(|(index, line)| {
                let lead = if index == 0 { "  └ " } else { "    " };
                paint.odd(&format!("{lead}{line}"))
            }));
        }
    }
    lines
}

/// `high/list.m3u8 · variant · 0.96 Mb/s promised · 640x360 · avc1.42c01e,mp4a.40.2`
fn heading(variant: &VariantSummary, page: &Page, paint: Paint) -> Vec<String> {
    let kind = match variant.kind {
        VariantKind::Variant => "variant",
        VariantKind::Rendition => "rendition",
        VariantKind::IFrames => "keyframes only",
    };
    let mut parts = vec![kind.to_owned()];
    parts.extend(variant.name.clone());
    parts.extend(match variant.state {
        VariantState::There => None,
        VariantState::Missing => Some("its playlist is missing".to_owned()),
        VariantState::Elsewhere => Some("elsewhere, not looked at".to_owned()),
        VariantState::Within => Some("within the variants".to_owned()),
    });
    parts.extend(variant.bandwidth_bps.map(|bps| format!("{} Mb/s promised", words::mbps(bps))));
    parts.extend(variant.average_bandwidth_bps.map(|bps| format!("{} on average", words::mbps(bps))));
    parts.extend(variant.resolution.clone());
    parts.extend(variant.frame_rate.map(|fps| format!("{fps} fps")));
    parts.extend(variant.codecs.clone());
    let parts: Vec<_> = parts.iter().map(|part| words::harmless(part)).collect();
    let uri = words::harmless(variant.uri.as_deref().unwrap_or("no playlist of its own"));
    let is_bad = variant.state == VariantState::Missing;
    let mut lines = Vec::new();
    for (index, line) in
        summary::join(&[vec![uri.clone()], parts].concat(), page.width).into_iter().enumerate()
    {
        lines.push(match line.strip_prefix(uri.as_str()).filter(|_| index == 0) {
            Some(rest) if is_bad => paint.bad(&format!("{uri}{rest}")),
            Some(rest) => format!("{}{rest}", paint.strong(&uri)),
            None => line,
        });
    }
    lines
}

fn state_of_playlist(variant: &VariantSummary) -> Vec<String> {
    // Its name stands in the heading.
    variant.inventory.as_ref().map(|it| summary::playlist(it)[1..].to_vec()).unwrap_or_default()
}

/// Of segments: only what is wrong with them. Who wants to see them names the playlist.
fn remarks_on_segments(variant: &VariantSummary) -> Vec<String> {
    let rows = variant.inventory.iter().flat_map(|inventory| &inventory.segments);
    rows.flat_map(|row| {
        row.problem.iter().chain(&row.odd).map(move |remark| format!("{}: {remark}", row.file))
    })
    .collect()
}
