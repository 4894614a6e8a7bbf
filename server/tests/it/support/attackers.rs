//! Clients that take as much of a server as they can: connections that ask for much and read next to nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use socket2::{Domain, Socket, Type};

/// What they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

/// Bytes on the wire, with or without TLS.
trait Wire: Read + Write + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ClientConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// How connections are made.
#[derive(Clone)]
pub struct Dialer {
    pub address: SocketAddr,
    /// The certificate to trust, for TLS.
    pub certificate: Option<CertificateDer<'static>>,
}

impl Dialer {
    fn dial(&self, from: Ipv4Addr, version: Version) -> io::Result<Box<dyn Wire>> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // The less the system takes for us, the more the server has to keep.
        socket.set_recv_buffer_size(4096)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        socket.connect(&self.address.into())?;
        let tcp = TcpStream::from(socket);
        tcp.set_read_timeout(Some(Duration::from_secs(5)))?;
        tcp.set_write_timeout(Some(Duration::from_secs(5)))?;
        let Some(certificate) = &self.certificate else { return Ok(Box::new(tcp)) };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).map_err(io::Error::other)?;
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = match version {
            Version::Http1 => vec![b"http/1.1".to_vec()],
            Version::Http2 => vec![b"h2".to_vec()],
        };
        let name = "localhost".try_into().map_err(io::Error::other)?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(tls, tcp)))
    }
}

/// The heads that they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    Short,
    /// As long as may be; with HTTP/1.1 many of them.
    Long,
    /// As long as may be, and without an end.
    Begun,
    /// With an address as long as may be, and of the file as many parts as may be.
    LongAddress,
    /// HTTP/2: as long as may be, with a host that enters the table of HPACK.
    LongInTable,
    /// HTTP/2: short, and continued where the host begins, which enters the table.
    ContinuedInTable,
}

/// Nearly all that a server takes.
const LONG_BYTES: usize = 15_000;
const LONG_ADDRESS_BYTES: usize = 7_900;

const RANGES: &str =
    "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30";

/// The address of `path` in such a head.
fn address(path: &str, head: Head) -> String {
    match head {
        Head::LongAddress => format!("{path}?{}", "a".repeat(LONG_ADDRESS_BYTES - path.len() - 1)),
        _ => path.to_owned(),
    }
}

fn http1(path: &str, head: Head) -> Vec<u8> {
    let line = format!("GET {} HTTP/1.1\r\nHost: a\r\n", address(path, head));
    let long = format!("{line}If-None-Match: {}", "a".repeat(LONG_BYTES));
    let sent = match head {
        Head::Short | Head::ContinuedInTable => line + "\r\n",
        Head::Long | Head::LongInTable => format!("{line}\r\n{}", format!("{long}\r\n\r\n").repeat(8)),
        Head::Begun => long,
        Head::LongAddress => format!("{line}Range: {RANGES}\r\n\r\n"),
    };
    sent.into_bytes()
}

fn http2(stream: u32, path: &str, head: Head) -> Vec<u8> {
    let is_in_table = matches!(head, Head::LongInTable | Head::ContinuedInTable);
    let mut block = get(&address(path, head), is_in_table);
    // RFC 7541 appendix A: 41 is if-none-match, 50 is range
    match head {
        Head::Short | Head::ContinuedInTable => {}
        Head::Long | Head::Begun | Head::LongInTable => {
            block.extend(field(&[0x0f, 41 - 15], &[b'a'; LONG_BYTES]));
        }
        Head::LongAddress => block.extend(field(&[0x0f, 50 - 15], RANGES.as_bytes())),
    }
    if head == Head::ContinuedInTable {
        let (begun, rest) = block.split_at(block.len() - 2);
        return [frame(1, 1, stream, begun), frame(9, 4, stream, rest)].concat();
    }
    // END_STREAM, and END_HEADERS if that is the end
    frame(1, if head == Head::Begun { 1 } else { 5 }, stream, &block)
}

/// A connection that holds as much of the server as one may.
pub struct SlowReader {
    wire: Box<dyn Wire>,
    version: Version,
}

/// On one connection, as many as the server allows.
pub const STREAMS: u32 = 64;

impl SlowReader {
    /// Asks for `path`, with HTTP/2 on all streams; `window_bytes` of each of these may be sent, and of all
    /// together so many, too, but at least 65,535.
    pub fn begin(
        dialer: &Dialer,
        from: Ipv4Addr,
        version: Version,
        path: &str,
        window_bytes: u32,
    ) -> io::Result<SlowReader> {
        Self::begin_with(dialer, from, version, path, window_bytes, Head::Short)
    }

    /// The same with a head of this kind.
    pub fn begin_with(
        dialer: &Dialer,
        from: Ipv4Addr,
        version: Version,
        path: &str,
        window_bytes: u32,
        head: Head,
    ) -> io::Result<SlowReader> {
        let mut wire = dialer.dial(from, version)?;
        let sent = match version {
            Version::Http1 => http1(path, head),
            Version::Http2 => {
                let mut sent = preface(window_bytes);
                if window_bytes > 65_535 {
                    sent.extend(window_update(0, window_bytes));
                }
                // Nothing else may follow the beginning of a head.
                let streams = if head == Head::Begun { 1 } else { STREAMS };
                (0..streams).for_each(|number| sent.extend(http2(2 * number + 1, path, head)));
                sent
            }
        };
        wire.tcp().set_nonblocking(head != Head::Short)?;
        // Of much that is asked, the server takes what it likes.
        match wire.write_all(&sent).and_then(|()| wire.flush()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => written?,
        }
        wire.tcp().set_nonblocking(true)?;
        Ok(SlowReader { wire, version })
    }

    /// Takes so many bytes at the most; false when the server has ended the connection.
    pub fn take(&mut self, most_bytes: u32) -> bool {
        match self.version {
            Version::Http1 => read_some(&mut *self.wire, most_bytes as usize) != Some(0),
            Version::Http2 => {
                let more = [window_update(0, most_bytes), window_update(1, most_bytes)].concat();
                let is_open = self.look();
                is_open
                    && !self.wire.write_all(&more).is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
            }
        }
    }

    /// Reads what is no body, of HTTP/2; false when the server has ended the connection.
    pub fn look(&mut self) -> bool {
        if self.version == Version::Http1 {
            let mut byte = [0];
            return !matches!(self.wire.tcp().peek(&mut byte), Ok(0))
                && self.wire.tcp().take_error().is_ok_and(|error| error.is_none());
        }
        while let Some(count) = read_some(&mut *self.wire, 4096) {
            if count == 0 {
                return false;
            }
        }
        true
    }
}

/// `None` when there is nothing to read now, 0 at the end.
fn read_some(wire: &mut dyn Wire, most_bytes: usize) -> Option<usize> {
    match wire.read(&mut vec![0; most_bytes]) {
        Ok(count) => Some(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some(0),
    }
}

/// A frame of HTTP/2.
pub fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (content.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// What a client sends first, with `SETTINGS_INITIAL_WINDOW_SIZE`.
pub fn preface(window_bytes: u32) -> Vec<u8> {
    let settings = [&[0, 4][..], &window_bytes.to_be_bytes()].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, &settings)[..]].concat()
}

/// A field without compression: the number of its name, and its value of at most 16,510 bytes.
fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    // RFC 7541 5.1: a length is a number with a prefix of seven bits
    match value.len().checked_sub(127) {
        None => [name, &[value.len() as u8], value].concat(),
        Some(more) => [name, &[0x7f, 0x80 | (more & 0x7f) as u8, (more >> 7) as u8], value].concat(),
    }
}

/// The fields of a GET. RFC 7541 appendix A: 2 and 6 are the method and the scheme, 4 and 1 the names of path and authority.
/// 6.2.1: with 0x40 the authority enters the table.
fn get(path: &str, is_in_table: bool) -> Vec<u8> {
    let authority = if is_in_table { 0x41 } else { 0x01 };
    [&[0x82, 0x86][..], &field(&[0x04], path.as_bytes()), &field(&[authority], b"a")].concat()
}

/// A GET.
pub fn headers(stream: u32, path: &str) -> Vec<u8> {
    // END_STREAM and END_HEADERS
    frame(1, 5, stream, &get(path, false))
}

/// A HEAD.
pub fn head_of(stream: u32, path: &str) -> Vec<u8> {
    let method = field(&[0x02], b"HEAD");
    let rest = [&[0x86][..], &field(&[0x04], path.as_bytes()), &field(&[0x01], b"a")].concat();
    frame(1, 5, stream, &[method, rest].concat())
}

/// Lets the server send so many bytes more; 0 is the whole connection.
pub fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(8, 0, stream, &bytes.to_be_bytes())
}

/// The next frame: its type, its stream and what is in it.
pub fn read_frame(stream: &mut TcpStream) -> (u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let [high, middle, low, kind, _, number @ ..] = head;
    let mut content = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    stream.read_exact(&mut content).unwrap();
    (kind, u32::from_be_bytes(number), content)
}
