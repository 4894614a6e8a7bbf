//! Shown address: what people may see of an address. Pure.
//!
//! Who reads a log or looks over a shoulder is not to learn how to get into a camera. What is shown is chosen, and all else is
//! hidden: the user and the password, whatever stands in them; the path of RTMP, which is the stream's key; of other paths what
//! looks like a password; and of the query all that does not merely say how to connect.

/// Stands for what is hidden.
const HIDDEN: &str = "***";

/// What stands in an address that was typed with a slash or a colon too few, before a user and a password.
const SCHEMES: [&str; 6] = ["rtsp", "rtmp", "srt", "http", "tcp", "udp"];

/// Keys of a query that say how to connect, and nothing of who does.
const HARMLESS_KEYS: [&str; 16] = [
    "mode",
    "listen",
    "transport",
    "localaddr",
    "localport",
    "pkt_size",
    "latency",
    "timeout",
    "ttl",
    "fifo_size",
    "buffer_size",
    "overrun_nonfatal",
    "reuse",
    "_HLS_msn",
    "_HLS_part",
    "_HLS_skip",
];

/// A part of a path with at least so many characters, and a digit among them, is taken for a token: some cameras have no other password.
const TOKEN_CHARS: usize = 16;

/// What a password in an address needs so that it is read as one.
pub const ENCODING: &str =
    "in a user or a password write %40 for @, %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %";

/// The address as it may be shown.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if looks_secret(url) { HIDDEN.to_owned() } else { url.to_owned() };
    };
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // An @ behind the host may stand in a password that is not written as it should be: what is before it is not known then.
    if !is_scheme || may_need_encoding(url) {
        let scheme = if is_scheme { scheme } else { HIDDEN };
        return format!("{scheme}://{HIDDEN}");
    }
    let (place, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    format!("{scheme}://{}{}{}", shown_authority(authority), shown_path(scheme, path), shown_query(query))
}

/// A path as it may be shown: whole, unless it is an address that was typed wrong.
#[must_use]
pub fn shown_path_or_mistyped(path: &str) -> String {
    if looks_secret(path) { HIDDEN.to_owned() } else { path.to_owned() }
}

/// Whether a sign that ends the host may belong to a password in front of it.
#[must_use]
pub fn may_need_encoding(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@'))
}

/// Whether text that is no address was to be one, with a user in it: `rtsp:/user:password@host`, `user:password@host`.
fn looks_secret(text: &str) -> bool {
    let Some((before, _)) = text.rsplit_once('@') else { return false };
    let lower = before.to_ascii_lowercase();
    let is_address = SCHEMES.iter().any(|scheme| {
        let rest = lower.strip_prefix(scheme).map(|rest| rest.trim_start_matches('s'));
        rest.is_some_and(|rest| rest.starts_with([':', '/']))
    });
    is_address || (before.contains(':') && !before.starts_with(['/', '.']) && !text.contains(' '))
}

fn shown_authority(authority: &str) -> String {
    let (user, place) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let place = match place.rsplit_once(':') {
        // What stands where a port belongs is one, or part of an address that has lost its host.
        Some((_, port)) if !port.contains(']') && !port.bytes().all(|byte| byte.is_ascii_digit()) => HIDDEN,
        _ => place,
    };
    match user {
        None => place.to_owned(),
        Some("") => format!("@{place}"),
        Some(_) => format!("{HIDDEN}@{place}"),
    }
}

fn shown_path(scheme: &str, path: &str) -> String {
    if scheme.to_ascii_lowercase().starts_with("rtmp") {
        let hidden = if path.trim_matches('/').is_empty() { path } else { "/***" };
        return hidden.to_owned();
    }
    let mut shown = String::new();
    for (number, part) in path.split('/').enumerate() {
        if number > 0 {
            shown.push('/');
        }
        if part.contains(['=', '&', ';']) {
            // Where it ends is not known: `/user=admin_password=a/b_channel=1`.
            shown.push_str(HIDDEN);
            break;
        }
        let is_token = part.chars().count() >= TOKEN_CHARS
            && !part.contains('.')
            && part.contains(|letter: char| letter.is_ascii_digit());
        shown.push_str(if is_token { HIDDEN } else { part });
    }
    shown
}

/// What is harmless, up to the first that may not be: a password may hold an & too.
fn shown_query(query: &str) -> String {
    let Some(pairs) = query.strip_prefix('?') else {
        return if query.is_empty() { String::new() } else { format!("#{HIDDEN}") };
    };
    let mut shown = Vec::new();
    for pair in pairs.split('&') {
        if pair.split_once('=').is_none_or(|(key, value)| {
            !HARMLESS_KEYS.contains(&key)
                || value.contains(|letter: char| !(letter.is_ascii_alphanumeric() || ".:_-".contains(letter)))
        }) && !HARMLESS_KEYS.contains(&pair)
        {
            shown.push(HIDDEN);
            break;
        }
        shown.push(pair);
    }
    format!("?{}", shown.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(shown(url), expected, "{url}");
    }

    #[test]
    fn users_and_passwords_are_never_shown() {
        check("rtsp://admin:secret@cam.local:554/1", "rtsp://***@cam.local:554/1");
        check("rtsp://admin:se@cr@t@cam.local/1", "rtsp://***@cam.local/1");
        check("rtsp://token@cam.local/1", "rtsp://***@cam.local/1");
        check("rtsp://u:a@b/c@host/", "rtsp://***");
        check("rtsp://admin:se/cr?t@cam.local/1", "rtsp://***");
        check("rtsp://admin:554/se@cam.local/1", "rtsp://***");
        check("rtsp://admin:s#crt@cam.local/1", "rtsp://***");
        check("rtsp://admin:secret/1", "rtsp://***/1");
        check("rtsp:/admin:secret@cam.local/1", "***");
        check("admin:secret@cam.local", "***");
    }

    #[test]
    fn secrets_of_the_query_are_never_shown() {
        check("srt://host:9000?mode=caller&passphrase=abc&def", "srt://host:9000?mode=caller&***");
        check("srt://host:9000?passphrase=ab@cdefgh", "srt://***");
        check("https://host/live.m3u8?Token=abc&x=1", "https://host/live.m3u8?***");
        check("https://host/live.m3u8?dG9rZW4=", "https://host/live.m3u8?***");
        check("srt://host:9000?mode=caller%20abc", "srt://host:9000?***");
        check("https://host/live.m3u8#abc", "https://host/live.m3u8#***");
    }

    #[test]
    fn keys_and_tokens_of_a_path_are_never_shown() {
        check("rtmp://0.0.0.0:1935/live/KEY", "rtmp://0.0.0.0:1935/***");
        check("rtmp://127.0.0.1:1935/a/b/KEY/?listen=1", "rtmp://127.0.0.1:1935/***?listen=1");
        check("RTMPS://live.example/app/KEY", "RTMPS://live.example/***");
        check("rtmp://0.0.0.0", "rtmp://0.0.0.0");
        check("rtsp://cam/user=admin_password=ab/cd_channel=1", "rtsp://cam/***");
        check("rtsps://cam:7441/nXv7gQbZq3oYh1aK?enableSrtp", "rtsps://cam:7441/***?***");
    }

    #[test]
    fn what_holds_no_secret_is_shown_whole() {
        for url in [
            "rtsp://cam.local:554/h264/ch1/main/av_stream",
            "udp://239.0.0.1:1234?localaddr=127.0.0.1",
            "http://[::1]:8080/a/stream.m3u8?_HLS_msn=12",
            "srt://127.0.0.1:9000?mode=listener",
            "tcp://127.0.0.1:9000?listen",
            "udp://@:5000",
            "nonsense",
            "a film at 12:30 @ home.mp4",
            "/films/12:30@home.mp4",
            "",
        ] {
            check(url, url);
        }
    }

    /// Addresses with a place for a secret. They are in lower case; secrets are not.
    const PLACES: &str = include_str!("secret_places.txt");

    proptest! {
        /// Signs alone stand in every address; a part of a secret is one that has a letter or a digit.
        #[test]
        fn no_three_letters_of_a_secret_are_shown(secret in "[A-Z0-9@/?#&:=%+;!$~. -]{3,24}") {
            for place in PLACES.lines() {
                let url = place.replace("{}", &secret);
                let shown = shown(&url);
                let letters: Vec<char> = secret.chars().collect();
                for part in letters.windows(3).filter(|part| part.iter().any(char::is_ascii_uppercase)) {
                    let part: String = part.iter().collect();
                    prop_assert!(!shown.contains(&part), "{} of {} is in {}", part, url, shown);
                }
            }
        }

        #[test]
        fn what_is_shown_tells_no_two_passwords_apart(one in "[^/?#]{1,12}", other in "[^/?#]{1,12}") {
            let of = |password: &str| shown(&format!("rtsp://u:{password}@h.test/p"));
            prop_assert_eq!(of(&one), of(&other));
        }

        #[test]
        fn no_text_whatsoever_makes_it_panic(text in "\\PC*") {
            let _ = (shown(&text), shown_path_or_mistyped(&text), may_need_encoding(&text));
        }
    }
}
