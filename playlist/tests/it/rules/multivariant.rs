//! A multivariant playlist, alone and with those that it lists.

use super::{Case, live, undated, with};

const MAIN: &str = "#EXTM3U\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.42c01e,mp4a.40.2\",\
    RESOLUTION=640x480,FRAME-RATE=25.000,AUDIO=\"sound\",CLOSED-CAPTIONS=NONE\n\
    low.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=70000,AVERAGE-BANDWIDTH=64000,CODECS=\"mp4a.40.2\",AUDIO=\"sound\"\n\
    sound.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.42c01e\",RESOLUTION=640x480,URI=\"i.m3u8\"\n";

const VIDEO_ONLY: &str = "#EXTM3U\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.42c01e\",\
    RESOLUTION=640x480,FRAME-RATE=25.000\n\
    low.m3u8\n";

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let change = |id, from, to| (id, Case::Playlist(with(MAIN, from, to)));
    let renditions =
        |id, other| (id, Case::Renditions { multivariant: MAIN.to_owned(), media: vec![live(), other] });
    vec![
        change("variant-without-uri", "sound.m3u8\n", ""),
        change("variant-without-uri", "low.m3u8\n", ""),
        ("uri-without-variant", Case::Playlist(format!("{MAIN}more.m3u8\n"))),
        change("attribute-missing", "BANDWIDTH=70000,", ""),
        change("attribute-missing", ",URI=\"i.m3u8\"", ""),
        change("bad-value", "640x480", "VGA"),
        change("bad-value", "25.000", "fast"),
        change("codecs-missing", "CODECS=\"mp4a.40.2\",", ""),
        change("resolution-missing", "RESOLUTION=640x480,", ""),
        change("frame-rate-missing", "FRAME-RATE=25.000,", ""),
        change("average-bandwidth-missing", "AVERAGE-BANDWIDTH=64000,", ""),
        change("codecs-missing", "90000,CODECS=\"avc1.42c01e\"", "90000"),
        change("resolution-missing", "RESOLUTION=640x480,URI", "URI"),
        change("language-missing", "LANGUAGE=\"de\",", ""),
        change("group-undefined", "AUDIO=\"sound\"", "AUDIO=\"noise\""),
        change("group-undefined", "CLOSED-CAPTIONS=NONE", "CLOSED-CAPTIONS=\"cc\""),
        change("rendition-name-repeated", "Deutsch", "English"),
        change("rendition-default-repeated", "NAME=\"Deutsch\"", "NAME=\"Deutsch\",DEFAULT=YES"),
        change("version-too-low", "#EXTM3U\n", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n"),
        renditions("renditions-target-differs", with(&live(), "DURATION:2", "DURATION:3")),
        renditions(
            "renditions-type-differs",
            with(&live(), "#EXT-X-IND", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-IND"),
        ),
        renditions("renditions-dates-missing", format!("{}#EXT-X-ENDLIST\n", undated(&live()))),
        (
            "renditions-not-independent",
            Case::Renditions { multivariant: VIDEO_ONLY.to_owned(), media: vec![live(), dependent()] },
        ),
    ]
}

fn dependent() -> String {
    with(&live(), "#EXT-X-INDEPENDENT-SEGMENTS\n", "")
}

#[test]
fn lawful_presentations_are_not_found() {
    Case::Playlist(MAIN.to_owned()).assert_clean();
    let said_above = with(VIDEO_ONLY, "#EXTM3U\n", "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    Case::Renditions { multivariant: MAIN.to_owned(), media: vec![live(), live()] }.assert_clean();
    Case::Renditions { multivariant: said_above, media: vec![live(), dependent()] }.assert_clean();
    // One of them may be the sound.
    Case::Renditions { multivariant: MAIN.to_owned(), media: vec![live(), dependent()] }.assert_clean();
    Case::Renditions { multivariant: MAIN.to_owned(), media: Vec::new() }.assert_clean();
    // One of I-frames may have a target duration of its own.
    let i_frames = with(&live(), "DURATION:2\n", "DURATION:9\n#EXT-X-I-FRAMES-ONLY\n");
    let i_frames = with(&i_frames, "VERSION:3", "VERSION:4");
    Case::Renditions { multivariant: MAIN.to_owned(), media: vec![live(), i_frames] }.assert_clean();
}
