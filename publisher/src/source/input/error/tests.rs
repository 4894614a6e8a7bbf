use super::*;
use proptest::prelude::*;

/// Addresses with a place for a secret. They are in lower case; secrets are not.
const PLACES: &str = include_str!("../../../../../crates/address/src/secret_places.txt");

#[track_caller]
fn check(address: &InputAddress, error: ffmpeg::Error, expected: &str) {
    super::super::demux::init_libav();
    let error = InputError::from_open(address, error, false);
    assert_eq!(SourceError::from(error).to_string(), expected);
}

#[test]
fn an_error_names_the_address_and_the_remedy() {
    let url = |url: &str| InputAddress::Url(url.to_owned());
    check(
        &url("rtsp://admin:secret@cam/1"),
        ffmpeg::Error::Other { errno: ffmpeg::error::ECONNREFUSED },
        "cannot reach rtsp://***@cam/1: connection refused; is the camera on, and is the address right?",
    );
    let refused = ffmpeg::Error::Other { errno: ffmpeg::error::ECONNREFUSED };
    check(
        &url("rtmp://127.0.0.1:1935/live/SECRET"),
        refused,
        "cannot reach rtmp://127.0.0.1:1935/***: connection refused; is the server there running? To wait for an encoder instead, name the source 'rtmp://127.0.0.1:1935/live/KEY?listen=1'",
    );
    check(
        &url("rtsp://u:a@b/c@host/"),
        refused,
        "cannot reach rtsp://***: connection refused; is that the host? There is an @ after it: in a user or a password \
         write %40 for @, %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %",
    );
    check(
        &url("rtsp://admin:wrong@cam/1"),
        ffmpeg::Error::HttpUnauthorized,
        "cannot reach rtsp://***@cam/1: it refuses this user or password (401); are they right? In a user or a password write \
         %40 for @, %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %",
    );
    check(
        &url("rtsp://cam/1?to=a@b"),
        ffmpeg::Error::HttpUnauthorized,
        "cannot reach rtsp://***: it asks for a password (401); write it into the address: scheme://user:password@host/…; \
         in a user or a password write %40 for @, %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %",
    );
    check(
        &url("http://host/x.m3u8"),
        ffmpeg::Error::HttpNotFound,
        "cannot reach http://host/x.m3u8: path not found (404); is the path right?",
    );
    check(
        &InputAddress::File("movie.txt".into()),
        ffmpeg::Error::InvalidData,
        "movie.txt is not a media file that FFmpeg can read (invalid data found when processing input); \
         give a whole .mp4, .mkv, .ts or the like",
    );
    check(
        &InputAddress::File("movie.mp4".into()),
        ffmpeg::Error::Other { errno: ffmpeg::error::ENOENT },
        "no such file: movie.mp4; check its name, or name another source: camera, screen, test, a URL, or -",
    );
}

/// Whatever goes wrong at an address, in all words that are told of it.
fn told_of(url: &str) -> Vec<String> {
    let address = InputAddress::Url(url.to_owned());
    let shown = address.to_string();
    let refused = ffmpeg::Error::Other { errno: ffmpeg::error::ECONNREFUSED };
    let opened = [
        refused,
        ffmpeg::Error::InvalidData,
        ffmpeg::Error::HttpUnauthorized,
        ffmpeg::Error::ProtocolNotFound,
    ]
    .map(|error| InputError::from_open(&address, error, false).to_string());
    let in_use = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    let waited = [url.to_owned(), format!("{url}&listen=1"), format!("{url}?listen=1")].map(|url| {
        match listen_address::place(&url, &InputAddress::Url(url.clone()).to_string()) {
            Ok(Some(
                listen_address::ListenAt::Rtmp { bind, .. }
                | listen_address::ListenAt::Libav { bind: Some(bind), .. },
            )) => InputError::no_port("", &bind, &in_use).to_string(),
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    });
    opened
        .into_iter()
        .chain(waited)
        .chain([shown, format!("{address:?}"), address.kind().to_owned()])
        .collect()
}

proptest! {
    /// No word of ours has such letters.
    #[test]
    fn no_three_letters_of_a_secret_are_told(secret in "[Б-Я0-9@/?#&:=%+;!$~. -]{3,24}") {
        super::super::demux::init_libav();
        for place in PLACES.lines() {
            let url = place.replace("{}", &secret).replace("h.test", "127.0.0.1");
            let letters: Vec<char> = secret.chars().collect();
            for part in letters.windows(3).filter(|part| part.iter().any(|letter| !letter.is_ascii())) {
                let part: String = part.iter().collect();
                for told in told_of(&url) {
                    prop_assert!(!told.contains(&part), "{} of {} is in {}", part, url, told);
                }
            }
        }
    }
}
