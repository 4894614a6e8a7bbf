//! Server promises: whether a server keeps the promises of a low-latency playlist.
//!
//! In: versions of a playlist that says CAN-BLOCK-RELOAD. Out: requests with delivery directives, and findings on their
//! answers. On the thread that follows the segments; each answer is waited for a few seconds.

use std::time::Duration;

use crate::rules::{Asked, check_delta, check_reload};
use livedir_playlist::{Directives, MediaListing};
use url::Url;

use crate::fetch::address::Address;
use crate::fetch::fetcher::{Fetcher, ReadError, Reading};
use crate::follow::session::Session;

/// Servers that keep their word once do so again; those that lose it are found soon enough.
const ASKED_EVERY_S: f64 = 10.0;

/// bis-22 6.2.5.2: more than two ahead is too far; this is so for any server.
const FAR_AHEAD: u64 = 100;

/// Between the two looks at the whole playlist a new version may come.
const TRIES: usize = 5;

/// What is to be refused is refused at once, and what is hinted at comes within a part; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of the server of one playlist.
#[derive(Debug, Default)]
pub(crate) struct ServerPromises {
    asked_at_s: Option<f64>,
    /// Of the newest version, not asked about yet.
    next: Option<Promised>,
}

/// What a version promises.
#[derive(Debug)]
struct Promised {
    next_media_sequence: u64,
    hint: Option<String>,
    can_skip: bool,
}

impl ServerPromises {
    /// Takes in a version.
    pub(crate) fn take(&mut self, listing: &MediaListing) {
        let control = listing.server_control.as_ref().filter(|it| it.can_block_reload && listing.is_live());
        self.next = control.map(|control| Promised {
            next_media_sequence: listing.next_media_sequence(),
            hint: listing.hinted_part().filter(|hint| hint.first_byte.is_none()).map(|it| it.uri.clone()),
            can_skip: control.can_skip_until_s.is_some(),
        });
    }

    /// Asks, when it is time to.
    pub(crate) fn ask(&mut self, fetcher: &Fetcher, name: &str, address: &Address, session: &Session) {
        let Address::Url(url) = address else { return };
        let now_s = session.now_s();
        if self.asked_at_s.is_some_and(|asked_at_s| now_s - asked_at_s < ASKED_EVERY_S) {
            return;
        }
        let Some(promises) = self.next.take() else { return };
        self.asked_at_s = Some(now_s);
        let reload = |directives: Directives, asked: &Asked| {
            let began_s = session.now_s();
            let read = fetcher.held_playlist(&with_directives(url, directives), PATIENCE);
            let Some((status, text)) = answered(read, session, began_s, name) else { return };
            let found = check_reload(name, asked, status, &text);
            let absent_s = session.absent_since_s(began_s);
            if status.is_some() || absent_s <= 0.0 {
                session.collector.find(found);
                return;
            }
            // The answer came, and nobody was here to take it.
            for finding in found {
                session.collector.not_judged(finding.rule.id, &finding.at, absent_s);
            }
        };
        reload(Directives { part: Some(0), ..Directives::default() }, &Asked::PartAlone);
        let far = promises.next_media_sequence.saturating_add(FAR_AHEAD);
        let directives = Directives { media_sequence: Some(far), ..Directives::default() };
        reload(directives, &Asked::FarAhead(far));
        if promises.can_skip {
            compare_delta(fetcher, name, url, session);
        }
        let began_s = session.now_s();
        let answered = |read| answered(read, session, began_s, name);
        if let Some(hint) = &promises.hint
            && let Ok(Address::Url(part)) = address.resolve(hint)
            && let Some((status, _)) = answered(fetcher.held_part(&part, PATIENCE))
        {
            // bis-22 6.2.6: what is lost need not come, and the playlist then says so.
            let is_there = matches!(status, Some(200 | 206));
            let now = if is_there { None } else { answered(fetcher.held_playlist(url, PATIENCE)) };
            let text = now.map_or(String::new(), |(_, text)| text);
            session.collector.find(check_reload(name, &Asked::Hint(hint.clone()), status, &text));
        }
    }
}

/// A delta update says what the whole playlist says before and after it: then nothing new came in between.
fn compare_delta(fetcher: &Fetcher, name: &str, url: &Url, session: &Session) {
    let read = |skip: bool| {
        let (directives, began_s) = (Directives { skip, ..Directives::default() }, session.now_s());
        answered(fetcher.held_playlist(&with_directives(url, directives), PATIENCE), session, began_s, name)
    };
    for _ in 0..TRIES {
        let (Some(before), Some(delta), Some(after)) = (read(false), read(true), read(false)) else { return };
        if before == after && before.0 == Some(200) && delta.0 == Some(200) {
            session.collector.find(check_delta(name, &before.1, &delta.1));
            return;
        }
    }
}

/// The status, and the text; a failure of the network says nothing of the server.
fn answered(
    read: Result<Reading, ReadError>,
    session: &Session,
    began_s: f64,
    name: &str,
) -> Option<(Option<u16>, String)> {
    match read {
        Ok(reading) => Some((Some(200), String::from_utf8_lossy(&reading.bytes).into_owned())),
        Err(ReadError::Status { status, .. }) => Some((Some(status), String::new())),
        Err(ReadError::Silent { .. }) => Some((None, String::new())),
        Err(error) => {
            session.unread(&error, began_s, "blocking-reload-refused", name);
            None
        }
    }
}

/// The playlist's URL with directives behind whatever query it has (bis-22 6.2.5).
#[must_use]
pub(crate) fn with_directives(url: &Url, directives: Directives) -> Url {
    let mut url = url.clone();
    let Directives { media_sequence, part, skip } = directives;
    if directives != Directives::default() {
        let mut query = url.query_pairs_mut();
        if let Some(media_sequence) = media_sequence {
            query.append_pair("_HLS_msn", &media_sequence.to_string());
        }
        if let Some(part) = part {
            query.append_pair("_HLS_part", &part.to_string());
        }
        if skip {
            query.append_pair("_HLS_skip", "YES");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_stand_behind_the_query_of_the_playlist() {
        #[track_caller]
        fn check(url: &str, directives: Directives, expected: &str) {
            assert_eq!(with_directives(&Url::parse(url).unwrap(), directives).as_str(), expected);
        }
        let all = Directives { media_sequence: Some(7), part: Some(2), skip: true };
        let expected = "http://a.example/ll.m3u8?token=a%2Fb&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES";
        check("http://a.example/ll.m3u8?token=a%2Fb", all, expected);
        check("http://a.example/ll.m3u8", Directives::default(), "http://a.example/ll.m3u8");
    }
}
