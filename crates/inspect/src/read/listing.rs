//! The text of a playlist → what it lists, whoever wrote it. Pure.

use crate::model::inventory::VariantKind;
use crate::model::listing::{Entry, ListedPlaylist, PlaylistListing};
use livedir_playlist::{Attributes, ListedPart, MultivariantListing, parse, read_listing};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Reads a playlist; the second value says why it lists nothing that can be looked at.
pub(crate) fn read(text: &str) -> (PlaylistListing, Option<String>) {
    let media = match read_listing(text) {
        livedir_playlist::Listing::Media(media) => media,
        livedir_playlist::Listing::Multivariant(multivariant) => {
            return (
                PlaylistListing { playlists: playlists(&multivariant), ..PlaylistListing::default() },
                None,
            );
        }
        // The strict reading knows what is wrong.
        livedir_playlist::Listing::Neither => {
            let problem = parse(text).err().map(|error| error.to_string());
            return (PlaylistListing::default(), problem.or_else(|| Some("it is no playlist".to_owned())));
        }
    };
    let media_sequence = media.first_media_sequence();
    let entries = (0..)
        .zip(&media.segments)
        .map(|(index, segment)| Entry {
            media_sequence: media_sequence.saturating_add(index),
            name: file_name(&segment.uri),
            duration_s: segment.duration_s.filter(|duration_s| duration_s.is_finite()).unwrap_or(0.0),
            program_date_time: segment.program_date_time,
            discontinuity: segment.discontinuity,
            is_gap: segment.gap,
            is_part_of_file: segment.byterange.is_some(),
            lost_parts: lost(&segment.parts),
            parts: files_of(&segment.parts),
        })
        .collect();
    let target_duration_s =
        media.target_duration_s.and_then(|target_duration_s| target_duration_s.try_into().ok());
    let listing = PlaylistListing {
        target_duration_s,
        media_sequence,
        ended: media.ended,
        entries,
        open_lost_parts: lost(&media.open_parts),
        open_parts: files_of(&media.open_parts),
        open_s: media.open_parts.iter().filter_map(|part| part.duration_s).filter(|it| it.is_finite()).sum(),
        part_target_s: media.part_target_s.filter(|it| it.is_finite()),
        playlists: Vec::new(),
    };
    (listing, None)
}

fn lost(parts: &[ListedPart]) -> u64 {
    parts.iter().filter(|part| part.gap).count() as u64
}

/// Those that are files of their own, and have come.
fn files_of(parts: &[ListedPart]) -> Vec<String> {
    let files = parts.iter().filter(|part| !part.gap && part.byterange.is_none() && !part.uri.is_empty());
    files.map(|part| file_name(&part.uri)).collect()
}

/// Variants first, in the order of the text.
fn playlists(multivariant: &MultivariantListing) -> Vec<ListedPlaylist> {
    let listed = |kind, uri: &Option<String>, attributes: &Attributes| ListedPlaylist {
        kind,
        uri: uri.clone(),
        name: uri.as_deref().map(file_name),
        attributes: attributes.clone(),
    };
    let variants =
        multivariant.variants.iter().map(|it| listed(VariantKind::Variant, &it.uri, &it.attributes));
    let renditions =
        multivariant.renditions.iter().map(|it| listed(VariantKind::Rendition, &it.uri, &it.attributes));
    let i_frames =
        multivariant.i_frame_variants.iter().map(|it| listed(VariantKind::IFrames, &it.uri, &it.attributes));
    variants.chain(renditions).chain(i_frames).collect()
}

/// The file that a URI names: without query and fragment, percent-decoded.
fn file_name(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    let path = path.strip_prefix("./").unwrap_or(path);
    percent_decode_str(path).decode_utf8().map_or_else(|_| path.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_file() {
        #[track_caller]
        fn check(uri: &str, expected: &str) {
            assert_eq!(file_name(uri), expected);
        }
        check("live/seg-00000001.ts", "live/seg-00000001.ts");
        check("./a%20b.ts?token=1#t", "a b.ts");
        check("100%.ts", "100%.ts");
        check("%+1%4.ts", "%+1%4.ts");
        check("%ff.ts", "%ff.ts");
        check("k%C3%A4se.ts", "käse.ts");
    }

    #[test]
    fn playlists_of_other_programs_are_read_as_far_as_they_go() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PLAYLIST-TYPE:EVENT\n\
            #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\na.m4s\n#EXT-X-GAP\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb.m4s\n";
        let (listing, problem) = read(text);
        assert_eq!((listing.target_duration_s, listing.ended, problem), (Some(4), false, None));
        let entries: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.media_sequence, entry.name.as_str(), entry.discontinuity, entry.is_gap))
            .collect();
        assert_eq!(entries, [(7, "a.m4s", false, false), (8, "b.m4s", true, true)]);
    }

    #[test]
    fn parts_that_are_lost_are_counted() {
        let part = |name: &str| format!("#EXT-X-PART:DURATION=1,URI=\"{name}\"");
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n{}\n{},GAP=YES\n{},GAP=YES\n#EXTINF:3,\na.ts\n#EXTINF:4,\nb.ts\n{},GAP=YES\n{}\n",
            part("a.p0.ts"),
            part("a.p1.ts"),
            part("a.p2.ts"),
            part("c.p0.ts"),
            part("c.p1.ts"),
        );
        let (listing, problem) = read(&text);
        let lost: Vec<_> = listing.entries.iter().map(|entry| entry.lost_parts).collect();
        assert_eq!((lost.as_slice(), listing.open_lost_parts, problem), (&[2, 0][..], 1, None));
    }

    #[test]
    fn a_multivariant_playlist_names_those_to_look_at() {
        let (listing, problem) = read(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/li%20st.m3u8?a=b\n",
        );
        assert_eq!((problem, listing.entries.len()), (None, 0));
        let names: Vec<_> = listing.playlists.iter().map(|it| (it.kind, it.name.as_deref())).collect();
        assert_eq!(names, [(VariantKind::Variant, Some("low/li st.m3u8")), (VariantKind::Rendition, None)]);
    }

    #[test]
    fn what_is_no_playlist_lists_nothing_and_says_why() {
        let (listing, problem) = read("<html>");
        assert_eq!(listing, PlaylistListing::default());
        assert!(problem.expect("a problem").contains("is it a playlist?"));
    }
}
