//! The port: an address in, a bound listener out, or one line that says what to do about it.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

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
}

/// Binds `address` and starts to queue connections.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::Denied(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress(address),
        _ => ListenError::Other { address, source },
    })
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
}
