//! Line by line through the text; the tags since the last URI apply to the next one.

use std::sync::Arc;

use super::attributes::attribute;
use super::value::{byterange, date, decimal, whole_number};
use super::{
    Attributes, ListedSegment, Listing, Map, MediaListing, MultivariantListing, PlaylistType, Rendition, Tag,
    Variant, low_latency,
};

/// Lines are about so long, so that room for all is made at once.
const USUAL_LINE_BYTES: usize = 32;

/// Reads any text.
#[must_use]
pub fn read_listing(text: &str) -> Listing {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::with_capacity(text.len() / USUAL_LINE_BYTES);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() {
            lines.push((index + 1, line));
        }
    }
    let names = || lines.iter().filter_map(|&(_, line)| name_and_value(line)).map(|(name, _)| name);
    // A multivariant tag alone decides: a media playlist may be without any tag but EXTM3U and EXTINF.
    if names().any(is_of_a_media_playlist) {
        Listing::Media(media(&lines))
    } else if names().any(is_of_a_multivariant_playlist) {
        Listing::Multivariant(multivariant(&lines))
    } else if names().any(|name| name == "EXTM3U") {
        Listing::Media(media(&lines))
    } else {
        Listing::Neither
    }
}

/// RFC 8216 4.3.2 and 4.3.3, and the tags that bis-22 adds to them.
fn is_of_a_media_playlist(name: &str) -> bool {
    matches!(
        name,
        "EXTINF"
            | "EXT-X-BYTERANGE"
            | "EXT-X-DISCONTINUITY"
            | "EXT-X-KEY"
            | "EXT-X-MAP"
            | "EXT-X-PROGRAM-DATE-TIME"
            | "EXT-X-DATERANGE"
            | "EXT-X-GAP"
            | "EXT-X-BITRATE"
            | "EXT-X-PART"
            | "EXT-X-TARGETDURATION"
            | "EXT-X-MEDIA-SEQUENCE"
            | "EXT-X-DISCONTINUITY-SEQUENCE"
            | "EXT-X-ENDLIST"
            | "EXT-X-PLAYLIST-TYPE"
            | "EXT-X-I-FRAMES-ONLY"
            | "EXT-X-PART-INF"
            | "EXT-X-SERVER-CONTROL"
            | "EXT-X-SKIP"
            | "EXT-X-PRELOAD-HINT"
            | "EXT-X-RENDITION-REPORT"
    )
}

/// RFC 8216 4.3.4, and the tags that bis-22 adds to them.
#[must_use]
pub fn is_of_a_multivariant_playlist(name: &str) -> bool {
    matches!(
        name,
        "EXT-X-MEDIA"
            | "EXT-X-STREAM-INF"
            | "EXT-X-I-FRAME-STREAM-INF"
            | "EXT-X-SESSION-DATA"
            | "EXT-X-SESSION-KEY"
            | "EXT-X-CONTENT-STEERING"
    )
}

/// A line that is a tag: comments have no EXT after the `#` (RFC 8216 4.1).
fn name_and_value(line: &str) -> Option<(&str, &str)> {
    let tag = line.strip_prefix('#').filter(|tag| tag.starts_with("EXT"))?;
    Some(tag.split_once(':').map_or((tag, ""), |(name, value)| (name.trim_end(), value.trim())))
}

fn tag(line: usize, name: &str, value: &str) -> Tag {
    Tag { line, name: name.to_owned(), value: value.to_owned() }
}

fn media(lines: &[(usize, &str)]) -> MediaListing {
    let mut listing = MediaListing { tags: Vec::with_capacity(lines.len()), ..MediaListing::default() };
    let mut next = ListedSegment::default();
    for &(line, content) in lines {
        if let Some((name, value)) = name_and_value(content) {
            media_tag(&mut listing, &mut next, name, value);
            low_latency_tag(&mut listing, &mut next, line, name, value);
            listing.tags.push(tag(line, name, value));
        } else if !content.starts_with('#') {
            let (map, key) = (next.map.clone(), next.key.clone());
            let mut segment =
                std::mem::replace(&mut next, ListedSegment { map, key, ..ListedSegment::default() });
            content.clone_into(&mut segment.uri);
            segment.line = line;
            listing.segments.push(segment);
        }
    }
    (listing.open_parts, listing.open_discontinuity) = (next.parts, next.discontinuity);
    listing
}

fn media_tag(listing: &mut MediaListing, next: &mut ListedSegment, name: &str, value: &str) {
    match name {
        "EXT-X-VERSION" => listing.version = listing.version.or(whole_number(value)),
        "EXT-X-TARGETDURATION" => {
            let target_duration_s = whole_number(value).filter(|&it| it > 0);
            listing.target_duration_s = listing.target_duration_s.or(target_duration_s);
        }
        "EXT-X-MEDIA-SEQUENCE" => listing.media_sequence = listing.media_sequence.or(whole_number(value)),
        "EXT-X-DISCONTINUITY-SEQUENCE" => {
            listing.discontinuity_sequence = listing.discontinuity_sequence.or(whole_number(value));
        }
        "EXT-X-PLAYLIST-TYPE" => {
            let playlist_type = match value {
                "EVENT" => Some(PlaylistType::Event),
                "VOD" => Some(PlaylistType::Vod),
                _ => None,
            };
            listing.playlist_type = listing.playlist_type.or(playlist_type);
        }
        "EXT-X-INDEPENDENT-SEGMENTS" => listing.independent_segments = true,
        "EXT-X-ENDLIST" => listing.ended = true,
        "EXTINF" => next.duration_s = next.duration_s.or_else(|| extinf_s(value)),
        "EXT-X-DISCONTINUITY" => next.discontinuity = true,
        "EXT-X-PROGRAM-DATE-TIME" => {
            next.program_date_time = next.program_date_time.or_else(|| date(value).map(|it| it.at));
        }
        "EXT-X-BYTERANGE" => next.byterange = next.byterange.or_else(|| byterange(value)),
        "EXT-X-GAP" => next.gap = true,
        "EXT-X-MAP" => {
            next.map = attribute(value, "URI").map(|uri| {
                let byterange = attribute(value, "BYTERANGE").and_then(byterange);
                Arc::new(Map { uri: uri.to_owned(), byterange })
            });
        }
        "EXT-X-KEY" => {
            let is_encrypted = attribute(value, "METHOD") != Some("NONE");
            next.key = is_encrypted.then(|| value.into());
        }
        _ => {}
    }
}

/// The tags that bis-22 adds for low latency.
fn low_latency_tag(
    listing: &mut MediaListing,
    next: &mut ListedSegment,
    line: usize,
    name: &str,
    value: &str,
) {
    match name {
        "EXT-X-PART" => next.parts.push(low_latency::part(line, value)),
        "EXT-X-PRELOAD-HINT" => listing.hints.push(low_latency::hint(line, value)),
        "EXT-X-RENDITION-REPORT" => listing.reports.push(low_latency::report(line, value)),
        "EXT-X-SERVER-CONTROL" => {
            listing.server_control.get_or_insert_with(|| low_latency::server_control(line, value));
        }
        "EXT-X-PART-INF" => {
            let part_target_s = || attribute(value, "PART-TARGET").and_then(decimal);
            listing.part_target_s = listing.part_target_s.or_else(part_target_s);
        }
        "EXT-X-SKIP" if listing.skipped_segments == 0 => {
            let skipped = attribute(value, "SKIPPED-SEGMENTS").and_then(whole_number);
            listing.skipped_segments = skipped.unwrap_or(0);
        }
        _ => {}
    }
}

/// What stands before the comma; behind it is a title.
#[must_use]
pub fn extinf_s(value: &str) -> Option<f64> {
    decimal(value.split(',').next().unwrap_or_default().trim())
}

fn multivariant(lines: &[(usize, &str)]) -> MultivariantListing {
    let mut listing = MultivariantListing::default();
    let mut variant: Option<Variant> = None;
    for &(line, content) in lines {
        let Some((name, value)) = name_and_value(content) else {
            if !content.starts_with('#') {
                let variant = variant.take().unwrap_or(Variant { line, ..Variant::default() });
                listing.variants.push(Variant { uri: Some(content.to_owned()), ..variant });
            }
            continue;
        };
        let attributes = || Attributes::read(value);
        let uri = || attribute(value, "URI").map(ToOwned::to_owned);
        match name {
            "EXT-X-VERSION" => listing.version = listing.version.or(whole_number(value)),
            "EXT-X-INDEPENDENT-SEGMENTS" => listing.independent_segments = true,
            "EXT-X-STREAM-INF" => {
                let next = Variant { line, uri: None, attributes: attributes() };
                listing.variants.extend(variant.replace(next));
            }
            "EXT-X-I-FRAME-STREAM-INF" => {
                listing.i_frame_variants.push(Variant { line, uri: uri(), attributes: attributes() });
            }
            "EXT-X-MEDIA" => {
                listing.renditions.push(Rendition { line, uri: uri(), attributes: attributes() });
            }
            _ => {}
        }
        listing.tags.push(tag(line, name, value));
    }
    listing.variants.extend(variant);
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn media_listing(text: &str) -> MediaListing {
        match read_listing(text) {
            Listing::Media(listing) => listing,
            other => panic!("not a media playlist: {other:?}"),
        }
    }

    #[test]
    fn maps_and_keys_hold_until_the_next_and_other_tags_for_one_segment() {
        let listing = media_listing(
            "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"700@0\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n\
             #EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXT-X-BYTERANGE:9@3\n#EXTINF:2.5,title\na.m4s\n\
             #EXTINF:2,\nb.m4s\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nc.m4s\n",
        );
        let [a, b, c] = listing.segments.as_slice() else { panic!("{listing:#?}") };
        assert_eq!((a.line, a.duration_s, a.discontinuity, a.gap), (8, Some(2.5), true, true));
        assert_eq!((b.line, b.duration_s, b.discontinuity, b.gap), (10, Some(2.0), false, false));
        assert_eq!(a.byterange.map(|it| (it.length, it.offset)), Some((9, Some(3))));
        assert_eq!(b.byterange, None);
        assert_eq!(c.map.as_deref().map(|map| map.uri.as_str()), Some("init.mp4"));
        assert_eq!(c.map.as_deref().and_then(|map| map.byterange).map(|it| it.length), Some(700));
        assert!(a.key.is_some() && a.key == b.key && c.key.is_none());
    }

    #[test]
    fn every_tag_is_kept_with_its_line() {
        let listing =
            media_listing("#EXTM3U\r\n\r\n# comment\r\n#EXT-X-OF-THE-FUTURE: a:b \r\n#EXTINF:1,\r\na.ts");
        let tags: Vec<_> =
            listing.tags.iter().map(|it| (it.line, it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(tags, [(1, "EXTM3U", ""), (4, "EXT-X-OF-THE-FUTURE", "a:b"), (5, "EXTINF", "1,")]);
    }

    #[test]
    fn of_a_tag_that_is_repeated_the_first_counts() {
        let listing = media_listing("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-TARGETDURATION:9\n");
        assert_eq!(listing.target_duration_s, Some(2));
    }

    #[test]
    fn variants_have_their_uri_and_renditions_may_have_one() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\nc.m3u8\n\
            #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=3,URI=\"i.m3u8\"\n";
        let Listing::Multivariant(listing) = read_listing(text) else { panic!("not multivariant") };
        let variants: Vec<_> = listing.variants.iter().map(|it| (it.line, it.uri.as_deref())).collect();
        assert_eq!(variants, [(3, None), (4, Some("b.m3u8")), (6, Some("c.m3u8"))]);
        assert_eq!(listing.renditions[0].uri, None);
        assert_eq!(listing.i_frame_variants[0].uri.as_deref(), Some("i.m3u8"));
    }
}
