//! An encoder that pushes the tags of an FLV file as they stand in it, in real time: others put them in order first.
//!
//! Adobe's RTMP 1.0, 5.2 (handshake), 5.3 (chunks) and 7.2 (commands), as far as a client needs them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const HANDSHAKE_BYTES: usize = 1536;
/// Message types: 7.1.
const COMMAND: u8 = 20;
/// Header of an FLV file with the size of no tag behind it (Adobe FLV 10.1, E.2 and E.3).
const FLV_HEAD_BYTES: usize = 13;

/// Pushes the file to `rtmp://HOST:PORT/APPLICATION/KEY`; returns when all of it was sent.
#[track_caller]
pub fn push_flv(to: &str, flv: &[u8]) {
    let (place, path) = to.trim_start_matches("rtmp://").split_once('/').expect("a path");
    let (application, key) = path.rsplit_once('/').expect("a key");
    let mut connection = TcpStream::connect(place).expect("a door");
    connection.set_nodelay(true).expect("a socket");
    connection.write_all(&[&[3][..], &[0; HANDSHAKE_BYTES]].concat()).expect("a server");
    let mut answer = vec![0; 1 + 2 * HANDSHAKE_BYTES];
    connection.read_exact(&mut answer).expect("an answer");
    connection.write_all(&answer[1..=HANDSHAKE_BYTES]).expect("a server");
    let mut reader = connection.try_clone().expect("a socket");
    // What the server says is of no interest, but has to be taken.
    std::thread::spawn(move || while matches!(reader.read(&mut [0; 4096]), Ok(1..)) {});

    let mut connect = [text("connect"), number(1.0), vec![3]].concat();
    connect.extend([&[0, 3][..], b"app", &text(application), &[0, 0, 9]].concat());
    let create = [text("createStream"), number(2.0), vec![5]].concat();
    let publish = [text("publish"), number(3.0), vec![5], text(key), text("live")].concat();
    for (stream, body) in [(0, connect), (0, create), (1, publish)] {
        send(&mut connection, COMMAND, stream, 0, &body);
    }
    let began = Instant::now();
    let mut rest = &flv[FLV_HEAD_BYTES..];
    while let Some((head, after)) = rest.split_first_chunk::<11>() {
        let bytes = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let time_ms = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let due = began + Duration::from_millis(time_ms.into());
        // Real time is what is tested: the source's own pace.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        send(&mut connection, head[0], 1, time_ms, &after[..bytes]);
        rest = &after[bytes + 4..];
    }
}

/// One message in chunks of 128 bytes, the size that needs no agreement (5.3.1).
fn send(connection: &mut TcpStream, kind: u8, stream: u32, time_ms: u32, body: &[u8]) {
    let mut message = vec![3];
    message.extend(&time_ms.to_be_bytes()[1..]);
    message.extend(&(body.len() as u32).to_be_bytes()[1..]);
    message.push(kind);
    message.extend(stream.to_le_bytes());
    for (index, chunk) in body.chunks(128).enumerate() {
        if index > 0 {
            message.push(0xc3);
        }
        message.extend(chunk);
    }
    connection.write_all(&message).expect("a server that takes it");
}

/// AMF 0 (Adobe AMF 0, 2.2 and 2.4).
fn number(value: f64) -> Vec<u8> {
    [&[0][..], &value.to_be_bytes()].concat()
}

fn text(value: &str) -> Vec<u8> {
    [&[2][..], &(value.len() as u16).to_be_bytes(), value.as_bytes()].concat()
}
