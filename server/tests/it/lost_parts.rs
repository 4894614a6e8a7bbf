//! Parts and segments that are lost, from outside: whoever waits for one knows at once (bis 6.2.1, 6.2.6).

use std::fs;
use std::net::SocketAddr;

use h2::client::handshake;

use crate::blocking::{list, metric, next};
use crate::support::{Answer, Connection, Server, Webroot, get, wait_until};

/// Where a stream lies, and how its list names a file beside which one it is.
struct Place {
    /// Of the list, in the site.
    playlist: &'static str,
    /// Of the parts, in the site.
    parts: &'static str,
    /// Of the parts, in the list.
    prefix: &'static str,
}

const ALONE: Place = Place { playlist: "ll.m3u8", parts: "live", prefix: "live/" };
const RENDITION: Place = Place { playlist: "live/720p/ll.m3u8", parts: "live/720p", prefix: "" };
const CHANNEL: Place = Place { playlist: "one/ll.m3u8", parts: "one/live", prefix: "live/" };
const PLACES: [Place; 3] = [ALONE, RENDITION, CHANNEL];

impl Place {
    fn publish(&self, webroot: &Webroot, list: &str) {
        let aside = format!("{}.new", self.playlist);
        webroot.write(&aside, list.replace("live/", self.prefix).as_bytes());
        fs::rename(webroot.path().join(aside), webroot.path().join(self.playlist)).unwrap();
    }

    fn part(&self, number: usize) -> String {
        format!("/{}/seg-00000002.p{number:02}.ts", self.parts)
    }

    fn segment(&self) -> String {
        format!("/{}/seg-00000002.ts", self.parts)
    }

    /// What asks for the list with one more part than `list(parts)` has.
    fn next(&self, parts: usize) -> String {
        next(parts).replace("/ll.m3u8", &format!("/{}", self.playlist))
    }
}

/// So many parts of the second segment are listed, and the last of them is lost.
pub fn last_lost(parts: usize) -> String {
    let end = format!("p{:02}.ts\"", parts - 1);
    list(parts).replacen(&format!("{end}\n"), &format!("{end},GAP=YES\n"), 1)
}

/// The second segment is listed without a file, and nobody has seen its parts.
fn segment_lost() -> String {
    let (complete, hint) = (list(0), "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000003.p00.ts\"\n");
    let (complete, _) = complete.split_once("#EXT-X-PRELOAD-HINT").unwrap();
    format!("{complete}#EXT-X-GAP\n#EXTINF:20.0,\nlive/seg-00000002.ts\n{hint}")
}

fn start(webroot: &Webroot) -> (Server, SocketAddr) {
    let mut server = Server::start(&webroot.path(), &["--metrics-listen", "127.0.0.1:0"]);
    let operator = server.next_address();
    (server, operator)
}

#[track_caller]
fn wait_until_held(operator: SocketAddr, count: u64) {
    wait_until(&format!("{count} are held"), || metric(operator, "livedir_held_requests") == count);
}

fn finish(mut connection: Connection) -> Answer {
    let mut answer = connection.read_head();
    connection.read_body(&mut answer);
    answer
}

/// Whoever waits is let go by `list`, long before the minute is over that they would be held for: 503 would say that it was.
#[track_caller]
fn check(place: &Place, list: &str) {
    let webroot = Webroot::new();
    place.publish(&webroot, &crate::blocking::list(1));
    let (server, operator) = start(&webroot);
    let part = place.part(1);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send("GET", &part, &[]);
            connection
        })
        .collect();
    wait_until_held(operator, 3);
    place.publish(&webroot, list);
    for connection in waiting {
        let answer = finish(connection);
        assert_eq!(answer.status, 404, "{part}\n{list}");
        assert!(answer.header("Cache-Control").contains("no-store"), "{answer:?}");
    }
    // And so for whoever asks later.
    assert_eq!(get(server.address, &part, &[]).status, 404);
    assert_eq!(metric(operator, "livedir_holds_total{end=\"settled\"}"), 3);
    assert_eq!(metric(operator, "livedir_holds_total{end=\"too_late\"}"), 0);
}

#[test]
fn a_part_that_the_list_calls_lost_is_not_found_at_once() {
    for place in &PLACES {
        check(place, &last_lost(2));
    }
}

#[test]
fn a_part_that_the_list_passes_over_is_not_found_at_once() {
    let complete = segment_lost().replace("#EXT-X-GAP\n", "");
    for place in &PLACES {
        check(place, &list(3));
        check(place, &complete);
    }
}

#[test]
fn a_segment_that_is_lost_is_not_found_and_neither_are_its_parts() {
    for place in &PLACES {
        check(place, &segment_lost());
        let webroot = Webroot::new();
        place.publish(&webroot, &segment_lost());
        let (server, operator) = start(&webroot);
        for path in [place.segment(), place.part(0), place.part(1)] {
            assert_eq!(get(server.address, &path, &[]).status, 404, "{path}");
        }
        assert_eq!(metric(operator, "livedir_holds_total{end=\"settled\"}"), 0, "nobody was held");
    }
}

#[test]
fn behind_a_part_that_is_lost_lists_and_parts_are_waited_for_as_ever() {
    for place in &PLACES {
        let webroot = Webroot::new();
        place.publish(&webroot, &list(1));
        let (server, operator) = start(&webroot);
        let mut lists = Connection::open(server.address);
        lists.send("GET", &place.next(1), &[]);
        wait_until_held(operator, 1);
        place.publish(&webroot, &last_lost(2));
        let mut answer = lists.read_head();
        lists.read_body(&mut answer);
        assert_eq!((answer.status, answer.text()), (200, last_lost(2).replace("live/", place.prefix)));
        // A part that is lost is there for the list: the next one is waited for.
        lists.send("GET", &place.next(2), &[]);
        let mut parts = Connection::open(server.address);
        parts.send("GET", &place.part(2), &[]);
        wait_until_held(operator, 2);
        webroot.write(&place.part(2)[1..], b"a part");
        place.publish(&webroot, &list(3).replacen("p01.ts\"\n", "p01.ts\",GAP=YES\n", 1));
        assert_eq!(finish(lists).status, 200);
        let answer = finish(parts);
        assert_eq!((answer.status, answer.text().as_str()), (200, "a part"));
    }
}

#[tokio::test]
async fn streams_of_http2_know_at_once_too() {
    for place in &PLACES {
        let webroot = Webroot::new();
        place.publish(&webroot, &list(1));
        let (server, operator) = start(&webroot);
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let (mut client, connection) = handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut ask = |path: &str| {
            let request = http::Request::get(format!("http://livedir.test{path}")).body(()).unwrap();
            client.send_request(request, true).unwrap().0
        };
        let (list, part) = (ask(&place.next(1)), ask(&place.part(1)));
        tokio::task::spawn_blocking(move || wait_until_held(operator, 2)).await.unwrap();
        place.publish(&webroot, &last_lost(2));
        assert_eq!(list.await.unwrap().status(), 200);
        assert_eq!(part.await.unwrap().status(), 404);
        assert_eq!(ask(&place.part(1)).await.unwrap().status(), 404);
        assert_eq!(ask(&place.next(1)).await.unwrap().status(), 200);
    }
}
