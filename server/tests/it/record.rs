//! Record of the server: what it answers to more than 700 requests, held to what it answered when `record.txt` was written.
//!
//! In: a webroot that is the same each time, servers with several settings, the requests of `requests`. Out: the same digests
//! of heads and bodies as in `record.txt`, or the answers that differ.

mod http2;
mod masks;
mod operator;
mod requests;
mod site;
mod talk;

use std::net::SocketAddr;

use crate::support::{Entry, Server, compare_digests, get};
use requests::Ask;

/// Path of the record in the repository.
const FILE: &str = "server/tests/it/record.txt";

/// What a validator in a request stands for; the server makes it of the file.
fn with_validators(address: SocketAddr, ask: &Ask) -> Vec<u8> {
    let mut bytes = ask.bytes.clone();
    for (placeholder, name, headers) in [
        ("{tag}", "ETag", &[][..]),
        ("{packed}", "ETag", &["Accept-Encoding: gzip"][..]),
        ("{date}", "Last-Modified", &[][..]),
    ] {
        if let Some(at) = bytes.windows(placeholder.len()).position(|it| it == placeholder.as_bytes()) {
            let value = get(address, &ask.path, headers).header(name);
            bytes.splice(at..at + placeholder.len(), value.bytes());
        }
    }
    bytes
}

/// Asks a server each of these, on connections of their own.
fn answers(part: &str, address: SocketAddr, asks: &[Ask]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for ask in asks {
        let answer = talk::ask(address, &with_validators(address, ask), ask.is_head);
        let answer = masks::mask(answer);
        entries.push(Entry {
            name: format!("{part}: {}", ask.shown()),
            facts: answer.status(),
            whole: answer.bytes(),
            only_facts: false,
        });
    }
    entries
}

#[test]
fn the_server_answers_as_it_did() {
    let webroot = site::webroot();
    let start = |words: &[&str]| Server::start(&webroot.path(), words);
    let mut entries = Vec::new();

    let memory = start(&[]);
    entries.extend(answers("memory", memory.address, &requests::for_memory()));
    entries.extend(http2::answers(memory.address));
    entries.extend(talk::rows(memory.address));

    let disk = start(&["--cache-size", "0"]);
    entries.extend(answers("disk", disk.address, &requests::for_disk()));

    let kept = start(&["--segment-max-age", "10m", "--page-policy", "off"]);
    entries.extend(answers("max-age", kept.address, &requests::files("GET")));

    let small = start(&["--cache-size", "100K", "--poll"]);
    entries.extend(answers("small memory", small.address, &requests::files("GET")));

    entries.extend(operator::answers(&webroot));
    compare_digests(FILE, &entries);
}
