//! The ports: what was asked for in, bound sockets out, one for each thread that serves, or one line that says what to
//! do about it.
//!
//! On Linux each thread has a socket of its own for the same port (`SO_REUSEPORT`), and the kernel spreads connections
//! over them. Elsewhere, and for unix sockets and those of systemd, all threads take from one.

mod address;
pub mod open_files;
pub mod pid_file;
pub mod signals;
pub(crate) mod systemd;
pub mod tls;

use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};

pub use address::{Endpoint, Listen, ListenAt, Scheme};

/// Connections that the kernel holds while we are busy; it caps this itself (net.core.somaxconn).
const BACKLOG: i32 = 4096;

/// The kernels that spread connections evenly over sockets with the same port.
const SPREADS: bool = cfg!(target_os = "linux");

/// Where to listen when nobody says where. A port above 1023 needs no rights.
const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080);

/// What to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenSettings {
    /// For the viewers; empty leaves it to systemd, and without that to port 8080 of all IPv4 addresses.
    pub viewers: Vec<Listen>,
    /// For the operator.
    pub operator: Option<SocketAddr>,
    /// What a port speaks for which nothing else is said.
    pub usual_scheme: Scheme,
    /// So many take connections.
    pub threads: usize,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has it.
    #[error("port {} of {} is in use; stop the program that has it, or choose another with --listen {}", .0.port(), .0.ip(), next_port(*.0))]
    InUse(SocketAddr),
    /// Ports below 1024 belong to root on most systems.
    #[error("port {} needs more rights than this user has; choose one above 1023 with --listen {}", .0.port(), unprivileged(*.0))]
    Denied(SocketAddr),
    /// No interface has this address.
    #[error("this machine has no address {}; listen on all of its addresses with --listen 0.0.0.0:{}", .0.ip(), .0.port())]
    NoSuchAddress(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Other {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another program has the unix socket, or something else is there.
    #[error("{} is in use; stop the program that has it, or choose another with --listen unix:PATH", .0.display())]
    PathInUse(PathBuf),
    /// A unix socket cannot be made.
    #[error("cannot listen on unix:{}: {source}; name a place in a writable directory", path.display())]
    Path {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What systemd handed over is no stream socket that listens.
    #[error("socket {index} of systemd cannot be used: {source}; use ListenStream= in the socket unit")]
    Inherited {
        /// From 0.
        index: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// A port that listens.
#[derive(Debug)]
pub struct Port {
    /// What it speaks.
    pub scheme: Scheme,
    /// Whom it serves.
    pub duty: Duty,
    /// `None` for a unix socket.
    pub address: Option<SocketAddr>,
    pub(crate) sockets: Vec<ListeningSocket>,
    _file: Option<SocketFile>,
}

/// Whom a port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// The stream.
    Viewers,
    /// `/metrics` and `/healthz`.
    Operator,
}

/// One thread's way to take connections from a port.
#[derive(Debug)]
pub(crate) enum ListeningSocket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Goes with the server.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile { path: path.to_owned(), device_and_inode: device_and_inode(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A server that took over the path owns the socket there.
        if device_and_inode(&self.path).is_ok_and(|there| there == self.device_and_inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Binds all ports, and takes over those that systemd has opened.
pub fn listen(settings: &ListenSettings) -> Result<Vec<Port>, ListenError> {
    let mut ports = inherited(settings)?;
    let usual = [Listen { scheme: settings.usual_scheme, endpoint: Endpoint::Address(USUAL_ADDRESS) }];
    let wanted = if settings.viewers.is_empty() && ports.is_empty() { &usual[..] } else { &settings.viewers };
    for listen in wanted {
        ports.push(match &listen.endpoint {
            Endpoint::Address(address) => {
                let beside_ipv4 = wanted.iter().any(|other| other.endpoint.is_ipv4_of(address.port()));
                bind(*address, listen.scheme, Duty::Viewers, settings.threads, beside_ipv4)?
            }
            Endpoint::Path(path) => bind_path(path, settings.threads)?,
        });
    }
    if let Some(address) = settings.operator {
        ports.push(bind(address, Scheme::Http, Duty::Operator, 1, false)?);
    }
    Ok(ports)
}

fn bind(
    address: SocketAddr,
    scheme: Scheme,
    duty: Duty,
    threads: usize,
    beside_ipv4: bool,
) -> Result<Port, ListenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::Denied(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress(address),
        _ => ListenError::Other { address, source },
    };
    if SPREADS && threads > 1 && address.port() != 0 {
        // A second server of the same user would share the port unseen; without the option it learns of the first.
        socket(address, false, beside_ipv4).map_err(failed)?;
    }
    let spread = SPREADS && threads > 1;
    let first = socket(address, spread, beside_ipv4).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    while sockets.len() < threads {
        let next = if spread { socket(bound, true, beside_ipv4) } else { sockets[0].try_clone() };
        sockets.push(next.map_err(failed)?);
    }
    let sockets = sockets.into_iter().map(ListeningSocket::Tcp).collect();
    Ok(Port { scheme, duty, address: Some(bound), sockets, _file: None })
}

fn socket(address: SocketAddr, spread: bool, beside_ipv4: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // Alone, [::] is for IPv4 too; beside 0.0.0.0 it would be in its way.
        socket.set_only_v6(beside_ipv4)?;
    }
    #[cfg(unix)]
    if spread {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn bind_path(path: &Path, threads: usize) -> Result<Port, ListenError> {
    let failed = |source| ListenError::Path { path: path.to_owned(), source };
    if let Ok(metadata) = fs::symlink_metadata(path) {
        // Left by a crash, when nobody answers.
        if !metadata.file_type().is_socket() || UnixStream::connect(path).is_ok() {
            return Err(ListenError::PathInUse(path.to_owned()));
        }
        fs::remove_file(path).map_err(failed)?;
    }
    let socket = UnixListener::bind(path).map_err(failed)?;
    let file = SocketFile::of(path).map_err(failed)?;
    // Who may come in is for the directory to say, as with nginx's own sockets.
    fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(failed)?;
    shared_unix(socket, threads, Some(file)).map_err(failed)
}

fn shared_unix(socket: UnixListener, threads: usize, file: Option<SocketFile>) -> io::Result<Port> {
    socket.set_nonblocking(true)?;
    let mut sockets = vec![socket];
    while sockets.len() < threads {
        sockets.push(sockets[0].try_clone()?);
    }
    let sockets = sockets.into_iter().map(ListeningSocket::Unix).collect();
    Ok(Port { scheme: Scheme::Http, duty: Duty::Viewers, address: None, sockets, _file: file })
}

/// The sockets that systemd hands over (`LISTEN_FDS`).
fn inherited(settings: &ListenSettings) -> Result<Vec<Port>, ListenError> {
    let mut handed = ListenFd::from_env();
    let mut ports = Vec::new();
    for index in 0..handed.len() {
        let failed = |source| ListenError::Inherited { index, source };
        let tcp = match handed.take_tcp_listener(index) {
            Ok(Some(tcp)) => tcp,
            Ok(None) => continue,
            Err(_) => {
                let unix = handed.take_unix_listener(index).map_err(failed)?;
                if let Some(unix) = unix {
                    ports.push(shared_unix(unix, settings.threads, None).map_err(failed)?);
                }
                continue;
            }
        };
        tcp.set_nonblocking(true).map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let mut sockets = vec![tcp];
        while sockets.len() < settings.threads {
            sockets.push(sockets[0].try_clone().map_err(failed)?);
        }
        ports.push(Port {
            scheme: settings.usual_scheme,
            duty: Duty::Viewers,
            address: Some(address),
            sockets: sockets.into_iter().map(ListeningSocket::Tcp).collect(),
            _file: None,
        });
    }
    Ok(ports)
}

fn next_port(mut address: SocketAddr) -> SocketAddr {
    address.set_port(address.port().checked_add(1).unwrap_or(8080));
    address
}

fn unprivileged(mut address: SocketAddr) -> SocketAddr {
    address.set_port(8080);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &ListenError, expected: &str) {
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn each_refusal_names_the_port_and_the_way_out() {
        let address: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        check(
            &ListenError::InUse(address),
            "port 8080 of 0.0.0.0 is in use; stop the program that has it, or choose another with --listen 0.0.0.0:8081",
        );
        check(
            &ListenError::Denied("0.0.0.0:80".parse().unwrap()),
            "port 80 needs more rights than this user has; choose one above 1023 with --listen 0.0.0.0:8080",
        );
        check(
            &ListenError::NoSuchAddress("192.0.2.1:8080".parse().unwrap()),
            "this machine has no address 192.0.2.1; listen on all of its addresses with --listen 0.0.0.0:8080",
        );
    }

    #[test]
    fn a_port_that_is_shared_between_threads_is_still_taken_for_others() {
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let port = bind(anywhere, Scheme::Http, Duty::Viewers, 2, false).unwrap();
        assert_eq!(port.sockets.len(), 2);
        let error = bind(port.address.unwrap(), Scheme::Http, Duty::Viewers, 2, false).unwrap_err();
        assert!(matches!(error, ListenError::InUse(_)), "{error}");
    }

    #[test]
    fn ipv4_and_ipv6_go_side_by_side() {
        let ipv4 = bind((Ipv4Addr::UNSPECIFIED, 0).into(), Scheme::Http, Duty::Viewers, 2, false).unwrap();
        let ipv6 = SocketAddr::new("::".parse().unwrap(), ipv4.address.unwrap().port());
        bind(ipv6, Scheme::Http, Duty::Viewers, 2, true).unwrap();
    }

    #[test]
    fn a_unix_socket_left_by_a_crash_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livedir.sock");
        drop(UnixListener::bind(&path).unwrap());
        let port = bind_path(&path, 2).unwrap();
        assert!(bind_path(&path, 2).unwrap_err().to_string().contains("in use"));
        drop(port);
        assert!(!path.exists());
        let port = bind_path(&path, 1).unwrap();
        fs::remove_file(&path).unwrap();
        let successor = bind_path(&path, 1).unwrap();
        drop(port);
        assert!(path.exists(), "it is another server's by now");
        drop(successor);
        fs::write(&path, "a file").unwrap();
        assert!(bind_path(&path, 2).unwrap_err().to_string().contains("in use"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    }
}
