//! A multivariant playlist alone.

use std::collections::HashSet;

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must};
use livedir_playlist::{MultivariantListing, Variant};

pub(crate) static VARIANT_WITHOUT_URI: Rule = must(
    "variant-without-uri",
    "RFC 8216 4.3.4.2",
    "EXT-X-STREAM-INF has the URI of its playlist behind it.",
);
pub(crate) static URI_WITHOUT_VARIANT: Rule = must(
    "uri-without-variant",
    "RFC 8216 4.3.4.2",
    "Each playlist that is listed has EXT-X-STREAM-INF before it.",
);
pub(crate) static CODECS_MISSING: Rule = must(
    "codecs-missing",
    "Apple 9.1, 9.3",
    "A variant says its codecs, so that a player can leave out what it cannot play.",
);
pub(crate) static RESOLUTION_MISSING: Rule =
    must("resolution-missing", "Apple 9.2, 9.4", "A variant with video says its resolution.");
pub(crate) static FRAME_RATE_MISSING: Rule =
    must("frame-rate-missing", "Apple 9.15", "A variant with video says its frame rate.");
pub(crate) static AVERAGE_BANDWIDTH_MISSING: Rule =
    must("average-bandwidth-missing", "Apple 9.14", "A variant says its average bit rate.");
pub(crate) static LANGUAGE_MISSING: Rule =
    must("language-missing", "Apple 8.10", "A rendition that is not video says its language.");
pub(crate) static GROUP_UNDEFINED: Rule = must(
    "group-undefined",
    "RFC 8216 4.3.4.2",
    "Each group that a variant names is that of an EXT-X-MEDIA of its type.",
);
pub(crate) static RENDITION_NAME_REPEATED: Rule =
    must("rendition-name-repeated", "RFC 8216 4.3.4.1.1", "No two renditions of a group have the same name.");
pub(crate) static RENDITION_DEFAULT_REPEATED: Rule = must(
    "rendition-default-repeated",
    "RFC 8216 4.3.4.1.1",
    "At most one rendition of a group is the default.",
);
/// What CODECS begins with where there is video.
const VIDEO_CODECS: &[&str] = &["avc", "hvc", "hev", "dvh", "dva", "vp0", "av01"];

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MultivariantListing) {
    let stream_infs = listing.tags.iter().filter(|tag| tag.name == "EXT-X-STREAM-INF");
    let stream_infs: HashSet<usize> = stream_infs.map(|tag| tag.line).collect();
    let group = |kind, id| (kind, id);
    let groups: HashSet<_> = listing
        .renditions
        .iter()
        .filter_map(|it| Some(group(it.attributes.get("TYPE")?, it.attributes.get("GROUP-ID")?)))
        .collect();
    for variant in &listing.variants {
        let uri = variant.uri.as_deref().unwrap_or_default();
        if variant.uri.is_none() {
            findings.line(&VARIANT_WITHOUT_URI, variant.line, "EXT-X-STREAM-INF without a URI", "a URI next");
        }
        if !stream_infs.contains(&variant.line) {
            findings.line(
                &URI_WITHOUT_VARIANT,
                variant.line,
                format!("{:?}", excerpt(uri)),
                "EXT-X-STREAM-INF",
            );
            continue;
        }
        check_attributes(findings, variant, false);
        for kind in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            let id = variant.attributes.get(kind).filter(|&id| kind != "CLOSED-CAPTIONS" || id != "NONE");
            if let Some(id) = id.filter(|&id| !groups.contains(&(kind, id))) {
                let seen = format!("{kind} {:?}", excerpt(id));
                findings.line(
                    &GROUP_UNDEFINED,
                    variant.line,
                    seen,
                    "an EXT-X-MEDIA with this type and group",
                );
            }
        }
    }
    for variant in &listing.i_frame_variants {
        check_attributes(findings, variant, true);
    }
    check_groups(findings, listing);
}

fn check_attributes(findings: &mut Findings<'_>, variant: &Variant, is_i_frames: bool) {
    let mut require = |rule, name: &str| {
        if variant.attributes.get(name).is_none() {
            findings.line(rule, variant.line, format!("no {name}"), "it there");
        }
    };
    require(&CODECS_MISSING, "CODECS");
    if is_i_frames {
        require(&RESOLUTION_MISSING, "RESOLUTION");
        return;
    }
    require(&AVERAGE_BANDWIDTH_MISSING, "AVERAGE-BANDWIDTH");
    if has_video(variant) {
        require(&RESOLUTION_MISSING, "RESOLUTION");
        require(&FRAME_RATE_MISSING, "FRAME-RATE");
    }
}

/// As far as its codecs say.
pub(crate) fn has_video(variant: &Variant) -> bool {
    let codecs = variant.attributes.get("CODECS").unwrap_or_default();
    codecs.split(',').any(|codec| VIDEO_CODECS.iter().any(|prefix| codec.trim().starts_with(prefix)))
}

fn check_groups(findings: &mut Findings<'_>, listing: &MultivariantListing) {
    let (mut names, mut defaults) = (HashSet::new(), HashSet::new());
    for rendition in &listing.renditions {
        let get = |name| rendition.attributes.get(name);
        let (Some(kind), Some(group)) = (get("TYPE"), get("GROUP-ID")) else { continue };
        if kind != "VIDEO" && get("LANGUAGE").is_none() {
            findings.line(&LANGUAGE_MISSING, rendition.line, "no LANGUAGE", "it, such as LANGUAGE=\"en\"");
        }
        if let Some(name) = get("NAME").filter(|&name| !names.insert((kind, group, name))) {
            let seen = format!("{:?} a second time in {:?}", excerpt(name), excerpt(group));
            findings.line(&RENDITION_NAME_REPEATED, rendition.line, seen, "a name of its own");
        }
        if get("DEFAULT") == Some("YES") && !defaults.insert((kind, group)) {
            let seen = format!("a second default of {:?}", excerpt(group));
            findings.line(&RENDITION_DEFAULT_REPEATED, rendition.line, seen, "one");
        }
    }
}
