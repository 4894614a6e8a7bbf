//! A multivariant playlist alone.

use super::{Case, with};

pub(super) const MAIN: &str = "#EXTM3U\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.42c01e,mp4a.40.2\",\
    RESOLUTION=640x480,FRAME-RATE=25.000,AUDIO=\"sound\",CLOSED-CAPTIONS=NONE\n\
    low.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=70000,AVERAGE-BANDWIDTH=64000,CODECS=\"mp4a.40.2\",AUDIO=\"sound\"\n\
    sound.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.42c01e\",RESOLUTION=640x480,URI=\"i.m3u8\"\n";

pub(super) const VIDEO_ONLY: &str = "#EXTM3U\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.42c01e\",\
    RESOLUTION=640x480,FRAME-RATE=25.000\n\
    low.m3u8\n";

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let change = |id, from, to| (id, Case::Playlist(with(MAIN, from, to)));
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
    ]
}

#[test]
fn a_lawful_playlist_is_not_found() {
    Case::Playlist(MAIN.to_owned()).assert_clean();
    Case::Playlist(VIDEO_ONLY.to_owned()).assert_clean();
}
