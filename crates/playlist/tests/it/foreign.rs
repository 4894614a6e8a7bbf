//! Playlists in the manner of other writers.

use livedir_playlist::{MediaPlaylist, Segment, Window, parse};

use crate::support::{TEN_OF_2_S, segment};

fn listed(uri: &str, duration_90k: u64, date: Option<&str>, discontinuity: bool) -> Segment {
    Segment {
        uri: uri.to_owned(),
        duration_90k,
        program_date_time: date.map(|date| date.parse().unwrap()),
        discontinuity,
        gap: false,
    }
}

#[test]
fn playlist_of_ffmpeg_is_read() {
    let text = "#EXTM3U\n\
        #EXT-X-VERSION:6\n\
        #EXT-X-TARGETDURATION:2\n\
        #EXT-X-MEDIA-SEQUENCE:0\n\
        #EXT-X-DISCONTINUITY\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXTINF:2.000000,\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-03-01T13:00:00.437+0100\n\
        out0.ts\n\
        #EXTINF:1.966667,\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-03-01T13:00:02.437+0100\n\
        out1.ts\n\
        #EXT-X-ENDLIST\n";
    let expected = MediaPlaylist {
        version: 6,
        target_duration_s: 2,
        media_sequence: 0,
        discontinuity_sequence: 0,
        independent_segments: true,
        segments: vec![
            listed("out0.ts", 180_000, Some("2026-03-01T12:00:00.437Z"), true),
            listed("out1.ts", 177_000, Some("2026-03-01T12:00:02.437Z"), false),
        ],
        ended: true,
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn playlist_of_nginx_rtmp_is_read() {
    let text = "#EXTM3U\n\
        #EXT-X-VERSION:3\n\
        #EXT-X-MEDIA-SEQUENCE:118\n\
        #EXT-X-TARGETDURATION:5\n\
        #EXT-X-DISCONTINUITY\n\
        #EXTINF:5.000,\n\
        cam-118.ts\n\
        #EXTINF:4.960,\n\
        cam-119.ts\n";
    let expected = MediaPlaylist {
        version: 3,
        target_duration_s: 5,
        media_sequence: 118,
        discontinuity_sequence: 0,
        independent_segments: false,
        segments: vec![listed("cam-118.ts", 450_000, None, true), listed("cam-119.ts", 446_400, None, false)],
        ended: false,
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn playlist_of_mediamtx_is_read() {
    let text = "#EXTM3U\r\n\
        #EXT-X-VERSION:3\r\n\
        #EXT-X-ALLOW-CACHE:NO\r\n\
        #EXT-X-TARGETDURATION:2\r\n\
        #EXT-X-MEDIA-SEQUENCE:7\r\n\
        \r\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.437Z\r\n\
        #EXTINF:2.00000,\r\n\
        fa30_main_seg7.ts?session=1";
    let expected = MediaPlaylist {
        version: 3,
        target_duration_s: 2,
        media_sequence: 7,
        discontinuity_sequence: 0,
        independent_segments: false,
        segments: vec![listed(
            "fa30_main_seg7.ts?session=1",
            180_000,
            Some("2026-03-01T12:00:00.437Z"),
            false,
        )],
        ended: false,
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn live_playlist_of_another_writer_is_gone_on_with_under_its_own_header() {
    let text = "#EXTM3U\n\
        #EXT-X-VERSION:2\n\
        #EXT-X-TARGETDURATION:5\n\
        #EXTINF:5,\n\
        a.ts\n";
    let mut window = Window::resume(TEN_OF_2_S, parse(text).unwrap()).unwrap();
    window.push(segment(1, 450_000)).unwrap();
    let playlist = window.playlist();
    // Fractions of a second need version 3; keyframes at the start were never promised for `a.ts`.
    assert_eq!(playlist.version, 3);
    assert!(!playlist.independent_segments);
    assert_eq!(playlist.target_duration_s, 5);
    assert_eq!((playlist.media_sequence, playlist.segments.len()), (0, 2));
}
