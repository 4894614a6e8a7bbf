//! What was typed: the command line of `livedir-server`, word for word. What it means is decided in `settings`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use ipnet::IpNet;

use super::values::{
    PagePolicy, parse_connections, parse_connections_per_address, parse_max_age_s, parse_metrics_listen,
    parse_network, parse_size_bytes, parse_switch, parse_threads, parse_timeout_s,
};
use crate::listen::ListenAt;
use crate::operator::access_log::{AccessLog, LogFormat};

/// Serve a livedir webroot over HTTP: the playlist, its segments and the player page.
#[derive(Debug, Clone, Parser)]
#[command(name = "livedir-server", version)]
pub struct Args {
    /// Directory to serve
    #[arg(long, value_name = "DIR", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Address and port to listen on, or unix:PATH; may be given several times [default: 0.0.0.0:8080, or systemd's sockets]
    ///
    /// 8080 alone is 0.0.0.0:8080. 127.0.0.1:8080 is for this machine only, `[::]:8080` is for IPv6 too, port 0 is any free port. With
    /// --tls-cert an address means https://; write http://ADDRESS:PORT for one without TLS
    #[arg(long, value_name = "ADDRESS:PORT", env = "LIVEDIR_LISTEN", value_delimiter = ',')]
    pub listen: Vec<ListenAt>,

    /// Certificate chain (PEM) for HTTPS and HTTP/2; it is read again when the file changes
    #[arg(long, value_name = "FILE", env = "LIVEDIR_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key (PEM) of --tls-cert
    #[arg(long, value_name = "FILE", env = "LIVEDIR_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// How long caches may keep a segment without asking again, like 30s, 10m, 6h or 1d
    ///
    /// For a CDN, give at least the duration of the playlist
    #[arg(long, value_name = "DURATION", default_value = "0", env = "LIVEDIR_SEGMENT_MAX_AGE", value_parser = parse_max_age_s)]
    pub segment_max_age: u32,

    /// Memory for the segments that playlists list, like 500K, 256M or 2G; 0 for none. Playlists have memory of their own
    #[arg(long, value_name = "SIZE", default_value = "256M", env = "LIVEDIR_CACHE_SIZE", value_parser = parse_size_bytes)]
    pub cache_size: u64,

    /// Read playlists every 100 ms while they are requested, for file systems without change events (NFS, mounts of containers)
    #[arg(long, env = "LIVEDIR_POLL", value_parser = parse_switch)]
    pub poll: bool,

    /// Access log: a file, - for stdout, or off [default: off when stdout is a terminal, - otherwise]
    #[arg(long, value_name = "FILE|-|off", env = "LIVEDIR_ACCESS_LOG")]
    pub access_log: Option<AccessLog>,

    /// Format of the access log: the combined format of web servers, or JSON
    #[arg(long, value_name = "FORMAT", default_value = "combined", env = "LIVEDIR_ACCESS_LOG_FORMAT")]
    pub access_log_format: LogFormat,

    /// Proxies whose X-Forwarded-For is trusted, like 10.0.0.7 or 10.0.0.0/8; may be given several times
    ///
    /// Connections over a unix socket are always trusted
    #[arg(long, value_name = "ADDRESS[/LENGTH]", env = "LIVEDIR_FORWARDED_FROM", value_delimiter = ',', value_parser = parse_network)]
    pub forwarded_from: Vec<IpNet>,

    /// Address for /metrics (Prometheus) and /healthz, like 127.0.0.1:9101 for this machine only
    #[arg(long, value_name = "ADDRESS:PORT", env = "LIVEDIR_METRICS_LISTEN", value_parser = parse_metrics_listen)]
    pub metrics_listen: Option<SocketAddr>,

    /// Most connections at a time; beyond it, the one that was idle for longest is closed
    #[arg(long, value_name = "COUNT", default_value = "10000", env = "LIVEDIR_CONNECTIONS", value_parser = parse_connections)]
    pub connections: usize,

    /// Most connections at a time from one IPv4 address or IPv6 /64 [default: 1000, and at most half of --connections]
    ///
    /// Those of --forwarded-from and unix sockets are not counted
    #[arg(long, value_name = "COUNT", env = "LIVEDIR_CONNECTIONS_PER_ADDRESS", value_parser = parse_connections_per_address)]
    pub connections_per_address: Option<usize>,

    /// How long a connection may stay open without a request, like 30s or 10m
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "LIVEDIR_IDLE_TIMEOUT", value_parser = parse_timeout_s)]
    pub idle_timeout: u32,

    /// How long a client may take for a request head or a TLS handshake, and to accept more of a response
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "LIVEDIR_CLIENT_TIMEOUT", value_parser = parse_timeout_s)]
    pub client_timeout: u32,

    /// Number of threads [default: one for each core]
    #[arg(long, value_name = "COUNT", env = "LIVEDIR_THREADS", value_parser = parse_threads)]
    pub threads: Option<u16>,

    /// Content-Security-Policy of HTML pages, or off [default: what the player page needs, and nothing from other sites]
    #[arg(long, value_name = "POLICY|off", env = "LIVEDIR_PAGE_POLICY")]
    pub page_policy: Option<PagePolicy>,

    /// File for the process id, while the server listens
    #[arg(long, value_name = "FILE", env = "LIVEDIR_PID_FILE")]
    pub pid_file: Option<PathBuf>,

    /// Write the man page and shell completions into a directory, like /usr/local/share, and exit
    #[arg(long, value_name = "DIR")]
    pub manual: Option<PathBuf>,
}
