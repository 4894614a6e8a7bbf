//! What holds of the readers of playlists whatever the text is. The fuzzer runs it, and a plain test over the seeds.

use livedir_playlist::{Listing, Window, WindowSettings, parse, read_listing, render};

pub fn check(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let listing = read_listing(text);
    let Ok(playlist) = parse(text) else { return };
    // The strict reader takes nothing that the lenient one does not.
    let Listing::Media(listing) = listing else { panic!("parsed, and not listed: {text:?}") };
    let uris = |segments: &[livedir_playlist::Segment]| -> Vec<String> {
        segments.iter().map(|segment| segment.uri.clone()).collect()
    };
    let listed: Vec<String> = listing.segments.iter().map(|segment| segment.uri.clone()).collect();
    assert_eq!(listed, uris(&playlist.segments), "{text:?}");
    assert_eq!(listing.first_media_sequence(), playlist.media_sequence, "{text:?}");
    assert_eq!(listing.ended, playlist.ended, "{text:?}");

    // What is written can be read back: at most once does it change, by the rounding of dates to milliseconds.
    let written = render(&playlist);
    let read_back = parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(render(&read_back), written);
    assert_eq!(uris(&read_back.segments), uris(&playlist.segments));

    // A writer goes on from it, or says why not.
    let settings = WindowSettings { target_duration_s: playlist.target_duration_s, segments: 3 };
    let next = playlist.segments.last().cloned();
    if let Ok(mut window) = Window::resume(settings, playlist) {
        let number = window.next_media_sequence();
        if let Some(Ok(_)) = next.map(|next| window.push(next)) {
            assert_eq!(window.next_media_sequence(), number.saturating_add(1));
            assert!(parse(&render(window.playlist())).is_ok());
        }
    }
}
