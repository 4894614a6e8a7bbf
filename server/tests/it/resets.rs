//! HTTP/2 clients that open streams only to reset them (CVE-2023-44487), or open them and never take the answer.

use std::time::Duration;

use h2::Reason;
use h2::client::{Connection as Http2, SendRequest};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::support::{DEADLINE, Server, Webroot, get, wait_until};

/// More than any player breaks off, and little enough for a test.
const STREAMS: usize = 20_000;

fn request(server: &Server, path: &str) -> http::Request<()> {
    http::Request::get(format!("http://{}{path}", server.address)).body(()).unwrap()
}

async fn connect(server: &Server) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (client, connection): (_, Http2<_, _>) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Opens streams and gives each up at once; how many until the server had enough.
async fn flood(server: &Server) -> usize {
    let mut client = connect(server).await;
    for count in 0..STREAMS {
        let Ok(Ok(ready)) = timeout(DEADLINE, client.ready()).await else { return count };
        client = ready;
        let Ok((answer, mut stream)) = client.send_request(request(server, "/live/seg-00000001.ts"), true)
        else {
            return count;
        };
        stream.send_reset(Reason::CANCEL);
        drop(answer);
        tokio::task::yield_now().await;
    }
    STREAMS
}

#[test]
fn a_flood_of_resets_ends_with_the_connection_and_disturbs_nobody() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..5 {
        let streams = runtime.block_on(flood(&server));
        assert!(streams < STREAMS, "the server took all of it");
        assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
    }
    if let Some(peak_kib) = server.peak_kib() {
        assert!(peak_kib < 100 * 1024, "{peak_kib} KiB at the most");
    }
}

#[test]
fn a_client_that_takes_no_answers_is_sent_away() {
    let webroot = Webroot::new();
    webroot.write("live/large.ts", &vec![7; 4 << 20]);
    // Its streams end after the first time, the connection without a stream after the second.
    let server = Server::start(&webroot.path(), &["--client-timeout", "2s", "--idle-timeout", "2s"]);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = connect(&server).await;
        let mut answers = Vec::new();
        for _ in 0..20 {
            client = client.ready().await.unwrap();
            let (answer, _) = client.send_request(request(&server, "/live/large.ts"), true).unwrap();
            // The window of the connection is never opened further, as the bodies are not read.
            answers.push(answer.await);
        }
        assert!(answers.iter().filter(|answer| answer.is_ok()).count() > 0);
        let ended = timeout(DEADLINE, async {
            loop {
                match client.ready().await {
                    Ok(ready) => client = ready,
                    Err(_) => return,
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        ended.await.expect("the connection is ended");
    });
    wait_until("others are served", || get(server.address, "/stream.m3u8", &[]).status == 200);
}
